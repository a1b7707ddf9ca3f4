"""A handle on one session: what ``tw.session(key)`` gives back, and what a message that was sent came to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from taxiway.client.handle import TaskHandle, TaskVerbs, plain_fields
from taxiway.core.event import EventPage
from taxiway.core.limits import LIST_PAGE_DEFAULT
from taxiway.core.policy import Mode
from taxiway.core.session import Answer, Disposition, Session, Stopped
from taxiway.core.task import Task


class SessionVerbs(Protocol):
    """What a door offers for one session."""

    async def make(
        self, key: str, agent: str | None = None, mailbox: Mapping[str, Any] | None = None, title: str | None = None
    ) -> Session:
        """The session of a key, made when there is none."""
        ...

    async def send(self, ref: str, fields: Mapping[str, Any]) -> Answer:
        """Admit one message."""
        ...

    async def fork(self, ref: str, key: str, title: str | None = None) -> Session:
        """A new session that begins as this one."""
        ...

    async def set(self, ref: str, mailbox: Mapping[str, Any], agent: str | None = None) -> Session:
        """Change its policy."""
        ...

    async def stop(self, ref: str) -> Task | None:
        """Stop its oldest run."""
        ...

    async def stop_all(self, ref: str) -> Stopped:
        """Stop what runs, cancel what waits."""
        ...

    async def reset(self, ref: str, discard: bool = False) -> Stopped:
        """Begin a new conversation."""
        ...

    async def archive(self, ref: str, archived: bool = True) -> Session:
        """Put it away."""
        ...

    async def get(self, ref: str, reader: str | None = None) -> Session:
        """The session as it is."""
        ...

    async def read(self, ref: str, reader: str) -> Session:
        """Mark it as seen."""
        ...

    async def tasks(self, ref: str, limit: float = LIST_PAGE_DEFAULT, after: int = 0) -> list[Task]:
        """Its open tasks."""
        ...

    async def trace(
        self, ref: str, run: str | None = None, after: int = 0, limit: float = LIST_PAGE_DEFAULT
    ) -> EventPage:
        """Events of a run."""
        ...

    async def output(
        self, ref: str, run: str | None = None, after: int = 0, limit: float = LIST_PAGE_DEFAULT
    ) -> EventPage:
        """Output of a run."""
        ...


class Sent(msgspec.Struct, frozen=True):
    """What is known of a message when it has been sent.

    ``disposition`` is ``ready`` (it starts as soon as somebody has room), ``waiting`` (at ``position`` among those that
    wait, from 1), ``steering`` (offered to the run ``offered``; events tell whether it went in, else it waits in its
    place) or ``merged`` (into the turn of the task ``carrier``). ``dropped`` are ids of tasks that had to go for it.
    """

    task: TaskHandle
    disposition: Disposition
    position: int | None = None
    offered: str | None = None
    carrier: str | None = None
    dropped: tuple[str, ...] = ()


class SessionHandle:
    """One session, by its id."""

    __slots__ = ("_sessions", "_tasks", "agent", "id", "key")

    def __init__(self, tasks: TaskVerbs, sessions: SessionVerbs, found: Session) -> None:
        self._tasks = tasks
        self._sessions = sessions
        self.id = found.id
        self.key = found.key
        self.agent = found.agent

    def __repr__(self) -> str:
        return f"<session {self.key}>"

    async def send(self, prompt: str | None = None, *, mode: Mode | str | None = None, **fields: Any) -> Sent:
        """Send a message: words for the agent, or any other work (``shell=…``) with the fields of a task.

        ``mode`` and ``mailbox`` differ from the session's policy for this one message. Raises ``Full`` when the mailbox
        takes nothing more, and ``Invalid`` with every fault.
        """
        message = plain_fields(fields)
        if prompt is not None:
            message["prompt"] = prompt
        if mode is not None:
            message["mailbox"] = {**(message.get("mailbox") or {}), "mode": str(mode)}
        answer = await self._sessions.send(self.id, message)
        task = TaskHandle(self._tasks, answer.id, answer.state, answer.created)
        return Sent(task, answer.disposition, answer.position, answer.offered, answer.carrier, answer.dropped)

    async def steer(self, prompt: str, **fields: Any) -> Sent:
        """Words for the running turn, at its next safe point; where that cannot be, they wait in order (OC-01)."""
        return await self.send(prompt, mode=Mode.STEER, **fields)

    async def interrupt(self, prompt: str, **fields: Any) -> Sent:
        """Stop what runs, cancel what waits, then run this (SQ-30)."""
        return await self.send(prompt, mode=Mode.INTERRUPT, **fields)

    async def stop(self) -> Task | None:
        """Ask that the oldest started run ends; its task, ``None`` when nothing runs."""
        return await self._sessions.stop(self.id)

    async def stop_all(self) -> Stopped:
        """Stop what runs and cancel what waits; how many of each."""
        return await self._sessions.stop_all(self.id)

    async def reset(self, discard: bool = False) -> Stopped:
        """Begin a new conversation: what runs is stopped, what waits is kept unless ``discard``."""
        return await self._sessions.reset(self.id, discard)

    async def fork(self, key: str, title: str | None = None) -> SessionHandle:
        """A new session that begins as this conversation is at its first turn; from then on each goes its own way.

        Raises ``NoConversation``, ``Exists`` where the key is taken, and ``Archived``.
        """
        return SessionHandle(self._tasks, self._sessions, await self._sessions.fork(self.id, key, title))

    async def set(self, agent: str | None = None, **mailbox: Any) -> Session:
        """Change its policy from now on: ``mode``, ``cap``, ``drop``, ``debounce``, ``max_debounce_wait``,
        ``max_concurrent``; ``agent`` only where it belongs to none yet."""
        return await self._sessions.set(self.id, mailbox, agent)

    async def archive(self, archived: bool = True) -> Session:
        """Put it away, or take it back; not while something of it runs or waits."""
        return await self._sessions.archive(self.id, archived)

    async def get(self, reader: str | None = None) -> Session:
        """The session as it is now, with the attention that it has for a reader."""
        return await self._sessions.get(self.id, reader)

    async def read(self, reader: str) -> Session:
        """Mark it as seen by a reader."""
        return await self._sessions.read(self.id, reader)

    async def tasks(self, limit: float = LIST_PAGE_DEFAULT, after: int = 0) -> list[Task]:
        """Its open tasks in order of submission, behind the submission number (``seq``) ``after``; 1 to 100 of them."""
        return await self._sessions.tasks(self.id, limit, after)

    async def trace(self, run: str | None = None, after: int = 0, limit: float = LIST_PAGE_DEFAULT) -> EventPage:
        """A page of events of one run: the requested, else the live, else the last."""
        return await self._sessions.trace(self.id, run, after, limit)

    async def output(self, run: str | None = None, after: int = 0, limit: float = LIST_PAGE_DEFAULT) -> EventPage:
        """The same of what it wrote: messages, output, diffs, errors and the end."""
        return await self._sessions.output(self.id, run, after, limit)
