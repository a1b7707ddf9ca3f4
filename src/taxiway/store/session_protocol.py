"""The part of a store's contract that is about sessions: what a turn is made of, and the verbs of a conversation."""

from __future__ import annotations

from typing import Protocol

import msgspec

from taxiway.core.event import Event
from taxiway.core.policy import MailboxChange, MailboxPolicy
from taxiway.core.session import Receipt, Session, Signal, Stopped
from taxiway.core.task import Task


class SessionFilter(msgspec.Struct, frozen=True):
    """Which sessions a list shows (C33): ``default`` (active or unread), ``all``, ``running``, ``unread``,
    ``terminal`` or ``idle``; archived ones only when asked for."""

    state: str = "default"
    reader: str | None = None
    agent: str | None = None
    archived: bool = False


class SessionPage(msgspec.Struct, frozen=True):
    """One page (C34); ``cursor`` goes on behind it, ``None`` at the end."""

    items: list[Session]
    cursor: str | None


class SessionStore(Protocol):
    """What the engine and the doors need of a store for conversations."""

    async def make_session(
        self, key: str, project: str, agent: str | None, policy: MailboxPolicy, actor: str, title: str | None = None
    ) -> Session:
        """The session of this key, made when it is new. Raises ``Conflict`` when it belongs to another agent."""
        ...

    async def fork_session(self, session: str, key: str, actor: str, title: str | None = None) -> Session:
        """A new session of this key in the project of ``session``, which begins as that one's conversation is at its
        first turn. Raises ``NoConversation``, ``Exists`` and ``Archived``."""
        ...

    async def set_session(self, session: str, change: MailboxChange, actor: str) -> Session:
        """Change its policy; what may start by it starts (SQ-15, SQ-16)."""
        ...

    async def find_session(self, ref: str, project: str | None) -> str:
        """The whole id for a key (of ``project``, else of none), an id, or a unique part of one."""
        ...

    async def keyed_session(self, key: str, project: str) -> Session | None:
        """The session that work of a project means by a key: its own, else the one of no project."""
        ...

    async def sessions(self, filter: SessionFilter, limit: int, cursor: str | None) -> SessionPage:
        """A page of sessions: active first, then unread, then by last activity (C33-C36)."""
        ...

    async def session_tasks(self, session: str, limit: int, after: int) -> list[Task]:
        """Its open tasks in order of submission, behind a submission number."""
        ...

    async def stop_session(self, session: str, actor: str) -> Task | None:
        """Ask that its oldest started run ends; ``None`` when nothing runs (SQ-40)."""
        ...

    async def stop_all_of_session(self, session: str, actor: str) -> Stopped:
        """Cancel what waits, stop what runs; what was submitted before never runs (SQ-43 to SQ-46)."""
        ...

    async def reset_session(self, session: str, discard: bool, actor: str) -> Stopped:
        """A new generation: a new conversation; what runs is stopped, what waits is kept unless ``discard``."""
        ...

    async def archive_session(self, session: str, archived: bool, actor: str) -> Session:
        """Put it away, or take it back. Raises ``Conflict`` while something runs or waits."""
        ...

    async def read_session(self, session: str, reader: str) -> Session:
        """Store its current version as what this reader has seen (C32)."""
        ...

    async def session_output(self, run: str, after: int, limit: int) -> tuple[list[Event], int]:
        """Output events of a run above ``after``, and the number to go on behind (C38, C39)."""
        ...

    async def tell_task(self, task: str, kind: Signal, text: str | None, actor: str) -> Receipt:
        """Tell the live turn of a task something (``steer``, ``interrupt``). Raises ``NoTurn``."""
        ...

    async def receipt(self, ref: str) -> Receipt:
        """How far a signal got, by its id or by that of the message that it brings; raises ``NotFound``. What makes it
        final is hinted at by ``Topic.EVENTS``."""
        ...
