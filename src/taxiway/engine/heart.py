"""The heart: renews the runner's lease in the store, and tells every guardian that the runner lives."""

from __future__ import annotations

from typing import Final

from taxiway.core.errors import LeaseLost
from taxiway.core.run import StopCause
from taxiway.engine.executor import Executor
from taxiway.engine.pool import SessionPool
from taxiway.observe.observer import Moment, Observer
from taxiway.store.protocol import ExecutionStore, Topic


class Heart:
    """One beat for all runs of a runner, and for the processes that it keeps warm (``pool``)."""

    name: Final = "heart"
    topics: Final = Topic.NOTHING

    def __init__(
        self,
        store: ExecutionStore,
        executor: Executor,
        runner: str,
        observer: Observer,
        every_s: float,
        pool: SessionPool | None = None,
    ) -> None:
        self._store = store
        self._executor = executor
        self._pool = pool
        self._runner = runner
        self._observer = observer
        self._every_s = every_s

    async def step(self) -> float:
        """Beat once; a runner that was declared dead ends what it runs, for others own that work now (I2)."""
        if not await self._store.beat(self._runner):
            self._observer(Moment.LEASE_LOST, runner=self._runner)
            self._executor.stop_all(StopCause.LEASE_LOST, hard=True)
            if self._pool is not None:
                self._pool.kill()
            raise LeaseLost(
                f"runner {self._runner} was not heard of for longer than its lease, so another process has taken over "
                "its work; start it again to go on"
            )
        await self._executor.ping()
        if self._pool is not None:
            await self._pool.ping()
        return self._every_s
