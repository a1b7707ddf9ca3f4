"""Caretaker steps: each one bounded and idempotent, so that any process may do it and no leader is needed."""

from __future__ import annotations

from typing import Final

from taxiway.core.change import ChangeKind
from taxiway.core.policy import Box
from taxiway.core.task import Reason, TaskState
from taxiway.store.tx import Row, Topic, Tx
from taxiway.store.verbs import accounts, approvals, mailbox, sessions, sweeps
from taxiway.store.verbs.arriving import arrive_late
from taxiway.store.verbs.ending import (
    EXPIRED_ERROR,
    cancel_waiting,
    carried_page,
    make_ready,
    settle_ends,
    settle_page,
    task_row,
)


def next_due(tx: Tx) -> int | None:
    """The next stored time that falls due, ``None`` without one; 0 when a cascade has pages left."""
    row = tx.one("next_due")
    assert row is not None
    *times, cascades = row
    if cascades:
        return 0
    return min((at for at in times if at is not None), default=None)


def wake_due(tx: Tx, limit: int, actor: str) -> int:
    """Queue scheduled tasks whose time has come, cancel those that are too late to start, let questions expire, and
    open the accounts whose reset has come."""
    moved = accounts.wake(tx, limit, actor)
    for (seq,) in tx.all("expired_tasks", now=tx.now, limit=limit):
        row = task_row(tx, seq)
        if not row.open:  # it fell with one that expired just before
            continue
        tx.tenant = row.tenant
        cancel_waiting(tx, seq, Reason.EXPIRED, EXPIRED_ERROR, actor, "expired")
        moved += 1
    for (seq,) in tx.all("due_tasks", now=tx.now, limit=limit):
        row = task_row(tx, seq)
        tx.tenant = row.tenant
        if row.session is not None and row.box == Box.OUT and row.state == TaskState.SCHEDULED:
            moved += arrive_late(tx, row, actor)
            continue
        moved += 1
        if row.state != TaskState.SCHEDULED:  # it went with one that joined its session just before
            continue
        version = tx.change(ChangeKind.TASK, row.id, TaskState.QUEUED, None, actor, f"{row.reason} is over")
        tx.run("queue_due_task", seq=seq, version=version)
        make_ready(tx, row)
        if row.session is not None:  # the limit may have fallen since it began (SQ-15)
            sessions.fit(tx, row.session)
    for session, tenant in tx.all("quiet_sessions", now=tx.now, limit=limit):
        tx.tenant = tenant
        mailbox.wake(tx, session)
        moved += 1
    return moved + approvals.expire(tx, limit)


def advance(tx: Tx, limit: int) -> int:
    """Do one page of the oldest cascade; how many rows it looked at (at least 1 while one is there)."""
    row = tx.one("first_cascade")
    if row is None:
        return 0
    cascade, kind, subject, after, until, actor, tx.tenant = row
    page = _PAGES[kind](tx, subject, after, until, limit, actor)
    if len(page) < limit:
        tx.run("delete_cascade", id=cascade)
        sweeps.finished(tx, kind, subject, until)
        tx.note(Topic.WORK)  # what a cancel of all held back may start now
    else:
        tx.run("move_cascade", id=cascade, after=page[-1][0])
    tx.note(Topic.TIME)
    return max(len(page), 1)


def _dependents(tx: Tx, subject: int, after: int, _until: int, limit: int, actor: str) -> list[Row]:
    parent = task_row(tx, subject)
    state, reason = TaskState(parent.state), Reason(parent.reason) if parent.reason else None
    page = tx.all("dependents", parent=subject, after=after, limit=limit)
    fallen = settle_page(tx, subject, state, reason, after, page, actor)
    settle_ends(tx, ((child, TaskState.CANCELLED, why) for child, why in fallen), actor)
    return page


def _carried(tx: Tx, subject: int, after: int, _until: int, limit: int, actor: str) -> list[Row]:
    row = task_row(tx, subject)
    reason = Reason(row.reason) if row.reason else None
    return carried_page(tx, subject, TaskState(row.state), reason, None, after, limit, actor)


_PAGES: Final[dict[str, sweeps.Page]] = {"dependents": _dependents, "carried": _carried, **sweeps.PAGES}
