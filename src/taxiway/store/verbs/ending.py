"""How a task ends, and what its end does to those that wait for it: in pages, so that no graph is too large (A20)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.dependency import VERDICT_ERRORS, verdict
from taxiway.core.limits import CASCADE_ROWS_MAX
from taxiway.core.policy import Box
from taxiway.core.queue import QueueState
from taxiway.core.task import Condition, Reason, TaskState
from taxiway.store.tx import Row, Topic, Tx
from taxiway.store.verbs import gates, mailbox, signals

EXPIRED_ERROR: Final = "it could not start before it expired"


class End(msgspec.Struct, frozen=True, kw_only=True):
    """A task's terminal state and what it leaves behind; counters are the values after it."""

    state: TaskState
    reason: Reason | None
    attempt: int
    crashes: int
    exit_code: int | None = None
    signal: int | None = None
    error: str | None = None
    usage: str | None = None


class TaskRow(NamedTuple):
    """The columns of the statement ``task_row``."""

    seq: int
    id: str
    state: str
    reason: str | None
    ready: int
    open: int
    gate: int
    queue: int
    urgency: int
    position: int
    attempt: int
    crashes: int
    stop: str | None
    created_at: int
    due_at: int | None
    expires_at: int | None
    fence: int
    name: str | None
    project: str
    session: int | None
    box: int
    capped: int
    tenant: str


def task_row(tx: Tx, seq: int) -> TaskRow:
    """What moving one task needs."""
    row = tx.one("task_row", seq=seq)
    assert row is not None
    return TaskRow(*row)


class Place(NamedTuple):
    """Where a task stands in its session's mailbox."""

    session: int
    box: int
    capped: int


def place_of(session: int | None, box: int, capped: int) -> Place | None:
    """A task's place, when it has one."""
    return None if session is None or box == Box.OUT else Place(session, box, capped)


def end_task(
    tx: Tx, seq: int, task: str, queue: int, end: End, actor: str, cause: str, place: Place | None = None
) -> None:
    """Move one task to its terminal state, then settle its dependents and perhaps its queue, and what it carries."""
    _write_end(tx, seq, task, end, actor, cause)
    count_ended(tx, queue, 1, actor)
    settle_dependents(tx, seq, end.state, end.reason, actor)
    if place is not None:
        if place.box == Box.ADMITTED:
            carry_over(tx, seq, end, actor)
        mailbox.left(tx, place.session, seq, place.box, place.capped)


def carry_over(tx: Tx, seq: int, end: End, actor: str) -> None:
    """What a task carried ends when and as it does: the first page now, the rest as a cascade."""
    if len(carried_page(tx, seq, end.state, end.reason, end.error, 0, CASCADE_ROWS_MAX, actor)) == CASCADE_ROWS_MAX:
        tx.run("insert_cascade", kind="carried", subject=seq, after=0, actor=actor, tenant=tx.tenant)
        tx.note(Topic.TIME)


def carried_page(
    tx: Tx, seq: int, state: TaskState, reason: Reason | None, error: str | None, after: int, limit: int, actor: str
) -> list[Row]:
    """End one page of what an ended task carried."""
    page = tx.all("riders", seq=seq, after=after, limit=limit)
    why = Reason.CARRIED if state is TaskState.CANCELLED else reason
    for rider, task, queue, attempt, crashes in page:
        end = End(state=state, reason=why, attempt=attempt, crashes=crashes, error=error)
        end_task(tx, rider, task, queue, end, actor, "carried")
    return page


def cancel_waiting(tx: Tx, seq: int, reason: Reason, error: str | None, actor: str, cause: str) -> None:
    """Cancel a task that has not started."""
    row = task_row(tx, seq)
    end = End(state=TaskState.CANCELLED, reason=reason, attempt=row.attempt, crashes=row.crashes, error=error)
    end_task(tx, seq, row.id, row.queue, end, actor, cause, place_of(row.session, row.box, row.capped))
    if row.ready:
        gates.note_gone(tx, row.gate)
    if row.box == Box.STEERING:
        signals.withdraw(tx, seq)


def settle_dependents(tx: Tx, seq: int, state: TaskState, reason: Reason | None, actor: str) -> None:
    """Count a task's end down at its dependents: the first pages now, the rest as a cascade."""
    settle_ends(tx, [(seq, state, reason)], actor)


def settle_ends(tx: Tx, ends: Iterable[tuple[int, TaskState, Reason | None]], actor: str) -> None:
    """The same for several tasks that ended together: one transaction touches one page of rows for all of them."""
    budget = CASCADE_ROWS_MAX
    waiting = deque((seq, state, reason, 0) for seq, state, reason in ends)
    while waiting:
        parent, parent_state, parent_reason, after = waiting.popleft()
        if budget <= 0:
            if not tx.all("dependents", parent=parent, after=after, limit=1):
                continue
            whose = {"actor": actor, "tenant": tx.tenant}
            tx.run("insert_cascade", kind="dependents", subject=parent, after=after, **whose)
            tx.note(Topic.TIME)
            continue
        page = tx.all("dependents", parent=parent, after=after, limit=budget)
        budget -= len(page) or 1
        fallen = settle_page(tx, parent, parent_state, parent_reason, after, page, actor)
        waiting.extend((child, TaskState.CANCELLED, why, 0) for child, why in fallen)
        if page and budget <= 0:
            waiting.append((parent, parent_state, parent_reason, page[-1][0]))


