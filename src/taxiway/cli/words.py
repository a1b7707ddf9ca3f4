"""Times and amounts in the words of the command line: short for people, exact for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400


def clock_time(at_ms: int) -> str:
    """A stored time on the clock of who reads it: ``12:00:00``."""
    return datetime.fromtimestamp(at_ms // 1_000, UTC).astimezone().strftime("%H:%M:%S")


def day_and_time(at_ms: int) -> str:
    """The same with its day: ``2026-01-31 12:00:00``."""
    return datetime.fromtimestamp(at_ms // 1_000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def span(seconds: float) -> str:
    """About how long: ``40ms``, ``0.4s``, ``12s``, ``3m04s``, ``2h05m``, ``3d04h``."""
    seconds = max(0.0, seconds)
    if 0 < seconds < 0.0995:
        return f"{seconds * 1_000:.0f}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < MINUTE_S:
        return f"{whole}s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S}m{whole % MINUTE_S:02d}s"
    if whole < DAY_S:
        return f"{whole // HOUR_S}h{whole % HOUR_S // MINUTE_S:02d}m"
    return f"{whole // DAY_S}d{whole % DAY_S // HOUR_S:02d}h"


def ago(at_ms: int, now_ms: int) -> str:
    """How long before now."""
    return f"{span((now_ms - at_ms) / 1_000)} ago"


def count(number: int, one: str, many: str = "") -> str:
    """``1 task``, ``3 tasks``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
