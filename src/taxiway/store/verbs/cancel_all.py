"""Cancelling all that has not ended, of one queue or of everything (I6, I15)."""

from __future__ import annotations

from taxiway.store.tx import Tx
from taxiway.store.verbs import sweeps
from taxiway.store.verbs.queues import queue_of


def cancel_all(tx: Tx, actor: str, queue: str | None, project: str | None) -> int:
    """Cancel all that has not ended, in pages; the count of tasks found open. Nothing that came later is touched."""
    subject = 0 if queue is None else queue_of(tx, queue, project)[0]
    row = tx.one("count_open_tasks", queue=subject, tenant=tx.tenant)
    sweeps.begin(tx, "cancel_all", subject, actor)
    return row[0] if row is not None else 0
