"""The pages about HTTP: every endpoint stands on one of them, each is shown at work, and one finds them all."""

import re
from collections import Counter
from pathlib import Path

import pytest

from scripts.pages.book import ROOT
from scripts.pages.http import PAGES, REACHED
from scripts.pages.markdown import parts_of
from taxiway.server.app import ENDPOINTS, PREFIX
from taxiway.server.doorkeeper import STREAMS
from taxiway.server.reach import Reach
from tests.docs.blocks import story

ENTRY = ROOT / "docs" / "http.md"
OF_RESOURCES = sorted((ROOT / "docs" / "http").glob("*.md"))
TABLE = re.compile(r"<!-- generated: http-endpoints-([a-z-]+) -->\n(.*?)<!-- end -->", re.DOTALL)
ROW = re.compile(r"^\| `([A-Z]+ /\S+)` \|", re.MULTILINE)


def tables(page: Path) -> dict[str, list[str]]:
    """The endpoints in the tables of a page, by the name of the table."""
    return {name: ROW.findall(text) for name, text in TABLE.findall(page.read_text("utf-8"))}


def name(page: Path) -> str:
    """A page as a test's id."""
    return page.stem


def test_every_endpoint_stands_on_exactly_one_page() -> None:
    """Those of the description, and what answers live; a new one fails here until a page has its first word."""
    there = [f"{one.method} {PREFIX}{one.path}" for one in ENDPOINTS] + [f"GET {path}" for path in STREAMS]
    shown = [row for page in OF_RESOURCES for rows in tables(page).values() for row in rows]
    assert Counter(shown) == Counter(there)


def test_the_table_of_a_page_is_its_own_and_its_end() -> None:
    """``http-endpoints-tasks`` stands on the page of tasks, behind all else."""
    assert {page.stem: list(tables(page)) for page in OF_RESOURCES if tables(page)} == {one: [one] for one in PAGES}
    ends = [page.stem for page in OF_RESOURCES if page.read_text("utf-8").endswith("|\n<!-- end -->\n")]
    assert ends == [page.stem for page in OF_RESOURCES]


@pytest.mark.parametrize("page", OF_RESOURCES, ids=name)
def test_a_resource_is_shown_with_curl_and_with_python(page: Path) -> None:
    """On a server of the page's own, which it ends."""
    text = page.read_text("utf-8")
    assert parts_of(text)[0] == "http-server"
    told = [block for block in story(text) if block.runs]
    assert {block.language for block in told} == {"sh", "python"}
    assert told[-1].text == 'kill "$(cat up.pid)"\n'


def test_every_page_of_a_resource_is_found_on_the_way_in() -> None:
    """In the table at its head, once each."""
    led_to = re.findall(r"^\| \[[^\]]+\]\(http/([^)#]+)\)", ENTRY.read_text("utf-8"), re.MULTILINE)
    assert sorted(led_to) == [page.name for page in OF_RESOURCES]


def test_every_reach_of_a_runs_token_has_its_words() -> None:
    """What a run may name on a path."""
    assert set(REACHED) == set(Reach)
