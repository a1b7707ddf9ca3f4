"""The SQLite store's verbs that are for people and their programs alone: lanes, signals, marks, views."""

from __future__ import annotations

from collections.abc import Sequence

from taxiway.core.lane import Lane
from taxiway.core.queue import QueueStats
from taxiway.core.session import Attention, Receipt, RunSignal, Signal
from taxiway.core.task import Task
from taxiway.store.sqlite.migrate import newest
from taxiway.store.sqlite.verbs import SqliteVerbs
from taxiway.store.verbs import lanes, run_signals, signals, task_reading, telling
from taxiway.store.verbs.snapshot import snapshot


class SqliteDoors(SqliteVerbs):
    """What HTTP has beside the verbs of the engine."""

    async def tell_run(self, run: str, kind: Signal, text: str | None, actor: str) -> Receipt:
        """A signal for a live run."""
        return await self._first(lambda tx: signals.receipt(tx, telling.tell_run(tx, run, kind, text, actor)))

    async def run_signals(self, run: str, after: int, limit: int) -> list[RunSignal]:
        """What a run was told."""
        return await self._reader.read(lambda tx: run_signals.of_run(tx, run, after, limit))

    async def cancel_signal(self, signal: str, actor: str) -> RunSignal:
        """Take a signal back."""
        return await self._first(lambda tx: run_signals.cancel(tx, signal, actor))

    async def read_task(self, task: str, reader: str) -> Task:
        """A reader has seen a task."""
        return await self._first(lambda tx: task_reading.mark_read(tx, task, reader))

    async def attention(self, tasks: Sequence[str], reader: str) -> dict[str, Attention]:
        """What tasks are to a reader."""
        return await self._reader.read(lambda tx: task_reading.attention(tx, tasks, reader))

    async def snapshot(self, name: str, project: str | None, limit: int) -> tuple[QueueStats, list[Task]]:
        """A queue's counts and first tasks."""
        return await self._reader.read(lambda tx: snapshot(tx, name, project, limit))

    async def schema(self) -> tuple[int, int]:
        """The file's schema, and this program's."""
        return await self._reader.read(lambda tx: tx.query("PRAGMA user_version")[0][0]), newest()

    async def lane(self, name: str, queue: str | None = None, project: str | None = None) -> Lane:
        """One lane."""
        return await self._reader.read(lambda tx: lanes.lane(tx, name, queue, project))

    async def lanes(self) -> list[Lane]:
        """Every lane."""
        return await self._reader.read(lanes.lanes)

    async def set_lane(
        self, name: str, size: int | None, actor: str, queue: str | None = None, project: str | None = None
    ) -> Lane:
        """Make or resize a lane."""
        return await self._bulk(lambda tx: lanes.set_lane(tx, name, size, actor, queue, project))

    async def move_lane(
        self, name: str, verb: str, actor: str, queue: str | None = None, project: str | None = None
    ) -> Lane:
        """Stop or start a lane."""
        return await self._first(lambda tx: lanes.move_lane(tx, name, verb, actor, queue, project))
