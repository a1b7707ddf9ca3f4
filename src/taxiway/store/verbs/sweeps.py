"""What takes a whole queue or store: stop, reset, cancel of all. The first page at once, the rest as a cascade.

A sweep reaches what was there when it began and nothing that came later: it ends at a submission number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from taxiway.core.change import ChangeKind
from taxiway.core.limits import CASCADE_ROWS_MAX
from taxiway.core.policy import Box
from taxiway.core.run import StopCause
from taxiway.core.task import TASK_NOT_STARTED, Reason, TaskState
from taxiway.store.tx import Row, Topic, Tx
from taxiway.store.verbs import mailbox
from taxiway.store.verbs.cancel import cancel_row
from taxiway.store.verbs.ending import cancel_waiting, task_row

LANE_STOPPED_ERROR: Final = "its lane was stopped"

#: Does a page of a subject behind a submission number: (tx, subject, after, until, limit, actor) -> rows looked at.
Page = Callable[[Tx, int, int, int, int, str], list[Row]]


def begin(tx: Tx, kind: str, subject: int, actor: str, until: int | None = None, whole: bool = False) -> None:
    """Do the first page of a sweep now and leave the rest to whoever comes by; all of it where it must be ``whole``."""
    if until is None:
        last = tx.one("last_seq")
        until = last[0] if last and last[0] is not None else 0
    page = PAGES[kind](tx, subject, 0, until, CASCADE_ROWS_MAX, actor)
    while whole and len(page) == CASCADE_ROWS_MAX:
        page = PAGES[kind](tx, subject, page[-1][0], until, CASCADE_ROWS_MAX, actor)
    if len(page) == CASCADE_ROWS_MAX:
        progress = {"after": page[-1][0], "until": until}
        tx.run("insert_sweep", kind=kind, subject=subject, actor=actor, tenant=tx.tenant, **progress)
        tx.note(Topic.TIME)
    else:
        finished(tx, kind, subject, until)


def finished(tx: Tx, kind: str, subject: int, until: int) -> None:
    """A sweep has reached its end: what it held back may go.

    One of a session has done what earlier ones had left of it: a page of theirs would meet only what joined since.
    """
    if kind in SESSION_REASONS:
        tx.run("delete_session_sweeps", session=subject, until=until)
        tx.run("clear_purge", session=subject, until=until)
        mailbox.forget(tx, subject)
        mailbox.pump(tx, subject)


def finish_reset(tx: Tx, queue: int) -> None:
    """Do what a reset of this queue has left: what fills the queue anew must not meet what was cleared."""
    for cascade, after, until, actor in tx.all("resets_of_queue", queue=queue):
        position: int = after
        while page := _reset_page(tx, queue, position, until, CASCADE_ROWS_MAX, actor):
            position = page[-1][0]
        tx.run("delete_cascade", id=cascade)


def _stop_page(tx: Tx, subject: int, after: int, until: int, limit: int, actor: str) -> list[Row]:
    page = tx.all("open_tasks_of_queue", queue=subject, after=after, until=until, limit=limit)
    for (seq,) in page:
        row = task_row(tx, seq)
        if TaskState(row.state) in TASK_NOT_STARTED and row.box != Box.RIDING:  # it may have fallen with one before it
            cancel_waiting(tx, seq, Reason.QUEUE_STOPPED, "the queue was stopped", actor, "queue stop")
    return page


def _cancel_page(tx: Tx, subject: int, after: int, until: int, limit: int, actor: str) -> list[Row]:
    if subject:
        page = tx.all("open_tasks_of_queue", queue=subject, after=after, until=until, limit=limit)
    else:
        page = tx.all("open_tasks", tenant=tx.tenant, after=after, until=until, limit=limit)
    for (seq,) in page:
        row = task_row(tx, seq)
        if row.box != Box.RIDING:  # it ends when and as its carrier ends
            cancel_row(tx, row, Reason.REQUESTED, StopCause.CANCEL, actor)
    return page


def _reset_page(tx: Tx, subject: int, after: int, until: int, limit: int, actor: str) -> list[Row]:
    page = tx.all("visible_tasks_of_queue", queue=subject, after=after, until=until, limit=limit)
    for seq, task in page:
        version = tx.change(ChangeKind.TASK, task, "removed", Reason.RESET, actor, "queue reset")
        tx.run("supersede_task", seq=seq, version=version)
    return page


def _lane_page(tx: Tx, subject: int, after: int, until: int, limit: int, actor: str) -> list[Row]:
    page = tx.all("open_tasks_of_lane", lane=subject, after=after, until=until, limit=limit)
    for (seq,) in page:
        if TaskState(task_row(tx, seq).state) in TASK_NOT_STARTED:
            cancel_waiting(tx, seq, Reason.QUEUE_STOPPED, LANE_STOPPED_ERROR, actor, "lane stop")
    return page


def _session_page(kind: str) -> Page:
    """A page of what waits in a session; what was admitted and runs is stopped, and takes along what it carries."""
    reason, stop, error = SESSION_REASONS[kind], SESSION_STOPS[kind], SESSION_ERRORS[kind]

    def page(tx: Tx, subject: int, after: int, until: int, limit: int, actor: str) -> list[Row]:
        found = tx.all("messages_of_session", session=subject, after=after, until=until, limit=limit)
        for (seq,) in found:
            row = task_row(tx, seq)
            if row.box in (Box.OUT, Box.RIDING):  # it left, or is carried, since the page was read
                continue
            if TaskState(row.state) in TASK_NOT_STARTED:
                cancel_waiting(tx, seq, reason, error, actor, kind.replace("_", " "))
            else:
                cancel_row(tx, row, reason, stop, actor)
        return found

    return page


SESSION_REASONS: Final = {
    "session_stop": Reason.REQUESTED,
    "session_reset": Reason.RESET,
    "session_interrupt": Reason.INTERRUPTED,
}
SESSION_STOPS: Final = {
    "session_stop": StopCause.CANCEL,
    "session_reset": StopCause.RESET,
    "session_interrupt": StopCause.INTERRUPT,
}
SESSION_ERRORS: Final = {
    "session_stop": "its session was stopped",
    "session_reset": "its session was reset, and what waited was discarded",
    "session_interrupt": "a newer message interrupted its session",
}

PAGES: Final[dict[str, Page]] = {
    "stop": _stop_page,
    "cancel_all": _cancel_page,
    "reset": _reset_page,
    "lane_stop": _lane_page,
    **{kind: _session_page(kind) for kind in SESSION_REASONS},
}
