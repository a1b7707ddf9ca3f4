"""How the store is doing, looked up at most every few seconds, however many ask: the whole of it, and each tenant."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from taxiway.clock import Clock
from taxiway.core.run import ProcessMark
from taxiway.core.statistics import ChangeCount, Summary, Tally, TreeUse, summary_of
from taxiway.store.protocol import Store

FRESH_S: Final = 5.0  #: so old at most is what is told
RECENT_MAX: Final = 10_000  #: runs that a summary looks at
TENANTS_MAX: Final = 1_000  #: whose last look is kept: those that asked last

UseOf = Callable[[Sequence[ProcessMark]], TreeUse]  #: what processes use; it reads /proc, and blocks


class Look(NamedTuple):
    """What was seen at one moment. ``cpu``: processors in use by runs since the look before."""

    at_s: float
    tally: Tally
    use: TreeUse
    cpu: float | None


class Lookout:
    """Looks when the last look is too old. Whoever asks while somebody looks gets what that one sees."""

    def __init__(
        self,
        tally: Callable[[], Awaitable[Tally]],
        processes: Callable[[], Awaitable[Sequence[ProcessMark]]],
        clock: Clock,
        use_of: UseOf,
    ) -> None:
        self._tally = tally
        self._processes = processes
        self._clock = clock
        self._use_of = use_of
        self._looking = asyncio.Lock()
        self._last: Look | None = None

    async def look(self) -> Look:
        """Counts of now, or of a moment ago."""
        async with self._looking:
            now_s, last = self._clock.elapsed_s(), self._last
            if last is not None and now_s - last.at_s < FRESH_S:
                return last
            tally = await self._tally()
            use = await asyncio.to_thread(self._use_of, await self._processes())
            self._last = Look(now_s, tally, use, None if last is None else _cpu(last, use, now_s))
            return self._last


class TenantStatistics:
    """What the summary of one tenant is made of; nothing in it is of another one (I10)."""

    def __init__(self, store: Store, clock: Clock, use_of: UseOf) -> None:
        """``store`` is that tenant's view."""
        self._store = store
        self._clock = clock
        self._lookout = Lookout(store.tally, store.live_processes, clock, use_of)
        self._reading = asyncio.Lock()
        self._summary: tuple[Look, Summary] | None = None

    async def look(self) -> Look:
        """Counts of now, or of a moment ago."""
        return await self._lookout.look()

    async def summary(self) -> Summary:
        """Counts, and the last runs that ended."""
        async with self._reading:
            look = await self._lookout.look()
            if self._summary is not None and self._summary[0] is look:
                return self._summary[1]
            runs = await self._store.recent_runs(RECENT_MAX)
            made = summary_of(look.tally, look.use, look.cpu, runs, RECENT_MAX, self._clock.now_ms())
            self._summary = look, made
            return made


class StoreStatistics:
    """What metrics are made of: how the whole store is doing, whoever has what is in it."""

    def __init__(self, store: Store, clock: Clock, path: Path, use_of: UseOf) -> None:
        """``path`` is the store's file; ``use_of`` measures processes."""
        self._store = store
        self._clock = clock
        self._files = (path, path.with_name(path.name + "-wal"))
        self._use_of = use_of
        self._lookout = Lookout(store.tally_all, store.live_processes_of_all, clock, use_of)
        self._tenants: OrderedDict[str, TenantStatistics] = OrderedDict()

    def of(self, tenant: str) -> TenantStatistics:
        """Those of one tenant."""
        found = self._tenants.pop(tenant, None)
        if found is None:
            found = TenantStatistics(self._store.of(tenant), self._clock, self._use_of)
            if len(self._tenants) >= TENANTS_MAX:
                self._tenants.popitem(last=False)
        self._tenants[tenant] = found
        return found

    async def look(self) -> Look:
        """Counts of now, or of a moment ago."""
        return await self._lookout.look()

    async def store_bytes(self) -> int:
        """The size of the store's file and its log."""
        return await asyncio.to_thread(lambda: sum(path.stat().st_size for path in self._files if path.exists()))

    async def changes(self, after: int) -> tuple[int, list[ChangeCount]]:
        """What changed behind a version, and the version to go on behind."""
        return await self._store.count_changes(after)


def _cpu(last: Look, use: TreeUse, now_s: float) -> float:
    """Runs that ended in between took their time with them, so this is the least that was used."""
    return max(0.0, use.cpu_s - last.use.cpu_s) / max(0.001, now_s - last.at_s)
