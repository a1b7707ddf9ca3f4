"""What a turn is at, from evidence alone."""

import pytest

from taxiway.core import vitals
from taxiway.core.vitals import (
    OPEN_TOOLS_MAX,
    Evidence,
    Printed,
    Pulse,
    Questioned,
    Refused,
    Replied,
    Situation,
    Spoke,
    Started,
    ToolBegan,
    ToolEnded,
    ToolSaid,
    TurnBegun,
    Vitals,
)

QUIET_S = 100.0


def seen(*evidence: tuple[float, Evidence], opaque: bool = False) -> Vitals:
    """The vitals of a turn that was begun at 0."""
    found = Vitals(QUIET_S, opaque)
    for at, one in ((0.0, Started()), (0.0, TurnBegun()), *evidence):
        found.take(one, at)
    return found


def pulses(every_s: float = 15.0, until_s: float = 600.0, **grows: float) -> list[tuple[float, Evidence]]:
    """Looks at processes whose figures grow by so much each time."""
    start = {"cpu_s": 0.0, "own_cpu_s": 0.0, "written": 0, "lines": 1, "owed": 1, "line_bytes": 500}
    found = []
    for number in range(1, int(until_s / every_s) + 1):
        fields = {name: value + grows.get(name, 0) * number for name, value in start.items()}
        found.append((number * every_s, Pulse(processes=2, **fields)))
    return found


def at(found: Vitals, moment: float) -> Situation:
    """What it is at."""
    return found.finding(moment).situation


def test_a_process_that_takes_no_turn_yet_is_starting() -> None:
    """A hang at the start is no silence of a model."""
    found = Vitals(QUIET_S)
    found.take(Started(), 5.0)
    assert found.finding(900.0) == vitals.Finding(Situation.STARTING, 5.0, 5.0)


def test_silence_is_thinking_first_and_then_what_the_line_says() -> None:
    """Wish 6: a line on which an answer is owed and nothing moves is silent; one that moves is a model at work."""
    assert at(seen(*pulses()), QUIET_S - 1) is Situation.THINKING
    assert at(seen(*pulses()), QUIET_S + 30) is Situation.SILENT
    assert at(seen(*pulses(line_bytes=40)), 600.0) is Situation.THINKING


def test_who_is_owed_no_answer_waits_by_itself() -> None:
    """Trap 9: an agent that waits for a quota by its own clock has had its answer, or has no line at all."""
    assert at(seen(*pulses(owed=-1, until_s=15)), 600.0) is Situation.PAUSING
    assert at(seen((15.0, Pulse(2, 0.0, 0.0, 0, 0, 0, 0))), 600.0) is Situation.PAUSING


def test_an_answer_that_stopped_in_the_middle_is_silent() -> None:
    """A cut line that nobody noticed: words came, the line stands open, and nothing moves."""
    half = seen((10.0, Spoke()), (15.0, Pulse(2, 0.0, 0.0, 0, 1, 0, 500)))
    assert at(half, 600.0) is Situation.SILENT
    half.take(ToolBegan("1"), 20.0)
    half.take(ToolEnded("1"), 30.0)
    assert at(half, 600.0) is Situation.PAUSING


def test_where_nobody_sees_the_lines_a_silence_is_a_silence() -> None:
    """What cannot be known is not made up."""
    assert at(seen((15.0, Pulse(2, 0.0, 0.0))), 600.0) is Situation.SILENT
    assert at(seen(), 600.0) is Situation.SILENT


def test_bytes_without_words_are_their_own_clock() -> None:
    """A spinner, or signs of life of a protocol, are neither progress nor silence."""
    found = seen(*((float(moment), Printed()) for moment in range(10, 600, 10)))
    assert at(found, 590.0) is Situation.CHATTERING
    assert found.finding(590.0).since == 0.0


@pytest.mark.parametrize(
    "signs",
    [
        pulses(cpu_s=1.0),
        pulses(own_cpu_s=10.0),
        pulses(line_bytes=1),
        pulses(written=40),
        [(float(moment), ToolSaid("1")) for moment in range(10, 600, 50)],
    ],
)
def test_a_tool_of_which_anything_moves_is_at_work(signs: list[tuple[float, Evidence]]) -> None:
    """A long compile, a long download, tests that print: working, however long."""
    assert at(seen((1.0, ToolBegan("1")), *signs), 600.0) is Situation.WORKING


def test_a_tool_of_which_nothing_moves_stands_since_it_last_moved() -> None:
    """What keeps itself awake uses a little CPU, too."""
    found = seen((1.0, ToolBegan("1")), *pulses(cpu_s=0.05, own_cpu_s=0.3))
    assert found.finding(600.0) == vitals.Finding(Situation.STANDING, 1.0, 1.0)


def test_an_agents_own_signs_of_life_are_none_of_its_tool() -> None:
    """Claude Code says every 30 s that it is there, also while a command sleeps."""
    alive = [(float(moment), Printed()) for moment in range(10, 600, 30)]
    assert at(seen((1.0, ToolBegan("1")), *alive), 600.0) is Situation.STANDING
    assert at(seen(*alive, opaque=True), 600.0) is Situation.WORKING


def test_a_tool_is_over_with_its_own_end() -> None:
    """Two at once, also two that are called the same."""
    found = seen((1.0, ToolBegan("a")), (2.0, ToolBegan("a")), (3.0, ToolBegan("b")), (4.0, ToolEnded("a")))
    assert found.tools == 2
    found.take(ToolEnded("a"), 5.0)
    found.take(ToolEnded("a"), 6.0)
    found.take(ToolEnded("b"), 7.0)
    assert found.tools == 0


def test_a_stranger_who_names_too_many_tools_fills_no_memory() -> None:
    """I18."""
    found = seen(*((1.0, ToolBegan(str(number))) for number in range(OPEN_TOOLS_MAX * 2)))
    assert found.tools == OPEN_TOOLS_MAX


def test_who_waits_for_somebody_else_does_not_stand_still() -> None:
    """For a person as long as it takes; for a provider until its reset, at which the clock begins."""
    found = seen((1.0, Questioned()))
    assert at(found, 9_000.0) is Situation.ASKING
    found.take(Replied(), 9_000.0)
    assert at(found, 9_001.0) is Situation.THINKING
    found.take(Refused(1_000.0), 9_010.0)
    assert at(found, 10_000.0) is Situation.LIMITED
    assert found.finding(10_020.0) == vitals.Finding(Situation.THINKING, 10_010.0, 9_010.0)


def test_a_single_look_shows_no_movement() -> None:
    """What was used before the first look may be hours old; a look in the past tells nothing."""
    found = seen((1.0, ToolBegan("1")), (400.0, Pulse(2, 900.0, 900.0)), (300.0, Pulse(2, 0.0, 0.0)))
    assert at(found, 401.0) is Situation.STANDING


def test_an_agent_that_does_not_tell_its_tools_is_taken_for_one() -> None:
    """A program on a terminal: while it prints or computes, it works."""
    assert at(seen(*pulses(cpu_s=1.0), opaque=True), 600.0) is Situation.WORKING
    assert at(seen(*pulses(), opaque=True), 600.0) is Situation.STANDING


def test_every_situation_has_its_words() -> None:
    """They are shown to people."""
    assert set(vitals.WORDS) == set(Situation)
