"""Seeded schedules of the whole system: every invariant holds in each. The full number runs in `scripts/proof`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from taxiway.testing.simulator.faults import Rates
from taxiway.testing.simulator.report import explain
from taxiway.testing.simulator.world import Sizes
from tests.simulation.__main__ import command
from tests.simulation.garden import simulate

ROOT = Path(__file__).parents[2]
PER_CASE = 20


@pytest.mark.parametrize("first", range(1, 201, PER_CASE))
def test_every_invariant_holds_in_every_schedule(first: int) -> None:
    """I1, I2, I3, I4, I6, I7, I8, I9, I12, I13, I14, I15, I20, I21: kills, pauses, lost hints, slow, failing stores."""
    for seed in range(first, first + PER_CASE):
        report = simulate(seed)
        assert report.held, explain(report, command(seed, None))


def test_a_calm_world_drains_without_a_single_fault() -> None:
    """I14: nothing that goes wrong in a schedule is of the simulator's own making."""
    for seed in range(5):
        report = simulate(seed, rates=Rates(odd_program=0.3))
        assert report.held, explain(report, command(seed, None))
        assert "kills" not in report.counts


def test_a_schedule_does_something_worth_judging() -> None:
    """A generator that asks for nothing, or is refused everything, would find nothing."""
    reports = [simulate(seed, sizes=Sizes(requests=40)) for seed in range(300, 306)]
    told = [note.what for report in reports for note in report.notes]
    for word in (
        "claim by",
        "run completed",
        "run failed",
        "run lost",
        "run cancelled",
        "killed",
        "stopped for",
        "ran plan",
    ):
        assert any(word in what for what in told), f"no schedule of these had '{word}'"
    assert sum(report.counts["commits"] for report in reports) > 300


def test_the_same_seed_gives_the_same_schedule_whatever_the_hashes_are() -> None:
    """A failure can be seen again, in another process too."""
    digests = {simulate(7).digest, simulate(7).digest}
    for hash_seed in ("0", "99"):
        done = subprocess.run(
            [sys.executable, "-c", "from tests.simulation.garden import simulate; print(simulate(7).digest)"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout.strip())
    assert len(digests) == 1
    assert simulate(8).digest not in digests
