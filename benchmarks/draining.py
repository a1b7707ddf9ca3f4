"""Draining: claim, start, finish of jobs that do nothing, all durable, through the real engine."""

from __future__ import annotations

import time
from itertools import chain

from benchmarks.bare import BareStore, Recording
from benchmarks.figure import Figure, at_least, paired
from benchmarks.place import Place
from benchmarks.stores import drained, fill, opened_engine

ROUNDS = 3
TASKS = 6_000
GOALS = {8: 3_500, 64: 5_000}


async def drains(place: Place) -> list[Figure]:
    """With 8 and with 64 slots, against the same statements in a bare loop with claims of 8."""
    figures = []
    recording = Recording(place.fresh("recorded"), 3_000, 8)
    for slots, goal in GOALS.items():
        rounds = []
        for _ in range(ROUNDS):
            raw = _bare(place, recording)
            rounds.append((raw, await _engine(place, slots)))
        measured, raw, ratio = paired(rounds)
        figures.append(
            Figure(
                scenario="drain",
                name=f"tasks drained, {slots} slots",
                unit="per second",
                measured=measured,
                raw=raw,
                raw_name="the same statements in a bare loop, claims of 8",
                ratio=ratio,
                goals=(at_least(goal), at_least(0.4, "ratio")),
            )
        )
    return figures


def _bare(place: Place, recording: Recording) -> float:
    folder = place.fresh("bare")
    bare = BareStore(folder, recording)
    bare.run([list(chain.from_iterable(recording.submits))])
    took = bare.run(recording.transactions)
    bare.close()
    place.forget(folder)
    return len(recording.submits) / took


async def _engine(place: Place, slots: int) -> float:
    folder = place.fresh("drain")
    await fill(folder, TASKS)
    began = time.perf_counter()
    async with opened_engine(folder, slots) as tw:
        await drained(tw)
        took = time.perf_counter() - began
    place.forget(folder)
    return TASKS / took
