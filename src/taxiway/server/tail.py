"""The newest lines of a log, read from the store once for everybody who follows it.

Each watcher has a place in it and nothing else: nothing is queued for anybody, so who is slow costs nobody anything.
Who stands behind what is kept here reads pages of his own from the store until he has caught up (DA11, I4).
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from taxiway.core.errors import Gap, Unavailable
from taxiway.core.limits import SAFETY_POLL_S
from taxiway.store.protocol import Wake

PAGE: Final = 500  #: lines that are read, and sent, at a time
KEPT: Final = 4_000
TRIMMED_AT: Final = 2 * KEPT


class Line(NamedTuple):
    """One line: its number in its log, and its document, encoded."""

    number: int
    document: bytes


Read = Callable[[int, int], Awaitable[list[Line]]]  #: lines behind a number, at most so many


class Pulse:
    """Something that happens again and again. Who takes ``next`` before he looks misses nothing."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    @property
    def next(self) -> asyncio.Event:
        """Set when it happens the next time."""
        return self._next

    def beat(self) -> None:
        """It happens."""
        event, self._next = self._next, asyncio.Event()
        event.set()


class Tail:
    """The end of one log, growing. ``start`` is the number of the last line that is there already; ``everywhere`` beats
    with every tail."""

    def __init__(self, read: Read, wake: Wake, start: int, everywhere: Pulse) -> None:
        self._read = read
        self._wake = wake
        self._oldest = start  # everything behind this number is kept, as far as there is anything
        self._newest = start
        self._lines: list[Line] = []
        self._numbers: list[int] = []
        self._everywhere = everywhere
        self.pulse = Pulse()
        self.followers = 0

    async def grow(self) -> None:
        """Read what comes, until this is cancelled."""
        try:
            while True:
                full = await self._step()
                if not full:
                    await self._wake.wait(SAFETY_POLL_S)
        finally:
            self._wake.close()

    async def behind(self, number: int) -> list[Line]:
        """Up to 500 lines that are there behind a number. What the store refuses (``Gap``, where some was forgotten) is
        raised."""
        if number < self._oldest:
            return await self._read(number, PAGE)
        start = bisect_right(self._numbers, number)
        return self._lines[start : start + PAGE]

    async def _step(self) -> bool:
        """Read a page; whether there may be more at once."""
        try:
            page = await self._read(self._newest, PAGE)
        except Gap as gap:  # forgotten before it was read: those who follow look for themselves, and are told
            self._start_anew(gap.details["newest"])
            return True
        except Unavailable:
            return False
        if page:
            self._append(page)
        return len(page) == PAGE

    def _append(self, page: list[Line]) -> None:
        self._lines += page
        self._numbers += [line.number for line in page]
        self._newest = page[-1].number
        if len(self._lines) > TRIMMED_AT:
            self._oldest = self._numbers[-KEPT - 1]
            del self._lines[:-KEPT], self._numbers[:-KEPT]
        self._tell()

    def _start_anew(self, newest: int) -> None:
        self._lines, self._numbers = [], []
        self._oldest = self._newest = newest
        self._tell()

    def _tell(self) -> None:
        self.pulse.beat()
        self._everywhere.beat()
