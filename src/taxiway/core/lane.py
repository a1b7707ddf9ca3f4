"""A lane: a named limit on how many runs go at once."""

from __future__ import annotations

import msgspec

from taxiway.core.errors import Invalid


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """A lane as stored: ``size`` live runs at most (``None``: unlimited); ``queue`` is the queue that owns it.

    ``ready`` counts the tasks behind it that may start, up to ``COUNTED_TASKS_MAX``: that number means so many or more.
    ``stopped``: it refuses new work.
    """

    name: str
    size: int | None
    queue: str | None = None
    live: int = 0
    ready: int = 0
    stopped: bool = False
    version: int = 0


def check_size(size: int | None, what: str) -> int | None:
    """Return ``size`` if it can work; a limit below 1 would freeze the system and is refused (rule DA17)."""
    if size is not None and size < 1:
        raise Invalid(f"{what} must be at least 1, or unlimited; {size} would let nothing start")
    return size
