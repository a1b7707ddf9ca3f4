"""The change log: one row for every change of a task, queue, lane or runner, numbered in commit order (I21)."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

import msgspec

REQUEST_MARK: Final = " #"  #: between a cause and the request that brought it, as the log keeps them
_WITH_REQUEST: Final = re.compile(r"(.*) #([A-Za-z0-9._-]{1,64})", re.DOTALL)


class ChangeKind(StrEnum):
    """What changed."""

    TASK = "task"
    SESSION = "session"
    QUEUE = "queue"
    LANE = "lane"
    ACCOUNT = "account"
    APPROVAL = "approval"
    RUNNER = "runner"
    TOKEN = "token"  # noqa: S105  (no secret)


class Change(msgspec.Struct, frozen=True):
    """One change: who did it (``actor``), why (``cause``), what came of it (``state``; ``removed`` is a tombstone), and
    the id of the HTTP request that it was part of, if it was."""

    version: int
    kind: ChangeKind
    id: str
    state: str
    reason: str | None
    actor: str
    cause: str
    at: int
    request: str | None = None


def read_cause(stored: str) -> tuple[str, str | None]:
    """A cause as the log keeps it, parted into the cause and the request."""
    found = _WITH_REQUEST.fullmatch(stored)
    return (stored, None) if found is None else (found[1], found[2])
