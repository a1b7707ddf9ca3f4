"""The SQLite store's verbs on runs that ask for work themselves."""

from __future__ import annotations

from taxiway.core.runtoken import Holder
from taxiway.core.task import Task
from taxiway.store.sqlite.verbs import SqliteVerbs
from taxiway.store.verbs import lineage


class SqliteLineage(SqliteVerbs):
    """Who asked for what."""

    async def run_key(self, fresh: bytes) -> bytes:
        """What tokens of runs are computed with."""
        return await self._serve(lambda tx: lineage.key(tx, fresh))

    async def holder(self, run: str) -> Holder | None:
        """A live run, whosever it is."""
        return await self._reader.whole.read(lambda tx: lineage.holder(tx, run))

    async def steps_below(self, task: str, top: str) -> int | None:
        """How many submissions lie between two tasks."""
        return await self._reader.read(lambda tx: lineage.steps_below(tx, task, top))

    async def submitted(self, run: str) -> list[Task]:
        """What a run has submitted."""
        return await self._reader.read(lambda tx: lineage.submitted(tx, run))
