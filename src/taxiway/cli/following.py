"""Following a queue to its end by the change log: the board is read once and kept current from there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final, Protocol

from taxiway.app import TaskFilter
from taxiway.cli.board import Board, Row
from taxiway.client.verbs import Verbs
from taxiway.core.change import Change, ChangeKind
from taxiway.core.errors import Gap
from taxiway.core.limits import LIST_PAGE_MAX
from taxiway.core.queue import QUEUE_ENDED, Queue
from taxiway.core.task import Task, TaskState

GATHER_S: Final = 0.1  #: changes gather so long before they are looked at: ten looks a second at most


class Watcher(Protocol):
    """Somebody who shows what happens."""

    async def moved(self, row: Row, change: Change) -> None:
        """A task came into another state."""
        ...

    async def looked(self, queue: Queue) -> None:
        """A page of changes has been applied."""
        ...


class Following:
    """One queue being followed."""

    def __init__(self, tw: Verbs, name: str, project: str) -> None:
        self.tw = tw
        self.board = Board()
        self._name = name
        self._project = project

    async def queue(self) -> Queue:
        """The queue as it is now."""
        return await self.tw.queue(self._name)

    async def tasks(self, *states: TaskState) -> AsyncIterator[Task]:
        """The queue's present tasks in their order, page by page."""
        wanted = TaskFilter(queue=self._name, project=self._project, states=frozenset(states))
        cursor: str | None = None
        while True:
            page = await self.tw.tasks(wanted, LIST_PAGE_MAX, cursor)
            for task in page.items:
                yield task
            cursor = page.cursor
            if cursor is None:
                return

    async def to_the_end(self, watcher: Watcher) -> Queue:
        """Follow until the queue has ended; the queue as it ended."""
        while True:
            version = await self.tw.newest_version()
            await self._read()
            queue = await self.queue()
            await watcher.looked(queue)
            try:
                return await self._follow(version, queue, watcher)
            except Gap:  # somebody pruned what has not been read here: the board is read anew
                continue

    async def _follow(self, version: int, queue: Queue, watcher: Watcher) -> Queue:
        if queue.state in QUEUE_ENDED:
            return queue
        async with aclosing(self.tw.change_pages(version, GATHER_S)) as pages:
            async for page in pages:
                queue = await self._apply(page, queue, watcher)
                await watcher.looked(queue)
                if queue.state in QUEUE_ENDED:
                    return queue
        raise AssertionError("the change log has no end")

    async def _apply(self, page: list[Change], queue: Queue, watcher: Watcher) -> Queue:
        touched = False
        for change in page:
            if change.kind is ChangeKind.TASK:
                row = self.board.apply(change)
                if row is not None:
                    if row.state in (TaskState.FAILED, TaskState.SCHEDULED):
                        row = self.board.refresh(await self.tw.task(row.id))
                    await watcher.moved(row, change)
            elif change.kind is ChangeKind.QUEUE and change.id == self._name:
                touched = True
        if self.board.outdated:
            await self._read()
        return await self.queue() if touched else queue

    async def _read(self) -> None:
        self.board.fill([task async for task in self.tasks()])
