"""A clock that stands still until somebody moves it."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count
from threading import Lock
from typing import Final

START_MS: Final = 1_800_000_000_000  #: 2027-01-15T08:00:00Z
_TURNS: Final = 20  #: how often the loop may turn between two moments of ``run_for``


class HandClock:
    """Wall time and monotonic time that pass only by ``advance``, ``run_for`` or ``jump``."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self._wall_ms = float(now_ms)
        self._elapsed_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()
        self._lock = Lock()

    def now_ms(self) -> int:
        """Wall time, milliseconds since 1970 UTC."""
        return int(self._wall_ms)

    def elapsed_s(self) -> float:
        """Monotonic seconds since the clock was made."""
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        """Wait until somebody has moved the clock that far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed_s + seconds, next(self._order), woken))
        await woken

    def pause(self, seconds: float) -> None:
        """What a thread does instead of sleeping: monotonic time passes at once, and nobody wakes of it."""
        with self._lock:
            self._elapsed_s += seconds

    def advance(self, seconds: float) -> None:
        """Move both hands, and wake whoever slept no longer than that. On the loop's thread."""
        with self._lock:
            self._elapsed_s += seconds
            self._wall_ms += seconds * 1000
        while self._sleepers and self._sleepers[0][0] <= self._elapsed_s:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)

    async def run_for(self, seconds: float) -> None:
        """Move from one sleeper to the next, letting each run before time goes on, until ``seconds`` have passed."""
        end = self._elapsed_s + seconds
        await _turn()
        while self._sleepers and self._sleepers[0][0] <= end:
            self.advance(max(0.0, self._sleepers[0][0] - self._elapsed_s))
            await _turn()
        self.advance(max(0.0, end - self._elapsed_s))
        await _turn()

    def jump(self, seconds: float) -> None:
        """Move the wall clock alone, as an administrator or a time server may (I20)."""
        with self._lock:
            self._wall_ms += seconds * 1000


async def _turn() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
