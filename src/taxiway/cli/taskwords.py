"""How a task is called on the command line: its state, its work, how it ended, how long it took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from shlex import join
from typing import Final

from taxiway.cli.safe import safe_line
from taxiway.cli.words import span
from taxiway.core.ids import short_id
from taxiway.core.run import Run
from taxiway.core.task import Condition, Task, TaskSpec, TaskState

LOST: Final = "lost"  #: the outcome of a run whose runner died
ONE_COMMAND_QUEUES: Final = "do_"  #: so begin the queues that `taxiway do` makes, one for each command


def state_word(task: Task) -> str:
    """``failed/timeout``, ``queued``."""
    return f"{task.state}/{task.reason}" if task.reason else str(task.state)


def end_word(task: Task) -> str:
    """How it ended, with the sentence where there is one."""
    return state_word(task) + (f" ({safe_line(task.error)})" if task.error else "")


def work_word(spec: TaskSpec) -> str:
    """What it does, on one line and safe to show."""
    if spec.command is not None:
        return safe_line(join(spec.command))
    if spec.prompt is not None:
        return safe_line(f"{spec.agent}: {spec.prompt}")
    return safe_line(spec.shell) if spec.shell is not None else f"job {spec.job}"


def task_label(task: Task) -> str:
    """Its name, or else the beginning of its work; that `taxiway do` names all alike tells nothing."""
    named = task.spec.name if not task.spec.queue.startswith(ONE_COMMAND_QUEUES) else None
    return named or work_word(task.spec)


def label_with_id(task: Task) -> str:
    """The same with the short id: what one types to learn more."""
    return f"{task_label(task)} ({short_id(task.id)})"


def attempt_now(attempt: int, state: TaskState) -> int:
    """The attempt that goes on, or how many there were: the store counts one only when it has ended."""
    return attempt + 1 if state in (TaskState.RUNNING, TaskState.WAITING) else attempt


def tries_word(task: Task) -> str:
    """``1/3``."""
    return f"{attempt_now(task.attempt, task.state)}/{task.max_attempts}"


def took(runs: Iterable[Run]) -> float:
    """Seconds that its runs took together; what lay between them (a backoff, a pause, a queue) is no work.

    When a lost run really ended nobody knows; it counts for nothing, as it does for the result.
    """
    known = [run for run in runs if run.ended_at is not None and run.outcome != LOST]
    return sum(((run.ended_at or 0) - (run.started_at or run.claimed_at)) / 1_000 for run in known)


def handlers(tasks: Iterable[Task]) -> dict[str, Task]:
    """Of each failure that was handled, by its name and by its id, what handled it: a task that named it with
    ``failed`` and completed."""
    return {
        edge.task: one
        for one in tasks
        if one.state is TaskState.COMPLETED
        for edge in one.spec.after
        if edge.on is Condition.FAILED
    }


def handler_of(task: Task, by: Mapping[str, Task]) -> Task | None:
    """What handled this failure, if anything did."""
    return by.get(task.id) or by.get(task.spec.name or "") if task.state is TaskState.FAILED else None


def run_span(run: Run) -> str:
    """How long one attempt took, empty while it has not ended."""
    return span(took([run])) if run.ended_at is not None and run.outcome != LOST else ""
