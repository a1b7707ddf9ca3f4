"""Calls over HTTP: durable submits beside a bare endpoint, and pages of large logs and lists."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import taxiway
from benchmarks.depth import deepen, lengthen
from benchmarks.figure import Figure, at_least, at_most, paired, percentile
from benchmarks.httpcaller import Caller, caller
from benchmarks.place import Place
from benchmarks.servers import Served, served, served_bare
from benchmarks.stores import FILE, drained, fill, opened_engine

ROUNDS = 5
CALLS = {1: 400, 32: 2_400}
GOALS = {1: 0.4, 32: 0.6}
BATCH = 100
BATCHES = 60
TASK = {"command": ["true"], "labels": {"of": "bench"}}
EVENTS = 1_000_000
TASKS = 1_000_000
READS = 300

_keys = count()


async def submits(place: Place, calls: dict[int, int] = CALLS, batches: int = BATCHES) -> list[Figure]:
    """Each submit has a key of its own and is answered when it is durable; the bare endpoint commits one row a call."""
    figures = []
    async with served(place.fresh("server")) as ours, served_bare(place.fresh("bare")) as bare:
        for clients, number in calls.items():
            rounds = []
            for _ in range(ROUNDS):
                raw = await _per_s(bare, clients, number)
                rounds.append((raw, await _per_s(ours, clients, number)))
            measured, raw, ratio = paired(rounds)
            figures.append(
                Figure(
                    scenario="http-submit",
                    name=f"durable, idempotent submits over HTTP, {clients} client{'s' * (clients > 1)}",
                    unit="per second",
                    measured=measured,
                    raw=raw,
                    raw_name="an endpoint in the same framework, one FULL commit a call",
                    ratio=ratio,
                    goals=(at_least(GOALS[clients], "ratio"),),
                )
            )
        figures.append(await _in_batches(ours, batches))
    return figures


async def reads(place: Place, events: int = EVENTS, tasks: int = TASKS, reads: int = READS) -> list[Figure]:
    """Pages of a long log, and lists and counts of a store with a million tasks."""
    folder = place.fresh("deep")
    run, task = await _deep_store(folder, events, tasks)
    step = max(1, (events - 500) // reads)
    queries = {
        f"a page of 500 events of a run with {events:,}": (
            15.0,
            [f"/v1/runs/{run}/events?after={number * step}&limit=500" for number in range(reads)],
        ),
        f"a page of 100 of {tasks:,} tasks": (50.0, ["/v1/tasks?limit=100"] * reads),
        f"a page of those in one state, {tasks:,} tasks": (50.0, ["/v1/tasks?state=queued&limit=100"] * reads),
        f"open tasks first, {tasks:,} tasks": (50.0, ["/v1/tasks?order=open&limit=100"] * reads),
        f"counts of a queue with {tasks:,} tasks": (50.0, ["/v1/queues/default/stats"] * reads),
        f"one of {tasks:,} tasks": (50.0, [f"/v1/tasks/{task}"] * reads),
    }
    figures = []
    async with served(folder) as server, caller(server.port, server.tokens[0]) as calls:
        for name, (goal, paths) in queries.items():
            took = [await _timed_ms(calls, path) for path in paths]
            figures.append(
                Figure(
                    scenario="http-reads",
                    name=f"{name}, p99",
                    unit="ms",
                    measured=percentile(took, 0.99),
                    goals=(at_most(goal),),
                    note=f"p50 {percentile(took, 0.5):.1f}, {len(took)} calls",
                )
            )
    place.forget(folder)
    return figures


async def tax(place: Place, tasks: int = 6_000, rounds: int = 3) -> list[Figure]:
    """Draining while a program asks for a list and for counts ten times a second, beside draining in peace."""
    pairs = []
    for _ in range(rounds):
        alone = await _drain(place, tasks, asked=False)
        pairs.append((alone, await _drain(place, tasks, asked=True)))
    measured, raw, ratio = paired(pairs)
    return [
        Figure(
            scenario="http-tax",
            name="tasks drained, 8 slots, while lists and counts are asked for ten times a second",
            unit="per second",
            measured=measured,
            raw=raw,
            raw_name="while nobody asks",
            ratio=ratio,
            goals=(at_least(0.9, "ratio"),),
        )
    ]


async def _per_s(server: Served, clients: int, number: int) -> float:
    body = json.dumps(TASK).encode()
    async with AsyncExitStack() as stack:
        callers = [await stack.enter_async_context(caller(server.port, server.tokens[0])) for _ in range(clients)]

        async def call_again_and_again(one: Caller) -> None:
            for _ in range(number // clients):
                await one.call("POST", "/v1/tasks", body, f"key-{next(_keys)}")

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for one in callers:
                group.create_task(call_again_and_again(one))
        return number / (time.perf_counter() - began)


async def _in_batches(server: Served, batches: int) -> Figure:
    body = json.dumps([TASK] * BATCH).encode()
    async with caller(server.port, server.tokens[0]) as one, caller(server.port, server.tokens[1]) as other:

        async def send(calls: Caller) -> None:
            for _ in range(batches // 2):
                await calls.call("POST", "/v1/tasks", body, f"key-{next(_keys)}")

        began = time.perf_counter()
        await asyncio.gather(send(one), send(other))
        per_s = batches // 2 * 2 * BATCH / (time.perf_counter() - began)
    return Figure(
        scenario="http-submit",
        name=f"tasks submitted over HTTP in lists of {BATCH}, two clients",
        unit="per second",
        measured=per_s,
        goals=(at_least(8_000),),
    )


async def _deep_store(folder: Path, events: int, tasks: int) -> tuple[str, str]:
    """A run with so many events, and so many tasks that wait behind a paused queue; the ids of the run and of one."""
    async with taxiway.open(folder / FILE, slots=1, project="", main_size=1) as tw:
        done = await tw.submit(shell="echo something that is said again and again")
        await done.wait()
        (run,) = await tw.runs(done.id)
        await tw.move_queue("default", "pause")
        waiting = await tw.submit(command=["true"], labels={"of": "bench"})
    lengthen(folder / FILE, run.id, events - run.events)
    deepen(folder / FILE, waiting.id, tasks - 2)
    return run.id, waiting.id


async def _timed_ms(calls: Caller, path: str) -> float:
    began = time.perf_counter()
    await calls.call("GET", path)
    return (time.perf_counter() - began) * 1000


async def _drain(place: Place, tasks: int, *, asked: bool) -> float:
    folder = place.fresh("taxed")
    await fill(folder, tasks)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(served(folder))
        calls = await stack.enter_async_context(caller(server.port, server.tokens[0]))
        asking = asyncio.create_task(_ask(calls) if asked else asyncio.sleep(0))
        began = time.perf_counter()
        async with opened_engine(folder, 8) as tw:
            await drained(tw)
            took = time.perf_counter() - began
        asking.cancel()
    place.forget(folder)
    return tasks / took


async def _ask(calls: Caller) -> None:
    while True:
        await calls.call("GET", "/v1/tasks?order=open&limit=100")
        await calls.call("GET", "/v1/queues/default/stats")
        await asyncio.sleep(0.1)
