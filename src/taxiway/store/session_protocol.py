"""The part of a store's contract that is about sessions: what a turn is made of, and the verbs of a conversation."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from taxiway.core.event import Event
from taxiway.core.policy import MailboxChange, MailboxPolicy
from taxiway.core.run import ProcessMark
from taxiway.core.session import Receipt, Session, Signal, Stopped
from taxiway.core.task import Task


class Message(msgspec.Struct, frozen=True):
    """One message of a turn, with where it came from."""

    task: str
    prompt: str
    metadata: dict[str, Any] = {}


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed run's place in its session: the conversation to go on with, and what the turn is made of.

    ``messages`` are the task's own and those that it carries, in order of submission; ``dropped`` one line each about
    what a full mailbox let go. ``process`` is the one that holds the conversation: the last that was opened for it,
    wherever; ``None`` after a reset, an archiving, or when it is gone. Any other knows an older state of it.

    ``forked``: the conversation began as another one, which its agent calls ``fork_thread``; until it has a ``thread``
    of its own it is begun so again.
    """

    session: str
    key: str
    generation: int
    thread: str | None = None
    process: str | None = None
    messages: tuple[Message, ...] = ()
    dropped: tuple[str, ...] = ()
    forked: bool = False
    fork_thread: str | None = None


class PendingSignal(msgspec.Struct, frozen=True):
    """An instruction for a live run of this runner that has not been settled."""

    id: str
    run: str
    fence: int
    kind: Signal
    text: str | None


class TurnFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a live turn tells of its session; ``None`` where it tells nothing. ``steerable``: from now on the run takes
    steers."""

    thread: str | None = None
    context_tokens: int | None = None
    context_window: int | None = None
    steerable: bool | None = None


class WarmProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A session's live process, as it is written down before it runs."""

    id: str
    session: str
    runner: str
    mark: ProcessMark
    opened_at: int = 0


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

    async def session(self, session: str, reader: str | None = None) -> Session:
        """One session; raises ``NotFound``."""
        ...

    async def sessions(self, filter: SessionFilter, limit: int, cursor: str | None) -> SessionPage:
        """A page of sessions: active first, then unread, then by last activity (C33-C36)."""
        ...

    async def session_tasks(self, session: str, limit: int, after: int) -> list[Task]:
        """Its open tasks in order of submission, behind a submission number."""
        ...

    async def earlier_turns(self, session: str, generation: int, limit: int) -> list[Task]:
        """The last messages that turns of this generation took and that have ended, in order of submission; before
        them those of the conversation that it began as, up to where the two parted."""
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

    async def signals(self, runner: str) -> list[PendingSignal]:
        """What live runs of a runner have been told and have not settled."""
        ...

    async def settle_signal(self, run: str, fence: int, signal: str, applied: bool, why: str | None) -> None:
        """The run took it, or could not: then its message waits in its old place (OC-01, OC-02)."""
        ...

    async def tell_session(self, run: str, fence: int, facts: TurnFacts) -> None:
        """Store what a live turn tells of its session; a run of an older generation tells nothing (SQ-50)."""
        ...

    async def opened_process(self, process: WarmProcess) -> None:
        """Write down a session's process before its program runs (I7): the conversation is held by it from now on.

        Raises ``LeaseLost`` when the runner has been declared dead: nobody would look after the process.
        """
        ...

    async def closed_process(self, process: str) -> None:
        """It is confirmed gone."""
        ...

    async def warm_processes(self, runner: str | None = None) -> list[WarmProcess]:
        """Processes of sessions that are not known to be gone."""
        ...

    async def outdated_processes(self, runner: str) -> list[str]:
        """Those of a runner that hold no conversation any more: it was reset or put away, or goes on in another
        process. What makes one so is hinted at by ``Topic.SIGNAL``."""
        ...
