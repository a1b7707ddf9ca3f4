"""The policy of a mailbox: what it does with an arrival, and where a task stands in it."""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec


class Mode(StrEnum):
    """What a mailbox does with an arrival while the session is busy."""

    QUEUE = "queue"
    FOLLOWUP = "followup"
    COLLECT = "collect"
    STEER = "steer"
    INTERRUPT = "interrupt"


class Drop(StrEnum):
    """What a full mailbox does: refuse the arrival, or let the oldest go (and leave a line about it)."""

    NEW = "new"
    OLD = "old"
    SUMMARIZE = "summarize"


class MailboxPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy of one mailbox; the defaults are those of semantics.md.

    ``cap`` counts what waits, never what was admitted. ``max_debounce_wait_s`` None: 2 s or four times the debounce,
    whichever is longer.
    """

    mode: Mode = Mode.QUEUE
    cap: int = 100
    drop: Drop = Drop.NEW
    debounce_s: float = 0.0
    max_debounce_wait_s: float | None = None
    max_concurrent: int = 1


class MailboxChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Fields of a policy that are to differ: for one message, or from now on (``session set``)."""

    mode: Mode | None = None
    cap: int | None = None
    drop: Drop | None = None
    debounce_s: float | None = None
    max_debounce_wait_s: float | None = None
    max_concurrent: int | None = None


class Box(IntEnum):
    """Where a task stands in its session's mailbox."""

    OUT = 0  #: not joined yet (blocked, delayed), or ended
    WAITING = 1  #: joined, in submission order
    ADMITTED = 2  #: the session is held for it: ready, backing off, or running
    MERGED = 3  #: waits as a part of another waiting task's turn
    STEERING = 4  #: offered to the running turn
    RIDING = 5  #: carried by a task that was admitted
