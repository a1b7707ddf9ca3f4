"""Fifty agents that stream a hundred events a second each: what arrives, how late, and what that costs."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

import taxiway
from benchmarks.children import child
from benchmarks.figure import Figure, at_most, percentile
from benchmarks.place import Place
from benchmarks.stores import FILE
from taxiway import TaskHandle
from taxiway.agents.guardian.tree import descendants
from taxiway.core.agent import AgentKind
from taxiway.core.event import EventType

AGENTS = 50
RATE = 100
SECONDS = 20.0
START_S = 15.0  #: until all of them run, at the latest
LATE_S_MAX = 120.0
PROGRAM = Path(__file__).parent / "streaming_agent.py"
TICKS = os.sysconf("SC_CLK_TCK")


class Watched(msgspec.Struct):
    """What a watcher saw of all runs: when each event was said and when it was seen, and what was missing."""

    late_ms: list[float]
    missing: int = 0


async def streaming(
    place: Place, agents: int = AGENTS, rate: int = RATE, seconds: float = SECONDS, start_s: float = START_S
) -> list[Figure]:
    """The runner is one process, with its guardians; all runs are watched from another, one watcher for each."""
    folder = place.fresh("streams")
    watched = Watched([])
    async with child("streams", folder, f"{agents} {rate} {seconds}") as runner:
        pid = (await runner.line())["pid"]
        known = streaming_agents(rate, seconds)
        async with taxiway.open(folder / FILE, slots=0, main_size=agents, project="", agents=known) as tw:
            begin = time.time() + start_s
            sent = [await tw.submit(prompt=str(begin), agent="stream") for _ in range(agents)]
            async with asyncio.timeout(start_s + seconds + LATE_S_MAX), asyncio.TaskGroup() as group:
                for handle in sent:
                    group.create_task(_watch(handle, watched, int(rate * seconds)))
                await asyncio.sleep(begin - time.time())
                ours, theirs = _worked_s(pid), time.process_time()
                await asyncio.sleep(seconds)
                used, watching = (_worked_s(pid) - ours) / seconds, (time.process_time() - theirs) / seconds
    events = agents * int(rate * seconds)
    what = f"{agents} agents, {rate} events a second each"
    return [
        _figure(f"{what}: events lost of {events:,}", "events", float(watched.missing), 0),
        _figure(
            f"{what}: from the agent to a watcher in another process, p99",
            "ms",
            percentile(watched.late_ms, 0.99),
            200,
            f"p50 {percentile(watched.late_ms, 0.5):.0f}, max {max(watched.late_ms):.0f}",
        ),
        _figure(
            f"{what}: processor of runner and guardians",
            "cores",
            used,
            1.0,
            f"and {watching:.2f} of the process with {agents} watchers",
        ),
    ]


def streaming_agents(rate: float, seconds: float) -> dict[str, AgentKind]:
    """The agent ``stream``, as both processes know it."""
    command = (sys.executable, "-I", "-S", str(PROGRAM), str(rate), str(seconds))
    return {"stream": AgentKind(command=command, start_s=120.0)}


async def _watch(handle: TaskHandle, watched: Watched, count: int) -> None:
    """Every event in its order, once; what is not there is missing."""
    expected = 1
    async for event in handle.events():
        if event.type is not EventType.MESSAGE:
            continue
        now = time.time()
        number, said = event.data["text"].split()
        watched.late_ms.append((now - float(said)) * 1000)
        watched.missing += abs(int(number) - expected)
        expected = int(number) + 1
    watched.missing += count + 1 - expected


def _worked_s(runner: int) -> float:
    """Processor time of a runner and of its guardians and fork server so far: all below it but the agents."""
    return sum(_time_of(pid) for pid in (runner, *_guardians(runner)))


def _guardians(runner: int) -> Iterable[int]:
    """What is below the runner and has not become another program."""
    return [process.pid for process in descendants(runner) if str(PROGRAM) not in _command(process.pid)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return str(PROGRAM)


def _time_of(pid: int) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return 0.0
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / TICKS


def _figure(name: str, unit: str, measured: float, goal: float, note: str = "") -> Figure:
    return Figure(scenario="agent-streams", name=name, unit=unit, measured=measured, goals=(at_most(goal),), note=note)
