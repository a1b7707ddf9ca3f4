"""Hints between the processes that use a store: that something was committed, and of interest for what."""

from __future__ import annotations

from typing import Protocol

from taxiway.store.tx import Topic


class Wakes(Protocol):
    """Hints that something was committed, by this process or another one. Never truth: a waiter looks again."""

    def subscribe(self, topics: Topic) -> Wake:
        """A new waiter for hints on any of ``topics``."""
        ...


class Wake(Protocol):
    """One waiter."""

    def ring(self) -> None:
        """There is something to look at."""
        ...

    async def wait(self, timeout_s: float) -> bool:
        """Return ``True`` when something was committed since the last call, ``False`` after ``timeout_s``."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...
