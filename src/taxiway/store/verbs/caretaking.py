"""Caretaker steps: each one bounded and idempotent, so that any process may do it and no leader is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from taxiway.core.change import ChangeKind
from taxiway.core.run import StopCause
from taxiway.core.task import TASK_NOT_STARTED, Reason, TaskState
from taxiway.store.tx import Topic, Tx
from taxiway.store.verbs.cancel import cancel_row
from taxiway.store.verbs.ending import cancel_waiting, make_ready, settle_dependents, settle_page, task_row


def next_due(tx: Tx) -> int | None:
    """The next stored time that falls due, ``None`` without one; 0 when a cascade has pages left."""
    row = tx.one("next_due")
    assert row is not None
    due_at, expires_at, cascades = row
    if cascades:
        return 0
    return min((at for at in (due_at, expires_at) if at is not None), default=None)


def wake_due(tx: Tx, limit: int, actor: str) -> int:
    """Queue scheduled tasks whose time has come, and cancel those that are too late to start."""
    moved = 0
    for (seq,) in tx.all("expired_tasks", now=tx.now, limit=limit):
        if not task_row(tx, seq).open:  # it fell with one that expired just before
            continue
        cancel_waiting(tx, seq, Reason.EXPIRED, "it could not start before it expired", actor, "expired")
        moved += 1
    for (seq,) in tx.all("due_tasks", now=tx.now, limit=limit):
        row = task_row(tx, seq)
        version = tx.change(ChangeKind.TASK, row.id, TaskState.QUEUED, None, actor, f"{row.reason} is over")
        tx.run("queue_due_task", seq=seq, version=version)
        make_ready(tx, row)
        moved += 1
    return moved


def advance(tx: Tx, limit: int) -> int:
    """Do one page of the oldest cascade; how many rows it looked at (at least 1 while one is there)."""
    row = tx.one("first_cascade")
    if row is None:
        return 0
    cascade, kind, subject, after, actor = row
    seen, last = _PAGES[kind](tx, subject, after, limit, actor)
    if seen < limit:
        tx.run("delete_cascade", id=cascade)
    else:
        tx.run("move_cascade", id=cascade, after=last)
    tx.note(Topic.TIME)
    return max(seen, 1)


def _dependents(tx: Tx, subject: int, after: int, limit: int, actor: str) -> tuple[int, int]:
    if tx.one("task_row", seq=subject) is None:  # removed meanwhile
        return 0, after
    parent = task_row(tx, subject)
    state, reason = TaskState(parent.state), Reason(parent.reason) if parent.reason else None
    page = tx.all("dependents", parent=subject, after=after, limit=limit)
    for child, why in settle_page(tx, subject, state, reason, after, page, actor):
        settle_dependents(tx, child, TaskState.CANCELLED, why, actor)
    return len(page), page[-1][0] if page else after


def _stop(tx: Tx, subject: int, after: int, limit: int, actor: str) -> tuple[int, int]:
    page = tx.all("open_tasks_of_queue", queue=subject, after=after, limit=limit)
    for (seq,) in page:
        if TaskState(task_row(tx, seq).state) in TASK_NOT_STARTED:  # it may have fallen with one before it
            cancel_waiting(tx, seq, Reason.QUEUE_STOPPED, "the queue was stopped", actor, "queue stop")
    return len(page), page[-1][0] if page else after


def _cancel_all(tx: Tx, subject: int, after: int, limit: int, actor: str) -> tuple[int, int]:
    if subject:
        page = tx.all("open_tasks_of_queue", queue=subject, after=after, limit=limit)
    else:
        page = tx.all("open_tasks", tenant=tx.tenant, after=after, limit=limit)
    for (seq,) in page:
        cancel_row(tx, task_row(tx, seq), Reason.REQUESTED, StopCause.CANCEL, actor)
    return len(page), page[-1][0] if page else after


def _reset(tx: Tx, subject: int, after: int, limit: int, actor: str) -> tuple[int, int]:
    page = tx.all("visible_tasks_of_queue", queue=subject, after=after, limit=limit)
    for seq, task in page:
        version = tx.change(ChangeKind.TASK, task, "removed", Reason.RESET, actor, "queue reset")
        tx.run("supersede_task", seq=seq, version=version)
    return len(page), page[-1][0] if page else after


_Page = Callable[[Tx, int, int, int, str], tuple[int, int]]
_PAGES: Final[dict[str, _Page]] = {
    "dependents": _dependents,
    "stop": _stop,
    "cancel_all": _cancel_all,
    "reset": _reset,
}
