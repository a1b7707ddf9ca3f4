"""Turns of an agent: Taxiway's own share of one.

The share is the time in which the agent itself does nothing: from the submit until the turn is on its standard input,
from its first byte until the event is committed and a watcher has it, and from its last byte until the task is seen
completed. The agent tells the times of its own doings (``{now}``), so nothing of its work is counted.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

import taxiway
from benchmarks.figure import Figure, at_most, percentile
from benchmarks.place import Place
from benchmarks.stores import FILE
from taxiway import SessionHandle, Taxiway
from taxiway.core.agent import AgentKind, Argument
from taxiway.core.event import EventType
from taxiway.testing.fakeagent.command import fake_agent_command

TURNS = 200
STARTS = 60
WARM_UP = 5
IDLE_S = 0.03
WARM, NEW = "warm", "new"
GOALS = (("p50", 0.5, 10.0), ("p99", 0.99, 50.0))
SCRIPT = {"default": [{"say": "{now}"}, {"sleep": 0.1}, {"say": "{now}"}]}


class Share(msgspec.Struct, frozen=True):
    """Milliseconds of one turn that were not its agent's."""

    before: float  #: until the agent has it; a new process starts in it
    shown: float  #: from the first byte to a watcher
    after: float  #: from the last byte to the end

    @property
    def together(self) -> float:
        return self.before + self.shown + self.after


async def shares(place: Place, turns: int = TURNS, starts: int = STARTS) -> list[Figure]:
    """On a warm process and on a new one; in turn with the same program, started and spoken with by bare asyncio."""
    folder = place.fresh("turns")
    agent = fake_agent(folder)
    ours: dict[str, list[float]] = {WARM: [], NEW: []}
    bare: dict[str, list[float]] = {WARM: [], NEW: []}
    parts: list[Share] = []
    roomy = WARM_UP + starts + 2  # no process has to go for another
    async with (
        taxiway.open(folder / FILE, slots=2, project="", processes_max=roomy, agents={"fake": agent}) as tw,
        _bare_agent(agent.command) as program,
    ):
        box = await tw.session("box", agent="fake")
        for _ in range(WARM_UP + turns):
            bare[WARM].append((await _bare_turn(program, time.time())).together)
            parts.append(await _turn(tw, box))
        ours[WARM] = [one.together for one in parts]
        for number in range(WARM_UP + starts):
            began = time.time()
            async with _bare_agent(agent.command) as started:
                bare[NEW].append((await _bare_turn(started, began)).together)
            ours[NEW].append((await _turn(tw, await tw.session(f"new{number}", agent="fake"))).together)
    return [*_on_a_warm_process(parts[WARM_UP:], bare[WARM][WARM_UP:]), *_on_a_new_process(ours[NEW], bare[NEW])]


async def _turn(tw: Taxiway, box: SessionHandle) -> Share:
    await asyncio.sleep(IDLE_S)
    began = time.time()
    sent = await box.send("go")
    first = seen = 0.0
    async for event in sent.task.events():
        if event.type is EventType.MESSAGE:
            first, seen = float(event.data["text"]), time.time()
            break
    task = await tw.wait(sent.task.id, 30)
    ended = time.time()
    assert task.output is not None, task.error
    return Share((first - began) * 1000, (seen - first) * 1000, (ended - float(task.output)) * 1000)


@asynccontextmanager
async def _bare_agent(command: Sequence[Argument]) -> AsyncIterator[asyncio.subprocess.Process]:
    argv = [word for word in command if isinstance(word, str) and "{" not in word]
    process = await asyncio.create_subprocess_exec(*argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    yield process
    assert process.stdin is not None
    process.stdin.close()
    await process.wait()


async def _bare_turn(process: asyncio.subprocess.Process, began: float) -> Share:
    """A turn through two pipes, from ``began``; nothing is stored, and nobody watches."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b'{"type": "turn", "turn": 1, "text": "go"}\n')
    found: list[float] = []  # when it said a message, and when that was read
    while True:
        said = json.loads(await process.stdout.readline())
        if said["type"] == "message":
            found += [float(said["text"]), time.time()]
        if said["type"] == "done":
            first, seen, last, _ = found
            return Share((first - began) * 1000, (seen - first) * 1000, (time.time() - last) * 1000)


def _on_a_warm_process(found: list[Share], bare: list[float]) -> list[Figure]:
    names = {"until it has the turn": "before", "first byte to a watcher": "shown", "last byte to completed": "after"}
    notes = {
        "p50": ", ".join(f"{name} {_half([getattr(one, part) for one in found]):.1f}" for name, part in names.items()),
        "p99": f"max {max(one.together for one in found):.1f}, {len(found)} turns",
    }
    return [
        Figure(
            scenario="turn-share",
            name=f"Taxiway's own share of a turn on a warm process, {name}",
            unit="ms",
            measured=percentile([one.together for one in found], part),
            raw=percentile(bare, part),
            raw_name="the same through bare pipes",
            goals=(at_most(goal),),
            note=notes[name],
        )
        for name, part, goal in GOALS
    ]


def _on_a_new_process(found: list[float], bare: list[float]) -> list[Figure]:
    """One less the other, part by part: the start-up of the program is the program's, and so is its noise."""
    figures = []
    for name, part, goal in GOALS:
        whole, own = percentile(found[WARM_UP:], part), percentile(bare[WARM_UP:], part)
        figures.append(
            Figure(
                scenario="turn-share",
                name=f"Taxiway's own share of a turn on a new process, {name}",
                unit="ms",
                measured=whole - own,
                goals=(at_most(goal),),
                note=f"{whole:.1f} less the {own:.1f} of the same program started bare; {len(found) - WARM_UP} starts",
            )
        )
    return figures


def _half(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def fake_agent(folder: Path, script: object = SCRIPT) -> AgentKind:
    """An agent of a real process, which does as it is told."""
    path = folder / "script.json"
    path.write_text(json.dumps(script), encoding="utf-8")
    return AgentKind(command=fake_agent_command(path), start_s=120.0)
