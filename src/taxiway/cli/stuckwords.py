"""Words for a turn that stands still, as its run's log tells them."""

from __future__ import annotations

from taxiway.cli.safe import safe_line
from taxiway.core.event import Event, EventType


def stuck_words(event: Event) -> str:
    """What an event says of standing still; empty for any other."""
    if event.type is not EventType.STATUS or event.data.get("phase") != "stuck" or "text" not in event.data:
        return ""
    left_out = f", left out: {event.data['skipped']}" if "skipped" in event.data else ""
    return safe_line(f"stands still {event.data['text']} ({event.data.get('action')}{left_out})")
