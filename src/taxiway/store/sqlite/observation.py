"""How the SQLite store is doing."""

from __future__ import annotations

from taxiway.core.run import ProcessMark
from taxiway.core.statistics import ChangeCount, RunFacts, Tally
from taxiway.store.sqlite.verbs import SqliteVerbs
from taxiway.store.tx import NOBODY
from taxiway.store.verbs import observing


class SqliteObservation(SqliteVerbs):
    """The verbs of ``ObservationStore``."""

    async def tally(self) -> Tally:
        """What a tenant has now."""
        return await self._reader.read(observing.tally)

    async def recent_runs(self, limit: int) -> list[RunFacts]:
        """A tenant's last runs that have ended."""
        return await self._reader.read(lambda tx: observing.recent_runs(tx, limit))

    async def live_processes(self) -> list[ProcessMark]:
        """Those of a tenant's live runs."""
        return await self._reader.read(lambda tx: observing.live_processes(tx, tx.tenant))

    async def tally_all(self) -> Tally:
        """What there is now, whoever has it."""
        return await self._reader.whole.read(observing.tally_all)

    async def live_processes_of_all(self) -> list[ProcessMark]:
        """Those of every live run."""
        return await self._reader.whole.read(lambda tx: observing.live_processes(tx, NOBODY))

    async def count_changes(self, after: int) -> tuple[int, list[ChangeCount]]:
        """What changed behind a version, whoever's it is."""
        return await self._reader.whole.read(lambda tx: observing.count_changes(tx, after))
