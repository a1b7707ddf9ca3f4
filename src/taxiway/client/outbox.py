"""What a runner could not tell its server yet: on disk, so that it is told even if the runner dies meanwhile (I1).

A file for each run, a line for each letter, flushed before it counts. A line that was cut by the end of its process was
never promised to anybody. What is told twice changes nothing (I4, I12).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

OUTBOX_BYTES_MAX: Final = 256 << 20  #: of events; an end finds room always
SUFFIX: Final = ".letters"


class Letter(msgspec.Struct, frozen=True):
    """One call that has to be made: where, and with what. ``last``: the end of its run."""

    path: str
    body: msgspec.Raw
    last: bool = False


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Letter).decode


class Outbox:
    """The letters of one runner, run by run, each in order."""

    def __init__(self, folder: Path, bytes_max: int = OUTBOX_BYTES_MAX) -> None:
        """``folder`` is there, and its owner's alone."""
        self._folder = folder
        self._bytes_max = bytes_max
        self._sizes = {path.stem: path.stat().st_size for path in sorted(folder.glob("*" + SUFFIX))}
        self._room = asyncio.Event()
        self._look()

    @property
    def runs(self) -> list[str]:
        """Runs that have letters here, those that were claimed first first."""
        return sorted(self._sizes)

    def holds(self, run: str) -> bool:
        """Whether a run has letters here."""
        return run in self._sizes

    async def room(self) -> None:
        """Wait until there is room for events."""
        await self._room.wait()

    async def add(self, run: str, path: str, body: Any, last: bool = False) -> None:
        """Keep one more letter; it is on disk on return."""
        line = _encode(Letter(path, msgspec.Raw(_encode(body)), last)) + b"\n"
        self._sizes[run] = self._sizes.get(run, 0) + len(line)  # first: whatever comes next has to wait behind it
        self._look()
        await _whole(lambda: self._append(run, line))

    async def letters(self, run: str) -> list[Letter]:
        """What a run has to tell, in order."""
        return await asyncio.to_thread(self._read, run)

    async def drop(self, run: str) -> None:
        """All of it has been told, or nobody wants to hear it."""
        await _whole(lambda: self._path(run).unlink(missing_ok=True))
        self._sizes.pop(run, None)
        self._look()

    def _append(self, run: str, line: bytes) -> None:
        new = not self._path(run).exists()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self._path(run), flags, 0o600)
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(fd, rest) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        if new:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _read(self, run: str) -> list[Letter]:
        found: list[Letter] = []
        if not self._path(run).exists():
            return found
        for line in self._path(run).read_bytes().splitlines(keepends=True):
            try:
                found.append(_decode(line if line.endswith(b"\n") else b""))
            except msgspec.DecodeError:
                break  # cut by the end of a process: nobody was told that it is here
        return found

    def _path(self, run: str) -> Path:
        return self._folder / (run + SUFFIX)

    def _look(self) -> None:
        if sum(self._sizes.values()) < self._bytes_max:
            self._room.set()
        else:
            self._room.clear()


async def _whole(work: Callable[[], None]) -> None:
    """Do it in a thread, to its end: one that is cancelled meanwhile has been done all the same."""
    await asyncio.shield(asyncio.to_thread(work))
