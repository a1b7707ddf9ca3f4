"""Times on the wire: RFC 3339 in UTC with milliseconds, as `2026-01-31T12:00:00.123Z`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

SECONDS_KEPT: Final = 1_000  #: a page of a log is of few seconds


def rfc3339(at_ms: int | None) -> str | None:
    """A stored time (milliseconds since 1970 UTC) as programs read it."""
    if at_ms is None:
        return None
    seconds, millis = divmod(at_ms, 1_000)
    return f"{_to_the_second(seconds)}.{millis:03d}Z"


@lru_cache(SECONDS_KEPT)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def milliseconds(text: str | None) -> int | None:
    """The stored time that a document means."""
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    return round(at.replace(microsecond=0).timestamp()) * 1_000 + at.microsecond // 1_000
