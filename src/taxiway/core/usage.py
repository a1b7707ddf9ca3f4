"""What agents used: sums over runs, in which nothing is made up."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from taxiway.core.task import Usage


class UsageBy(StrEnum):
    """What runs are grouped by; ``day`` is the UTC day on which a run was claimed."""

    SESSION = "session"
    AGENT = "agent"
    ACCOUNT = "account"
    QUEUE = "queue"
    DAY = "day"


class UsageLine(msgspec.Struct, frozen=True, kw_only=True):
    """One group: its name (``None``: those without one), the session's id, how many runs and tasks, and their sums.

    ``unmeasured`` counts the runs whose tokens nobody told, ``unpriced`` those without dollars: the sums leave them
    out.
    """

    name: str | None
    id: str | None = None
    runs: int
    tasks: int
    usage: Usage
    unmeasured: int
    unpriced: int


def added(before: Usage, more: Usage) -> Usage:
    """Both together; what nobody measured stays unknown."""
    return Usage(
        _plus(before.input_tokens, more.input_tokens),
        _plus(before.output_tokens, more.output_tokens),
        _plus(before.cached_tokens, more.cached_tokens),
        None if before.usd is None and more.usd is None else (before.usd or 0.0) + (more.usd or 0.0),
        _plus(before.turns, more.turns),
        before.usd_computed or more.usd_computed,
    )


def _plus(before: int | None, more: int | None) -> int | None:
    return more if before is None else before if more is None else before + more
