"""What the pages say to type is typed: each page with blocks to run is a story, told in a folder of its own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from scripts.pages.book import ROOT, pages
from tests.docs.blocks import Block, blocks, story

BLOCK_S_MAX = 90
USUAL_PORT = "8787"  # the pages say it; here two stories may be told at once
PROGRAMS = Path(sys.executable).parent  # `taxiway` is there, beside the interpreter
TOLD = [page for page in pages() if any(block.runs for block in story(page.read_text("utf-8")))]

#: The stories of a server wait for answers and for no clock; the others are told where real processes are tried.
ALONE = pytest.mark.xdist_group("real processes")
STORIES = [page if page.parent.name == "http" else pytest.param(page, marks=ALONE) for page in TOLD]


def run(block: Block, folder: Path, program: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Run a block as a reader would: in his folder, with a home and a store of his own."""
    environment = {
        **os.environ,
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "TAXIWAY_STORE": str(folder / "story.db"),
    }
    return subprocess.run(
        block.argv(program),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=BLOCK_S_MAX,
        check=False,
    )


@pytest.fixture
def story_folder(tmp_path: Path) -> Iterator[Path]:
    """The reader's folder; a server that he started (``up.pid``) is ended with it."""
    yield tmp_path
    noted = tmp_path / "up.pid"
    if noted.exists():
        with suppress(ProcessLookupError):
            os.kill(int(noted.read_text()), signal.SIGKILL)


def free_port() -> str:
    """A port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", STORIES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_says_to_type_works(page: Path, story_folder: Path) -> None:
    """Every block that is marked is run, in order, ends with status 0 and prints what the page says it does; a bare
    traceback is never an answer."""
    printed = ""
    for block in story(page.read_text("utf-8").replace(USUAL_PORT, free_port())):
        if block.file is not None:
            (story_folder / block.file).write_text(block.text, "utf-8")
        if block.runs:
            done = run(block, story_folder)
            told = f"{page.name}:{block.line}\n{block.text}\n--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}"
            assert done.returncode == 0, told
            assert "Traceback" not in done.stdout + done.stderr, told
            printed = done.stdout
        if block.shows:
            assert block.missing(printed) == [], f"{page.name}:{block.line}: not in what was printed:\n{printed}"


def test_the_first_pages_have_something_to_run() -> None:
    """A page whose marks were misspelt would show nothing."""
    assert {"README.md", "quickstart.md", "plans.md"} <= {page.name for page in TOLD}


def test_blocks_are_found_with_their_marks_and_lines() -> None:
    """Language, words, file, line; a fence without a language is text."""
    found = blocks("one\n```yaml file=a.yaml\na: 1\n```\n```sh run\ntrue\n```\n```\ntext\n```\n")
    assert [(block.language, block.file, block.runs, block.line) for block in found] == [
        ("yaml", "a.yaml", False, 2),
        ("sh", None, True, 5),
        ("", None, False, 8),
    ]


def test_a_line_that_was_not_printed_is_seen() -> None:
    """Each line is looked for on its own; what else was printed does not matter."""
    shown = Block("text", ("shows",), "one\ntwo\n", 1)
    assert shown.missing("zero\none more\n") == ["two"]
    assert shown.missing("two, then one") == []


def test_a_block_that_fails_is_seen(tmp_path: Path) -> None:
    """Also when only the first of its lines fails, or of a pipe."""
    assert run(Block("sh", ("run",), "false\ntrue\n", 1), tmp_path).returncode
    assert run(Block("sh", ("run",), "false | true\n", 1), tmp_path).returncode
    assert run(Block("python", ("run",), "raise SystemExit(3)\n", 1), tmp_path).returncode == 3
