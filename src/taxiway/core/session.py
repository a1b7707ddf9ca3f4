"""A session: one conversation, what it has come to, and what readers see of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec

from taxiway.core.policy import MailboxPolicy
from taxiway.core.task import OnLimit, TaskState, Usage


class SessionState(StrEnum):
    """``terminal``: the last turn has ended."""

    IDLE = "idle"
    RUNNING = "running"
    TERMINAL = "terminal"


class Attention(StrEnum):
    """What a session is to one reader (C31)."""

    ACTIVE = "active"
    UNREAD = "unread"
    READ = "read"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session as stored. Times are milliseconds since 1970 UTC.

    ``waiting`` counts messages that wait, ``held`` those admitted, ``live`` those running. ``generation`` grows with
    each reset. ``thread`` is the agent's own id of the conversation. ``quiet_at`` is when the first waiting message may
    start at the earliest. ``attention`` is for the reader that was asked for. ``on_limit``: what its messages do about
    a provider's limit, where they say nothing themselves. ``forked_from`` is the id of the session that it began as.
    """

    id: str
    key: str
    tenant: str
    project: str
    agent: str | None = None
    policy: MailboxPolicy = MailboxPolicy()
    generation: int = 0
    waiting: int = 0
    held: int = 0
    live: int = 0
    quiet_at: int | None = None
    thread: str | None = None
    context_tokens: int | None = None
    context_window: int | None = None
    usage: Usage = Usage()
    title: str | None = None
    summary: str | None = None
    state: SessionState = SessionState.IDLE
    attention: Attention = Attention.UNREAD
    archived: bool = False
    on_limit: OnLimit | None = None
    forked_from: str | None = None
    last_task: str | None = None
    last_run: str | None = None
    created_at: int = 0
    active_at: int = 0
    updated_at: int = 0
    version: int = 0


class Disposition(StrEnum):
    """What became of a message when it was sent, as far as that is known then."""

    READY = "ready"
    WAITING = "waiting"
    STEERING = "steering"
    MERGED = "merged"


class Answer(Protocol):
    """What is answered to a message that was sent."""

    @property
    def id(self) -> str:
        """The task that the message became."""

    @property
    def state(self) -> TaskState:
        """The state that it was admitted in."""

    @property
    def created(self) -> bool:
        """Whether this call made it."""

    @property
    def disposition(self) -> Disposition:
        """What became of it, as far as that is known."""

    @property
    def position(self) -> int | None:
        """Its place among those that wait, from 1."""

    @property
    def offered(self) -> str | None:
        """The run that it was offered to."""

    @property
    def carrier(self) -> str | None:
        """The task whose turn it joined."""

    @property
    def dropped(self) -> tuple[str, ...]:
        """The tasks that had to go for it."""


class Signal(StrEnum):
    """An instruction to a live run."""

    TURN = "turn"
    STEER = "steer"
    INTERRUPT = "interrupt"
    STOP = "stop"


class SignalState(StrEnum):
    """How far an instruction got; ``applied`` and ``refused`` are final."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    APPLIED = "applied"
    REFUSED = "refused"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """How far an instruction to the live turn ``run`` got. ``why`` says why it was refused; ``message`` is the task
    that the words became where their task has a session: part of the turn when applied, else its next turn."""

    kind: Signal
    state: SignalState
    run: str | None = None
    signal: str | None = None
    why: str | None = None
    message: str | None = None

    @property
    def final(self) -> bool:
        """Whether nothing more comes."""
        return self.state in (SignalState.APPLIED, SignalState.REFUSED)


class RunSignal(msgspec.Struct, frozen=True, kw_only=True):
    """An instruction to a run as stored; ``seq`` counts those of its run from 1, ``message`` is the task that it brings
    and ``actor`` who gave it. Times are milliseconds since 1970 UTC."""

    id: str
    run: str
    seq: int
    kind: Signal
    state: SignalState
    actor: str
    message: str | None = None
    why: str | None = None
    created_at: int = 0
    settled_at: int | None = None


class Stopped(msgspec.Struct, frozen=True):
    """What a stop reached: runs that are being stopped, and messages that will not run."""

    running: int
    waiting: int
