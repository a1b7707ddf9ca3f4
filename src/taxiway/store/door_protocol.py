"""The part of a store's contract that is for people and their programs alone: lanes, signals, marks, views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from taxiway.core.lane import Lane
from taxiway.core.queue import QueueStats
from taxiway.core.session import Attention, Receipt, RunSignal, Signal
from taxiway.core.task import Task


class DoorStore(Protocol):
    """What doors need of a store beside what the engine needs."""

    async def snapshot(self, name: str, project: str | None, limit: int) -> tuple[QueueStats, list[Task]]:
        """A queue's counts and its first tasks, open ones first, all as they are at one moment (C48)."""
        ...

    async def lanes(self) -> list[Lane]:
        """Every lane, with its live runs."""
        ...

    async def set_lane(
        self, name: str, size: int | None, actor: str, queue: str | None = None, project: str | None = None
    ) -> Lane:
        """Make or resize a lane: store-wide, or of a queue (found as in ``queue``)."""
        ...

    async def move_lane(
        self, name: str, verb: str, actor: str, queue: str | None = None, project: str | None = None
    ) -> Lane:
        """``stop`` a lane: it refuses new work and cancels what waits in it; or ``start`` it again (SQ-65)."""
        ...

    async def lane(self, name: str, queue: str | None = None, project: str | None = None) -> Lane:
        """One lane; raises ``NotFound``."""
        ...

    async def read_task(self, task: str, reader: str) -> Task:
        """Store a task's present version as what this reader has seen (C47)."""
        ...

    async def attention(self, tasks: Sequence[str], reader: str) -> dict[str, Attention]:
        """What each of these tasks is to a reader."""
        ...

    async def tell_run(self, run: str, kind: Signal, text: str | None, actor: str) -> Receipt:
        """Store a signal for a live run; ``stop`` and ``interrupt`` cancel its task. How far it got. Raises
        ``Terminal``, and ``NoTurn`` where nobody would listen."""
        ...

    async def run_signals(self, run: str, after: int, limit: int) -> list[RunSignal]:
        """What a run was told, behind a number, in order (C22)."""
        ...

    async def cancel_signal(self, signal: str, actor: str) -> RunSignal:
        """Take a signal back; what is settled stays as it is (C21). Raises ``Conflict`` for what cannot be taken
        back."""
        ...

    async def schema(self) -> tuple[int, int]:
        """The number of the store's schema, and that which this program writes."""
        ...
