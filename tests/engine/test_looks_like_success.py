"""What agents do that looks like success, or like a reason, and is none: their processes and exit statuses."""

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from taxiway.core.agent import Adapter, AgentKind
from taxiway.core.task import Reason, TaskState
from taxiway.testing.fakeagent.command import fake_agent_command
from tests.engine.acting import Stage, lives
from tests.engine.conftest import Bench, ended

#: As package managers start programs; it lets nothing through.
SHIM = """trap '' INT TERM; exec 3<&0; "$@" <&3 & wait $!"""


def that_exits(status: int, adapter: Adapter, folder: Path) -> AgentKind:
    """An agent that says something in its turn, and exits."""
    script = folder / "exits.json"
    script.write_text(json.dumps({"default": [{"say": "nearly"}, {"exit": status}]}))
    return AgentKind(adapter=adapter, command=fake_agent_command(script, protocol=adapter.value))


@pytest.mark.parametrize("adapter", [Adapter.LINES, Adapter.ACP])
async def test_an_agent_that_exits_with_0_in_a_turn_has_not_completed_it(
    bench: Bench, tmp_path: Path, adapter: Adapter
) -> None:
    """Trap 1: only the agent's own word ends a turn with success."""
    async with bench.open(agents={"fake": that_exits(0, adapter, tmp_path)}) as tw:
        task = await ended(await tw.submit(prompt="go", agent="fake", retries=0))
    assert (task.state, task.reason, task.exit_code) == (TaskState.FAILED, Reason.AGENT_ERROR, 0)
    assert "nearly" in (task.output or "")


@pytest.mark.parametrize("status", [429 % 256, 500 % 256, 401 % 256])
async def test_an_exit_status_says_nothing_about_the_provider(bench: Bench, tmp_path: Path, status: int) -> None:
    """Trap 3: some exit with the provider's status modulo 256; whoever read reasons out of that would invent others."""
    async with bench.open(agents={"fake": that_exits(status, Adapter.LINES, tmp_path)}) as tw:
        task = await ended(await tw.submit(prompt="go", agent="fake", retries=0))
    assert (task.state, task.reason, task.exit_code) == (TaskState.FAILED, Reason.AGENT_ERROR, status)


@pytest.mark.parametrize("by", ["itself", "a cancel"])
async def test_who_ends_the_program_that_was_started_ends_the_agent_behind_it(
    bench: Bench, stage: Stage, by: str
) -> None:
    """Trap 4, I6: a script that starts the agent and passes nothing on; killed from outside, or asked to end."""
    real = stage.agent({"default": ["hang"]})
    kind = AgentKind(command=("sh", "-c", SHIM, "shim", *real.command))
    async with bench.open(agents={"fake": kind}, ask_grace_s=0.2, term_grace_s=0.2) as tw:
        handle = await tw.submit(prompt="go", agent="fake", retries=0)
        await stage.heard("turn")
        (agent,) = stage.pids()
        shim = psutil.Process(agent).ppid()
        assert b"shim" in Path(f"/proc/{shim}/cmdline").read_bytes()
        if by == "itself":
            os.kill(shim, signal.SIGKILL)
        else:
            await handle.cancel()
        task = await ended(handle)
        assert not lives(agent)
        assert not lives(shim)
    assert task.state is (TaskState.FAILED if by == "itself" else TaskState.CANCELLED)
