"""Warm processes: how much sooner a conversation's second turn starts than its first, whose process has to start."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import taxiway
from benchmarks.figure import Figure, at_most, paired
from benchmarks.place import Place
from benchmarks.stores import FILE
from benchmarks.turns import fake_agent
from taxiway import SessionHandle
from taxiway.core.agent import Adapter, AgentKind
from taxiway.core.agentfields import agent_kind
from taxiway.core.event import EventType
from tests.agents.homes import claude, codex
from tests.agents.installed import FOLDER
from tests.stub_model.server import StubModel

SESSIONS = 5
START_SHARE_MAX = 0.5  #: of the first turn's start that a second one may still take
Equip = Callable[[Path, str], AgentKind]


def _fake(folder: Path, _url: str) -> AgentKind:
    return fake_agent(folder, {"default": [{"say": "ok"}]})


def _codex(folder: Path, url: str) -> AgentKind:
    home = codex(folder, url).lay()
    return agent_kind({"adapter": Adapter.CODEX, "command": (*home.argv, "app-server"), "env": home.environ})


def _claude(folder: Path, url: str) -> AgentKind:
    home = claude(folder, url).lay()
    return agent_kind({"adapter": Adapter.CLAUDE, "command": home.argv, "env": home.environ})


AGENTS: dict[str, tuple[str, Equip]] = {
    "fake": ("the fake agent", _fake),
    "codex": ("Codex", _codex),
    "claude": ("Claude Code", _claude),
}


async def second_turns(place: Place, sessions: int = SESSIONS, names: tuple[str, ...] = tuple(AGENTS)) -> list[Figure]:
    """From the send to the first word, with a model that answers at once; real CLIs where they are installed."""
    return [await _second_turn(place, name, sessions) for name in names]


async def _second_turn(place: Place, name: str, sessions: int) -> Figure:
    title, equip = AGENTS[name]
    what = f"start of a second turn, {title}"
    if name != "fake" and not (FOLDER / "bin" / name).exists():
        return _figure(what, None, f"not installed here: `scripts/agents {name}` does it")
    folder = place.fresh(name)
    rounds = []
    async with StubModel() as stub:
        agents = {name: equip(folder, stub.url)}
        async with taxiway.open(folder / FILE, project="", processes_max=sessions + 1, agents=agents) as tw:
            for number in range(sessions):
                box = await tw.session(f"s{number}", agent=name)
                rounds.append((await _first_word_s(box, folder), await _first_word_s(box, folder)))
    place.forget(folder)
    measured, raw, ratio = paired(rounds)
    return _figure(what, measured, f"{sessions} conversations", raw, ratio)


async def _first_word_s(box: SessionHandle, folder: Path) -> float:
    began = time.monotonic()
    sent = await box.send("[[stub: say ok]]", access="write", cwd=str(folder))
    found = None
    async for event in sent.task.events():
        if event.type is EventType.MESSAGE and found is None:
            found = time.monotonic() - began
    task = await sent.task.get()
    assert found is not None, task.error
    assert task.state == "completed", task.error
    return found


def _figure(
    name: str, measured: float | None, note: str, raw: float | None = None, ratio: float | None = None
) -> Figure:
    return Figure(
        scenario="turn-warm",
        name=name,
        unit="s",
        measured=measured,
        raw=raw,
        raw_name="first turn, whose process has to start",
        ratio=ratio,
        goals=(at_most(START_SHARE_MAX, "ratio"),),
        note=note,
    )
