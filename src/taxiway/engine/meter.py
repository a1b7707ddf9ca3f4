"""What one turn uses, in tokens and dollars, beside what its task has used before, and against its budget."""

from __future__ import annotations

from collections.abc import Sequence

from taxiway.core.budget import spent
from taxiway.core.price import Price, priced
from taxiway.core.run import Run
from taxiway.core.task import Budget, Usage
from taxiway.core.usage import added


class Meter:
    """Counts one turn. ``usage`` is what its agent reported last (``None``: nothing)."""

    def __init__(self, price: Price | None, budget: Budget | None) -> None:
        """``price`` is that of the turn's model, if it is known."""
        self._price = price
        self._budget = budget
        self._before = Usage()
        self._before_s = 0.0
        self.usage: Usage | None = None

    def went_before(self, runs: Sequence[Run]) -> None:
        """What earlier runs of the task used counts towards its budget."""
        for run in runs:
            self._before = added(self._before, run.usage)
            if run.started_at is not None and run.ended_at is not None:
                self._before_s += max(0, run.ended_at - run.started_at) / 1000

    def told(self, usage: Usage) -> Usage:
        """The turn's use so far, as its agent reports it; with computed dollars where it tells none."""
        found = priced(usage, self._price)
        if usage != Usage():
            self.usage = found
        return found

    @property
    def left_s(self) -> float | None:
        """How long the budget lets the turn run; ``None``: as long as it likes."""
        wall_s = None if self._budget is None else self._budget.wall_s
        return None if wall_s is None else max(0.0, wall_s - self._before_s)

    @property
    def spent(self) -> str | None:
        """What the budget says, once tokens or dollars are used up; ``None`` while something is left, or unknown."""
        if self._budget is None:
            return None
        return spent(self._budget, added(self._before, self.usage or Usage()))

    def remains(self) -> str:
        """Which part of the budget ended the turn, in words."""
        seconds = 0.0 if self._budget is None or self._budget.wall_s is None else self._budget.wall_s
        return self.spent or f"{seconds:g} s of time"
