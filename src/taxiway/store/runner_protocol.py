"""The part of a store's contract for those who look after runners: who is there, who is lost, and what they hold."""

from __future__ import annotations

from typing import Protocol

import msgspec

from taxiway.core.run import ProcessMark
from taxiway.store.execution_protocol import Runner


class LiveRun(msgspec.Struct, frozen=True):
    """A run that has not ended, as a caretaker sees it."""

    run: str
    task: str
    runner: str
    fence: int
    process: ProcessMark | None


class RunnerStore(Protocol):
    """What those who look after runners need of a store."""

    async def declare_lost(self, runner: str, beat: int) -> bool:
        """Take its lease from a runner whose last beat was number ``beat``; whether it is lost now. It may beat, claim
        and open nothing any more, so what it has can be settled. One that has beaten since goes on (I2)."""
        ...

    async def runners(self) -> list[Runner]:
        """Runners that are not gone."""
        ...

    async def live_runs(self, runner: str | None = None) -> list[LiveRun]:
        """Runs that have not ended, of one runner or of all."""
        ...

    async def runner(self, runner: str) -> Runner:
        """One runner, also one that is gone; raises ``NotFound``."""
        ...

    async def runner_of(self, run: str) -> str:
        """The runner that has, or had, a run; raises ``NotFound``."""
        ...
