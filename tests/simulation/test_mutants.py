"""Planted bugs: the simulator finds each of them. `scripts/proof` searches from other seeds, and counts."""

import pytest

from tests.simulation.__main__ import tries_until_found
from tests.simulation.garden import Mutant
from tests.simulation.mutants import MUTANTS
from tests.simulation.session_mutants import SESSION_MUTANTS

TRIES = 100  #: a tenth of what the whole proof allows
#: Where the search begins, so that it is short: seeds that found the bug when this was written.
BEGIN = {
    "terminal_overwritten": 150,
    "no_safety_poll": 69,
    "cancel_by_hint_alone": 475,
    "started_is_not_fenced": 130,
    "batch_lost_with_its_writer": 26,
    "interrupt_frees_the_slot_at_once": 50,
    "stop_of_all_forgets_what_was_offered": 440,
    "an_older_generation_names_the_conversation": 215,
    "cap_counts_what_was_admitted": 25,
    "refused_arrival_begins_the_quiet_time": 95,
    "carried_message_expires_in_its_turn": 320,
    "nobody_waits_for_the_quiet_time": 270,
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_planted_bug_is_found(mutant: Mutant) -> None:
    """Who checks the checkers: I2, I3, I4, I5, I6, I7, I8, I9, I12, I13, I14, I15, I20 each break in some mutant."""
    assert tries_until_found(mutant, BEGIN.get(mutant.__name__, 1), TRIES), f"{mutant.__name__} was not found"


def test_there_are_enough_planted_bugs() -> None:
    """At least twelve, and ten of sessions, each with a sentence that says what is wrong."""
    assert len(MUTANTS) >= 12 + 10
    assert len(SESSION_MUTANTS) >= 10
    assert all(mutant.__doc__ for mutant in MUTANTS)
