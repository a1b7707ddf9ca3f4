"""Real programs through the guardian: how many short ones a second, and how much output."""

from __future__ import annotations

import asyncio
import time

import taxiway
from benchmarks.children import child
from benchmarks.figure import Figure, at_least, at_most, paired
from benchmarks.place import Place
from benchmarks.stores import FILE, drained, in_parallel

ROUNDS = 3
AT_ONCE = 4
SHORT = 600
STORED_MB = 60
FLOOD_MB = 1_000


async def short_programs(place: Place) -> list[Figure]:
    """``/bin/true``, four at once, its output captured, against a bare asyncio subprocess loop."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await in_parallel(AT_ONCE, SHORT, _bare)
        raw = SHORT / (time.perf_counter() - began)
        rounds.append((raw, await _through(place)))
    measured, raw, ratio = paired(rounds)
    return [
        Figure(
            scenario="programs",
            name=f"/bin/true through the guardian, {AT_ONCE} at once",
            unit="per second",
            measured=measured,
            raw=raw,
            raw_name="bare asyncio subprocess loop",
            ratio=ratio,
            goals=(at_least(0.25, "ratio"),),
        )
    ]


async def output(place: Place) -> list[Figure]:
    """A program that writes a gigabyte; and one whose whole output is stored, which must be all there."""
    async with child("flood", place.fresh("output"), STORED_MB) as one:
        whole = await one.line()
    async with child("flood", place.fresh("output"), FLOOD_MB) as one:
        flood = await one.line()
    return [
        Figure(
            scenario="output",
            name=f"output of one run, {FLOOD_MB:,} MB",
            unit="MB a second",
            measured=FLOOD_MB / flood["seconds"],
            goals=(at_least(200),),
            note=f"{flood['stored'] / 2**20:.0f} MiB kept, {STORED_MB / whole['seconds']:.0f} MB a second when all is",
        ),
        Figure(
            scenario="output",
            name=f"output of {STORED_MB} MB that is found again",
            unit="MB",
            measured=whole["stored"] / 10**6,
            goals=(at_least(STORED_MB), at_most(STORED_MB)),
        ),
        Figure(
            scenario="output",
            name=f"most memory of the process during {FLOOD_MB:,} MB of output",
            unit="MB",
            measured=flood["peak_mb"],
            goals=(at_most(150),),
        ),
    ]


async def _bare() -> None:
    process = await asyncio.create_subprocess_exec(
        "/bin/true", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    await process.communicate()


async def _through(place: Place) -> float:
    folder = place.fresh("true")
    async with taxiway.open(folder / FILE, slots=0, project="") as tw:
        await tw.submit_many([{"command": ["/bin/true"]} for _ in range(SHORT)])
    began = time.perf_counter()
    async with taxiway.open(folder / FILE, slots=AT_ONCE, project="") as tw:
        await drained(tw)
        took = time.perf_counter() - began
    place.forget(folder)
    return SHORT / took
