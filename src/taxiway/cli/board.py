"""What a running plan looks like now: one small row for each task, kept current from the change log.

Nothing here reads the store. Applying a change costs the same with ten tasks and with ten thousand.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Final

from taxiway.core.change import Change
from taxiway.core.task import TASK_TERMINAL, Reason, Task, TaskState

PACE_ENDS_MIN: Final = 5  #: fewer ended runs are no basis for an estimate
PACE_ENDS_MAX: Final = 30  #: so many of the last ones are its basis
SUPERSEDED: Final = "superseded"
REMOVED: Final = "removed"


class Row:
    """One task. ``since`` is when it came into its state, ``begun`` when it last started (milliseconds UTC)."""

    __slots__ = ("attempt", "attempts", "begun", "due_at", "error", "id", "lane", "name", "reason", "since", "state")

    def __init__(self, task: Task) -> None:
        self.id = task.id
        self.name = task.spec.name or task.id
        self.lane = task.spec.lane
        self.state = task.state
        self.reason = task.reason
        self.attempt = task.attempt
        self.attempts = task.max_attempts
        self.due_at = task.due_at
        self.error = task.error
        self.begun = task.started_at
        self.since = task.finished_at or task.started_at or task.created_at

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in TASK_TERMINAL


class Board:
    """The rows of one queue, and counts over them."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.running: dict[str, Row] = {}
        self.asking: dict[str, Row] = {}  # those that wait for a person
        self.failed: dict[str, Row] = {}
        self.delayed: dict[str, Row] = {}
        self.counts: Counter[TaskState] = Counter()
        self.reasons: Counter[Reason] = Counter()
        self.queued_by_lane: Counter[str] = Counter()
        self.outdated = False  #: rows have been replaced by ones that are not here: read them anew
        self._ends: deque[int] = deque(maxlen=PACE_ENDS_MAX)

    def fill(self, tasks: Iterator[Task] | list[Task]) -> None:
        """Begin with these tasks, forgetting all others."""
        for kept in (
            self.rows,
            self.running,
            self.asking,
            self.failed,
            self.delayed,
            self.counts,
            self.reasons,
            self.queued_by_lane,
        ):
            kept.clear()
        self.outdated = False
        for task in tasks:
            row = Row(task)
            self.rows[row.id] = row
            self._count(row, 1)

    def refresh(self, task: Task) -> Row:
        """A task was read again: take over what the change log does not tell (attempts, due time, error)."""
        row = self.rows[task.id]
        if row.state is task.state:
            row.attempt, row.due_at, row.error = task.attempt, task.due_at, task.error
        return row

    def apply(self, change: Change) -> Row | None:
        """Take over one change of a task; its row when it moved."""
        row = self.rows.get(change.id)
        if row is None:
            return None
        if change.state in (SUPERSEDED, REMOVED):
            self.outdated = True
            return None
        state, reason = TaskState(change.state), Reason(change.reason) if change.reason else None
        if (state, reason) == (row.state, row.reason):
            return None
        self._count(row, -1)
        self._move(row, state, reason, change.at)
        self._count(row, 1)
        return row

    def _move(self, row: Row, state: TaskState, reason: Reason | None, at: int) -> None:
        started = state is TaskState.RUNNING and row.state not in (TaskState.RUNNING, TaskState.WAITING)
        if row.state is TaskState.RUNNING and state in (TaskState.COMPLETED, TaskState.FAILED):
            self._ends.append(at)
        row.state, row.reason, row.since, row.error = state, reason, at, None
        if started:
            row.begun = at

    def _count(self, row: Row, by: int) -> None:
        self.counts[row.state] += by
        if row.reason is not None:
            self.reasons[row.reason] += by
        groups = (
            (self.running, row.state is TaskState.RUNNING),
            (self.asking, row.state is TaskState.WAITING),
            (self.failed, row.state is TaskState.FAILED),
            (self.delayed, row.state is TaskState.SCHEDULED),
        )
        for group, belongs in groups:
            if belongs and by > 0:
                group[row.id] = row
            elif belongs:
                del group[row.id]
        if row.state is TaskState.QUEUED:
            self.queued_by_lane[row.lane] += by

    @property
    def total(self) -> int:
        """How many tasks there are."""
        return len(self.rows)

    @property
    def ended(self) -> int:
        """How many of them have ended, however."""
        return sum(self.counts[state] for state in TASK_TERMINAL)

    @property
    def basis(self) -> int:
        """How many ended runs the estimate rests on."""
        return len(self._ends)

    def running_by_lane(self) -> Counter[str]:
        """How many runs each lane has."""
        return Counter(row.lane for row in self.running.values())

    def next_due(self) -> int | None:
        """When the first delayed task may start."""
        return min((row.due_at for row in self.delayed.values() if row.due_at is not None), default=None)

    def seconds_left(self, now_ms: int) -> float | None:
        """What the rest takes at the pace of the last ended runs, and at least until the last known delay is over.

        ``None`` without a basis: before five runs have ended here. A pace that slows down counts at once: the time
        since the last end is part of it.
        """
        if len(self._ends) < PACE_ENDS_MIN:
            return None
        pace = (now_ms - self._ends[0]) / len(self._ends) / 1_000
        last_due = max((row.due_at or 0 for row in self.delayed.values()), default=0)
        return max(pace * (self.total - self.ended), (last_due - now_ms) / 1_000)
