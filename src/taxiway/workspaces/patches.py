"""The patches of runs, kept beside the store: ``RUN.diff``, and ``RUN.json`` that says what it is, written last."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from taxiway.core.errors import NotFound, WorkspaceRefused
from taxiway.core.ids import is_full_id
from taxiway.core.workspace import RunDiff
from taxiway.workspaces.diff import Taken


class Patches:
    """A folder of them. Everything here blocks for as long as a disk takes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, taken: Taken) -> None:
        """Keep one; a repeated one replaces it."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        write_whole(self._place(taken.diff.run, ".diff"), taken.patch)
        write_whole(self._place(taken.diff.run, ".json"), msgspec.json.encode(taken.diff))

    def find(self, run: str) -> RunDiff | None:
        """What a run changed; ``None`` where nothing was kept."""
        with suppress(FileNotFoundError, msgspec.ValidationError, msgspec.DecodeError):
            return msgspec.json.decode(self._place(run, ".json").read_bytes(), type=RunDiff)
        return None

    def read(self, diff: RunDiff) -> bytes:
        """Its patch; raises ``NotFound`` when it is gone, ``WorkspaceRefused`` when it is not what was kept."""
        try:
            patch = self._place(diff.run, ".diff").read_bytes()
        except FileNotFoundError:
            raise NotFound(f"the diff of run {diff.run} is gone", id=diff.run) from None
        if hashlib.sha256(patch).hexdigest() != diff.digest:
            raise WorkspaceRefused(f"the diff of run {diff.run} is not what was kept: its digest differs")
        return patch

    def forget(self, run: str) -> None:
        """It goes, first what says that it is there."""
        for ending in (".json", ".diff"):
            with suppress(FileNotFoundError):
                self._place(run, ending).unlink()

    def runs(self) -> list[str]:
        """The runs of which there is something."""
        with suppress(FileNotFoundError):
            return sorted({path.stem for path in self._folder.iterdir() if is_full_id(path.stem, "run")})
        return []

    def _place(self, run: str, ending: str) -> Path:
        if not is_full_id(run, "run"):
            raise NotFound(f"there is no run {run}", id=run)
        return self._folder / (run + ending)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    fresh = path.with_name(path.name + ".new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
