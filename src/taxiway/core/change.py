"""The change log: one row for every change of a task, queue, lane or runner, numbered in commit order (I21)."""

from __future__ import annotations

from enum import StrEnum

import msgspec


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
    """One change: who did it (``actor``), why (``cause``), what came of it (``state``; ``removed`` is a tombstone)."""

    version: int
    kind: ChangeKind
    id: str
    state: str
    reason: str | None
    actor: str
    cause: str
    at: int
