"""Times on the wire: RFC 3339 in UTC with milliseconds, as `2026-01-31T12:00:00.123Z`."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(at_ms: int | None) -> str | None:
    """A stored time (milliseconds since 1970 UTC) as programs read it."""
    if at_ms is None:
        return None
    seconds, millis = divmod(at_ms, 1_000)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{millis:03d}Z"


def milliseconds(text: str | None) -> int | None:
    """The stored time that a document means."""
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    return round(at.replace(microsecond=0).timestamp()) * 1_000 + at.microsecond // 1_000
