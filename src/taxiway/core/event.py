"""Events of a run: numbered 1, 2, 3 … by the holder of its fence, never changed (I4)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class EventType(StrEnum):
    """The closed set of event types."""

    RUN_STARTED = "run.started"
    MESSAGE = "message"
    THOUGHT = "thought"
    TOOL_CALL = "tool.call"
    TOOL_RESULT = "tool.result"
    OUTPUT = "output"
    DIFF = "diff"
    TODO = "todo"
    USAGE = "usage"
    RATE_LIMIT = "rate_limit"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_DECIDED = "approval.decided"
    SIGNAL_RECEIVED = "signal.received"
    SIGNAL_SETTLED = "signal.settled"
    SESSION_UPDATED = "session.updated"
    STATUS = "status"
    ERROR = "error"
    LOG_TRUNCATED = "log.truncated"
    RUN_FINISHED = "run.finished"


class NewEvent(msgspec.Struct, frozen=True):
    """An event before it has a number: ``body`` carries raw bytes of ``output`` (already scrubbed), else empty."""

    type: EventType
    at: int
    data: dict[str, Any] = {}
    body: bytes = b""


class Event(msgspec.Struct, frozen=True):
    """One numbered line in a run's log. ``at`` is milliseconds since 1970 UTC.

    For ``output`` the text stands in ``data["text"]`` (bytes that are no UTF-8 are replaced) and the exact bytes in
    ``body``.
    """

    run: str
    seq: int
    type: EventType
    at: int
    data: dict[str, Any] = {}
    body: bytes = b""


class EventPage(msgspec.Struct, frozen=True):
    """One page of a run's log. ``run`` is ``None`` where there is no run; ``cursor`` is the number to go on behind,
    ``None`` where there is nothing behind the one that was given (C37)."""

    run: str | None
    items: list[Event]
    cursor: int | None
