"""Why a task fell: from parent to parent, up to those that failed or were cancelled for a reason of their own."""

from __future__ import annotations

from typing import Final

from taxiway.app import TaskFilter
from taxiway.client.verbs import Verbs
from taxiway.core.limits import LIST_PAGE_MAX
from taxiway.core.task import Reason, Task, TaskState

PAGES_MAX: Final = 20  #: of ended tasks that are looked through; a queue with more tells fewer causes
FELL: Final = frozenset({TaskState.FAILED, TaskState.CANCELLED})


async def causes(tw: Verbs, fallen: Task) -> list[Task]:
    """The tasks whose ends made this one fall; empty when it did not fall with others."""
    if fallen.reason is not Reason.DEPENDENCY_FAILED:
        return []
    named = await _fallen_by_name(tw, fallen)
    found: dict[str, Task] = {}
    seen: set[str] = set()
    frontier = [fallen]
    while frontier:
        for edge in frontier.pop().spec.after:
            parent = named.get(edge.task)
            if parent is None or parent.id in seen:
                continue
            seen.add(parent.id)
            if parent.reason is Reason.DEPENDENCY_FAILED:
                frontier.append(parent)
            else:
                found[parent.id] = parent
    return list(found.values())


async def _fallen_by_name(tw: Verbs, fallen: Task) -> dict[str, Task]:
    """What failed or was cancelled in the same queue, by name and by id."""
    wanted = TaskFilter(queue=fallen.spec.queue, project=fallen.project, states=FELL)
    named: dict[str, Task] = {}
    cursor: str | None = None
    for _ in range(PAGES_MAX):
        page = await tw.tasks(wanted, LIST_PAGE_MAX, cursor)
        for task in page.items:
            named |= {task.id: task} if task.spec.name is None else {task.id: task, task.spec.name: task}
        cursor = page.cursor
        if cursor is None:
            break
    return named
