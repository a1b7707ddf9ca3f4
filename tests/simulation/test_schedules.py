"""Seeded schedules of the whole system: every invariant holds in each. The full number runs in `scripts/proof`."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from taxiway.testing.simulator.dice import Dice
from taxiway.testing.simulator.faults import Rates, swarm
from taxiway.testing.simulator.report import explain
from taxiway.testing.simulator.world import Sizes
from tests.simulation.__main__ import command
from tests.simulation.garden import simulate

ROOT = Path(__file__).parents[2]
PER_CASE = 20


@pytest.mark.parametrize("first", range(1, 71, PER_CASE))
def test_every_invariant_holds_in_every_schedule(first: int) -> None:
    """I1, I2, I3, I4, I5, I6, I7, I8, I9, I12, I13, I14, I15, I20, I21: kills, pauses, lost hints, slow stores that
    fail, and sessions in every second schedule."""
    for seed in range(first, first + PER_CASE):
        report = simulate(seed)
        assert report.held, explain(report, command(seed, None))


def test_a_calm_world_drains_without_a_single_fault() -> None:
    """I14: nothing that goes wrong in a schedule is of the simulator's own making."""
    for seed in range(6):
        report = simulate(seed, rates=Rates(odd_program=0.3, sessions=0.8 * (seed % 2)))
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


def test_sessions_see_everything_that_a_mailbox_does() -> None:
    """Every way in which a message may go, and every verb that stops some of them, comes up in a few schedules."""
    rates = Rates(lost_wake=0.3, repeat=0.2, odd_program=0.3, kill_every_s=8.0, sessions=0.9)
    told = [note.what for seed in range(20) for note in simulate(seed, rates=rates, sizes=Sizes(requests=60)).notes]
    for word in (
        "completed: carried",
        "cancelled/carried",
        "cancelled/dropped",
        "cancelled/stale",
        "session interrupt",
        "session stop",
        "session reset",
        "reset of",
        "stop of",
        "policy by",
        "refused: mailbox_full",
    ):
        assert any(word in what for what in told), f"no schedule of these had '{word}'"


@pytest.mark.parametrize("first", range(1, 21, PER_CASE // 2))
def test_every_invariant_holds_where_agents_ask_and_people_answer(first: int) -> None:
    """I2, I3, I14, I15, I21: a run that waits holds nothing, goes on before what has not started, and hears what was
    said once and as it was said; through kills, pauses, drains, lost hints and stores that fail."""
    for seed in range(first, first + PER_CASE // 2):
        rates = msgspec.structs.replace(swarm(Dice(seed)), sessions=0.85, asks=0.7)
        report = simulate(seed, rates=rates)
        assert report.held, explain(report, command(seed, None))


def test_where_agents_ask_everything_that_becomes_of_a_question_comes_up() -> None:
    """Questions are allowed, denied, expired and void; runs go on with their answers, and are cancelled meanwhile."""
    rates = Rates(lost_wake=0.3, repeat=0.2, odd_program=0.3, kill_every_s=8.0, sessions=0.9, asks=0.7)
    reports = [simulate(seed, rates=rates, sizes=Sizes(requests=60)) for seed in range(12)]
    told = [note.what for report in reports for note in report.notes if note.what.startswith("appr_")]
    for word in (" allowed", " denied", " expired", " void"):
        assert any(word in what for what in told), f"no question of these was {word}"
    assert sum(report.counts.get("answers heard", 0) for report in reports) > 50


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
