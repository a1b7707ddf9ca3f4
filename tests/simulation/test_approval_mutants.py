"""Planted bugs of waiting for a person: the simulator finds each of them where agents ask."""

import pytest

from taxiway.testing.simulator.faults import Rates
from taxiway.testing.simulator.world import Sizes
from tests.simulation.approval_mutants import APPROVAL_MUTANTS
from tests.simulation.garden import Mutant, simulate

TRIES = 12
ASKING = Rates(lost_wake=0.3, odd_program=0.3, kill_every_s=10.0, sessions=0.9, asks=0.8)


@pytest.mark.parametrize("mutant", APPROVAL_MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_planted_bug_of_waiting_is_found(mutant: Mutant) -> None:
    """Who checks the checkers: I1, I3, I14, I15 each break in some mutant."""
    sizes = Sizes(chaos_s=15.0, drain_s=120.0)
    assert any(not simulate(seed, mutant, rates=ASKING, sizes=sizes).held for seed in range(TRIES))


def test_without_a_bug_nothing_is_found() -> None:
    """What finds them does not cry wolf."""
    assert simulate(1, rates=ASKING, sizes=Sizes(chaos_s=15.0, drain_s=120.0)).held
