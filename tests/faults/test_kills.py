"""kill -9 of the whole of Taxiway at random moments of a running plan, and the plan run again (I1, I2, I7, DB3)."""

import os
import random
from pathlib import Path

import msgspec
import pytest

from tests.faults.killed_plan import Counts, KilledPlan

KILLS_PER_PLAN = 5


def kill_so_often(kills: int, folder: Path, seed: int) -> Counts:
    """Kill plans until there were that many kills; what they showed. A failure names its seed."""
    chance, counts = random.Random(seed), Counts()
    try:
        while counts.kills < kills:
            plan = KilledPlan(folder / f"plan{counts.plans}", chance, counts)
            plan.run_to_the_end(min(KILLS_PER_PLAN, kills - counts.kills))
            plan.judge()
    except BaseException as error:
        error.add_note(f"seed {seed}, {counts}")
        raise
    return counts


@pytest.mark.timeout(400)
def test_a_plan_that_is_killed_at_random_moments_completes_each_task_once(tmp_path: Path) -> None:
    """I1, I2, I6, I7, DA13, DB3, DB8, B38: 20 kills; exactly one completion each, no two at a time, no process left."""
    counts = kill_so_often(20, tmp_path, int(os.environ.get("PROOF_SEED", "20")))
    assert counts.kills == 20
    assert counts.lost_runs > 0
    assert counts.violations == 0


@pytest.mark.proof
@pytest.mark.timeout(7200)
def test_two_hundred_kills_leave_every_task_completed_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """I1, I2, I6, I7: the full number."""
    counts = kill_so_often(200, tmp_path, int(os.environ.get("PROOF_SEED", "200")))
    with capsys.disabled():
        print("\n" + msgspec.json.encode(counts).decode())
    assert counts.lost_runs > 20
