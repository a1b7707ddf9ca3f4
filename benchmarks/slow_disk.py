"""A disk whose flush takes two milliseconds: what group commit is for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from benchmarks.children import child
from benchmarks.figure import Figure, at_least, paired
from benchmarks.place import Place

ROUNDS = 3
SOURCE = Path(__file__).parent / "slow_flush.c"
NAME = "durable submits, 256 callers, each flush 2 ms slower"


async def slow_flushes(place: Place) -> list[Figure]:
    """256 callers against one-row commits, both with a preloaded shim that delays ``fsync`` and ``fdatasync``."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return [_figure(None, note="there is no C compiler here to make the delayed flush with")]
    shim = place.fresh("shim") / "slow_flush.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", shim, SOURCE, "-ldl"], check=True)
    rounds = []
    for _ in range(ROUNDS):
        async with child("submits", place.fresh("slow"), 256, {"LD_PRELOAD": str(shim)}) as one:
            answer = await one.line()
            rounds.append((answer["raw"], answer["measured"]))
    measured, raw, ratio = paired(rounds)
    return [_figure(measured, raw, ratio, f"a commit took {1000 / raw:.1f} ms")]


def _figure(measured: float | None, raw: float | None = None, ratio: float | None = None, note: str = "") -> Figure:
    return Figure(
        scenario="slow-disk",
        name=NAME,
        unit="per second",
        measured=measured,
        raw=raw,
        raw_name="one-row commits there",
        ratio=ratio,
        goals=(at_least(6_000),),
        note=note,
    )
