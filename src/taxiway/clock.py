"""Time and chance: the only places where the program reads a clock or draws a random number.

Two words only: ``now`` is wall time in milliseconds since 1970 UTC (stored), ``elapsed`` is monotonic seconds
(measured).
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from typing import Protocol

from taxiway.core.ids import make_id


class Clock(Protocol):
    """A source of time, and a way to wait for it."""

    def now_ms(self) -> int:
        """Wall time, milliseconds since 1970 UTC."""
        ...

    def elapsed_s(self) -> float:
        """Monotonic time in seconds from an arbitrary start."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that long by this clock."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now_ms(self) -> int:
        """Wall time, milliseconds since 1970 UTC."""
        return time.time_ns() // 1_000_000

    def elapsed_s(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the running event loop."""
        await asyncio.sleep(seconds)

    def pause(self, seconds: float) -> None:
        """Hold the calling thread (the store's writer has one of its own); never the event loop's."""
        time.sleep(seconds)


class Chance(Protocol):
    """A source of randomness (``random.Random`` is one; tests hand in a seeded one)."""

    def random(self) -> float:
        """Uniform in [0, 1)."""
        ...

    def getrandbits(self, k: int, /) -> int:
        """A number of ``k`` random bits."""
        ...


def system_chance() -> Chance:
    """Randomness from the operating system's seed, unpredictable between processes."""
    return random.Random(random.SystemRandom().getrandbits(128))


def seeded_chance(seed: int) -> Chance:
    """Randomness that is the same for the same seed: for tests and the simulator."""
    return random.Random(seed)


def new_secret() -> str:
    """32 bytes that nobody can guess, in URL-safe base 64."""
    return secrets.token_urlsafe(32)


class Ids:
    """Makes ids that are sortable by time and never go backwards within one process."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        self._last_ms = 0
        self._last_chance = 0

    def new(self, prefix: str) -> str:
        """A fresh id ``prefix_…``; a later call always sorts after an earlier one."""
        now = self._clock.now_ms()
        if now > self._last_ms:
            self._last_ms = now
            self._last_chance = self._chance.getrandbits(79)
        else:
            self._last_chance += 1 + self._chance.getrandbits(32)
        return make_id(prefix, self._last_ms, self._last_chance)
