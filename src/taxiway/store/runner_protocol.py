"""The part of a store's contract that is about runners: who is there, who is lost, and what they hold."""

from __future__ import annotations

from typing import Protocol

import msgspec

from taxiway.core.readiness import Scope
from taxiway.core.run import ProcessMark


class Runner(msgspec.Struct, frozen=True, kw_only=True):
    """A process that executes runs."""

    id: str
    host: str
    boot_id: str
    pid: int
    slots: int
    scope: Scope = Scope()
    state: str = "live"
    beat: int = 0
    started_at: int = 0
    seen_at: int = 0


class LiveRun(msgspec.Struct, frozen=True):
    """A run that has not ended, as a caretaker sees it."""

    run: str
    task: str
    runner: str
    fence: int
    process: ProcessMark | None


class RunnerStore(Protocol):
    """What runners, and those who look after them, need of a store."""

    async def register(self, runner: Runner) -> None:
        """Write down a new runner."""
        ...

    async def beat(self, runner: str) -> bool:
        """Renew the runner's lease; ``False`` when it has been declared dead."""
        ...

    async def declare_lost(self, runner: str, beat: int) -> bool:
        """Take its lease from a runner whose last beat was number ``beat``; whether it is lost now. It may beat, claim
        and open nothing any more, so what it has can be settled. One that has beaten since goes on (I2)."""
        ...

    async def retire(self, runner: str, state: str) -> bool:
        """Mark a runner ``draining``, or ``gone`` unless a run of it is live; whether it is so now."""
        ...

    async def runners(self) -> list[Runner]:
        """Runners that are not gone."""
        ...

    async def live_runs(self, runner: str | None = None) -> list[LiveRun]:
        """Runs that have not ended, of one runner or of all."""
        ...
