"""Wake-ups between simulated processes: late, or lost, as hints may be."""

from __future__ import annotations

import asyncio
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
    """One waiter: remembers a hint that came while nobody waited (``rung``)."""

    def __init__(self, wakes: VirtualWakes, topics: Topic) -> None:
        self._wakes = wakes
        self.topics = topics
        self.rung = False
        self._waiting: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """There is something to look at."""
        self.rung = True
        self._wake()

    async def wait(self, timeout_s: float) -> bool:
        """Whether a hint came since the last call, waiting up to ``timeout_s`` for one."""
        if not self.rung:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            timer = loop.call_later(timeout_s, self._wake)
            try:
                await self._waiting
            finally:
                timer.cancel()
        rung, self.rung = self.rung, False
        return rung

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def close(self) -> None:
        """Stop listening."""
        self._wakes.discard(self)
