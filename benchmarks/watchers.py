"""Watchers of a server: what two thousand of them weigh, how much they are told, and how soon."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from benchmarks.figure import Figure, at_least, at_most, percentile
from benchmarks.httpcaller import Caller, caller
from benchmarks.place import Place
from benchmarks.servers import Plan, Served, room_for_connections, served

OF_A_TOKEN = 250
BATCH = 100
CHUNK = 1 << 18
SPOKEN = re.compile(rb'"text":"\d+ (\d+\.\d+)"')
SETTLED_S_MAX = 120.0


async def watched(place: Place) -> list[Figure]:
    """All three."""
    return [*await weight(place), *await deliveries(place), *await lateness(place)]


async def weight(place: Place, watchers: int = 2_000) -> list[Figure]:
    """Two thousand readers of the change log by server-sent events, each of whom has had its first changes."""
    room_for_connections()
    async with served(place.fresh("weight")) as server, AsyncExitStack() as stack:
        await _submit(server, 1)
        before = server.rss_mb
        async with asyncio.TaskGroup() as group:
            counting = await _all_count(group, stack, server, watchers, Caller.open_stream, "/v1/stream")
            for _ in range(20):
                await _submit(server, 1)
                await asyncio.sleep(0.05)
            await counting.reached(20 * watchers)
            grown = server.rss_mb - before
            counting.stop()
    return [
        Figure(
            scenario="http-watchers",
            name=f"memory of {watchers:,} watchers by server-sent events",
            unit="MB",
            measured=grown,
            goals=(at_most(150),),
            note=f"the server had {before:.0f} MB before",
        )
    ]


async def deliveries(place: Place, watchers: int = 1_000, tasks: int = 2_000) -> list[Figure]:
    """A thousand WebSockets on the change log, while tasks are submitted in lists of a hundred."""
    room_for_connections()
    async with served(place.fresh("deliveries")) as server, AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        counting = await _all_count(group, stack, server, watchers, Caller.open_socket, "/v1/ws")
        began = time.perf_counter()
        for _ in range(tasks // BATCH):
            await _submit(server, BATCH)
        await counting.reached(tasks * watchers)
        took = time.perf_counter() - began
        counting.stop()
    return [
        Figure(
            scenario="http-watchers",
            name=f"changes delivered to {watchers:,} watchers by WebSocket, committed meanwhile",
            unit="per second",
            measured=tasks * watchers / took,
            goals=(at_least(60_000),),
            note="watchers and submits come from one other process on the same machine",
        )
    ]


async def lateness(place: Place, agents: int = 3, rate: int = 100, seconds: float = 15.0) -> list[Figure]:
    """Three agents that say a hundred things a second each, and a hundred watchers of their runs."""
    watchers, late_ms = 100, list[float]()
    async with served(place.fresh("lateness"), Plan(agents, rate, seconds)) as server, AsyncExitStack() as stack:
        calls = await stack.enter_async_context(caller(server.port, server.tokens[0]))
        begin = time.time() + 5.0
        tasks = [
            json.loads(await calls.call("POST", "/v1/tasks", _json({"prompt": str(begin), "agent": "stream"})))
            for _ in range(agents)
        ]
        runs = [await _run_of(calls, task["id"]) for task in tasks]
        async with asyncio.TaskGroup() as group:
            readers = []
            for number in range(watchers):
                watcher = await stack.enter_async_context(caller(server.port, server.tokens[1]))
                stream = await watcher.open_stream(f"/v1/stream?run={runs[number % agents]}")
                readers.append(group.create_task(_read_late(stream, late_ms)))
            await asyncio.sleep(begin + seconds + 2 - time.time())
            for reader in readers:
                reader.cancel()
    arrived = f"{len(late_ms):,} of {int(rate * seconds) * watchers:,} arrived"
    return [
        Figure(
            scenario="http-watchers",
            name=f"from an agent to {watchers} watchers by server-sent events, {agents * rate} events a second, p99",
            unit="ms",
            measured=percentile(late_ms, 0.99),
            goals=(at_most(100),),
            note=f"p50 {percentile(late_ms, 0.5):.0f}, max {max(late_ms):.0f}; {arrived}",
        )
    ]


class Counting:
    """How many changes all watchers have had together."""

    def __init__(self) -> None:
        self.seen = 0
        self.readers: list[asyncio.Task[None]] = []

    async def count(self, stream: asyncio.StreamReader, sign: bytes = b'"version":') -> None:
        """Count what one watcher is told, until it is cancelled."""
        rest = b""
        while chunk := await stream.read(CHUNK):
            chunk = rest + chunk
            self.seen += chunk.count(sign)
            rest = chunk[-len(sign) + 1 :]

    async def reached(self, wanted: int) -> None:
        """Wait until everybody has had everything."""
        async with asyncio.timeout(SETTLED_S_MAX):
            while self.seen < wanted:
                await asyncio.sleep(0.01)

    def stop(self) -> None:
        """Nobody reads any more."""
        for reader in self.readers:
            reader.cancel()


async def _all_count(
    group: asyncio.TaskGroup,
    stack: AsyncExitStack,
    server: Served,
    watchers: int,
    opened: Callable[[Caller, str], Coroutine[Any, Any, asyncio.StreamReader]],
    path: str,
) -> Counting:
    counting = Counting()
    for number in range(watchers):
        token = server.tokens[1 + number // OF_A_TOKEN]
        stream = await opened(await stack.enter_async_context(caller(server.port, token)), path)
        counting.readers.append(group.create_task(counting.count(stream)))
    return counting


async def _submit(server: Served, tasks: int) -> None:
    async with caller(server.port, server.tokens[0]) as calls:
        await calls.call("POST", "/v1/tasks", _json([{"command": ["true"]}] * tasks))


async def _run_of(calls: Caller, task: str) -> str:
    while True:
        found = json.loads(await calls.call("GET", f"/v1/tasks/{task}/runs"))["items"]
        if found:
            run: str = found[0]["id"]
            return run
        await asyncio.sleep(0.02)


async def _read_late(stream: asyncio.StreamReader, late_ms: list[float]) -> None:
    while line := await stream.readline():
        said = SPOKEN.search(line)
        if said is not None:
            late_ms.append((time.time() - float(said[1])) * 1000)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
