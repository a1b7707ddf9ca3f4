"""The example with a session and several writers runs, and says what became of every message."""

import re
import subprocess
import sys

import pytest

from tests.e2e.conftest import ROOT

MESSAGES = 10  #: to each session: the first, and three from each of three writers
FATE = re.compile(r"  (\w+ \w+) +(\w+) +(.*)")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str, str]]]:
    """By mode: each message, what its sender was told, and what came of it."""
    argv = [sys.executable, str(ROOT / "examples" / "inbox.py"), str(tmp_path_factory.mktemp("inbox"))]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[tuple[str, str, str]]] = {}
    for line in done.stdout.splitlines():
        if not line.startswith(" "):
            mode = found.setdefault(line.partition(":")[0], [])
        elif "accepted" not in line and (match := FATE.match(line)) is not None:
            mode.append((match[1], match[2], match[3]))
    return found


def fates(told: dict[str, list[tuple[str, str, str]]], mode: str) -> dict[str, str]:
    """What came of each message of one session."""
    return {message: fate for message, _, fate in told[mode]}


def test_every_message_of_every_mode_has_one_fate(told: dict[str, list[tuple[str, str, str]]]) -> None:
    """SQ-04: accepted or refused, each exactly once."""
    assert list(told) == ["queue", "followup", "collect", "steer", "interrupt"]
    for mode, messages in told.items():
        assert len({message for message, _, _ in messages}) == len(messages) == MESSAGES, mode


def test_a_full_queue_refuses_and_the_rest_is_worked_off(told: dict[str, list[tuple[str, str, str]]]) -> None:
    """SQ-06, SQ-10: one runs, five wait, four are refused."""
    said = [disposition for _, disposition, _ in told["queue"]]
    assert (said.count("waiting"), said.count("refused")) == (5, 4)
    assert list(fates(told, "queue").values()).count("completed") == 6


def test_a_full_followup_lets_the_oldest_go(told: dict[str, list[tuple[str, str, str]]]) -> None:
    """SQ-09, OC-05: what waits longest is dropped for what comes, never what runs."""
    found = fates(told, "followup")
    assert found["the first"] == "completed"
    assert sorted(found.values()) == [*["cancelled (dropped)"] * 5, *["completed"] * 5]


def test_what_is_collected_becomes_one_turn(told: dict[str, list[tuple[str, str, str]]]) -> None:
    """OC-03: all that waits goes together, and ends as its carrier ends."""
    carried = [fate for fate in fates(told, "collect").values() if "in the turn of" in fate]
    assert len(carried) == 8
    assert len(set(carried)) == 1


def test_what_is_steered_goes_into_the_running_turn_or_waits(told: dict[str, list[tuple[str, str, str]]]) -> None:
    """OC-01: nothing is lost, whether the turn still takes it or not."""
    assert {fate.partition(",")[0] for fate in fates(told, "steer").values()} == {"completed"}
    assert any("in the turn of 'the first'" in fate for fate in fates(told, "steer").values())


def test_the_last_interrupt_is_the_one_that_runs(told: dict[str, list[tuple[str, str, str]]]) -> None:
    """SQ-30: each cancels what came before it."""
    assert sorted(fates(told, "interrupt").values()) == [*["cancelled (interrupted)"] * 9, "completed"]
