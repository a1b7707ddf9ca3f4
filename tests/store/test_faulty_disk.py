"""Disks that are full or break: what was acknowledged stays, what failed says so (I1, I1b, I18; faults 17 and 19)."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from taxiway.clock import Ids, seeded_chance
from taxiway.core.errors import OutcomeUnknown
from taxiway.store.protocol import TaskFilter
from taxiway.testing.clock import HandClock
from taxiway.testing.conformance import Bench
from tests.store.conftest import open_by_hand
from tests.store.processes import ROOT, RUN, private_mounts, reply, said


@private_mounts
def test_a_full_disk_refuses_writes_and_keeps_everything_else(tmp_path: Path) -> None:
    """Fault 17, I1, B6 corrected: reads go on, what was acknowledged is there, and with some space it writes again."""
    place = tmp_path / "place"
    place.mkdir()
    script = (
        'mount -t tmpfs -o size=4m,mode=0700 none "$0" && dd if=/dev/zero of="$0/ballast" bs=64k count=16 2>/dev/null '
        '&& exec "$@"'
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, str(place), *RUN, "fill", str(place / "a.db"), "one", "0"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    lines = reply(done.stdout)
    [refused] = [line for line in lines if "refused" in line]
    assert refused["refused"] == "store_unusable"
    assert "full" in refused["text"]
    assert said(lines, "read")[0] > 10
    assert said(lines, "findings") == [[]]


class BreakingFile(apsw.VFSFile):
    """A file whose flushes or writes fail from a moment on."""

    def __init__(self, name: str, flags: list[int], broken: set[str]) -> None:
        super().__init__("", name, flags)
        self._broken = broken

    def xSync(self, flags: int) -> None:
        if "flush" in self._broken:
            raise apsw.IOError("the disk is gone")
        super().xSync(flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        if "write" in self._broken:
            raise apsw.IOError("the disk is gone")
        super().xWrite(data, offset)


class BreakingDisk(apsw.VFS):
    """A disk that breaks when a test says so."""

    def __init__(self) -> None:
        super().__init__("breaking", "")
        self.broken: set[str] = set()

    def xOpen(self, name: Any, flags: list[int]) -> BreakingFile:
        return BreakingFile(name, flags, self.broken)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[BreakingDisk]:
    """Every connection that is opened from now on is on this disk."""
    made = BreakingDisk()
    plain = apsw.Connection

    def connect(path: str, **how: Any) -> apsw.Connection:
        return plain(path, vfs="breaking", **how)

    monkeypatch.setattr(apsw, "Connection", connect)
    yield made
    monkeypatch.undo()
    made.unregister()


@pytest.mark.parametrize("what", ["flush", "write"])
async def test_a_commit_that_errs_is_unknown_and_the_last_write(tmp_path: Path, disk: BreakingDisk, what: str) -> None:
    """I1b, fault 19: it may or may not be stored; this process writes no more, also when the disk has recovered."""
    clock = HandClock()
    opened = await open_by_hand(tmp_path / "a.db", clock)
    bench = Bench(opened.store, clock, Ids(clock, seeded_chance(5)))
    acknowledged = [await bench.submit() for _ in range(3)]
    disk.broken.add(what)
    with pytest.raises(OutcomeUnknown, match="start it again"):
        await bench.submit(idempotency_key="k")
    disk.broken.clear()
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await bench.submit()
    await opened.close()

    again = await open_by_hand(tmp_path / "a.db", clock)
    page = await again.store.tasks(TaskFilter(), 10, None)
    found = [task.id for task in page.items]
    assert found[:3] == acknowledged
    assert len(found) <= 4
    bench = Bench(again.store, clock, Ids(clock, seeded_chance(6)))
    [answer] = await bench.submit_all(bench.new(idempotency_key="k"))
    assert answer.created == (len(found) == 3), "repeating the call with the same key is always safe"
    assert await again.store.check() == []
    await again.close()
