"""The engine: one task group, the services in it, and an end in good order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from taxiway.core.errors import Unavailable
from taxiway.core.run import StopCause
from taxiway.engine.dispatcher import Dispatcher
from taxiway.engine.executor import Executor
from taxiway.engine.pool import SessionPool
from taxiway.engine.service import Service, serve
from taxiway.observe.observer import Observer
from taxiway.store.protocol import ExecutionStore, Wake


@asynccontextmanager
async def serving(services: Sequence[tuple[Service, Wake]], observer: Observer) -> AsyncIterator[asyncio.TaskGroup]:
    """Run services, each with what wakes it, for as long as the block lasts; the group is for the runs they start.

    A service that cannot go on ends the block: its error is raised, alone and not as a group.
    """
    try:
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(serve(service, wake, observer), name=service.name) for service, wake in services
            ]
            try:
                yield group
            finally:
                for task in running:
                    task.cancel()
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


class Crew:
    """The runner inside a process, as its owner sees it: how much it does, and how it ends."""

    def __init__(
        self,
        store: ExecutionStore,
        runner: str,
        executor: Executor,
        dispatcher: Dispatcher,
        pool: SessionPool | None = None,
    ) -> None:
        self._store = store
        self._runner = runner
        self._executor = executor
        self._dispatcher = dispatcher
        self._pool = pool

    @property
    def working(self) -> int:
        """How many runs are live here."""
        return self._executor.working

    def begin(self) -> None:
        """Take work from now on; it has begun already unless it was opened to wait for a plan."""
        self._dispatcher.begin()

    async def drain(self) -> None:
        """Start nothing new, and say so in the runner's row; ask what runs to stop (it goes back to its queue), and
        wait until it has, and until no process is left that was kept warm (A40)."""
        self._dispatcher.pause()
        self._executor.stop_all(StopCause.DRAIN)
        if self._pool is not None:
            self._pool.close()
        await self._say_draining()
        await self._dispatcher.paused()
        await self._executor.idle()
        if self._pool is not None:
            await self._pool.empty()

    async def finish(self) -> None:
        """Start nothing new, and wait until what runs has come to its own end (SQ-81)."""
        self._dispatcher.pause()
        await self._say_draining()
        await self._dispatcher.paused()
        await self._executor.idle()

    async def _say_draining(self) -> None:
        with suppress(Unavailable):  # what runs here ends all the same
            await self._store.retire(self._runner, "draining")

    def kill(self) -> None:
        """The same with SIGKILL at once; ``drain`` then ends soon."""
        self._dispatcher.pause()
        self._executor.stop_all(StopCause.DRAIN, hard=True)
        if self._pool is not None:
            self._pool.kill()
