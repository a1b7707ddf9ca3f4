"""The dispatcher: free slots, a claim, and each claimed run handed to the executor."""

from __future__ import annotations

import asyncio
from typing import Final

from taxiway.core.limits import CLAIM_TASKS_MAX, SAFETY_POLL_S
from taxiway.core.readiness import Scope
from taxiway.core.run import StopCause
from taxiway.engine.executor import Executor
from taxiway.engine.parking import Parking
from taxiway.store.protocol import ExecutionStore, Topic


class Dispatcher:
    """Keeps the slots of one runner filled, event driven (A9, A27, B9). Runs that waited for a person come first, also
    when nothing new is to start."""

    name: Final = "dispatcher"
    topics: Final = Topic.WORK

    def __init__(
        self,
        store: ExecutionStore,
        executor: Executor,
        runner: str,
        scope: Scope,
        slots: int,
        parking: Parking | None = None,
    ) -> None:
        """Takes nothing before ``begin``. ``parking`` is where its runs wait for a person, if they can."""
        self._store = store
        self._executor = executor
        self._runner = runner
        self._scope = scope
        self._slots = slots
        self._parking = parking or Parking()
        self._begun = asyncio.Event()
        self._pause = asyncio.Event()
        self._claiming = asyncio.Lock()

    def begin(self) -> None:
        """Take work from now on."""
        self._begun.set()

    def pause(self) -> None:
        """Start nothing any more; what a claim on its way brings goes back to its queue."""
        self._pause.set()

    async def paused(self) -> None:
        """Wait until no claim is on its way."""
        async with self._claiming:
            pass

    async def step(self) -> float:
        """Claim as much as there are free slots, and start it."""
        await self._begun.wait()
        await self._resume()
        free = self._slots - self._executor.working + self._parking.left
        if self._pause.is_set() or free <= 0:
            return SAFETY_POLL_S
        async with self._claiming:
            claimed = await self._store.claim(self._runner, self._scope, free)
            for claim in claimed:
                self._executor.take(claim)
                if self._pause.is_set():
                    self._executor.stop(claim.run, StopCause.DRAIN)
        return 0 if len(claimed) == min(free, CLAIM_TASKS_MAX) else SAFETY_POLL_S

    async def _resume(self) -> None:
        """Let runs go on that have been answered; those that wait take no slot of this runner."""
        room = self._slots - self._executor.working + self._parking.parked
        if self._parking.parked and room > 0:
            for resumed in await self._store.resume(self._runner, room):
                await self._parking.resume(resumed)
