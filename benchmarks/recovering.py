"""Starting again after a crash, and the memory that a store needs: neither hangs on how much waits."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from benchmarks.children import child
from benchmarks.depth import deepen
from benchmarks.figure import Figure, at_most
from benchmarks.place import Place
from benchmarks.stores import FILE, new_task, opened_engine, opened_store

DEEP = 1_000_000
SHALLOW = 1_000
INTERRUPTED = 100
SAME = 1.1  #: memory that counts as the same
RUN_DRY = 500


async def recovery(place: Place) -> list[Figure]:
    """A million tasks, and a runner that was killed with a hundred runs: from opening to all of them settled."""
    folder = place.fresh("recovery")
    await _deep(folder, DEEP)
    async with child("hold", folder, INTERRUPTED) as holder:
        await holder.line()
        await holder.kill()
    began = time.perf_counter()
    async with opened_engine(folder, 1) as tw:
        opened = time.perf_counter() - began
        while any(run.runner != tw.runner for run in await tw.store.live_runs()):
            await asyncio.sleep(0.005)
        took = time.perf_counter() - began
    place.forget(folder)
    return [
        Figure(
            scenario="recovery",
            name=f"recovery of a store with {DEEP:,} tasks and {INTERRUPTED} interrupted runs",
            unit="s",
            measured=took,
            goals=(at_most(2),),
            note=f"open after {opened:.2f} s",
        )
    ]


async def memory(place: Place) -> list[Figure]:
    """What a process with a runner needs that has run some hundred of a thousand, and of a million, waiting tasks."""
    found = {}
    for waiting in (SHALLOW, DEEP):
        folder = place.fresh("memory")
        await _deep(folder, waiting)
        async with child("memory", folder, RUN_DRY) as one:
            found[waiting] = (await one.line())["rss_mb"]
        place.forget(folder)
    return [
        Figure(
            scenario="memory",
            name=f"memory of a process with {DEEP:,} waiting",
            unit="MB",
            measured=found[DEEP],
            raw=found[SHALLOW],
            raw_name=f"with {SHALLOW:,} waiting",
            ratio=found[DEEP] / found[SHALLOW],
            goals=(at_most(SAME, "ratio"),),
        )
    ]


async def _deep(folder: Path, tasks: int) -> None:
    async with opened_store(folder) as (opened, ids):
        first = new_task(ids)
        await opened.store.submit([first], "bench")
    deepen(folder / FILE, first.id, tasks - 1)
