"""Planted bugs of waiting for a person; each changes one thing at run time."""

from typing import Any

from taxiway.core.approval import Answered, ApprovalState
from taxiway.store.verbs import parking
from tests.simulation.garden import Garden


def answers_are_kept_after_they_were_told(garden: Garden) -> None:
    """What an agent has heard counts as open, and is told again with the next answer."""
    garden.edit("bring_answers", "run = :run", "run = -1")


def a_run_that_waits_keeps_its_slots(garden: Garden) -> None:
    """Nothing else can start where it waits."""
    garden.edit("park_run", "lane_slot = NULL, queue_slot = NULL, ", "")


def those_who_come_back_look_at_no_limit(garden: Garden) -> None:
    """They go on without a slot, beside those that have all of them."""

    def free(tx: Any, statement: str, limit: int | None, **where: int) -> None:
        return None

    garden.put(parking, "_free", free)


def nobody_takes_slots_for_those_who_were_answered(garden: Garden) -> None:
    """They wait for ever, however much room there is."""
    garden.put(parking, "take_slots", lambda tx: None)


def a_stop_leaves_the_question_open(garden: Garden) -> None:
    """People are asked for a run that has ended."""
    garden.put(parking, "give_up", lambda tx, run, why, actor: None)


def silence_is_consent(garden: Garden) -> None:
    """What nobody answered in time is allowed."""

    def answered(approval: str, state: ApprovalState, why: str | None) -> Answered:
        return Answered(approval, state in (ApprovalState.ALLOWED, ApprovalState.EXPIRED), why)

    garden.put(parking, "answered", answered)


def a_second_question_forgets_the_first(garden: Garden) -> None:
    """One answer lets a run go on that has asked twice."""
    garden.edit("pending_of_run", "= :run", "= -1")


APPROVAL_MUTANTS = [
    answers_are_kept_after_they_were_told,
    a_run_that_waits_keeps_its_slots,
    those_who_come_back_look_at_no_limit,
    nobody_takes_slots_for_those_who_were_answered,
    a_stop_leaves_the_question_open,
    silence_is_consent,
    a_second_question_forgets_the_first,
]
