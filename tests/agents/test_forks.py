"""Forks of sessions with real agents: a copy is begun by the agent itself, and also in the middle of a turn."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from taxiway.app import Settings, Taxiway, open_configured
from taxiway.config import FILE, Surroundings, load
from taxiway.core.task import Task, TaskState
from tests.agents import homes
from tests.dialogues import eventually
from tests.stub_model.server import StubModel

pytestmark = pytest.mark.agents

WITHIN_S = 60


@pytest.fixture
async def stub() -> AsyncIterator[StubModel]:
    """A stub model that serves."""
    async with StubModel() as serving:
        yield serving


@pytest.fixture(params=["claude", "codex"])
async def tw(tmp_path: Path, stub: StubModel, request: pytest.FixtureRequest) -> AsyncIterator[Taxiway]:
    """A store whose configuration has one real agent, called ``real``."""
    name: str = request.param
    home = getattr(homes, name)(tmp_path / "home", stub.url).lay()
    env = ", ".join(f'{name} = "{value}"' for name, value in home.environ.items())
    command = [home.argv[0], *(["app-server"] if name == "codex" else [])]
    (tmp_path / FILE).write_text(f'[agents.real]\nadapter = "{name}"\ncommand = {command}\nenv = {{{env}}}\n')
    around = Surroundings({}, tmp_path, tmp_path / "none", tmp_path, 2)
    loaded = load({"store.path": str(tmp_path / "store.db")}, around)
    async with open_configured(loaded, Settings(slots=3, project=str(home.work))) as opened:
        yield opened


async def ended(sent: Any) -> Task:
    """The task of a message when it is over."""
    async with asyncio.timeout(WITHIN_S):
        task: Task = await sent.task.wait()
        return task


async def test_a_fork_knows_what_was_said_and_goes_its_own_way(tw: Taxiway, stub: StubModel, tmp_path: Path) -> None:
    """Sessions on agents: two conversations with one beginning, each with an id of its own."""
    where = {"cwd": str(tmp_path / "home" / "work"), "access": "write"}
    one = await tw.session("one", agent="real")
    assert (await ended(await one.send("[[stub: say first]]", **where))).output == "first"
    two = await one.fork("two")
    task = await ended(await two.send("[[stub: say second]]", **where))
    assert (task.state, task.output) == (TaskState.COMPLETED, "second")
    assert stub.requests[-1].entries > stub.requests[0].entries
    assert (await ended(await one.send("[[stub: say third]]", **where))).output == "third"
    assert stub.requests[-1].entries == stub.requests[-2].entries
    assert (await one.get()).thread != (await two.get()).thread


async def test_a_fork_in_the_middle_of_a_turn_takes_what_there_is(tw: Taxiway, stub: StubModel, tmp_path: Path) -> None:
    """As it is at the fork's first turn, also with a tool that has not ended; the other one is not disturbed."""
    where = {"cwd": str(tmp_path / "home" / "work"), "access": "write"}
    one = await tw.session("one", agent="real")
    await ended(await one.send("[[stub: say first]]", **where))
    running = await one.send("[[stub: wait 6 ;; say slow]]", **where)
    await eventually(lambda: len(stub.requests) >= 2, "the slow turn has asked the model")
    two = await one.fork("two")
    task = await ended(await two.send("[[stub: say second]]", **where))
    assert (task.state, task.output) == (TaskState.COMPLETED, "second")
    assert (await ended(running)).output == "slow"
