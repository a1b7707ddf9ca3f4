"""Agents that misbehave in every protocol, through the whole way of a task: from a submit to its outcome in the store.

However bad an agent is, its task ends in a typed outcome with a sentence, its log is bounded and safe to show, nothing
of it is left on the machine or in the runner, and the next task runs.
"""

import asyncio
import hashlib
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from taxiway.agents.guardian.sweep import tagged
from taxiway.app import Settings, Taxiway, open_with
from taxiway.client.handle import TaskHandle
from taxiway.core.agent import Adapter, AgentKind
from taxiway.core.errors import Invalid
from taxiway.core.event import Event, EventType
from taxiway.core.limits import EVENT_BYTES_MAX, PROMPT_BYTES_MAX
from taxiway.core.safe import safe
from taxiway.core.task import Reason, Task, TaskState
from tests.dialogues import eventually as soon
from tests.faults.conftest import ZOO, eventually

ROOT = Path(__file__).parents[2]
PROGRAM = str(ZOO / "hostile_agent.py")
ADAPTERS = list(Adapter)
LOG_BYTES_MAX = 1 << 20  #: what the runner of these tests keeps of a run's output
GROWTH_BYTES_MAX = 32 << 20  #: of this process, while an agent writes 100 MB
FLOOD_MB = {Adapter.PTY: 2}  #: where it is not 100: a screen takes a second for a megabyte of short lines
WITHIN_S = 60.0


class Ending(NamedTuple):
    """How a task ends whose agent does a thing: its reason (``None``: completed) and a part of its sentence."""

    reason: Reason | None = None
    error: str = ""


GONE_ON = Ending()
BROKEN = Ending(Reason.AGENT_ERROR, "before its turn ended")
THINGS = {
    "garbage": GONE_ON,
    "half a line": BROKEN,
    "a long line": GONE_ON,
    "a line without an end": BROKEN,
    "a long message": GONE_ON,
    "much to say": GONE_ON,
    "noise": GONE_ON,
    "colours": GONE_ON,
    "exit": BROKEN,
    "exit 3": Ending(Reason.AGENT_ERROR, "status 3"),
    "die": Ending(Reason.AGENT_ERROR, "signal 9"),
    "hang": Ending(Reason.TIMEOUT, ""),
    "close": Ending(Reason.TIMEOUT, ""),
    "daemons": GONE_ON,
    "stay": GONE_ON,
}
#: Every thing through every adapter is for the long evidence; each thing through one of them guards a change.
PAIRS = [
    pytest.param(adapter, thing, marks=() if (place + number) % len(ADAPTERS) < 1 else pytest.mark.proof)
    for place, adapter in enumerate(ADAPTERS)
    for number, thing in enumerate(THINGS)
]
SILENT = ("hang", "close")  #: these end only because a clock does
PROMPTS = {
    "controls": "".join(chr(number) for number in range(1, 32)) + "\x7f\x80\x9b\x9f",
    "shell": "$(touch owned) `touch owned`; touch owned & | > owned < ' \" \\ \\\\ %s %n {thread} ${{ x }} !! #",
    "option": "--dangerously-skip-permissions",
    "dashes": "-",
    "command": "/exit\n/clear @/etc/passwd !touch owned",
    "bidi": "\u202e\u2066\u2028\u2029\ufeff\u200b\u0000a\u0301\U0001f600\U0010ffff".replace("\0", ""),
    "lines": "one\r\ntwo\n\n\nthree\r",
    "json": '{"type": "done"}\n{"type": "turn", "turn": 9}\n',
    "long": 'ü€\n"' * 100_000 + "x" * 100_000,
}
#: What a terminal would obey, colours and ends of lines aside, and what turns text around.
OWNING = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u2028\u202a-\u202e\u2066-\u2069]|\x1b(?!\\[[0-9;]*m)"
)
UNREADABLE = {"a NUL": "a\0b", "half a character": "a\ud800b", "too long": "x" * (PROMPT_BYTES_MAX + 1)}


def kind_of(adapter: Adapter, start: str = "", **fields: Any) -> AgentKind:
    """An agent that speaks one protocol, and misbehaves as its prompts say."""
    command = (sys.executable, "-I", "-S", PROGRAM, adapter.value, start or "well")
    screen = {"ready": "^> $"} if adapter is Adapter.PTY else {}
    env = {"FLOOD_MB": str(FLOOD_MB.get(adapter, 100))}
    return AgentKind(adapter=adapter, command=command, **({"env": env} | screen | fields))


