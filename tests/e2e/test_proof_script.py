"""scripts/proof goes on where it stopped and reports what it saw, also what failed or is missing."""

import sys
from pathlib import Path

import pytest

from scripts.proof import Evidence, Stage, page, prove, shown

COUNTING = (
    "import sys, pathlib; p = pathlib.Path(sys.argv[1]); p.write_text(p.read_text() + 'x' if p.exists() else 'x')"
)


def stage(name: str, counter: Path, then: str, parts: int = 1) -> Stage:
    """A stage that counts its runs in a file and then does something."""
    return Stage(name, f"what {name} shows", (sys.executable, "-c", f"{COUNTING}\n{then}", str(counter)), parts)


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    """An empty state folder."""
    return Evidence(tmp_path / "state")


def test_a_part_that_passed_is_not_run_again_and_one_that_failed_is(evidence: Evidence, tmp_path: Path) -> None:
    """Resumable: the second proof runs only what is missing."""
    good, bad = tmp_path / "good", tmp_path / "bad"
    stages = (stage("good", good, "print('20 passed in 1s')", parts=2), stage("bad", bad, "sys.exit(1)"))
    assert prove(evidence, stages) is False
    assert prove(evidence, stages) is False
    assert (good.read_text(), bad.read_text()) == ("xx", "xx")


def test_an_interrupted_part_counts_as_not_run(evidence: Evidence, tmp_path: Path) -> None:
    """A draft that was never finished is no evidence."""
    counter = tmp_path / "runs"
    one = stage("one", counter, "print('1 passed')")
    (evidence.folder / "one-1.draft").write_text('{"passed": true')
    assert evidence.record(one, 1) is None
    assert prove(evidence, (one,)) is True
    assert counter.read_text() == "x"


def test_the_page_tells_what_passed_what_failed_and_what_is_missing(evidence: Evidence, tmp_path: Path) -> None:
    """Honest by construction: a row for every part."""
    good = stage("good", tmp_path / "a", 'print(\'{"schedules": 1000, "violations": 0}\')')
    bad = stage("bad", tmp_path / "b", "print('3 failed, 1 passed'); sys.exit(1)")
    prove(evidence, (good, bad))
    text = page(evidence, (good, bad, stage("later", tmp_path / "c", "")))
    assert "passed: schedules 1000, violations 0" in text
    assert "**failed**: 3 failed, 1 passed" in text
    assert "what later shows | not run yet" in text


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ('noise\n{"kills": 200}\nmore noise\n', "kills 200"),
        ("==== 7 passed in 3.1s ====\n", "7 passed in 3.1s"),
        ("{not json}\nlast words\n", "last words"),
        ("", "nothing"),
    ],
)
def test_what_an_output_shows_is_its_figures_or_its_closing_line(output: str, expected: str) -> None:
    """Figures first, then pytest's line, then whatever was said last."""
    assert shown(output) == expected
