"""Servers as processes of their own: ours without limits of rate, and a bare one in the same framework."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import msgspec
import psutil
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import taxiway
from benchmarks.children import Child, child
from benchmarks.stores import FILE
from benchmarks.streams import streaming_agents
from taxiway.core.token import TokenScope
from taxiway.server.doorkeeper import Rates
from taxiway.server.listening import bind, listening
from taxiway.up import application, spare_collector

TOKENS = 16  #: a token may have 256 live streams
#: What is measured is what a server can do, not what it lets one caller do.
FREE = Rates(per_s=1e9, burst=1e9, tenant_per_s=1e9, tenant_burst=1e9)


class Served:
    """A server that runs: where, for whom, and what it has cost so far."""

    def __init__(self, process: Child, port: int, pid: int, tokens: list[str]) -> None:
        self.process = process
        self.port = port
        self.tokens = tokens
        self._process = psutil.Process(pid)

    @property
    def rss_mb(self) -> float:
        """Its resident memory."""
        memory: int = self._process.memory_info().rss
        return memory / 1e6

    @property
    def worked_s(self) -> float:
        """Its processor time, without its children's."""
        times = self._process.cpu_times()
        spent: float = times.user + times.system
        return spent


class Plan(msgspec.Struct, frozen=True):
    """What a server is for: how many runs at once, and how fast and for how long its agent ``stream`` speaks."""

    slots: int = 0
    rate: float = 1.0
    seconds: float = 1.0


NOTHING = Plan()


@asynccontextmanager
async def served(folder: Path, plan: Plan = NOTHING) -> AsyncIterator[Served]:
    """Taxiway's server, as ``taxiway up`` puts it together, on the store in ``folder``."""
    async with child("server", folder, msgspec.json.encode(plan).decode()) as process:
        said = await process.line()
        yield Served(process, said["port"], said["pid"], said["tokens"])


@asynccontextmanager
async def served_bare(folder: Path) -> AsyncIterator[Served]:
    """The raw limit: one endpoint that makes one FULL commit for each call."""
    async with child("bare-server", folder, "") as process:
        said = await process.line()
        yield Served(process, said["port"], said["pid"], ["none"])


async def serve(folder: Path, plan: str) -> dict[str, object]:
    """The child of ``served``: until standard input ends."""
    room_for_connections()
    asked = msgspec.json.decode(plan, type=Plan)
    agents = streaming_agents(asked.rate, asked.seconds)
    async with taxiway.open(folder / FILE, slots=asked.slots, project="", main_size=1_000, agents=agents) as tw:
        made = [await tw.make_token(f"bench{number}", TokenScope.ADMIN) for number in range(TOKENS)]
        listener = bind("127.0.0.1", 0)
        async with application(tw, rates=FREE) as app, listening(app, listener):
            spare_collector()
            await _say_and_wait(listener, [text for _, text in made])
    return {}


async def serve_bare(folder: Path, _: str) -> dict[str, object]:
    """The child of ``served_bare``."""
    connection = apsw.Connection(str(folder / "rows.db"))
    for setting in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, body TEXT)")
    execute = connection.cursor().execute

    async def insert(request: Request) -> JSONResponse:
        body = json.dumps(await request.json())
        ((row,),) = execute("INSERT INTO row (body) VALUES (?) RETURNING id", (body,)).fetchall()
        return JSONResponse({"id": row}, 201)

    listener = bind("127.0.0.1", 0)
    async with listening(Starlette(routes=[Route("/v1/tasks", insert, methods=["POST"])]), listener):
        await _say_and_wait(listener, [])
    return {}


def room_for_connections() -> None:
    """As many descriptors as this process may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _say_and_wait(listener: socket.socket, tokens: list[str]) -> None:
    port: int = listener.getsockname()[1]
    print(json.dumps({"port": port, "pid": os.getpid(), "tokens": tokens}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
