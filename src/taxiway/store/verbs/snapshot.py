"""A queue at one moment: its counts, and its first tasks with open work first (C48, DC12)."""

from __future__ import annotations

from taxiway.core.queue import QueueStats
from taxiway.core.task import Task
from taxiway.store.protocol import TaskFilter
from taxiway.store.tx import Tx
from taxiway.store.verbs.listing import tasks
from taxiway.store.verbs.queues import queue_of, queue_stats


def snapshot(tx: Tx, name: str, project: str | None, limit: int) -> tuple[QueueStats, list[Task]]:
    """Counts and the first ``limit`` tasks; nothing of a queue that is not there."""
    counts = queue_stats(tx, name, project)
    if counts.state is None:
        return counts, []
    queue = queue_of(tx, name, project)[1]
    wanted = TaskFilter(queue=name, project=queue.project, open_first=True)
    return counts, tasks(tx, wanted, limit, None).items
