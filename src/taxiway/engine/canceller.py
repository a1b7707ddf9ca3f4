"""The canceller: brings stops that were asked for in the store to the runs of this runner."""

from __future__ import annotations

from typing import Final

from taxiway.core.limits import SAFETY_POLL_S
from taxiway.engine.executor import Executor
from taxiway.store.protocol import ExecutionStore, Topic


class Canceller:
    """Control never waits behind work: stops have a wake-up of their own."""

    name: Final = "canceller"
    topics: Final = Topic.STOP

    def __init__(self, store: ExecutionStore, executor: Executor, runner: str) -> None:
        self._store = store
        self._executor = executor
        self._runner = runner

    async def step(self) -> float:
        """Tell each run that somebody wants ended; to a run that knows already it is nothing new."""
        if self._executor.working:
            for request in await self._store.stop_requests(self._runner):
                self._executor.stop(request.run, request.cause)
        return SAFETY_POLL_S