def settle_page(
    tx: Tx,
    parent: int,
    state: TaskState,
    reason: Reason | None,
    after: int,
    page: list[tuple[int, str, str, int]] | list[tuple[object, ...]],
    actor: str,
) -> list[tuple[int, Reason]]:
    """Settle one page of dependents; those that fell, whose own dependents are the caller's next work."""
    fallen: list[tuple[int, Reason]] = []
    if not page:
        return fallen
    tx.run("settle_dependents", parent=parent, after=after, last=page[-1][0])
    for child, condition, child_state, _ in page:
        if child_state != TaskState.BLOCKED:
            continue
        why = verdict(state, reason, Condition(str(condition)))
        assert isinstance(child, int)
        if why is None:
            _count_down(tx, child, actor)
        else:
            _fall(tx, child, why, actor)
            fallen.append((child, why))
    return fallen


def make_ready(tx: Tx, row: TaskRow) -> None:
    """A task has just become queued: put it behind its gate."""
    gates.note_ready(tx, row.gate, row.urgency, row.position, row.seq)


def count_ended(tx: Tx, queue: int, ended: int, actor: str) -> None:
    """``ended`` tasks of a queue have ended; the last one may end the queue."""
    tx.run("count_open", queue=queue, more=-ended)
    if queue in tx.known.lasting_queues:
        return
    row = tx.one("queue_open", queue=queue)
    assert row is not None
    if row[1] and row[2] == QueueState.RUNNING:
        tx.known.lasting_queues.add(queue)  # unless it is moved first
    if row[0] == 0 and (row[2] == QueueState.STOPPING or (row[2] == QueueState.RUNNING and not row[1])):
        end_queue(tx, queue, actor)


def end_queue(tx: Tx, queue: int, actor: str) -> None:
    """Nothing of the queue is open any more: it has completed, or failed by an unhandled failure (A10, A12)."""
    state = QueueState.FAILED if tx.one("queue_fell", queue=queue) else QueueState.COMPLETED
    move_queue_row(tx, queue, state, actor, "all its tasks have ended")


def move_queue_row(tx: Tx, queue: int, state: QueueState, actor: str, cause: str) -> None:
    """Write a queue's new state, its change, and whether its gates are open."""
    row = tx.one("queue_by_id", queue=queue)
    assert row is not None
    version = tx.change(ChangeKind.QUEUE, row[1], state, None, actor, cause)
    tx.run("set_queue_state", queue=queue, state=state, version=version)
    gates.open_gates(tx, queue, state is QueueState.RUNNING)


def _write_end(tx: Tx, seq: int, task: str, end: End, actor: str, cause: str) -> None:
    version = tx.change(ChangeKind.TASK, task, end.state, end.reason, actor, cause)
    tx.run(
        "end_task",
        seq=seq,
        state=end.state,
        reason=end.reason,
        attempt=end.attempt,
        crashes=end.crashes,
        exit_code=end.exit_code,
        signal=end.signal,
        error=end.error,
        usage=end.usage,
        now=tx.now,
        version=version,
    )


def _count_down(tx: Tx, child: int, actor: str) -> None:
    counted = tx.one("count_down", seq=child)
    if counted is None or counted[0] > 0:
        return
    row = task_row(tx, child)
    delayed = row.due_at is not None and row.due_at > tx.now
    if row.session is not None and not delayed:
        _join_soon(tx, row, actor)
        return
    state = TaskState.SCHEDULED if delayed else TaskState.QUEUED
    reason = Reason.DELAY if delayed else None
    version = tx.change(ChangeKind.TASK, row.id, state, reason, actor, "dependencies met")
    tx.run("unblock_task", seq=child, state=state, reason=reason, ready=int(not delayed), version=version)
    if delayed:
        tx.note(Topic.TIME)
    else:
        make_ready(tx, row)


def _join_soon(tx: Tx, row: TaskRow, actor: str) -> None:
    """A message joins its session in a step of its own: what it displaces may have dependents as well (I14)."""
    version = tx.change(ChangeKind.TASK, row.id, TaskState.SCHEDULED, Reason.DELAY, actor, "dependencies met")
    tx.run("unblock_task", seq=row.seq, state=TaskState.SCHEDULED, reason=Reason.DELAY, ready=0, version=version)
    tx.run("set_due", seq=row.seq, due_at=tx.now)
    tx.note(Topic.TIME)


def _fall(tx: Tx, child: int, why: Reason, actor: str) -> None:
    row = task_row(tx, child)
    end = End(
        state=TaskState.CANCELLED, reason=why, attempt=row.attempt, crashes=row.crashes, error=VERDICT_ERRORS[why]
    )
    _write_end(tx, child, row.id, end, actor, "a dependency ended")
    count_ended(tx, row.queue, 1, actor)