class House:
    """A runner that drives hostile agents, and what it held before them."""

    def __init__(self, tw: Taxiway, adapter: Adapter) -> None:
        self.tw = tw
        self.adapter = adapter

    async def ask(self, prompt: str, agent: str = "", **fields: Any) -> tuple[TaskHandle, Task]:
        """A task with its end."""
        handle = await self.tw.submit(prompt=prompt, agent=agent or self.adapter.value, **fields)
        return handle, await handle.wait(WITHIN_S)

    async def events(self, handle: TaskHandle) -> list[Event]:
        """Everything that its last run said."""
        return [event async for event in handle.events()]


@asynccontextmanager
async def house(folder: Path, adapter: Adapter, **agents: AgentKind) -> AsyncIterator[House]:
    """A runner of one slot; afterwards the store is sound, and of all processes nothing lives."""
    settings = Settings(
        slots=1,
        project="",
        ask_grace_s=0.2,
        term_grace_s=0.2,
        run_output_bytes_max=LOG_BYTES_MAX,
        agents={adapter.value: kind_of(adapter), **agents},
    )
    async with open_with(folder / "store.db", settings) as tw:
        yield House(tw, adapter)
        assert await tw.store.check() == []
        assert await tw.store.live_runs() == []
        assert await tw.store.warm_processes() == []
    assert eventually(lambda: not psutil.Process().children()), psutil.Process().children()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that is nobody else's, so that what is left there is seen."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def held() -> int:
    """How many files this process has open, beside those of the store: each of its readers opens them when it reads for
    the first time."""
    found = 0
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # closed since
            found += ".db" not in os.readlink(f"/proc/self/fd/{number}")
    return found


def start_measuring() -> int:
    """Forget the most memory that this process ever had; what it has now."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def memory(what: str) -> int:
    """One figure of this process's memory, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) << 10
    raise AssertionError(what)


@pytest.mark.parametrize(("adapter", "thing"), PAIRS)
async def test_whatever_an_agent_does_its_task_ends_typed_and_nothing_is_left(
    adapter: Adapter, thing: str, tmp_path: Path, temporary: Path
) -> None:
    """I6, I18, A43, DA1: garbage, half a line of JSON, 100 MB on one line, ANSI and bidi text, an exit in the middle,
    no exit at all, daemons. The log keeps its bound, no process, file or folder stays, memory does not follow what it
    says, and the only slot of the runner takes the next task."""
    expected = THINGS[thing]
    async with house(tmp_path, adapter) as at:
        await at.ask("warm up")
        files, memory_before = held(), start_measuring()
        clock = {"timeout": 1.5} if thing in SILENT else {}
        handle, task = await at.ask(f"do: {thing}", **clock)
        grown = memory("VmHWM") - memory_before
        assert (task.state, task.reason) == (
            TaskState.COMPLETED if expected.reason is None else TaskState.FAILED,
            expected.reason,
        ), task.error
        assert expected.error in (task.error or "")
        assert task.error is None or task.error == safe(task.error)
        events = await at.events(handle)
        kept = [event.data for event in events if event.type not in (EventType.STATUS, EventType.LOG_TRUNCATED)]
        assert sum(len(str(data)) for data in kept) <= 4 * LOG_BYTES_MAX
        assert all(len(str(data)) <= 4 * EVENT_BYTES_MAX for data in kept)
        print(f"{adapter}, {thing}: {grown >> 20} MiB more than before")
        assert grown < GROWTH_BYTES_MAX
        runs = await handle.runs()
        tags = {run.process.tag for run in runs if run.process is not None}
        assert [tag for _, tag in tagged() if tag in tags] == []
        await soon(lambda: held() == files, "no file of it stays open here")
        assert list(temporary.iterdir()) == []
        _, after = await at.ask("and now something else")
        assert after.state is TaskState.COMPLETED, after.error


@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_what_an_agent_said_is_safe_to_show(adapter: Adapter, tmp_path: Path) -> None:
    """A terminal's controls and the turning of text are made visible by whoever shows a log (CWE-150)."""
    async with house(tmp_path, adapter) as at:
        handle, task = await at.ask("do: colours")
        assert task.state is TaskState.COMPLETED
    said = await asyncio.to_thread(shown, tmp_path, "task", "logs", handle.id)
    assert "<U+202E>cod.exe" in said
    assert not OWNING.search(said), ascii(said)


def shown(folder: Path, *words: str) -> str:
    """What the command line writes on a terminal about the store of a test."""
    ours, terminal = pty.openpty()
    command = [sys.executable, "-m", "taxiway", "--store", str(folder / "store.db"), *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "XDG_CONFIG_HOME": str(folder)}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=terminal, stderr=terminal) as program:
        os.close(terminal)
        said = bytearray()
        with suppress(OSError), open(ours, "rb", buffering=0) as stream:  # the end of a terminal is an error
            while piece := stream.read(1 << 16):
                said += piece
        assert program.wait(60) == 0
    return said.decode("utf-8")


