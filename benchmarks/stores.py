"""Opening stores the way programs do, with an in-process job that does nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import taxiway
from benchmarks.bare import NOOP
from taxiway.app import Taxiway
from taxiway.clock import Ids, SystemClock, system_chance
from taxiway.store.protocol import NewTask
from taxiway.store.sqlite.opening import OpenStore, Seams, open_sqlite

FILE = "store.db"
MAIN_SIZE = 1_000


async def noop() -> None:
    """The job that does nothing."""


@asynccontextmanager
async def opened_store(folder: Path) -> AsyncIterator[tuple[OpenStore, Ids]]:
    """The store alone, without an engine."""
    clock = SystemClock()
    ids = Ids(clock, system_chance())
    seams = Seams(clock.now_ms, clock.elapsed_s, clock.pause, random.random, Ids(clock, system_chance()).new)
    opened = await open_sqlite(folder / FILE, seams, ids.new("proc"), MAIN_SIZE)
    try:
        yield opened, ids
    finally:
        await opened.close()


@asynccontextmanager
async def opened_engine(folder: Path, slots: int) -> AsyncIterator[Taxiway]:
    """Store and runner, as ``taxiway.open`` makes them."""
    async with taxiway.open(
        folder / FILE, slots=slots, project="", main_size=MAIN_SIZE, jobs={"noop": noop}, term_grace_s=1.0
    ) as tw:
        yield tw


def new_task(ids: Ids) -> NewTask:
    return NewTask(ids.new("task"), NOOP, b"hash")


async def fill(folder: Path, tasks: int) -> None:
    """Submit so many tasks that do nothing."""
    async with opened_store(folder) as (opened, ids):
        for start in range(0, tasks, 1_000):
            await opened.store.submit([new_task(ids) for _ in range(min(1_000, tasks - start))], "bench")


async def drained(tw: Taxiway, queue: str = "default", pause_s: float = 0.005) -> None:
    """Wait until nothing of a queue is open any more."""
    while (await tw.store.queue(queue)).open:
        await asyncio.sleep(pause_s)


async def in_parallel(callers: int, calls: int, call: Callable[[], Awaitable[object]]) -> None:
    """``calls`` calls by so many callers, each of whom waits for its answer before it calls again."""

    async def caller() -> None:
        for _ in range(calls // callers):
            await call()

    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())
