"""Ladders: how they are written, and how they are climbed."""

from typing import Any

import pytest

from taxiway.core.fieldtypes import Bad
from taxiway.core.ladder import (
    DRASTIC,
    NO_RULES,
    STUCK_FIELDS,
    Action,
    Climb,
    Rung,
    StuckRules,
    rungs,
    stuck_fields,
    words_of,
)
from taxiway.core.vitals import Finding, Situation

THREE = (Rung(10.0, Action.NOTE), Rung(20.0, Action.NUDGE), Rung(40.0, Action.FAIL))
SILENT = StuckRules(silent=THREE)


def silent(since: float, progress: float = 0.0) -> Finding:
    """A turn of which nothing moves since a moment."""
    return Finding(Situation.SILENT, since, progress)


def climbed(climb: Climb, finding: Finding, moments: list[float]) -> list[tuple[float, Action]]:
    """Which rungs are taken at these moments."""
    due = [(at, climb.due(finding, at)) for at in moments]
    return [(at, rung.do) for at, rung in due if rung is not None]


def test_rungs_are_climbed_in_order_and_each_once() -> None:
    """Wish 6: it asks before it kills."""
    taken = climbed(Climb(SILENT), silent(0.0), [float(at) for at in range(0, 200, 5)])
    assert taken == [(10.0, Action.NOTE), (20.0, Action.NUDGE), (40.0, Action.FAIL)]


def test_who_looks_late_still_leaves_time_between_two_rungs() -> None:
    """A host that stood still for an hour does not end a turn in the moment in which it wakes."""
    taken = climbed(Climb(SILENT), silent(0.0), [float(at) for at in range(3_600, 3_660, 5)])
    assert taken == [(3_600.0, Action.NOTE), (3_610.0, Action.NUDGE), (3_630.0, Action.FAIL)]


def test_progress_begins_the_ladder_anew() -> None:
    """What was noted before the turn got on is no step to anything."""
    climb = Climb(SILENT)
    assert climbed(climb, silent(0.0), [10.0, 20.0]) == [(10.0, Action.NOTE), (20.0, Action.NUDGE)]
    assert climbed(climb, silent(30.0, progress=30.0), [39.0, 40.0, 71.0]) == [
        (40.0, Action.NOTE),
        (71.0, Action.NUDGE),
    ]


def test_a_sign_of_life_defers_the_next_rung_and_repeats_none() -> None:
    """A line that moves now and then is noted once."""
    climb = Climb(SILENT)
    assert climbed(climb, silent(0.0), [10.0]) == [(10.0, Action.NOTE)]
    assert climbed(climb, silent(15.0), [25.0, 34.0, 35.0]) == [(35.0, Action.NUDGE)]


@pytest.mark.parametrize("situation", [Situation.ASKING, Situation.LIMITED])
def test_nobody_is_hurried_who_waits_for_somebody_else(situation: Situation) -> None:
    """There is no such ladder, and none can be written."""
    assert Climb(StuckRules()).due(Finding(situation, 0.0, 0.0), 1e9) is None
    assert situation not in STUCK_FIELDS


def test_each_other_situation_has_a_ladder_that_begins_with_a_note() -> None:
    """The defaults say so before they do anything, and never end what works, thinks or waits by itself."""
    for situation in set(Situation) - {Situation.ASKING, Situation.LIMITED}:
        ladder = StuckRules().ladder(situation)
        assert ladder[0].do is Action.NOTE
        assert NO_RULES.ladder(situation) == ()
        if situation in (Situation.WORKING, Situation.THINKING, Situation.PAUSING, Situation.STARTING):
            assert not DRASTIC & {rung.do for rung in ladder}


@pytest.mark.parametrize(
    "written",
    [
        "note 10s, nudge 20s, fail 40s",
        [{"after": "10s", "do": "note"}, {"after": 20, "do": "nudge"}, {"after": "40s", "do": "fail"}],
    ],
)
def test_a_ladder_is_written_as_a_list_or_as_a_text(written: Any) -> None:
    """In a variable it can only be a text."""
    assert rungs(written) == THREE
    assert rungs(words_of(THREE)) == THREE


@pytest.mark.parametrize("written", ["none", "", []])
def test_an_empty_ladder_is_none(written: Any) -> None:
    """Nothing is done."""
    assert rungs(written) == ()
    assert rungs(words_of(())) == ()


@pytest.mark.parametrize(
    ("written", "path", "message"),
    [
        ([{"after": "10s", "do": "knock"}], (0, "do"), "'knock' is no action"),
        ([{"after": "10s", "do": "notes"}], (0, "do"), "'notes' is no action"),
        ([{"do": "note"}], (0, "after"), ""),
        ([{"after": "1m", "do": "note", "then": 1}], (0, "then"), "is no setting"),
        ("note 3m, nudge 3m", (1, "after"), "comes no later than the rung before it"),
        ("note", (), "'note' is no rung"),
        (7, (), "must be a list of rungs"),
        (["note"], (0,), "must be a table"),
        ([{"after": "1m", "do": "note"}] * 21, (), "21 rungs"),
    ],
)
def test_what_is_no_ladder_is_told_with_its_place(written: Any, path: tuple[Any, ...], message: str) -> None:
    """Configuration: every mistake has a sentence."""
    with pytest.raises(Bad) as raised:
        rungs(written)
    assert raised.value.path == path
    assert message in raised.value.message


def test_an_agents_own_rules_are_checked_like_those_of_all() -> None:
    """Unknown names come with the nearest one."""
    assert stuck_fields({"silent": "fail 1h", "resumes": 0}) == {"silent": (Rung(3600.0, Action.FAIL),), "resumes": 0}
    with pytest.raises(Bad) as raised:
        stuck_fields({"silnt": []})
    assert (raised.value.path, raised.value.hint) == (("silnt",), "did you mean 'silent'?")
