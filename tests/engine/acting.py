"""A stage for the fake agent: its script, its memory, and the journal of everything that reached it."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import psutil

from taxiway.core.agent import AgentKind, Argument
from taxiway.testing import fakeagent

PROGRAM = str(Path(fakeagent.__file__).parent)
DEADLINE_S = 25.0  # a safety net: nothing is right because of it
LOOK_S = 0.01

Line = dict[str, Any]


class Stage:
    """Where fake agents perform; all of them write into one journal and share one memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal.jsonl"

    def agent(
        self, script: dict[str, Any] | None = None, *, more: tuple[Argument, ...] = (), **fields: Any
    ) -> AgentKind:
        """A kind of agent that performs a script (without one it says what it hears); ``more`` are its arguments."""
        return AgentKind(command=(sys.executable, "-I", PROGRAM, *self.arguments(script), *more), **fields)

    def arguments(self, script: dict[str, Any] | None) -> tuple[Argument, ...]:
        """The options of a fake agent that performs here."""
        path = self.folder / f"script{len(list(self.folder.glob('script*.json')))}.json"
        path.write_text(json.dumps(script or {}))
        where = ("--memory", str(self.folder / "memory"), "--journal", str(self.journal))
        return ("--script", str(path), *where, ("--thread", "{thread}"))

    def lines(self, what: str = "") -> list[Line]:
        """Everything in the journal, or everything of one kind."""
        if not self.journal.exists():
            return []
        lines = [json.loads(line) for line in self.journal.read_text().splitlines()]
        return [line for line in lines if what in ("", line["what"])]

    def pids(self) -> list[int]:
        """Of every agent that has started here, in order."""
        return [line["pid"] for line in self.lines("start")]

    async def heard(self, what: str, count: int = 1) -> list[Line]:
        """Wait until the journal has so many lines of a kind."""
        async with asyncio.timeout(DEADLINE_S):
            while len(found := self.lines(what)) < count:
                await asyncio.sleep(LOOK_S)
        return found


def lives(pid: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def gone(*pids: int) -> None:
    """Wait until none of them is there."""
    async with asyncio.timeout(DEADLINE_S):
        while any(lives(pid) for pid in pids):
            await asyncio.sleep(LOOK_S)
