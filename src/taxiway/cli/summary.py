"""What a plan's run came to: a table of its tasks, and of each failure the last lines and where there is more."""

from __future__ import annotations

from collections import Counter
from typing import Final

from taxiway.cli.output import coloured, table
from taxiway.cli.safe import clipped, safe_line
from taxiway.cli.taskwords import handler_of, handlers, state_word, task_label, took
from taxiway.cli.words import count, span
from taxiway.client.verbs import Verbs
from taxiway.core.event import EventType
from taxiway.core.ids import short_id
from taxiway.core.queue import Queue, QueueState
from taxiway.core.safe import safe
from taxiway.core.task import Task, TaskState

ROWS_MAX: Final = 40  #: a longer table is cut down to what needs a look
FAILURES_SHOWN_MAX: Final = 10
OUTPUT_LINES_SHOWN: Final = 5
OUTPUT_COLUMNS: Final = 160
EVENTS_READ: Final = 20  #: from the end of a log
OUTPUT_BYTES_READ: Final = 8 << 10  #: from the end of each of them


async def summary(tw: Verbs, tasks: list[Task], queue: Queue, seconds: float) -> str:
    """The whole, ready to be written."""
    by = handlers(tasks)
    shown, left_out = _worth_showing(tasks)
    rows = [await _row(tw, one, handler_of(one, by)) for one in shown]
    parts = [table(("ID", "TASK", "STATE", "TRIES", "TOOK"), rows)] if rows else []
    if left_out:
        parts.append(f"and {left_out} not shown: taxiway task list --queue {queue.name}")
    failures = [one for one in tasks if one.state is TaskState.FAILED]
    failures.sort(key=lambda one: handler_of(one, by) is not None)  # stable: what needs a look first
    parts += [_failure(one, handler_of(one, by), await _last_lines(tw, one)) for one in failures[:FAILURES_SHOWN_MAX]]
    if len(failures) > FAILURES_SHOWN_MAX:
        parts.append(
            f"and {count(len(failures) - FAILURES_SHOWN_MAX, 'more failure')}: "
            f"taxiway task list --queue {queue.name} --state failed"
        )
    parts.append(closing_line(tasks, queue, seconds))
    return "\n\n".join(parts)


def closing_line(tasks: list[Task], queue: Queue, seconds: float) -> str:
    """``release completed: 12 completed, 1 failed (handled), 2 cancelled (skipped), in 3m04s``."""
    counts = Counter(one.state for one in tasks)
    by = handlers(tasks)
    handled = sum(handler_of(one, by) is not None for one in tasks)
    words = {state: f"{counts[state]} {state}" for state in TaskState if counts[state]}
    reasons = {str(one.reason) for one in tasks if one.state is TaskState.CANCELLED}
    if len(reasons) == 1:
        words[TaskState.CANCELLED] += f" ({reasons.pop()})"
    if handled:
        words[TaskState.FAILED] += (
            " (handled)" if handled == counts[TaskState.FAILED] else f" ({handled} of them handled)"
        )
    return f"{queue.name} {coloured(queue.state)}: {', '.join(words.values()) or 'nothing to do'}, in {span(seconds)}"


def exit_status(queue: Queue) -> int:
    """0 when the queue completed, 1 when it failed."""
    return 0 if queue.state is QueueState.COMPLETED else 1


def _worth_showing(tasks: list[Task]) -> tuple[list[Task], int]:
    """All tasks where they fit; else those that did not simply complete, and how many are left out."""
    if len(tasks) <= ROWS_MAX:
        return tasks, 0
    order = {TaskState.FAILED: 0, TaskState.CANCELLED: 2, TaskState.COMPLETED: 3}
    telling = [one for one in tasks if one.state is not TaskState.COMPLETED or one.attempt > 1]
    telling.sort(key=lambda one: order.get(one.state, 1))  # stable: within a state the order of the list stays
    shown = telling[:ROWS_MAX]
    return shown, len(tasks) - len(shown)


async def _row(tw: Verbs, task: Task, handler: Task | None) -> list[str]:
    state = state_word(task) + (", handled" if handler is not None else "")
    spent = span(took(await tw.runs(task.id))) if task.started_at is not None else ""
    return [short_id(task.id), task_label(task), state, str(task.attempt), spent]


def _failure(task: Task, handler: Task | None, lines: list[str]) -> str:
    head = f"{task_label(task)} {coloured(state_word(task))}: {safe_line(task.error or '')}".rstrip(": ")
    head += f"; handled by {task_label(handler)}" if handler is not None else ""
    shown = [f"  | {clipped(line, OUTPUT_COLUMNS)}" for line in lines]
    return "\n".join([head, *shown, f"  more: taxiway task logs {short_id(task.id)}"])


async def _last_lines(tw: Verbs, task: Task) -> list[str]:
    """What its last run wrote at the end, standard output and standard error as they came."""
    runs = await tw.runs(task.id)
    if not runs:
        return []
    events = await tw.run_log(runs[-1].id, max(0, runs[-1].events - EVENTS_READ), EVENTS_READ)
    written = b"".join(event.body[-OUTPUT_BYTES_READ:] for event in events if event.type is EventType.OUTPUT)
    lines = safe(written.decode("utf-8", "replace")).replace("\t", "    ").split("\n")
    return [line for line in lines if line.strip()][-OUTPUT_LINES_SHOWN:]