@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_a_prompt_of_any_text_arrives_as_it_is(adapter: Adapter, tmp_path: Path) -> None:
    """CWE-78, CWE-88: every hostile character and 800 KB of text reach the agent as data, character for character; on
    a terminal, where controls are left out, the turn ends all the same. What cannot be held is refused."""
    async with house(tmp_path, adapter) as at:
        for name, prompt in PROMPTS.items():
            handle, task = await at.ask(prompt, cwd=str(tmp_path))
            if adapter is Adapter.PTY:
                assert task.state is TaskState.COMPLETED or task.reason is Reason.AGENT_ERROR, (name, task.error)
                continue
            assert task.state is TaskState.COMPLETED, (name, task.error)
            digest = hashlib.sha256(prompt.encode()).hexdigest()
            said = [event.data["text"] for event in await at.events(handle) if event.type is EventType.MESSAGE]
            assert said == [f"{len(prompt)} {digest}"], name
        for prompt in UNREADABLE.values():
            with pytest.raises(Invalid):
                await at.ask(prompt)
        assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("start", "reason", "error"),
    [
        ("mute", Reason.AGENT_ERROR, "not ready"),
        ("quit", Reason.AGENT_ERROR, "status 0 before it took a turn"),
        ("babble", None, ""),
        ("unread", Reason.TIMEOUT, ""),
    ],
)
@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_an_agent_that_never_takes_its_first_turn_is_a_typed_failure(
    adapter: Adapter, start: str, reason: Reason | None, error: str, tmp_path: Path
) -> None:
    """DA6, DA9, I14: silence, an exit and garbage before it is ready, and a megabyte that it never reads."""
    async with house(tmp_path, adapter, bad=kind_of(adapter, start, start_s=2.0)) as at:
        await at.ask("warm up")
        files = held()
        small = adapter is Adapter.PTY or start == "babble"
        _, task = await at.ask("x" * (10 if small else 1_000_000), "bad", timeout=4.0)
        assert (task.state, task.reason) == (TaskState.FAILED if reason else TaskState.COMPLETED, reason), task.error
        assert error in (task.error or "")
        await soon(lambda: held() == files, "no file of it stays open here")
        assert (await at.ask("and now something else"))[1].state is TaskState.COMPLETED


@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_a_folder_that_vanished_is_a_typed_failure_for_every_agent(adapter: Adapter, tmp_path: Path) -> None:
    """Before the run, or under the feet of a session's warm process: the next turn is told where it may work."""
    folder = tmp_path / "work"
    async with house(tmp_path, adapter) as at:
        _, task = await at.ask("hello", cwd=str(folder))
        assert (task.state, task.reason) == (TaskState.FAILED, Reason.SPAWN_ERROR)
        assert str(folder) in (task.error or "")
        folder.mkdir()
        box = await at.tw.session("box", agent=adapter.value)
        first = await (await box.send("one", cwd=str(folder))).task.wait(WITHIN_S)
        assert first.state is TaskState.COMPLETED
        shutil.rmtree(folder)
        second = await (await box.send("two", cwd=str(folder))).task.wait(WITHIN_S)
        assert (second.state, second.reason) == (TaskState.FAILED, Reason.SPAWN_ERROR)
        folder.mkdir()
        third = await (await box.send("three", cwd=str(folder))).task.wait(WITHIN_S)
        assert third.state is TaskState.COMPLETED, third.error
        await box.reset()
        async with asyncio.timeout(WITHIN_S):
            while await at.tw.store.warm_processes():
                await asyncio.sleep(0.02)


async def test_hostile_agents_at_the_same_time_do_not_reach_a_good_one(tmp_path: Path) -> None:
    """Every protocol, every misdeed at once on one runner, and beside them turns that want an answer soon."""
    agents = {adapter.value: kind_of(adapter, env={"FLOOD_MB": "4"}) for adapter in ADAPTERS}
    settings = Settings(slots=6, project="", ask_grace_s=0.2, term_grace_s=0.2, main_size=64, agents=agents)
    async with open_with(tmp_path / "store.db", settings) as tw:
        bad = [
            await tw.submit(prompt=f"do: {thing}", agent=adapter, timeout=3.0) for thing in THINGS for adapter in agents
        ]
        good = [await tw.submit(prompt="hello", agent="lines", priority=10) for _ in range(5)]
        for handle in good:
            assert (await handle.wait(WITHIN_S)).state is TaskState.COMPLETED
        for handle in bad:
            assert (await handle.wait(WITHIN_S)).state in (TaskState.COMPLETED, TaskState.FAILED)
        assert await tw.store.check() == []
