"""A running plan on a pipe: one plain line for every change of a task's state."""

from __future__ import annotations

from collections.abc import Callable

from taxiway.cli.board import Row
from taxiway.cli.safe import safe_line
from taxiway.cli.words import clock_time, span
from taxiway.core.change import Change
from taxiway.core.queue import QUEUE_ENDED, Queue, QueueState
from taxiway.core.task import TaskState


class PlainView:
    """Writes lines with ``write``: time, task, what became of it."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.say = write
        self._state: QueueState | None = None

    async def moved(self, row: Row, change: Change) -> None:
        """One line for it; that something became ready for the first time is told by its start."""
        if row.state is TaskState.QUEUED and row.begun is None:
            return
        self.say(f"{clock_time(change.at)}  {row.name}  {_said(row, change)}")

    async def looked(self, queue: Queue) -> None:
        """A word when somebody paused, resumed or stopped the whole; how it ended stands in the summary."""
        known, self._state = self._state, queue.state
        if known is not None and known is not queue.state and queue.state not in QUEUE_ENDED:
            self.say(f"queue {queue.name} is {queue.state}")


def _said(row: Row, change: Change) -> str:
    reason = f" ({row.reason})" if row.reason else ""
    error = f": {safe_line(row.error)}" if row.error else ""
    match row.state:
        case TaskState.COMPLETED | TaskState.FAILED if row.begun is not None:
            return f"{row.state}{reason} in {span((change.at - row.begun) / 1_000)}{error}"
        case TaskState.SCHEDULED if row.due_at is not None:
            tries = f", attempt {row.attempt} of {row.attempts} failed" if row.attempt else ""
            return f"waits until {clock_time(row.due_at)}{reason}{tries}{error}"
        case TaskState.WAITING:
            return f"{row.state}{reason}: it asks a person; taxiway approval list"
        case _:
            return f"{row.state}{reason}{error}"
