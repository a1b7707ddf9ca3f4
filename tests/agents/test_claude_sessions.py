"""Claude Code as a user has it: named in the configuration, worked with through tasks and sessions."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from taxiway.app import Settings, Taxiway, open_configured
from taxiway.config import FILE, Surroundings, load
from taxiway.core.event import EventType
from taxiway.core.task import Reason, TaskState
from tests.agents import homes
from tests.stub_model.server import StubModel

pytestmark = pytest.mark.agents

WITHIN_S = 40


@pytest.fixture
async def stub() -> AsyncIterator[StubModel]:
    """A stub model that serves."""
    async with StubModel() as serving:
        yield serving


@pytest.fixture
async def tw(tmp_path: Path, stub: StubModel) -> AsyncIterator[Taxiway]:
    """A store whose configuration has Claude Code as an agent."""
    home = homes.claude(tmp_path / "home", stub.url, allow=()).lay()
    env = ", ".join(f'{name} = "{value}"' for name, value in home.environ.items())
    (tmp_path / FILE).write_text(
        f'[agents.claude]\nadapter = "claude"\ncommand = ["{home.argv[0]}"]\nenv = {{{env}}}\n'
        '[defaults]\nagent = "claude"\n'
    )
    around = Surroundings({}, tmp_path, tmp_path / "none", tmp_path, 2)
    loaded = load({"store.path": str(tmp_path / "store.db")}, around)
    async with open_configured(loaded, Settings(slots=2, project=str(home.work))) as opened:
        yield opened


async def ended(handle: Any) -> Any:
    """The task when it is over."""
    async with asyncio.timeout(WITHIN_S):
        return await handle.wait()


async def said(handle: Any, type: EventType) -> list[dict[str, Any]]:
    """What the run log holds of one type."""
    return [event.data async for event in handle.events() if event.type is type]


async def test_a_prompt_runs_to_its_end(tw: Taxiway, tmp_path: Path) -> None:
    """A43: completed, with its output, its usage, and under what conditions it ran."""
    handle = await tw.submit(
        prompt="[[stub: usage in=100 out=10 ;; write a.txt hello ;; usage in=200 out=20 ;; say all done]]",
        access="write",
        cwd=str(tmp_path / "home" / "work"),
    )
    task = await ended(handle)
    assert (task.state, task.output) == (TaskState.COMPLETED, "all done")
    assert (tmp_path / "home" / "work" / "a.txt").read_text() == "hello"
    assert (task.usage.input_tokens, task.usage.output_tokens) == (300, 30)
    assert task.usage.usd > 0
    [conditions] = [data for data in await said(handle, EventType.STATUS) if data.get("phase") == "agent"]
    assert conditions["permission_mode"] == "acceptEdits"
    assert [data["name"] for data in await said(handle, EventType.TOOL_CALL)] == ["Write"]
    assert len(await said(handle, EventType.DIFF)) == 1


async def test_a_second_message_goes_on_in_the_warm_process(tw: Taxiway, stub: StubModel) -> None:
    """A31, A33: one conversation, one process; the second turn pays nothing for a start."""
    box = await tw.session("box", agent="claude")
    first = await box.send("[[stub: say first]]")
    assert (await ended(first.task)).output == "first"
    second = await box.send("[[stub: say second]]")
    assert (await ended(second.task)).output == "second"
    assert [data["warm"] for data in await said(second.task, EventType.STATUS) if data.get("phase") == "turn"] == [True]
    [kept] = await tw.store.warm_processes()
    assert kept.session == box.id
    session = await box.get()
    threads = {data["thread"] for data in await said(first.task, EventType.STATUS) if data.get("phase") == "agent"}
    assert {session.thread} == threads
    assert session.context_tokens
    assert stub.requests[1].entries > stub.requests[0].entries


async def test_an_account_that_is_refused_fails_the_task_for_that_reason(tw: Taxiway) -> None:
    """Trap 2: the program calls it a success."""
    task = await ended(await tw.submit(prompt="[[stub: err 401 times=all ;; say never]]", retries=0))
    assert (task.state, task.reason) == (TaskState.FAILED, Reason.AUTH)
    assert "401" in (task.error or "")
