"""Who asked for what: tasks that runs submitted, how deep and how many, and whether one is below another (4.5)."""

from __future__ import annotations

from typing import NamedTuple

from taxiway.core.errors import Forbidden, Full, LeaseLost
from taxiway.core.limits import SUBTASK_DEPTH_MAX, SUBTASKS_PER_RUN_MAX
from taxiway.core.runtoken import Holder
from taxiway.core.task import Task
from taxiway.store.tx import Tx
from taxiway.store.verbs.reading import run_row_of, task_at


class Lineage(NamedTuple):
    """Where a task comes from: the run that submitted it, and how deep that makes it; ``top``: the row of that run's
    task, below which the run knows its way; ``room``: how many more it may submit."""

    run: str | None = None
    depth: int = 0
    top: int | None = None
    room: int = 0


NOBODYS = Lineage()


def key(tx: Tx, fresh: bytes) -> bytes:
    """The store's key of the tokens of runs; ``fresh``, if it had none."""
    tx.run("put_run_key", key=fresh)
    row = tx.one("run_key")
    assert row is not None
    return bytes(row[0])


def holder(tx: Tx, run: str) -> Holder | None:
    """A live run, whosever it is; ``None``: there is none, or it has lost its fence."""
    row = tx.one("holder_of_run", run=run)
    if row is None:
        return None
    name, fence, task, tenant, project, session = row
    return Holder(run=name, fence=fence, task=task, tenant=tenant, project=project, session=session)


def begin(tx: Tx, run: str) -> Lineage:
    """That of what a run submits now. Raises ``LeaseLost`` for one that is over, and ``Forbidden`` where it would be
    too deep."""
    row = tx.one("lineage_of_run", run=run, tenant=tx.tenant)
    if row is None:
        raise LeaseLost(f"run {run} is over, and can ask for nothing any more", run=run)
    top, depth, submitted = row
    if depth >= SUBTASK_DEPTH_MAX:
        raise Forbidden(f"runs ask for runs that ask for runs {SUBTASK_DEPTH_MAX} times, and no deeper", run=run)
    return Lineage(run, depth + 1, top, SUBTASKS_PER_RUN_MAX - submitted)


def one_more(origin: Lineage) -> Lineage:
    """What is left of it when a task is admitted. Raises ``Full`` where a run has submitted as many as it may."""
    if origin.run is None or origin.top is None:
        return origin
    if origin.room <= 0:
        raise Full(f"a run submits at most {SUBTASKS_PER_RUN_MAX} tasks, and this one has", run=origin.run)
    return origin._replace(room=origin.room - 1)


def of_task(tx: Tx, seq: int) -> Lineage:
    """That of a task which is there, for what takes its place."""
    row = tx.one("submitter_of_task", task=seq)
    assert row is not None
    return Lineage(row[0], row[1])


def steps_below(tx: Tx, task: str, top: str) -> int | None:
    """How many steps a task is below another one; 0: it is that one, ``None``: it is not, or there is none."""
    rows = [tx.one("task_state_by_id", tenant=tx.tenant, id=id) for id in (task, top)]
    if rows[0] is None or rows[1] is None:
        return None
    return rows_below(tx, rows[0][0], rows[1][0])


def rows_below(tx: Tx, task: int, top: int) -> int | None:
    """The same of rows."""
    row = tx.one("steps_below", task=task, top=top, tenant=tx.tenant, most=SUBTASK_DEPTH_MAX + 1)
    return None if row is None else row[0]


def submitted(tx: Tx, run: str) -> list[Task]:
    """What a run has submitted, in order; raises ``NotFound``."""
    run_row_of(tx, run)
    return [task_at(tx, seq) for (seq,) in tx.all("submitted_by_run", run=run, tenant=tx.tenant)]
