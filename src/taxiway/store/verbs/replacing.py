"""Retrying and removing: a terminal task never changes, so a new one takes its place (semantics, "task retry")."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.dependency import verdict
from taxiway.core.errors import Conflict, NotFound
from taxiway.core.limits import CASCADE_ROWS_MAX
from taxiway.core.placeholders import reads
from taxiway.core.policy import Box
from taxiway.core.queue import QUEUE_ENDED, QueueState
from taxiway.core.task import TASK_TERMINAL, Condition, Reason, TaskSpec, TaskState
from taxiway.core.toposort import parents_first
from taxiway.store.protocol import NewTask
from taxiway.store.tx import Topic, Tx
from taxiway.store.verbs import gates, lineage
from taxiway.store.verbs.ending import TaskRow, cancel_waiting, count_ended, move_queue_row, settle_page, task_row
from taxiway.store.verbs.submit import Admission, Edge

_decode_spec = msgspec.json.Decoder(TaskSpec).decode


def retry(tx: Tx, task: str, actor: str, new_id: Callable[[], str]) -> list[str]:
    """Make new tasks for one that failed or was cancelled, and for what fell with it; the new ids, its own first."""
    row = _find(tx, task)
    if row.state not in (TaskState.FAILED, TaskState.CANCELLED):
        raise Conflict(f"task {task} is {row.state}; only a failed or cancelled task can be tried again", id=task)
    if tx.one("superseded", seq=row.seq):
        raise _replaced(tx, row)
    _check_parents(tx, row)
    fallen = _fallen_parents_first(tx, row.seq)
    for seq in fallen:
        old = task_row(tx, seq)
        version = tx.change(ChangeKind.TASK, old.id, "superseded", None, actor, "retry")
        tx.run("supersede_task", seq=seq, version=version)
    ids = _replace(tx, fallen, actor, new_id)
    for queue in sorted({task_row(tx, seq).queue for seq in fallen}):
        found = tx.one("queue_by_id", queue=queue)
        if found is not None and found[4] in QUEUE_ENDED and found[7]:
            move_queue_row(tx, queue, QueueState.RUNNING, actor, "retry")
    return ids


def remove(tx: Tx, task: str, actor: str) -> bool:
    """Forget a task that does not run, with its runs and events; ``False`` while it runs (A22).

    Those that waited for it are not stranded: for them it ended as it stands, or cancelled when it had not (A23). While
    one that is to start yet, or may start again, reads its output, it is refused.
    """
    row = _find(tx, task)
    state = TaskState(row.state)
    if state in (TaskState.RUNNING, TaskState.WAITING):
        return False
    if row.box == Box.RIDING:
        raise Conflict(f"task {task} is a part of another task's turn; cancel that one, or wait for its end", id=task)
    if row.open:
        _settle_all(tx, row.seq, actor)
        row = _out_of_its_session(tx, row, actor)
    _check_readers(tx, row)
    if tx.one("open_children", parent=row.seq):
        raise Conflict(f"tasks that waited for {task} are still being settled; try again in a moment", id=task)
    forget(tx, row, actor, "removed")
    if row.ready:
        gates.note_gone(tx, row.gate)
    if row.open:
        count_ended(tx, row.queue, 1, actor)
    return True


def _out_of_its_session(tx: Tx, row: TaskRow, actor: str) -> TaskRow:
    """A message leaves its mailbox before it is forgotten: what comes after it moves up (OC-09)."""
    if row.box != Box.OUT:
        cancel_waiting(tx, row.seq, Reason.REQUESTED, None, actor, "removed")
    if tx.all("riders", seq=row.seq, after=0, limit=1):
        raise Conflict(f"what task {row.id} carried is still to be settled; cancel it, and remove it then", id=row.id)
    return task_row(tx, row.seq)


def forget(tx: Tx, row: TaskRow, actor: str, cause: str) -> None:
    """Delete every row of a task, leaving a tombstone in the change log; its submission number is not given again."""
    if tx.one("last_seq") == (row.seq,):
        tx.run("keep_seq", seq=row.seq)
    spec = tx.one("spec_of", task=row.seq)
    key = _decode_spec(spec[0]).idempotency_key if spec is not None else None
    if key is not None:
        tx.run("delete_key", tenant=tx.tenant, project=row.project, key=key, task=row.id)
    for (approval,) in tx.all("approvals_of_task", task=row.seq):
        tx.change(ChangeKind.APPROVAL, approval, "removed", None, actor, cause)
    for statement in (
        "delete_events",
        "delete_approvals",
        "delete_signals",
        "delete_task_read_marks",
        "delete_runs",
        "delete_result",
        "delete_labels",
        "delete_up",
        "delete_down",
        "delete_spec",
        "delete_cascades",
        "delete_task",
    ):
        tx.run(statement, task=row.seq)
    tx.change(ChangeKind.TASK, row.id, "removed", None, actor, cause)


def _find(tx: Tx, task: str) -> TaskRow:
    found = tx.one("task_state_by_id", tenant=tx.tenant, id=task)
    if found is None:
        raise NotFound(f"there is no task {task}", id=task)
    return task_row(tx, found[0])


def _replaced(tx: Tx, row: TaskRow) -> Conflict:
    """Which task stands in the place of one that is over, for whoever wanted to try it again."""
    newest = task_row(tx, _newest(tx, row.seq))
    if newest.seq == row.seq:
        why = "its queue was reset, its plan changed, or what replaced it was removed"
        return Conflict(f"task {row.id} was set aside and nothing stands in its place ({why})", id=row.id)
    again = "; try that one again" if newest.state in (TaskState.FAILED, TaskState.CANCELLED) else ""
    return Conflict(
        f"task {row.id} was replaced by {newest.id}, which is {newest.state}{again}", id=row.id, by=newest.id
    )


def _check_parents(tx: Tx, row: TaskRow) -> None:
    """Refuse to make a task that would end again at once, and name the parent that leaves it no chance."""
    for edge in _edges(tx, row.seq):
        if edge.state not in TASK_TERMINAL or verdict(edge.state, edge.reason, edge.on) is None:
            continue
        cause = task_row(tx, edge.parent).id
        advice = "" if edge.state is TaskState.COMPLETED else "; try that one again, and what fell with it follows"
        raise Conflict(
            f"task {row.id} waits for '{edge.name}' to end as {edge.on}, and {cause} is {edge.state}, "
            f"so it would not start{advice}",
            id=row.id,
            parent=cause,
        )


def _edges(tx: Tx, seq: int) -> list[Edge]:
    """What a new task in the place of an older one waits for: of each parent the newest try.

    Where two of them have become one, the older keeps the parent that it had.
    """
    edges: dict[int, Edge] = {}
    for parent, condition, name in sorted(tx.all("edges_up", child=seq), reverse=True):
        newest = _newest(tx, parent)
        row = task_row(tx, parent if newest in edges else newest)
        reason = Reason(row.reason) if row.reason else None
        edges[row.seq] = Edge(row.seq, TaskState(row.state), reason, Condition(condition), name)
    return list(edges.values())[::-1]


def _newest(tx: Tx, seq: int) -> int:
    """The newest try of a task; itself, when nothing took its place or what did is gone."""
    while row := tx.one("successor", seq=seq):
        seq = row[0]
    return seq


def _check_readers(tx: Tx, row: TaskRow) -> None:
    """Refuse to forget a task while an open one, whose templates are filled in at every start, reads what it left."""
    after = 0
    while page := tx.all("readers_of", parent=row.seq, after=after, limit=CASCADE_ROWS_MAX):
        for _, child, name, called, body in page:
            if called in reads(_decode_spec(body)):
                raise Conflict(
                    f"task '{name or child}' ({child}) reads the output of {row.id} and has not ended; "
                    "wait for its end, or cancel it first",
                    id=row.id,
                    child=child,
                )
        after = page[-1][0]


def _settle_all(tx: Tx, seq: int, actor: str) -> None:
    """Settle every dependent of a task that is about to be gone; what fell passes it on in pages, as always."""
    after = 0
    while page := tx.all("dependents", parent=seq, after=after, limit=CASCADE_ROWS_MAX):
        for child, _ in settle_page(tx, seq, TaskState.CANCELLED, Reason.REQUESTED, after, page, actor):
            if tx.one("dependents", parent=child, after=0, limit=1) is not None:
                tx.run("insert_cascade", kind="dependents", subject=child, after=0, actor=actor, tenant=tx.tenant)
                tx.note(Topic.TIME)
        after = page[-1][0]


def _fallen_parents_first(tx: Tx, seq: int) -> list[int]:
    """A task and all that fell with it, so that every one comes after those of them that it waits for."""
    parents: dict[int, list[int]] = {seq: []}
    frontier = [seq]
    while frontier:
        for (child,) in tx.all("fallen_with", parent=frontier.pop()):
            if child not in parents:
                parents[child] = [row[0] for row in tx.all("edges_up", child=child)]
                frontier.append(child)
    return parents_first(parents)


def _replace(tx: Tx, fallen: list[int], actor: str, new_id: Callable[[], str]) -> list[str]:
    admission = Admission(tx, actor, by_plan=True)
    ids: list[str] = []
    for seq in fallen:
        old = task_row(tx, seq)
        stored = tx.one("spec_and_hash", task=seq)
        assert stored is not None
        spec = msgspec.structs.replace(_decode_spec(stored[1]), idempotency_key=None)
        new = NewTask(new_id(), spec, stored[0], old.project)
        admission.origin = lineage.of_task(tx, seq)
        admission.admit(new, _edges(tx, seq), old.id)
        ids.append(new.id)
    admission.close()
    return ids
