"""A process of its own for what needs one: ``python -m benchmarks.child ROLE FOLDER …`` prints one line of JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import taxiway
from benchmarks import servers
from benchmarks.bare import one_row_commits
from benchmarks.stores import FILE, drained, in_parallel, new_task, opened_engine, opened_store
from benchmarks.streams import streaming_agents
from taxiway.app import Taxiway

STARTED = "started"
Answer = dict[str, Any]


async def drain(folder: Path, slots: str) -> Answer:
    """Drain the store with others; how long it took, and how long each heartbeat waited."""
    _say({STARTED: True})
    await asyncio.to_thread(sys.stdin.readline)
    began = time.monotonic()
    async with opened_engine(folder, int(slots)) as tw:
        beats: list[float] = []
        beating = asyncio.create_task(_beat(tw, beats))
        await drained(tw)
        took = time.monotonic() - began
        beating.cancel()
        return {"seconds": took, "beats_ms": beats}


async def hold(folder: Path, slots: str) -> Answer:
    """Claim as much as there are slots, and never finish it: somebody ends this process."""

    async def forever() -> None:
        await asyncio.sleep(3_600)

    async with taxiway.open(folder / FILE, slots=int(slots), project="", jobs={"noop": forever}) as tw:
        while len(await tw.store.live_runs()) < int(slots):
            await asyncio.sleep(0.01)
        _say({STARTED: True})
        await asyncio.sleep(3_600)
    return {}


async def serve(folder: Path, slots: str) -> Answer:
    """Run the job ``stamp``, which answers with the time at its first instruction, until standard input ends."""
    async with taxiway.open(folder / FILE, slots=int(slots), project="", jobs={"stamp": stamp}):
        _say({STARTED: True})
        await asyncio.to_thread(sys.stdin.read)
    return {}


async def streams(folder: Path, sizes: str) -> Answer:
    """Run agents that stream, so many at once, each at a rate and for so many seconds, until standard input ends."""
    agents, rate, seconds = sizes.split()
    known = streaming_agents(float(rate), float(seconds))
    async with taxiway.open(folder / FILE, slots=int(agents), main_size=int(agents), project="", agents=known):
        _say({"pid": os.getpid()})
        await asyncio.to_thread(sys.stdin.read)
    return {}


async def memory(folder: Path, tasks: str) -> Answer:
    """Drain so many tasks of those that wait; the memory then in use."""
    async with opened_engine(folder, 8) as tw:
        goal = (await tw.store.queue("default")).open - int(tasks)
        while (await tw.store.queue("default")).open > goal:
            await asyncio.sleep(0.02)
        await tw.store.move_queue("default", "pause", "bench")
        gc.collect()
        return {"rss_mb": _status("VmRSS") / 1024}


async def flood(folder: Path, megabytes: str) -> Answer:
    """Run one program that writes so many megabytes; how long its run took, and the most memory it needed here."""
    async with taxiway.open(folder / FILE, slots=1, project="") as tw:
        program = f"head -c {int(megabytes) * 10**6} /dev/zero"
        handle = await tw.submit(shell=program)
        task = await tw.wait(handle.id)
        peak_mb = _status("VmHWM") / 1024  # reading it all back, below, is no part of running it
        assert task.state == "completed", task.error
        (run,) = await tw.runs(handle.id)
        stored = after = 0
        while events := await tw.store.events(run.id, after, 500):
            stored += sum(len(event.body) for event in events)
            after = events[-1].seq
        seconds = ((run.ended_at or 0) - (run.started_at or 0)) / 1000
        return {"seconds": seconds, "stored": stored, "peak_mb": peak_mb}


async def submits(folder: Path, callers: str) -> Answer:
    """Commits of one row, then submits by so many callers at once; both a second."""
    raw = one_row_commits(folder, 200)
    tasks = int(callers) * 40
    async with opened_store(folder) as (opened, ids):
        began = time.monotonic()
        await in_parallel(int(callers), tasks, lambda: opened.store.submit([new_task(ids)], "bench"))
        return {"raw": raw, "measured": tasks / (time.monotonic() - began)}


async def stamp() -> float:
    """The job whose result is when it began."""
    return time.monotonic()


async def _beat(tw: Taxiway, beats: list[float]) -> None:
    assert tw.runner is not None
    while True:
        began = time.monotonic()
        await tw.store.beat(tw.runner)
        beats.append((time.monotonic() - began) * 1000)
        await asyncio.sleep(0.02)


def _status(field: str) -> int:
    """A size in kilobytes that the kernel tells of this process."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise LookupError(field)


def _say(answer: Answer) -> None:
    print(json.dumps(answer), flush=True)


ROLES: dict[str, Callable[[Path, str], Awaitable[Answer]]] = {
    "drain": drain,
    "hold": hold,
    "serve": serve,
    "streams": streams,
    "memory": memory,
    "flood": flood,
    "submits": submits,
    "server": servers.serve,
    "bare-server": servers.serve_bare,
}


if __name__ == "__main__":
    role, where, argument = sys.argv[1:]
    os.chdir(where)
    _say(asyncio.run(ROLES[role](Path(where), argument)))  # type: ignore[arg-type]
