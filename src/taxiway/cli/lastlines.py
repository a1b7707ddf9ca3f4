"""The last line that each running task wrote: read from the end of its log, and only when that has grown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from taxiway.cli.board import Row
from taxiway.cli.stuckwords import stuck_words
from taxiway.core.event import Event, EventType
from taxiway.core.run import Run
from taxiway.core.safe import safe
from taxiway.core.task import Task

EVENTS_READ: Final = 2  #: from the end of a log; older ones hold older lines


class Logs(Protocol):
    """What is needed of a store."""

    async def task(self, task: str) -> Task:
        """One task."""
        ...

    async def run(self, run: str) -> Run:
        """One run."""
        ...

    async def events(self, run: str, after: int, limit: int) -> list[Event]:
        """A page of a run's events."""
        ...


class LastLines:
    """Last lines by task; ``shown`` holds them, safe and without line ends."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._runs: dict[str, tuple[int, str, int]] = {}  # task: when it began, its run, events seen
        self.shown: dict[str, str] = {}

    async def read(self, rows: Sequence[Row]) -> None:
        """Look at these tasks; what no longer runs is forgotten."""
        present = {row.id for row in rows}
        for gone in [task for task in self._runs if task not in present]:
            del self._runs[gone]
            self.shown.pop(gone, None)
        for row in rows:
            await self._read_one(row)

    async def _read_one(self, row: Row) -> None:
        begun, run, seen = self._runs.get(row.id, (-1, "", 0))
        if begun != row.begun:
            task = await self._logs.task(row.id)
            row.attempt = task.attempt
            if task.run is None:
                return
            run, seen = task.run, 0
            self.shown.pop(row.id, None)
        found = await self._logs.run(run)
        row.begun = found.started_at or found.claimed_at  # the task's own start is that of its first run
        newest = found.events
        if newest > seen:
            events = await self._logs.events(run, max(seen, newest - EVENTS_READ), EVENTS_READ)
            line = _last_line(events)
            if line:
                self.shown[row.id] = line
        self._runs[row.id] = (row.begun, run, newest)


def _last_line(events: Sequence[Event]) -> str:
    for event in reversed(events):
        if event.type is EventType.OUTPUT:
            for line in reversed(safe(event.body[-4_096:].decode("utf-8", "replace")).split("\n")):
                if line.strip():
                    return " ".join(line.split())
        elif stuck := stuck_words(event):
            return stuck
    return ""
