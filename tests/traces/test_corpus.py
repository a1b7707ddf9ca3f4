"""The labelled corpus: what a turn is at is told right, and nobody who works is ended (wish 6, trap 9)."""

from collections import Counter

import pytest

from taxiway.core.ladder import DRASTIC, Action, StuckRules
from taxiway.core.vitals import Situation
from tests.traces.scenarios import SCENARIOS
from tests.traces.scripted import LOOK_S, scripted
from tests.traces.trace import FOLDER, Trace, answers, climbed, read

RIGHT_MIN = 0.95
RECORDED = [read(path) for path in sorted(FOLDER.glob("*.jsonl"))]
TRACES = [*RECORDED, *scripted()]


def by_name(trace: Trace) -> str:
    """For the list of tests."""
    return trace.head.name


def test_the_right_class_is_told_in_at_least_95_of_100_moments(capsys: pytest.CaptureFixture[str]) -> None:
    """Wish 6. Of the recorded ones alone as well: the scripted ones are what we believe, those are what was seen."""
    for what, traces in (("recorded", RECORDED), ("all", TRACES)):
        told = [(right, given) for trace in traces for _, right, given in answers(trace)]
        wrong = Counter(f"{right} taken for {given}" for right, given in told if right is not given)
        share = 1 - wrong.total() / len(told)
        with capsys.disabled():
            print(f"\n{what}: {len(traces)} traces, {len(told)} moments, {share:.1%} right; {dict(wrong)}")
        assert share >= RIGHT_MIN, wrong


@pytest.mark.parametrize("trace", [trace for trace in TRACES if trace.head.works], ids=by_name)
def test_nothing_that_is_in_order_is_ended(trace: Trace) -> None:
    """Wish 6, trap 9: with the ladders that come along, however long it takes, and whenever one looks."""
    for look_s in (1.0, LOOK_S, 60.0):
        assert [rung for rung in climbed(trace, StuckRules(), look_s) if rung[2] in DRASTIC] == []


@pytest.mark.parametrize("trace", [trace for trace in TRACES if not trace.head.works], ids=by_name)
def test_what_hangs_is_said_before_anything_is_done(trace: Trace) -> None:
    """It asks before it kills: a note first, and a nudge before a turn is ended."""
    taken = [action for _, _, action in climbed(trace, StuckRules(), LOOK_S)]
    if taken:
        assert taken[0] is Action.NOTE
    if DRASTIC & set(taken):
        assert Action.NUDGE in taken[: min(taken.index(action) for action in DRASTIC & set(taken))]


def test_a_dead_line_is_gone_on_with_elsewhere_within_a_quarter_of_an_hour() -> None:
    """A stall of the network costs minutes, not the task's whole time."""
    [dead] = [trace for trace in TRACES if trace.head.name == "line that died before the answer"]
    resumed = [at for at, _, action in climbed(dead, StuckRules(), LOOK_S) if action is Action.RESUME]
    assert resumed
    assert resumed[0] <= 15 * 60


def test_every_class_is_in_the_corpus_and_every_scenario_was_recorded() -> None:
    """A class that nothing shows is not tested."""
    assert {right for trace in TRACES for _, right in trace.marks} == set(Situation)
    assert {trace.head.name for trace in RECORDED} == {scenario.name for scenario in SCENARIOS}
