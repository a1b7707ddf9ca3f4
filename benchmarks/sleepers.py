"""Five hundred live runs that do nothing: what they cost the server that keeps them."""

from __future__ import annotations

import asyncio
import json

from benchmarks.figure import Figure, at_most
from benchmarks.httpcaller import Caller, caller
from benchmarks.place import Place
from benchmarks.servers import Plan, served

RUNS = 500
SECONDS = 20.0
CHANGE_S_MAX = 300.0


async def sleeping(place: Place, runs: int = RUNS, seconds: float = SECONDS) -> list[Figure]:
    """Programs that sleep, each with its guardian; processor and memory of the server itself."""
    async with served(place.fresh("sleepers"), Plan(runs)) as server:
        async with caller(server.port, server.tokens[0]) as calls:
            for start in range(0, runs, 100):
                some = [{"command": ["sleep", "600"]}] * min(100, runs - start)
                await calls.call("POST", "/v1/tasks", json.dumps(some).encode())
            await _until_running(calls, runs)
        before = server.worked_s
        await asyncio.sleep(seconds)
        share, rss = (server.worked_s - before) / seconds, server.rss_mb
        async with caller(server.port, server.tokens[0]) as calls:
            await calls.call("POST", "/v1/tasks/cancel-all", b"{}")
            await _until_running(calls, 0)
    return [
        Figure(
            scenario="http-sleepers",
            name=f"processor of a server with {runs} live, sleeping runs",
            unit="% of a core",
            measured=share * 100,
            goals=(at_most(15),),
        ),
        Figure(
            scenario="http-sleepers",
            name=f"memory of a server with {runs} live, sleeping runs",
            unit="MB",
            measured=rss,
            goals=(at_most(300),),
        ),
    ]


async def _until_running(calls: Caller, runs: int) -> None:
    async with asyncio.timeout(CHANGE_S_MAX):
        while json.loads(await calls.call("GET", "/v1/queues/default/stats"))["by_state"].get("running", 0) != runs:
            await asyncio.sleep(0.2)
