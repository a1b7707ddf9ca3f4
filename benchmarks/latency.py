"""Idle dispatch latency: from the acknowledged submit to the job's first instruction."""

from __future__ import annotations

import asyncio
import time

import taxiway
from benchmarks.child import stamp
from benchmarks.children import child
from benchmarks.figure import Figure, at_most, percentile
from benchmarks.place import Place
from benchmarks.stores import FILE
from taxiway.app import Taxiway

SAMPLES = 300
IDLE_S = 0.01


async def dispatch(place: Place) -> list[Figure]:
    """In one process, and from a submit in another one."""
    return [
        *_figures("in process", await _own(place), 2, 8),
        *_figures("from a submit in another process", await _other(place), 4, 12),
    ]


async def _own(place: Place) -> list[float]:
    folder = place.fresh("latency")
    async with taxiway.open(folder / FILE, slots=2, project="", jobs={"stamp": stamp}) as tw:
        return await _sample(tw)


async def _other(place: Place) -> list[float]:
    folder = place.fresh("latency")
    async with taxiway.open(folder / FILE, slots=0, project="") as tw, child("serve", folder, 2) as server:
        await server.line()
        return await _sample(tw)


async def _sample(tw: Taxiway) -> list[float]:
    """Milliseconds, one task at a time; clocks of this kind are the same in all processes of a machine."""
    found = []
    for _ in range(SAMPLES):
        handle = await tw.submit(job="stamp")
        acknowledged = time.monotonic()
        task = await tw.wait(handle.id, 30)
        found.append((task.result - acknowledged) * 1000)
        await asyncio.sleep(IDLE_S)
    return found[20:]


def _figures(where: str, samples: list[float], half: float, nearly_all: float) -> list[Figure]:
    note = f"max {max(samples):.1f}, {len(samples)} samples; below 0: it began before the answer was read"
    return [
        Figure(
            scenario="latency",
            name=f"idle dispatch {where}, {name}",
            unit="ms",
            measured=percentile(samples, part),
            goals=(at_most(goal),),
            note=note if part > 0.5 else "",
        )
        for name, part, goal in (("p50", 0.5, half), ("p99", 0.99, nearly_all))
    ]
