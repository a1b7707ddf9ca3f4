"""A figure: what was measured, beside its raw limit, and the goals that it has to reach."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import msgspec


class Goal(msgspec.Struct, frozen=True):
    """What a figure has to reach: ``of`` is ``measured`` or ``ratio``, ``sense`` is ``at least`` or ``at most``."""

    of: str
    sense: str
    value: float

    def reached(self, measured: float, ratio: float | None) -> bool:
        found = measured if self.of == "measured" else ratio
        if found is None:
            return False
        return found >= self.value if self.sense == "at least" else found <= self.value


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the results: medians of several rounds. ``raw`` is the limit measured in turn with it.

    ``ratio`` is the median of measured / raw, round by round. ``note`` says what else a reader must know; a figure
    that could not be taken has ``measured`` ``None`` and says why.
    """

    scenario: str
    name: str
    unit: str
    measured: float | None
    raw: float | None = None
    raw_name: str = ""
    ratio: float | None = None
    goals: tuple[Goal, ...] = ()
    note: str = ""

    @property
    def missed(self) -> tuple[Goal, ...]:
        """The goals that were not reached; none for what could not be taken."""
        if self.measured is None:
            return ()
        return tuple(goal for goal in self.goals if not goal.reached(self.measured, self.ratio))


def at_least(value: float, of: str = "measured") -> Goal:
    return Goal(of, "at least", value)


def at_most(value: float, of: str = "measured") -> Goal:
    return Goal(of, "at most", value)


def paired(rounds: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Rounds of (raw, measured) as the medians of measured, of raw, and of measured / raw."""
    return (
        statistics.median(measured for _, measured in rounds),
        statistics.median(raw for raw, _ in rounds),
        statistics.median(measured / raw for raw, measured in rounds),
    )


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which ``part`` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
