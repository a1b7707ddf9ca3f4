"""Two loaded processes on one file: what they do together, and how long a heartbeat waits meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from benchmarks.children import child
from benchmarks.figure import Figure, at_least, at_most, paired, percentile
from benchmarks.place import Place
from benchmarks.stores import fill

ROUNDS = 3
TASKS = 6_000
SLOTS = 8


async def two_processes(place: Place) -> list[Figure]:
    """The same work by one process and by two."""
    rounds, beats = [], []
    for _ in range(ROUNDS):
        alone, _ = await _drain(place, 1)
        together, waited = await _drain(place, 2)
        rounds.append((alone, together))
        beats += waited
    measured, raw, ratio = paired(rounds)
    return [
        Figure(
            scenario="two-processes",
            name=f"tasks drained by two processes, {SLOTS} slots each",
            unit="per second",
            measured=measured,
            raw=raw,
            raw_name="by one process",
            ratio=ratio,
            goals=(at_least(0.7, "ratio"),),
        ),
        Figure(
            scenario="two-processes",
            name="heartbeat of a loaded process beside another, p99",
            unit="ms",
            measured=percentile(beats, 0.99),
            goals=(at_most(50),),
            note=f"p50 {percentile(beats, 0.5):.1f}, max {max(beats):.0f}, {len(beats)} beats",
        ),
    ]


async def _drain(place: Place, processes: int) -> tuple[float, list[float]]:
    folder = place.fresh("shared")
    await fill(folder, TASKS)
    async with AsyncExitStack() as stack:
        children = [await stack.enter_async_context(child("drain", folder, SLOTS)) for _ in range(processes)]
        for one in children:
            await one.line()
        for one in children:
            one.go()
        answers = await asyncio.gather(*(one.line() for one in children))
    place.forget(folder)
    return TASKS / max(answer["seconds"] for answer in answers), [ms for one in answers for ms in one["beats_ms"]]
