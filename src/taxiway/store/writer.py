"""The group-commit writer: many callers, one transaction, an error of its own for each, a bounded backlog (I1, I18).

Callers hand in an operation and wait; a thread takes what has gathered, runs it in one transaction, commits, and only
then answers everybody. A batch is never held back to fill up: while one is being written the next one gathers.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from enum import IntEnum
from queue import SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

from taxiway.core.errors import Unavailable
from taxiway.core.limits import WRITER_BACKLOG_OPS_MAX, WRITER_BATCH_OPS_MAX
from taxiway.store.tx import Tx

T = TypeVar("T")
Operation = Callable[[Tx], T]


class Urgency(IntEnum):
    """Which operations go first: what keeps and ends runs is never behind bulk work."""

    FIRST = 0
    BULK = 1


class Job(Generic[T]):
    """One operation that waits for its transaction."""

    __slots__ = ("error", "future", "operation", "result", "urgency")

    def __init__(self, operation: Operation[T], future: asyncio.Future[T], urgency: Urgency = Urgency.FIRST) -> None:
        self.operation = operation
        self.future = future
        self.urgency = urgency
        self.result: T | None = None
        self.error: BaseException | None = None

    def answer(self) -> None:
        """Tell the caller, on the caller's loop."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]


class Transactor(Protocol):
    """Runs jobs in one transaction, fills in their results or errors, and says how many of them it did (at least one).

    When it raises, the commit's outcome is unknown, and every job of the batch is told so.
    """

    def transact(self, jobs: Sequence[Job[Any]]) -> int:
        """Run and commit."""
        ...


class Writer(Protocol):
    """What the store needs: an operation in, its committed result out."""

    async def write(self, operation: Operation[T], urgency: Urgency = Urgency.BULK) -> T:
        """Run ``operation`` in a transaction; its result once that is committed."""
        ...

    async def close(self) -> None:
        """Write what waits, and end."""
        ...


class Backlog:
    """Jobs by urgency; ``take`` gives a batch with the urgent ones first, in order within each urgency.

    Callers put on their thread what the writer takes on its own: a deque's ends are safe for that.
    """

    def __init__(self) -> None:
        self._first: deque[Job[Any]] = deque()
        self._bulk: deque[Job[Any]] = deque()

    def __len__(self) -> int:
        return len(self._first) + len(self._bulk)

    def put(self, job: Job[Any]) -> None:
        """Append a job behind its equals."""
        self._queue_of(job).append(job)

    def put_back(self, jobs: Sequence[Job[Any]]) -> None:
        """Return what was taken and not done, in front of its equals."""
        for job in reversed(jobs):
            self._queue_of(job).appendleft(job)

    def take(self, most: int) -> list[Job[Any]]:
        """Up to ``most`` jobs. At least one place in four is kept for bulk work, so that neither starves the other."""
        batch: list[Job[Any]] = []
        reserved = min(len(self._bulk), most // 4)
        while self._first and len(batch) < most - reserved:
            batch.append(self._first.popleft())
        while self._bulk and len(batch) < most:
            batch.append(self._bulk.popleft())
        return batch

    def _queue_of(self, job: Job[Any]) -> deque[Job[Any]]:
        return self._first if job.urgency is Urgency.FIRST else self._bulk


class ThreadedWriter:
    """The writer of a real process: one thread owns the connection."""

    def __init__(self, transactor: Transactor, batch_ops: int = WRITER_BATCH_OPS_MAX) -> None:
        self._transactor = transactor
        self._batch_ops = batch_ops
        self._backlog = Backlog()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._resting = False
        self._closing = False
        self._room = asyncio.Semaphore(WRITER_BACKLOG_OPS_MAX)
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="taxiway-writer", daemon=True)
        self._thread.start()

    async def write(self, operation: Operation[T], urgency: Urgency = Urgency.BULK) -> T:
        """Run ``operation`` in the next transaction and return its result once that is committed."""
        if urgency is Urgency.FIRST:
            return await self._put(operation, urgency)
        await self._room.acquire()
        try:
            return await self._put(operation, urgency)
        finally:
            self._room.release()

    def _put(self, operation: Operation[T], urgency: Urgency) -> asyncio.Future[T]:
        if self._closing:
            raise Unavailable("the store is closed")
        job: Job[T] = Job(operation, self._loop.create_future(), urgency)
        self._backlog.put(job)
        self._ring()
        return job.future

    async def close(self) -> None:
        """Write what is there, then end the thread."""
        self._closing = True
        self._ring()
        await asyncio.to_thread(self._thread.join)

    def _ring(self) -> None:
        """Wake the thread where it rests, once; a ring too many only makes it look once more."""
        if self._resting:
            self._resting = False
            self._bell.put(None)

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                done = self._transactor.transact(batch)
                self._backlog.put_back(batch[done:])
                del batch[done:]
            except BaseException as error:
                for job in batch:
                    job.error = error
            try:
                self._loop.call_soon_threadsafe(_answer, batch)
            except RuntimeError:  # the loop is gone, and with it everybody who could hear
                return

    def _next_batch(self) -> list[Job[Any]]:
        while True:
            if batch := self._backlog.take(self._batch_ops):
                return batch
            self._resting = True  # said before looking again, so that whoever puts from now on rings
            if not self._backlog:
                if self._closing:
                    return []
                self._bell.get()
            self._resting = False


class InlineWriter:
    """The writer without a thread: each operation is its own transaction, at once, on the caller's loop.

    For the simulator, where ``before`` and ``after`` are seams at which it may pause or kill the caller.
    """

    def __init__(self, transactor: Transactor, seam: Callable[[str], Any] | None = None) -> None:
        self._transactor = transactor
        self._seam = seam

    async def write(self, operation: Operation[T], urgency: Urgency = Urgency.BULK) -> T:  # noqa: ARG002 - no queue, no urgency
        """Run ``operation`` in a transaction of its own."""
        if self._seam is not None:
            await self._seam("before write")
        job: Job[T] = Job(operation, asyncio.get_running_loop().create_future())
        self._transactor.transact([job])
        job.answer()
        result = await job.future
        if self._seam is not None:
            await self._seam("after write")
        return result

    async def close(self) -> None:
        """Nothing waits."""


def _answer(batch: list[Job[Any]]) -> None:
    for job in batch:
        job.answer()
