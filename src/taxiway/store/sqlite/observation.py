"""How the SQLite store is doing."""

from __future__ import annotations

from taxiway.core.statistics import ChangeCount, RunFacts, Tally
from taxiway.store.sqlite.verbs import SqliteVerbs
from taxiway.store.verbs import observing


class SqliteObservation(SqliteVerbs):
    """The verbs of ``ObservationStore``."""

    async def tally(self) -> Tally:
        """What is counted now."""
        return await self._reader.read(observing.tally)

    async def count_changes(self, after: int) -> tuple[int, list[ChangeCount]]:
        """What changed behind a version."""
        return await self._reader.read(lambda tx: observing.count_changes(tx, after))

    async def recent_runs(self, limit: int) -> list[RunFacts]:
        """The last runs that ended."""
        return await self._reader.read(lambda tx: observing.recent_runs(tx, limit))
