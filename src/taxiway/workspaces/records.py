"""What stands beside the store for each workspace: ``ID`` (its files), ``ID.json`` (whose it is), ``ID.lock``.

A record is written before what it speaks of is made, and goes after it is gone: whatever a crash leaves is found.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from taxiway.core.errors import NotFound, WorkspaceRefused
from taxiway.core.workspace import SESSION_DIGEST_CHARS, Claim, Record, Stand, Workspace, WorkspaceKind
from taxiway.workspaces.patches import write_whole
from taxiway.workspaces.trouble import told_as_refusal

LOOK_AGAIN_S: Final = 0.1
_ID: Final = re.compile(r"[a-z]+_[0-9a-z]{26}(-[0-9a-f]{8})?\Z")


class Records:
    """The folder of all of them, mode 0700."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make_folder(self) -> None:
        """It comes with the first workspace."""
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def tree(self, id: str) -> Path:
        """Where the files of a workspace are."""
        return self.folder / _checked(id)

    def is_there(self, id: str) -> bool:
        """Whether anything is in that place."""
        return os.path.lexists(self.tree(id))

    def snapshot(self, record: Record) -> Path:
        """Where what is in it will be kept; each snapshot of a workspace has a place of its own."""
        return self.folder / f"{_checked(record.id)}-{len(record.snapshots) + 1}.bundle"

    def scratch(self, id: str) -> Path:
        """Where what is only needed for a moment is written; made when it is asked for."""
        folder = self.folder / f"{_checked(id)}.scratch"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def clear(self, id: str) -> None:
        """Whoever has a workspace alone takes away what others, who were killed, have left in its scratch."""
        shutil.rmtree(self.folder / f"{_checked(id)}.scratch", ignore_errors=True)

    def find(self, id: str) -> Record | None:
        """The record of a workspace; ``None`` where there is none, or one that makes no sense. Raises
        ``WorkspaceRefused`` where it cannot be read: what it says is not known then."""
        with (
            told_as_refusal(f"the record of workspace {id} cannot be read"),
            suppress(FileNotFoundError, msgspec.ValidationError, msgspec.DecodeError),
        ):
            return msgspec.json.decode((self.folder / f"{_checked(id)}.json").read_bytes(), type=Record)
        return None

    def write(self, record: Record) -> Record:
        """Write it down."""
        write_whole(self.folder / f"{_checked(record.id)}.json", msgspec.json.encode(record))
        return record

    def forget(self, id: str) -> None:
        """Nothing is left to tell of."""
        for name in (f"{_checked(id)}.json", f"{id}.lock"):
            with suppress(FileNotFoundError):
                (self.folder / name).unlink()

    def all(self) -> Iterator[Record]:
        """Every workspace, and every folder that no record speaks of, by id."""
        with suppress(FileNotFoundError):
            named = {path.name.removesuffix(".json") for path in self.folder.glob("*.json")}
            trees = {path.name for path in self.folder.iterdir() if path.is_dir() and _ID.match(path.name)}
            for id in sorted(named | trees):
                if _ID.match(id):
                    yield self._found(id) or _unknown(id)

    def _found(self, id: str) -> Record | None:
        with suppress(WorkspaceRefused):
            return self.find(id)
        return None

    @asynccontextmanager
    async def locked(self, id: str, patience_s: float, shared: bool = False) -> AsyncIterator[int]:
        """Hold the lock of a workspace for the block, alone or with others; raises ``WorkspaceRefused`` when somebody
        else holds it for longer than ``patience_s``. A git that its holder has left behind holds it too."""
        path = self.folder / f"{_checked(id)}.lock"
        fd = -1
        try:
            while fd < 0 or not _is_same(fd, path):  # whoever had it may have taken the file away
                if fd >= 0:
                    os.close(fd)
                with told_as_refusal(f"workspace {id} cannot be locked"):
                    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
                await _lock(fd, id, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, patience_s)
            yield fd
        finally:
            if fd >= 0:
                os.close(fd)

    def in_use(self, id: str) -> bool:
        """Whether somebody holds its lock now."""
        try:
            fd = os.open(self.folder / f"{_checked(id)}.lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False


def _is_same(fd: int, path: Path) -> bool:
    """Whether an open file is still the one that stands there."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(fd), path.stat())
    return False


async def _lock(fd: int, id: str, how: int, patience_s: float) -> None:
    try:
        async with asyncio.timeout(patience_s):
            while True:
                with suppress(BlockingIOError):
                    fcntl.flock(fd, how | fcntl.LOCK_NB)
                    return
                await asyncio.sleep(LOOK_AGAIN_S)
    except TimeoutError:
        raise WorkspaceRefused(f"workspace {id} is in use by somebody else", id=id) from None


def id_of(claim: Claim) -> str:
    """The workspace of a task; of a session one for each folder and kind of workspace that its tasks ask for.

    Every attempt, and every turn of a session, goes on in the same one.
    """
    if claim.session is None:
        return claim.task
    asked = msgspec.json.encode([claim.folder, claim.wanted], order="sorted")
    return f"{claim.session}-{hashlib.sha256(asked).hexdigest()[:SESSION_DIGEST_CHARS]}"


def gone(record: Record, tree: Path) -> str:
    """What is said of a workspace whose files somebody has taken away, or put something else in their place."""
    way_out = f"if they will not come back: taxiway workspace remove --forget {record.id}"
    return f"the files of workspace {record.id} are gone from {tree}; {way_out}"


def _checked(id: str) -> str:
    if not _ID.match(id):
        raise NotFound(f"there is no workspace {id}", id=id)
    return id


def _unknown(id: str) -> Record:
    nothing = Workspace(kind=WorkspaceKind.DIR)
    return Record(id=id, stand=Stand.UNKNOWN, task="", session=None, wanted=nothing, source="", within="", base="")
