"""Driving with a pass: while a run is executed, a file holds what it may show the server (semantics, "Processes").

A file, because a session's process outlives its turns, and each turn has a token of its own.
"""

from __future__ import annotations

from typing import Protocol

from taxiway.core.run import Outcome, StopCause
from taxiway.engine.executor import Drive
from taxiway.store.protocol import Claimed


class Passes(Protocol):
    """Hands tokens to runs."""

    def of(self, claim: Claimed) -> str | None:
        """The token of a run; ``None`` where there is no server to show it."""
        ...

    async def hand(self, claim: Claimed) -> None:
        """Lay it where the run finds it."""
        ...

    async def take_back(self, claim: Claimed) -> None:
        """Nobody finds it any more."""
        ...


class PassDrive:
    """One run that may ask the server for something."""

    def __init__(self, claim: Claimed, passes: Passes, inner: Drive) -> None:
        self._claim = claim
        self._passes = passes
        self._inner = inner

    async def run(self) -> Outcome:
        """Hand it its token, drive, and take it back."""
        await self._passes.hand(self._claim)
        try:
            return await self._inner.run()
        finally:
            await self._passes.take_back(self._claim)

    def stop(self, cause: StopCause, hard: bool = False) -> None:
        """Have it ended."""
        self._inner.stop(cause, hard)

    async def ping(self) -> None:
        """Say that the runner lives."""
        await self._inner.ping()
