"""Pages say what is so: generated parts are current, links lead somewhere, blocks are what they claim to be."""

import ast
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scripts.pages.book import PARTS, ROOT, fresh, pages
from scripts.pages.evidence import named_by_tests
from scripts.pages.markdown import UnknownPart, parts_of, rewritten
from tests.docs.blocks import Block, blocks

LINK = re.compile(r"\[[^\]\n]*\]\((?!https?:|mailto:)([^)\s]*)\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
EVIDENCE = re.compile(r"<!-- generated: evidence -->.*?<!-- end -->", re.DOTALL)
INVARIANTS = [f"I{number}" for number in range(1, 22)]


def evidence_part() -> str:
    """The table of the guarantees that leads to the tests."""
    found = EVIDENCE.search((ROOT / "docs" / "guarantees.md").read_text("utf-8"))
    assert found is not None
    return found.group()


def name(page: Path) -> str:
    """A page as a test's id."""
    return page.relative_to(ROOT).as_posix()


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as the forges make them."""
    headings = re.findall(r"^#+\s+(.*)$", FENCED.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(text: str, folder: Path, own: set[str]) -> Iterator[str]:
    """Links that lead nowhere: to no file, or to no heading."""
    for link in LINK.findall(FENCED.sub("", text)):
        path, _, anchor = link.partition("#")
        target = folder / path
        if not path:
            if anchor not in own:
                yield link
        elif not target.exists() or (anchor and anchor not in anchors(target.read_text("utf-8"))):
            yield link


def misread(block: Block) -> str | None:
    """Why a block is not what its language says."""
    try:
        match block.language:
            case "python":
                compile(block.text, "block", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
            case "yaml":
                yaml.safe_load(block.text)
            case "toml":
                tomllib.loads(block.text)
            case "json":
                json.loads(block.text)
            case "sh":
                subprocess.run(["bash", "-n", "-c", block.text], check=True, capture_output=True, timeout=30)
            case _:
                return None
    except (SyntaxError, ValueError, yaml.YAMLError, subprocess.CalledProcessError) as error:
        return f"line {block.line}: {error}"
    return None


@pytest.mark.parametrize("page", pages(), ids=name)
def test_the_generated_parts_of_a_page_are_current(page: Path) -> None:
    """What the code knows and what the page says are the same; `scripts/docs` writes them anew."""
    old, new = (EVIDENCE.sub("", text) for text in (page.read_text("utf-8"), fresh(page)))
    assert new == old, f"{name(page)} is out of date: run scripts/docs"


def test_the_evidence_that_is_named_is_there() -> None:
    """Every file that the guarantees name has a test of that invariant. New tests may be missing until `scripts/docs`
    is run again, so that one can write a test without touching a page."""
    rows = re.findall(r"^\| (I\d+) \| (.*?) \|", evidence_part(), re.MULTILINE)
    assert [invariant for invariant, _ in rows] == INVARIANTS
    tests = named_by_tests()
    named = {invariant: set(re.findall(r"\(\.\./([^)]*)\)", files)) for invariant, files in rows}
    assert {
        one: files - set(tests.get(one, ())) for one, files in named.items() if files - set(tests.get(one, ()))
    } == {}
    assert [one for one in tests if not named[one]] == [], "run scripts/docs: these have tests now"


def test_every_generated_part_has_a_page() -> None:
    """A part that no page shows is dead."""
    shown = {part for page in pages() for part in parts_of(page.read_text("utf-8"))}
    assert set(PARTS) - shown == set()


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """To a file in the clone, and to a heading that is there."""
    text = page.read_text("utf-8")
    assert list(broken(text, page.parent, anchors(text))) == []


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_block_is_what_its_language_says(page: Path) -> None:
    """Also those that are not run: Python, shell, YAML, TOML and JSON at least parse."""
    assert [wrong for block in blocks(page.read_text("utf-8")) if (wrong := misread(block))] == []


def test_the_guarantees_speak_of_every_invariant() -> None:
    """I1 to I21, also those whose subject is not built."""
    page = (ROOT / "docs" / "guarantees.md").read_text("utf-8")
    assert [one for one in INVARIANTS if f"**{one}. " not in page] == []


def test_a_part_that_is_out_of_date_or_unknown_is_found() -> None:
    """The mark stays, what stands between is written anew."""
    page = "a\n<!-- generated: one -->\nold\n<!-- end -->\nb\n"
    assert rewritten(page, {"one": lambda: "new"}) == page.replace("old", "new")
    with pytest.raises(UnknownPart, match="'one'"):
        rewritten(page, {"two": lambda: ""})


def test_a_broken_link_and_a_broken_block_are_found(tmp_path: Path) -> None:
    """A missing file, a missing heading; links in code are no links."""
    (tmp_path / "there.md").write_text("# A `title`, here\n", "utf-8")
    text = "[a](gone.md) [b](there.md#no) [c](there.md#a-title-here) [d](#own) `x`\n```\n[e](gone.md)\n```\n"
    assert list(broken(text, tmp_path, {"own"})) == ["gone.md", "there.md#no"]
    assert misread(Block("python", (), "def f(:", 1))
    assert misread(Block("yaml", (), "a: [", 1))
    assert misread(Block("sh", (), "if true\n", 1))
