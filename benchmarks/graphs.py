"""Wide graphs: ten thousand tasks that wait for one, and one that waits for ten thousand."""

from __future__ import annotations

import time
from collections.abc import Sequence

from benchmarks.figure import Figure, at_most
from benchmarks.place import Place
from benchmarks.stores import drained, opened_engine
from taxiway.core.plan import Plan
from taxiway.core.task import Dependency, TaskSpec

WIDE = 10_000
SLOTS = 64


async def wide(place: Place) -> list[Figure]:
    """Admitting and running each, with jobs that do nothing."""
    names = [f"t{number}" for number in range(WIDE)]
    out = [_spec("first"), *(_spec(name, "first") for name in names)]
    into = [*(_spec(name) for name in names), _spec("last", *names)]
    return [await _run(place, "fan-out", out), await _run(place, "fan-in", into)]


def _spec(name: str, *after: str) -> TaskSpec:
    return TaskSpec(name=name, queue="plan", job="noop", after=tuple(Dependency(parent) for parent in after))


async def _run(place: Place, name: str, specs: Sequence[TaskSpec]) -> Figure:
    folder = place.fresh(name)
    async with opened_engine(folder, SLOTS) as tw:
        began = time.perf_counter()
        await tw.run_plan(Plan(queue="plan", project="", source="bench", tasks=tuple(specs)))
        admitted = time.perf_counter() - began
        await drained(tw, "plan", 0.02)
        took = time.perf_counter() - began
        assert (await tw.store.queue("plan")).state == "completed"
    place.forget(folder)
    return Figure(
        scenario="graphs",
        name=f"a {name} of {WIDE:,} tasks, submitted and run, {SLOTS} slots",
        unit="s",
        measured=took,
        goals=(at_most(10),),
        note=f"admitted after {admitted:.1f} s",
    )
