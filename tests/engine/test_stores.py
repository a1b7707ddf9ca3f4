"""Stores that will not do, and stores that fail under the engine: one clear error, and no process left."""

import asyncio
import json
import os
import sqlite3
import sys
from pathlib import Path

import pytest

import taxiway
from taxiway.agents.guardian.sweep import tagged
from tests.engine.conftest import DEADLINE_S

PROGRAM = Path(__file__).parent / "failing_disk.py"


async def refused(path: Path) -> str:
    """Open a store that will not do; the sentence."""
    with pytest.raises(taxiway.Unavailable) as caught:
        async with taxiway.open(path, project=""):
            pass
    assert caught.value.exit_status == 5
    assert str(path) in caught.value.message or str(path.parent) in caught.value.message
    assert "\n" not in caught.value.message
    return caught.value.message


async def test_a_file_that_is_no_database_is_refused_and_not_touched(tmp_path) -> None:
    """Issue 2, Bad input."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but somebody's notes\n" * 100)
    before = path.read_bytes()
    assert "not a Taxiway store" in await refused(path)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["notes.txt"]


async def test_another_programs_database_is_refused_and_not_touched(tmp_path) -> None:
    """Issue 2, Bad input."""
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (x)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    assert "another program" in await refused(path)
    assert path.read_bytes() == before


async def test_a_store_of_a_newer_version_is_refused(tmp_path) -> None:
    """Issue 2, I19: this program does not guess."""
    path = tmp_path / "store.db"
    async with taxiway.open(path, slots=0, project=""):
        pass
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 9999")
    connection.commit()
    connection.close()
    assert "newer" in await refused(path)


async def test_a_folder_and_a_missing_folder_are_refused(tmp_path) -> None:
    """Issue 2, Bad input, B34: each sentence says what would be right."""
    assert "is a folder" in await refused(tmp_path)
    assert "does not exist" in await refused(tmp_path / "no" / "store.db")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
async def test_a_store_of_another_owner_is_refused(tmp_path) -> None:
    """Issue 2, Bad input."""
    path = tmp_path / "store.db"
    async with taxiway.open(path, slots=0, project=""):
        pass
    os.chown(path, 65534, 65534)
    assert "belongs to user 65534" in await refused(path)


async def test_a_damaged_store_is_refused_and_not_guessed(tmp_path) -> None:
    """B39, fault 20: reported, never silently started empty."""
    path = tmp_path / "store.db"
    async with taxiway.open(path, slots=0, project=""):
        pass
    content = bytearray(path.read_bytes())
    content[100:4096] = os.urandom(3996)
    path.write_bytes(content)
    await refused(path)
    assert path.stat().st_size == len(content)


async def failing(how: str, folder: Path, *wrap: str) -> dict:
    """What the program with the failing disk says at its end."""
    gate = folder / "gate"
    os.mkfifo(gate)
    store = folder / "disk" / "store.db"
    store.parent.mkdir()
    process = await asyncio.create_subprocess_exec(
        *wrap, sys.executable, str(PROGRAM), how, str(store), str(gate), stdout=asyncio.subprocess.PIPE
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), 3 * DEADLINE_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("how", ["limit", "full"])
async def test_a_disk_that_fails_ends_the_engine_with_one_error_and_no_process(tmp_path, how) -> None:
    """Faults 17 and 19, I1b: one clear sentence, not a group of them; every tree is gone."""
    wrap: list[str] = []
    if how == "full":
        mount = f"mount -t tmpfs -o size=3m tmpfs '{tmp_path}/disk' && exec \"$@\""
        wrap = ["unshare", "-m", "sh", "-c", mount, "sh"]
        probe = await asyncio.create_subprocess_exec(
            "unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt", stderr=asyncio.subprocess.DEVNULL
        )
        if await probe.wait() != 0:
            pytest.skip("no file system may be mounted here")
    told = await failing(how, tmp_path, *wrap)
    assert told["error"] in {"StoreUnusable", "OutcomeUnknown"}, told
    assert "store.db" in told["message"]
    assert ("full" in told["message"]) == (how == "full")
    assert len(told["tags"]) == 2
    left = [str(process) for process, tag in tagged() if tag in told["tags"]]
    assert left == []


async def test_after_a_failing_disk_the_next_start_settles_what_was_left(tmp_path) -> None:
    """I7, I1b: the runs count as lost, in the same or another process, since the runner's lock is free."""
    await failing("limit", tmp_path)
    async with taxiway.open(tmp_path / "disk" / "store.db", slots=0, project="") as tw:
        async with asyncio.timeout(DEADLINE_S):
            async for change in tw.feed.changes(0):
                if change.state == "queued" and "lost" in change.cause:
                    break
            while await tw.store.live_runs():
                await asyncio.sleep(0.05)
        tasks = (await tw.tasks()).items
        assert {(task.state, task.crashes) for task in tasks} == {("queued", 1)}
        assert await tw.store.check() == []
