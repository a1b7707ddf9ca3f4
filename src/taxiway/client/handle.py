"""A handle on one task: what a submit gives back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from taxiway.core.event import Event
from taxiway.core.ids import short_id
from taxiway.core.readiness import Obstacle
from taxiway.core.run import Run
from taxiway.core.session import Receipt
from taxiway.core.task import Task, TaskState


class TaskVerbs(Protocol):
    """What a door offers for one task; ``taxiway.open`` and ``taxiway.connect`` both give it."""

    async def task(self, task: str) -> Task:
        """One task."""
        ...

    async def wait(self, task: str, timeout_s: float | None = None) -> Task:
        """The task once it has ended."""
        ...

    def events(self, task: str) -> AsyncIterator[Event]:
        """Events of its runs."""
        ...

    async def runs(self, task: str) -> list[Run]:
        """Its runs."""
        ...

    async def cancel(self, task: str) -> Task:
        """Ask that it ends."""
        ...

    async def steer(self, task: str, text: str) -> Receipt:
        """Words for its live turn."""
        ...

    async def interrupt(self, task: str) -> Receipt:
        """Have its live turn ended."""
        ...

    async def retry(self, task: str) -> list[TaskHandle]:
        """Try it again."""
        ...

    async def remove(self, task: str) -> bool:
        """Forget it."""
        ...

    async def explain(self, task: str) -> list[Obstacle]:
        """What keeps it from running."""
        ...


class TaskHandle:
    """One submitted task: its id, the state it was admitted in, and whether this call made it."""

    __slots__ = ("_verbs", "created", "id", "state")

    def __init__(self, verbs: TaskVerbs, id: str, state: TaskState, created: bool) -> None:
        self._verbs = verbs
        self.id = id
        self.state = state
        self.created = created

    def __repr__(self) -> str:
        return f"<task {short_id(self.id)} ({self.state} when it was submitted)>"

    async def get(self) -> Task:
        """The task as it is now."""
        return await self._verbs.task(self.id)

    async def wait(self, timeout_s: float | None = None) -> Task:
        """The task once it has ended; ``TimeoutError`` after ``timeout_s`` seconds."""
        return await self._verbs.wait(self.id, timeout_s)

    def events(self) -> AsyncIterator[Event]:
        """Events of its runs, live, until it has ended."""
        return self._verbs.events(self.id)

    async def runs(self) -> list[Run]:
        """Its runs, oldest first."""
        return await self._verbs.runs(self.id)

    async def cancel(self) -> Task:
        """Ask that it ends; the task as it then is."""
        return await self._verbs.cancel(self.id)

    async def steer(self, text: str) -> Receipt:
        """Words for its live turn, where an agent works on it; what became of them, as far as that is known soon."""
        return await self._verbs.steer(self.id, text)

    async def interrupt(self) -> Receipt:
        """Have its live turn ended; its conversation stays."""
        return await self._verbs.interrupt(self.id)

    async def retry(self) -> list[TaskHandle]:
        """Try it again after it failed or was cancelled, with what fell with it; its own successor first."""
        return await self._verbs.retry(self.id)

    async def remove(self) -> bool:
        """Forget it; ``False`` while it runs."""
        return await self._verbs.remove(self.id)

    async def explain(self) -> list[Obstacle]:
        """Every condition that keeps it from running."""
        return await self._verbs.explain(self.id)


def plain_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields with handles replaced by the ids that they stand for."""
    plain = dict(fields)
    after = plain.get("after")
    if isinstance(after, TaskHandle):
        plain["after"] = [after.id]
    elif isinstance(after, list | tuple):
        plain["after"] = [found.id if isinstance(found, TaskHandle) else found for found in after]
    elif isinstance(after, Mapping):
        plain["after"] = {(key.id if isinstance(key, TaskHandle) else key): on for key, on in after.items()}
    return plain
