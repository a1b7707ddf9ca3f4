"""The feed: committed rows to watchers. A cursor first, then live; wake-ups only say when to look again (I4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

from taxiway.core.change import Change, ChangeKind
from taxiway.core.errors import Gap
from taxiway.core.event import Event, EventType
from taxiway.core.limits import CHANGES_PAGE_MAX, EVENTS_PAGE_MAX, SAFETY_POLL_S
from taxiway.core.session import Receipt
from taxiway.core.task import TASK_TERMINAL, Task
from taxiway.engine.pace import Pace
from taxiway.store.protocol import Store, Topic, Wakes

TERMINAL: Final = frozenset(str(state) for state in TASK_TERMINAL)


class Feed:
    """Everything a watcher may follow. Nothing is buffered here: a slow watcher reads older rows later."""

    name: Final = "feed"
    topics: Final = Topic.CHANGE

    def __init__(self, store: Store, wakes: Wakes) -> None:
        self._store = store
        self.wakes = wakes
        self._version: int | None = None
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}

    async def step(self) -> float:
        """As a service: read what changed since the last step, and tell those who wait for a task's end."""
        if not self._waiters:
            self._version = None
            return SAFETY_POLL_S
        if self._version is None:  # somebody has just come, and is about to say from where on
            return SAFETY_POLL_S
        try:
            changes = await self._store.changes(self._version, CHANGES_PAGE_MAX)
        except Gap as gap:  # somebody pruned what this one has not read: everybody looks for himself
            self._version = gap.details["newest"]
            for task in list(self._waiters):
                self._tell(task)
            return 0
        for change in changes:
            self._version = change.version
            if change.kind is ChangeKind.TASK and (change.state in TERMINAL or change.state == "removed"):
                self._tell(change.id)
        return 0 if len(changes) == CHANGES_PAGE_MAX else SAFETY_POLL_S

    async def ended(self, task: str) -> Task:
        """The task once it has ended; raises ``NotFound`` when it is, or comes to be, unknown."""
        while True:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.setdefault(task, set()).add(future)
            try:
                if self._version is None:
                    version = await self._store.last_version()
                    if self._version is None:  # nobody else was faster; an older one skips nothing
                        self._version = version
                # Read after the version from which changes are followed, so that no end can fall between the two.
                found = await self._store.task(task)
                if found.ended:
                    return found
                await future
            finally:
                waiting = self._waiters.get(task)
                if waiting is not None:
                    waiting.discard(future)
                    if not waiting:
                        del self._waiters[task]

    def _tell(self, task: str) -> None:
        for future in self._waiters.get(task, ()):
            if not future.done():
                future.set_result(None)

    async def run_events(self, run: str, after: int = 0) -> AsyncIterator[Event]:
        """Events of one run from number ``after`` + 1 on, live until it has finished.

        ``after`` may be the number of its end or a later one: then there is nothing to wait for.
        """
        wake, pace = self.wakes.subscribe(Topic.EVENTS | Topic.CHANGE), Pace()
        try:
            over = after > 0 and (await self._store.run(run)).ended_at is not None
            while True:
                page = await self._store.events(run, after, EVENTS_PAGE_MAX)
                for event in page:
                    after = event.seq
                    yield event
                    if event.type is EventType.RUN_FINISHED:
                        return
                if len(page) < EVENTS_PAGE_MAX:
                    if over:
                        return
                    await wake.wait(SAFETY_POLL_S)
                    await pace.wait()  # a hint is given for every run that speaks: fifty runs, fifty watchers
        finally:
            wake.close()

    async def task_events(self, task: str) -> AsyncIterator[Event]:
        """Events of all runs of a task, one run after the other, until the task has ended. Of a message that another
        task carries, they are that one's: its turn is the message's."""
        wake = self.wakes.subscribe(Topic.CHANGE)
        seen: set[str] = set()
        try:
            while True:
                found = await self._store.task(task)
                for run in await self._store.runs(found.carrier or task):
                    if run.id not in seen:
                        seen.add(run.id)
                        async for event in self.run_events(run.id):
                            yield event
                if found.ended:
                    return
                await wake.wait(SAFETY_POLL_S)
        finally:
            wake.close()

    async def settled(self, signal: str) -> Receipt:
        """The receipt of a signal (or of the message that it brings) once it is final."""
        wake = self.wakes.subscribe(Topic.EVENTS | Topic.CHANGE)
        try:
            while not (found := await self._store.receipt(signal)).final:
                await wake.wait(SAFETY_POLL_S)
            return found
        finally:
            wake.close()

    async def changes(self, after: int) -> AsyncIterator[Change]:
        """The change log from version ``after`` + 1 on, live and without end; raises ``Gap`` where some of it has been
        forgotten."""
        async with aclosing(self.change_pages(after)) as pages:
            async for page in pages:
                for change in page:
                    yield change

    async def change_pages(self, after: int, gather_s: float = 0.0) -> AsyncGenerator[list[Change], None]:
        """The same in pages of up to 1,000; ``gather_s`` is how long to let changes gather after a hint, so that a
        watcher who shows a few frames a second costs no more than these."""
        wake = self.wakes.subscribe(Topic.CHANGE)
        try:
            while True:
                page = await self._store.changes(after, CHANGES_PAGE_MAX)
                if page:
                    after = page[-1].version
                    yield page
                if len(page) < CHANGES_PAGE_MAX:
                    await wake.wait(SAFETY_POLL_S)
                    if gather_s:
                        await asyncio.sleep(gather_s)
        finally:
            wake.close()
