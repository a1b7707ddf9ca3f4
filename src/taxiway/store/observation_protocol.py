"""The part of a store's contract that is about how it is doing; all of it costs the same however much is stored."""

from __future__ import annotations

from typing import Protocol

from taxiway.core.statistics import ChangeCount, RunFacts, Tally


class ObservationStore(Protocol):
    """What metrics need of a store."""

    async def tally(self) -> Tally:
        """What is counted now."""
        ...

    async def count_changes(self, after: int) -> tuple[int, list[ChangeCount]]:
        """What changed behind a version, up to a bounded number of lines; and the version to go on behind."""
        ...

    async def recent_runs(self, limit: int) -> list[RunFacts]:
        """Of the last ``limit`` runs that began, those that have ended."""
        ...
