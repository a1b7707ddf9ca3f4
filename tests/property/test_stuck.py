"""Evidence in any order, and ladders under any evidence."""

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from taxiway.core.ladder import DRASTIC, STUCK_FIELDS, Action, Climb, Rung, StuckRules, rungs, words_of
from taxiway.core.vitals import (
    QUIET_S,
    Evidence,
    Printed,
    Pulse,
    Questioned,
    Refused,
    Replied,
    Situation,
    Spoke,
    Started,
    Told,
    ToolBegan,
    ToolEnded,
    ToolSaid,
    TurnBegun,
    Vitals,
)

MOMENTS = st.floats(0, 10_000, allow_nan=False)
FIGURES = st.floats(0, 1_000, allow_nan=False)
IDS = st.sampled_from(["", "a", "b"])
EVIDENCE: st.SearchStrategy[Evidence] = st.one_of(
    st.sampled_from([Started(), TurnBegun(), Told(), Spoke(), Printed(), Questioned(), Replied()]),
    st.builds(ToolBegan, IDS),
    st.builds(ToolSaid, IDS),
    st.builds(ToolEnded, IDS),
    st.builds(Refused, FIGURES),
    st.builds(Pulse, st.integers(1, 9), FIGURES, FIGURES, *(st.integers(0, most) for most in (10**6, 3, 3, 10**6))),
)
SEEN = st.lists(st.tuples(MOMENTS, EVIDENCE), max_size=30)
STANDS = {Situation.SILENT, Situation.PAUSING, Situation.STANDING}
LADDERS = [name for name, read in STUCK_FIELDS.items() if read is rungs]


@given(SEEN, MOMENTS, st.sampled_from([Told(), Spoke(), ToolSaid("a"), ToolBegan("a"), ToolEnded("a")]))
def test_a_turn_of_which_something_was_just_heard_never_stands_still(
    seen: list[tuple[float, Evidence]], at: float, last: Evidence
) -> None:
    """Whatever came before it, in whatever order."""
    vitals = Vitals()
    for moment, evidence in [*seen, (at, last)]:
        vitals.take(evidence, moment)
    assert vitals.finding(at + QUIET_S - 1).situation not in STANDS


@given(SEEN, st.randoms())
def test_clocks_keep_the_latest_moment_in_whatever_order_they_hear_of_it(
    seen: list[tuple[float, Evidence]], chance: Random
) -> None:
    """A late word takes nothing back."""
    vitals = Vitals()
    shuffled = list(seen)
    chance.shuffle(shuffled)
    for moment, evidence in shuffled:
        vitals.take(evidence, moment)
    words = [moment for moment, evidence in seen if not isinstance(evidence, Printed | Pulse)]
    assert vitals.told == max(words, default=float("-inf"))
    assert vitals.printed == max((at for at, one in seen if isinstance(one, Printed)), default=float("-inf"))


@given(SEEN, st.integers(1, 300))
def test_ladders_are_climbed_in_order_and_no_rung_twice_without_progress(
    seen: list[tuple[float, Evidence]], look_s: int
) -> None:
    """For any evidence and however often one looks: what ends a turn has been said before, in the same situation."""
    rules = StuckRules()
    vitals, climb = Vitals(), Climb(rules)
    waiting = sorted(seen, key=lambda one: one[0])
    taken: dict[Situation, list[Action]] = {}
    progress = float("-inf")
    for at in range(0, 12_000, look_s):
        while waiting and waiting[0][0] <= at:
            moment, evidence = waiting.pop(0)
            vitals.take(evidence, moment)
        finding = vitals.finding(float(at))
        if finding.progress > progress:
            progress = finding.progress
            taken.clear()
        rung = climb.due(finding, float(at))
        if rung is not None:
            taken.setdefault(finding.situation, []).append(rung.do)
            wanted = [one.do for one in rules.ladder(finding.situation)]
            assert taken[finding.situation] == wanted[: len(taken[finding.situation])]
            assert rung.do not in DRASTIC or taken[finding.situation][0] is Action.NOTE


@given(st.sets(st.integers(1, 10**6), max_size=10), st.data())
def test_a_ladder_is_read_as_it_was_written(seconds: set[int], data: st.DataObject) -> None:
    """Shown by doctor, and written into a variable."""
    ladder = tuple(Rung(float(after), data.draw(st.sampled_from(Action))) for after in sorted(seconds))
    assert rungs(words_of(ladder)) == ladder
    assert rungs(msgspec.to_builtins(list(ladder))) == ladder
    assert getattr(msgspec.structs.replace(StuckRules(), **{LADDERS[0]: ladder}), LADDERS[0]) == ladder
