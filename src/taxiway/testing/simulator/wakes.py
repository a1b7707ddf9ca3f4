"""Wake-ups between simulated processes: late, or lost, as hints may be."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from taxiway.store.protocol import Topic

if TYPE_CHECKING:
    from taxiway.testing.simulator.process import Process


class VirtualWakes:
    """The wake-ups of one process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._waiters: list[VirtualWake] = []

    def subscribe(self, topics: Topic) -> VirtualWake:
        """A new waiter of this process."""
        wake = VirtualWake(self, topics)
        self._waiters.append(wake)
        return wake

    def hint(self, topics: Topic) -> None:
        """Something was committed: every waiter whom it concerns hears of it, unless its hint is lost or late."""
        world = self._process.world
        for waiter in self._waiters:
            if not waiter.topics & topics or waiter.rung:
                continue
            if world.chaos and world.dice.hit(world.rates.lost_wake):
                continue
            if world.chaos and world.rates.wake_s:
                world.later(world.dice.about(world.rates.wake_s), waiter.ring)
            else:
                waiter.ring()

    def discard(self, waiter: VirtualWake) -> None:
        """A waiter goes."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)


class VirtualWake:
    """One waiter: remembers a hint that came while nobody waited."""

    def __init__(self, wakes: VirtualWakes, topics: Topic) -> None:
        self._wakes = wakes
        self.topics = topics
        self._event = asyncio.Event()

    @property
    def rung(self) -> bool:
        """Whether a hint is there that nobody has taken yet."""
        return self._event.is_set()

    def ring(self) -> None:
        """There is something to look at."""
        self._event.set()

    async def wait(self, timeout_s: float) -> bool:
        """Whether a hint came since the last call, waiting up to ``timeout_s`` for one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        rung = self._event.is_set()
        self._event.clear()
        return rung

    def close(self) -> None:
        """Stop listening."""
        self._wakes.discard(self)
