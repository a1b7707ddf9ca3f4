"""What takes a whole queue or store: stop, reset, cancel of all. The first page at once, the rest as a cascade.

A sweep reaches what was there when it began and nothing that came later: it ends at a submission number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from taxiway.core.change import ChangeKind
from taxiway.core.limits import CASCADE_ROWS_MAX
from taxiway.core.run import StopCause
from taxiway.core.task import TASK_NOT_STARTED, Reason, TaskState
from taxiway.store.tx import Row, Topic, Tx
from taxiway.store.verbs.cancel import cancel_row
from taxiway.store.verbs.ending import cancel_waiting, task_row

#: Does a page of a subject behind a submission number: (tx, subject, after, until, limit, actor) -> rows looked at.
Page = Callable[[Tx, int, int, int, int, str], list[Row]]


def begin(tx: Tx, kind: str, subject: int, actor: str) -> None:
    """Do the first page of a sweep now and leave the rest to whoever comes by."""
    last = tx.one("last_seq")
    until = last[0] if last and last[0] is not None else 0
    page = PAGES[kind](tx, subject, 0, until, CASCADE_ROWS_MAX, actor)
    if len(page) == CASCADE_ROWS_MAX:
        tx.run("insert_sweep", kind=kind, subject=subject, after=page[-1][0], until=until, actor=actor)
        tx.note(Topic.TIME)


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
        if TaskState(task_row(tx, seq).state) in TASK_NOT_STARTED:  # it may have fallen with one before it
            cancel_waiting(tx, seq, Reason.QUEUE_STOPPED, "the queue was stopped", actor, "queue stop")
    return page


def _cancel_page(tx: Tx, subject: int, after: int, until: int, limit: int, actor: str) -> list[Row]:
    if subject:
        page = tx.all("open_tasks_of_queue", queue=subject, after=after, until=until, limit=limit)
    else:
        page = tx.all("open_tasks", tenant=tx.tenant, after=after, until=until, limit=limit)
    for (seq,) in page:
        cancel_row(tx, task_row(tx, seq), Reason.REQUESTED, StopCause.CANCEL, actor)
    return page


def _reset_page(tx: Tx, subject: int, after: int, until: int, limit: int, actor: str) -> list[Row]:
    page = tx.all("visible_tasks_of_queue", queue=subject, after=after, until=until, limit=limit)
    for seq, task in page:
        version = tx.change(ChangeKind.TASK, task, "removed", Reason.RESET, actor, "queue reset")
        tx.run("supersede_task", seq=seq, version=version)
    return page


PAGES: Final[dict[str, Page]] = {"stop": _stop_page, "cancel_all": _cancel_page, "reset": _reset_page}
