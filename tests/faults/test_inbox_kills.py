"""kill -9 of senders and of the runner at random moments, with sessions of every mode (I1, I2, I5, I7)."""

import os
import random
from pathlib import Path

import msgspec
import pytest

from tests.faults.killed_inbox import Counts, KilledInbox


async def kill_so_often(kills: int, folder: Path, seed: int) -> Counts:
    """What that many kills showed. A failure names its seed."""
    inbox = KilledInbox(folder, random.Random(seed))
    try:
        inbox.kill_so_often(kills)
        await inbox.judge()
    except BaseException as error:
        error.add_note(f"seed {seed}, {inbox.counts}")
        raise
    return inbox.counts


@pytest.mark.timeout(300)
async def test_every_accepted_message_has_one_outcome_whoever_is_killed(tmp_path: Path) -> None:
    """I1, I2, I5, I7, SQ-03, SQ-04, GD-09: 10 kills; what was accepted ended once, in order."""
    counts = await kill_so_often(10, tmp_path, int(os.environ.get("PROOF_SEED", "10")))
    assert (counts.kills, counts.violations) == (10, 0)
    assert counts.accepted > 30


@pytest.mark.proof
@pytest.mark.timeout(3600)
async def test_a_hundred_kills_lose_no_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """I1, I2, I5: the full number."""
    counts = await kill_so_often(100, tmp_path, int(os.environ.get("PROOF_SEED", "100")))
    with capsys.disabled():
        print("\n" + msgspec.json.encode(counts).decode())
    assert counts.lost_runs > 10
