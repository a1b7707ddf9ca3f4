"""Cancelling: what waits ends at once, what runs is asked to, what has ended stays as it is (B21-B26, I15)."""

from __future__ import annotations

from taxiway.core.change import ChangeKind
from taxiway.core.errors import Conflict, NotFound
from taxiway.core.policy import Box
from taxiway.core.run import StopCause
from taxiway.core.task import TASK_NOT_STARTED, Reason, TaskState
from taxiway.store.tx import Topic, Tx
from taxiway.store.verbs import parking
from taxiway.store.verbs.ending import TaskRow, cancel_waiting, task_row


def cancel(tx: Tx, task: str, actor: str) -> None:
    """Ask that one task ends; raises ``NotFound``."""
    row = tx.one("task_state_by_id", tenant=tx.tenant, id=task)
    if row is None:
        raise NotFound(f"there is no task {task}", id=task)
    found = task_row(tx, row[0])
    if found.box == Box.RIDING:
        raise Conflict(f"task {task} is a part of another task's turn already; cancel that one", id=task)
    cancel_row(tx, found, Reason.REQUESTED, StopCause.CANCEL, actor)


def cancel_row(tx: Tx, row: TaskRow, reason: Reason, stop: StopCause, actor: str) -> None:
    """End a waiting task now, mark a running one, leave an ended one."""
    if TaskState(row.state) in TASK_NOT_STARTED:
        cancel_waiting(tx, row.seq, reason, None, actor, "cancel")
    elif row.open and row.stop is None:
        live = tx.one("live_run_of", task=row.seq)
        if live is not None and row.state == TaskState.WAITING:
            parking.give_up(tx, live[0], "its task is being cancelled", actor)
        version = tx.change(ChangeKind.TASK, row.id, TaskState.RUNNING, Reason.CANCELLING, actor, "cancel")
        tx.run("cancel_running", seq=row.seq, stop=stop, version=version)
        if live is not None:
            tx.run("mark_run_stopping", run=live[0], stop=stop)
            tx.note(Topic.STOP)
