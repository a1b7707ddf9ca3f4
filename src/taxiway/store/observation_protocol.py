"""The part of a store's contract that is about how it is doing; all of it costs the same however much is stored."""

from __future__ import annotations

from typing import Protocol

from taxiway.core.run import ProcessMark
from taxiway.core.statistics import ChangeCount, RunFacts, Tally


class ObservationStore(Protocol):
    """What metrics need of a store: of one tenant, and, for whoever runs the server, of the whole (``…_all``)."""

    async def tally(self) -> Tally:
        """What a tenant has now."""
        ...

    async def recent_runs(self, limit: int) -> list[RunFacts]:
        """Of a tenant's runs that have ended the ``limit`` that began last, the newest first."""
        ...

    async def live_processes(self) -> list[ProcessMark]:
        """Those of a tenant's live runs, wherever they are."""
        ...

    async def tally_all(self) -> Tally:
        """What there is now, whoever has it."""
        ...

    async def live_processes_of_all(self) -> list[ProcessMark]:
        """Those of every live run."""
        ...

    async def count_changes(self, after: int) -> tuple[int, list[ChangeCount]]:
        """What changed behind a version, whoever's it is, up to a bounded number of lines; and the version to go on
        behind."""
        ...
