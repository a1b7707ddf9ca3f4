"""What readers have seen of tasks (C47)."""

from __future__ import annotations

from collections.abc import Sequence

from taxiway.core.errors import NotFound
from taxiway.core.session import Attention
from taxiway.core.task import Task
from taxiway.store.tx import Tx
from taxiway.store.verbs import reading


def mark_read(tx: Tx, task: str, reader: str) -> Task:
    """Store the version that a task has now as what a reader has seen."""
    found = reading.task(tx, task)
    tx.run("put_task_read_mark", task=found.seq, reader=reader, version=found.version)
    return found


def attention(tx: Tx, tasks: Sequence[str], reader: str) -> dict[str, Attention]:
    """What each of these tasks is to a reader: active until it has ended, then unread until its last version was seen
    (C31)."""
    found: dict[str, Attention] = {}
    for task in tasks:
        row = tx.one("task_attention", tenant=tx.tenant, id=task, reader=reader)
        if row is None:
            raise NotFound(f"there is no task {task}", id=task)
        is_open, version, seen = row
        read = seen is not None and seen >= version
        found[task] = Attention.ACTIVE if is_open else Attention.READ if read else Attention.UNREAD
    return found
