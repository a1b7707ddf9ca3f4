"""Durable submits: one caller, and 256 at once."""

from __future__ import annotations

import time
from itertools import chain

from benchmarks.bare import BareStore, Recording, one_row_commits
from benchmarks.figure import Figure, at_least, paired
from benchmarks.place import Place
from benchmarks.stores import in_parallel, new_task, opened_store

ROUNDS = 5
CALLERS = 256


async def one_caller(place: Place) -> list[Figure]:
    """One submit after the other, each acknowledged before the next."""
    rounds = []
    async with opened_store(place.fresh("single")) as (opened, ids):
        for _ in range(ROUNDS):
            raw = one_row_commits(place.fresh("rows"), 1_500)
            began = time.perf_counter()
            for _ in range(750):
                await opened.store.submit([new_task(ids)], "bench")
            rounds.append((raw, 750 / (time.perf_counter() - began)))
    measured, raw, ratio = paired(rounds)
    return [
        Figure(
            scenario="submit-one",
            name="durable submits, one caller",
            unit="per second",
            measured=measured,
            raw=raw,
            raw_name="one-row commits, synchronous=FULL",
            ratio=ratio,
            goals=(at_least(0.35, "ratio"),),
        )
    ]


async def many_callers(place: Place) -> list[Figure]:
    """256 callers at once, against the same statements in bare transactions of 200 submits."""
    tasks = 256 * 30
    recording = Recording(place.fresh("recorded"), 4_000, 8)
    transactions = [list(chain(*recording.submits[start : start + 200])) for start in range(0, 4_000, 200)]
    rounds = []
    for _ in range(ROUNDS):
        bare = BareStore(place.fresh("bare"), recording)
        raw = 4_000 / bare.run(transactions)
        bare.close()
        async with opened_store(place.fresh("many")) as (opened, ids):
            began = time.perf_counter()
            await in_parallel(CALLERS, tasks, lambda: opened.store.submit([new_task(ids)], "bench"))
            rounds.append((raw, tasks / (time.perf_counter() - began)))
    measured, raw, ratio = paired(rounds)
    return [
        Figure(
            scenario="submit-many",
            name="durable submits, 256 callers",
            unit="per second",
            measured=measured,
            raw=raw,
            raw_name="the same statements, 200 submits a transaction",
            ratio=ratio,
            goals=(at_least(10_000), at_least(0.4, "ratio")),
        )
    ]
