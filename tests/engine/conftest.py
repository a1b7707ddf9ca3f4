"""A real store and real small programs, which wait for files of the test instead of sleeping."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import taxiway
from taxiway.agents.guardian.sweep import tagged
from taxiway.app import Settings, Taxiway, open_with
from taxiway.client.handle import TaskHandle
from taxiway.core.change import Change, ChangeKind
from taxiway.core.event import EventType
from taxiway.observe.observer import Observer, nobody
from tests.engine.acting import Stage

DEADLINE_S = 25.0  # a safety net: nothing here is right because of it


class Gate:
    """Something that one program waits for: ``wait`` is its shell, ``open`` lets it go on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path, 0o600)
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    @property
    def wait(self) -> str:
        """Shell text that goes on when the gate is opened."""
        return f"read _ < '{self.path}'"

    def open(self) -> None:
        """Let the program go on."""
        os.write(self._fd, b"go\n")

    def close(self) -> None:
        """Nobody waits any more."""
        os.close(self._fd)


class Bench:
    """One folder with one store, opened as often as a test likes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "store.db"
        self._gates: list[Gate] = []

    @asynccontextmanager
    async def open(self, observer: Observer = nobody, **settings: Any) -> AsyncIterator[Taxiway]:
        """The store, with a runner of four slots unless said otherwise, and short graces; checked at the end."""
        asked: dict[str, Any] = {"slots": 4, "main_size": 64, "project": "", "term_grace_s": 1.0, "actor": "tester"}
        async with open_with(self.path, Settings(**(asked | settings)), observer) as tw:
            yield tw

    def gate(self, name: str = "gate") -> Gate:
        """A new gate."""
        made = Gate(self.folder / name)
        self._gates.append(made)
        return made

    def file(self, name: str) -> Path:
        """A file beside the store."""
        return self.folder / name

    async def settled(self) -> None:
        """What must hold when nothing runs: no broken invariant, no live run, no process."""
        async with self.open(slots=0) as tw:
            assert await tw.store.check() == []
            assert await tw.store.live_runs() == []
            assert await tw.store.warm_processes() == []
            tags = {run.process.tag for task in await everything(tw) for run in await tw.runs(task.id) if run.process}
        assert [str(process) for process, tag in tagged() if tag in tags] == []

    def close(self) -> None:
        """Close every gate."""
        for gate in self._gates:
            gate.close()


async def everything(tw: Taxiway) -> list[taxiway.Task]:
    """All tasks of a store, the superseded ones too."""
    found: list[taxiway.Task] = []
    cursor: str | None = None
    while True:
        page = await tw.tasks(taxiway.TaskFilter(superseded=True), 500, cursor)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found


async def said(handle: TaskHandle, text: str) -> str:
    """Wait until a task's program has written ``text`` to either stream; all that it wrote by then."""
    heard = ""
    async with asyncio.timeout(DEADLINE_S):
        async for event in handle.events():
            heard += event.data.get("text", "") if event.type is EventType.OUTPUT else ""
            if text in heard:
                return heard
    raise AssertionError(f"it ended without saying {text!r}: {heard!r}, {await handle.get()}")


async def ended(handle: TaskHandle) -> taxiway.Task:
    """The task's end, with a deadline."""
    return await handle.wait(DEADLINE_S)


async def changed(tw: Taxiway, ref: str, *wanted: str, after: int = 0) -> Change:
    """Wait for a change of ``ref`` to one of the states (or ``state/reason``) in the change log."""
    async with asyncio.timeout(DEADLINE_S):
        async for change in tw.feed.changes(after):
            if change.id == ref and {change.state, f"{change.state}/{change.reason}"} & set(wanted):
                return change
    raise AssertionError("the change log has no end")


async def story(tw: Taxiway, handle: TaskHandle) -> list[str]:
    """A task's states in the change log, as ``state`` or ``state/reason``."""
    changes = await tw.store.changes(0, 1000)
    return [
        change.state + (f"/{change.reason}" if change.reason else "")
        for change in changes
        if change.kind is ChangeKind.TASK and change.id == handle.id
    ]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A folder for one store; afterwards nothing may be broken, live or left."""
    bench = Bench(tmp_path)
    yield bench
    bench.close()
    if bench.path.exists():
        await bench.settled()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Where the fake agents of a test perform."""
    folder = tmp_path / "stage"
    folder.mkdir()
    return Stage(folder)


@pytest.fixture
async def tw(bench: Bench) -> AsyncIterator[Taxiway]:
    """The store, opened with four slots."""
    async with bench.open() as tw:
        yield tw


@pytest.fixture
def cry() -> Callable[[int], None]:
    """Ends one of our own processes by its id."""

    def kill(pid: int, number: int = signal.SIGKILL) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    return kill


Opening = Callable[..., AbstractAsyncContextManager[Taxiway]]
