"""How the store is doing, looked up at most every few seconds, however many ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from taxiway.clock import Clock
from taxiway.core.run import ProcessMark
from taxiway.core.statistics import ChangeCount, Summary, Tally, TreeUse, summary_of
from taxiway.store.protocol import Store

FRESH_S: Final = 5.0  #: so old at most is what is told
RECENT_MAX: Final = 10_000  #: runs that a summary looks at

UseOf = Callable[[Sequence[ProcessMark]], TreeUse]  #: what processes use; it reads /proc, and blocks


class Look(NamedTuple):
    """What was seen at one moment. ``cpu``: processors in use by runs since the look before."""

    at_s: float
    tally: Tally
    use: TreeUse
    store_bytes: int
    cpu: float | None


class Statistics:
    """What metrics and summaries are made of. Whoever asks while somebody looks gets what that one sees."""

    def __init__(self, store: Store, clock: Clock, path: Path, use_of: UseOf) -> None:
        """``path`` is the store's file; ``use_of`` measures processes."""
        self._store = store
        self._clock = clock
        self._files = (path, path.with_name(path.name + "-wal"))
        self._use_of = use_of
        self._looking = asyncio.Lock()
        self._last: Look | None = None
        self._summary: tuple[float, Summary] | None = None

    async def look(self) -> Look:
        """Counts of now, or of a moment ago."""
        async with self._looking:
            return await self._look()

    async def summary(self) -> Summary:
        """Counts, and the last runs that ended."""
        async with self._looking:
            look = await self._look()
            if self._summary is not None and self._summary[0] == look.at_s:
                return self._summary[1]
            runs = await self._store.recent_runs(RECENT_MAX)
            made = summary_of(look.tally, look.use, look.cpu, runs, RECENT_MAX, self._clock.now_ms())
            self._summary = look.at_s, made
            return made

    async def changes(self, after: int) -> tuple[int, list[ChangeCount]]:
        """What changed behind a version, and the version to go on behind."""
        return await self._store.count_changes(after)

    async def _look(self) -> Look:
        now_s = self._clock.elapsed_s()
        last = self._last
        if last is not None and now_s - last.at_s < FRESH_S:
            return last
        tally = await self._store.tally()
        marks = [run.process for run in await self._store.live_runs() if run.process is not None]
        use, size = await asyncio.to_thread(self._measure, marks)
        self._last = Look(now_s, tally, use, size, None if last is None else _cpu(last, use, now_s))
        return self._last

    def _measure(self, marks: Sequence[ProcessMark]) -> tuple[TreeUse, int]:
        return self._use_of(marks), sum(path.stat().st_size for path in self._files if path.exists())


def _cpu(last: Look, use: TreeUse, now_s: float) -> float:
    """Runs that ended in between took their time with them, so this is the least that was used."""
    return max(0.0, use.cpu_s - last.use.cpu_s) / max(0.001, now_s - last.at_s)
