"""Hints from a server: one call that waits there, and rings here for whoever has something to look at."""

from __future__ import annotations

import asyncio
from typing import Final

from taxiway.client.connection import Connection
from taxiway.core.errors import LeaseLost, Unauthorized, Unavailable
from taxiway.core.limits import SAFETY_POLL_S
from taxiway.store.protocol import Topic

WAIT_S: Final = 20.0  #: how long the server may wait for something
PATIENCE_S: Final = WAIT_S + 10.0
GATHER_S: Final = 0.05  #: between two calls: under load one hint stands for many
CALM_S: Final = 10.0  #: how often one looks without a hint, while hints come: the server keeps what comes between calls
TOPICS: Final = {"work": Topic.WORK, "stop": Topic.STOP, "signal": Topic.SIGNAL}
EVERYTHING: Final = Topic.WORK | Topic.STOP | Topic.SIGNAL


class RemoteWakes:
    """The wake-ups of one runner that works through a server. As a service it waits for them there."""

    name: Final = "hints"
    topics: Final = Topic.NOTHING

    def __init__(self, connection: Connection, runner: str) -> None:
        self._connection = connection
        self._runner = runner
        self._waiters: set[RemoteWake] = set()
        self.connected = False

    def subscribe(self, topics: Topic) -> RemoteWake:
        """A new waiter for hints on any of ``topics``."""
        wake = RemoteWake(self, topics)
        self._waiters.add(wake)
        return wake

    def discard(self, waiter: RemoteWake) -> None:
        """A waiter goes."""
        self._waiters.discard(waiter)

    async def step(self) -> float:
        """Wait for hints once. Whoever was cut off looks at everything."""
        path = f"/runners/{self._runner}/hints"
        try:
            answer = await self._connection.once("GET", path, timeout_s=PATIENCE_S, wait_s=WAIT_S)
        except Unavailable:
            self.connected = False
            raise
        except Unauthorized as error:
            raise LeaseLost(f"this runner's key opens nothing any more: {error.message}") from None
        heard = EVERYTHING if not self.connected else Topic.NOTHING
        self.connected = True
        for name in answer["topics"]:
            heard |= TOPICS.get(name, Topic.NOTHING)
        self._ring(heard)
        return GATHER_S if heard else 0

    def _ring(self, topics: Topic) -> None:
        for waiter in tuple(self._waiters):
            if waiter.topics & topics:
                waiter.ring()


class RemoteWake:
    """One waiter: remembers a hint that came while nobody waited."""

    def __init__(self, wakes: RemoteWakes, topics: Topic) -> None:
        self._wakes = wakes
        self.topics = topics
        self._event = asyncio.Event()

    def ring(self) -> None:
        """There is something to look at."""
        self._event.set()

    async def wait(self, timeout_s: float) -> bool:
        """Whether a hint came since the last call, waiting up to ``timeout_s`` for one. The look that is there only for
        lost hints is taken more seldom while none can be lost: it costs a call."""
        if timeout_s == SAFETY_POLL_S and self.topics and self._wakes.connected:
            timeout_s = CALM_S
        if not self._event.is_set():
            try:
                async with asyncio.timeout(timeout_s):
                    await self._event.wait()
            except TimeoutError:
                return False
        self._event.clear()
        return True

    def close(self) -> None:
        """Stop listening."""
        self._wakes.discard(self)
