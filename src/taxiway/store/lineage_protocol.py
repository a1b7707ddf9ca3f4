"""The part of a store's contract that is about runs which ask for work themselves."""

from __future__ import annotations

from typing import Protocol

from taxiway.core.runtoken import Holder
from taxiway.core.task import Task


class LineageStore(Protocol):
    """What a server needs of a store to let runs ask."""

    async def run_key(self, fresh: bytes) -> bytes:
        """The 32 bytes that tokens of runs are computed with, made once; ``fresh`` are those it gets."""
        ...

    async def holder(self, run: str) -> Holder | None:
        """A live run of any tenant under its newest fence; ``None``: there is none of this id, or it is over."""
        ...

    async def steps_below(self, task: str, top: str) -> int | None:
        """How many submissions by runs lie between two tasks; 0: they are the same, ``None``: the first is not below
        the second."""
        ...

    async def submitted(self, run: str) -> list[Task]:
        """What a run has submitted, in order; raises ``NotFound``."""
        ...
