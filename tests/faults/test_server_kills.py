"""kill -9 of the server at any point of any request, and SIGTERM under load (I1, I4, I9)."""

import os
import random
from pathlib import Path

import msgspec
import pytest

from tests.faults.killed_server import Counts, KilledServer


async def kill_so_often(kills: int, folder: Path, seed: int) -> Counts:
    """What that many kills showed. A failure names its seed."""
    stand = KilledServer(folder, random.Random(seed))
    try:
        await stand.kill_so_often(kills)
    except BaseException as error:
        error.add_note(f"seed {seed}, {stand.counts}")
        raise
    return stand.counts


@pytest.mark.timeout(300)
async def test_what_a_server_acknowledged_is_there_once_and_no_watcher_loses_its_place(tmp_path: Path) -> None:
    """I1, I4, I9, DA11: 10 ends of the server, most of them by -9, with four clients and two watchers at work."""
    counts = await kill_so_often(10, tmp_path, int(os.environ.get("PROOF_SEED", "10")))
    assert (counts.kills + counts.leavings, counts.violations) == (10, 0)
    assert counts.acknowledged > 50
    assert counts.resumed >= 10


@pytest.mark.proof
@pytest.mark.timeout(3600)
async def test_two_hundred_kills_of_the_server_lose_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """I1, I4, I9: the full number."""
    counts = await kill_so_often(200, tmp_path, int(os.environ.get("PROOF_SEED", "200")))
    with capsys.disabled():
        print("\n" + msgspec.json.encode(counts).decode())
    assert counts.repeated > 20
