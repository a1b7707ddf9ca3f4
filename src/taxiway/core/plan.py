"""A plan: tasks with dependencies that are admitted whole or not at all."""

from __future__ import annotations

import msgspec

from taxiway.core.task import TaskSpec


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A checked plan. ``project`` is the real path of the git checkout's top, or of the file's folder; ``lanes`` belong
    to the plan's queue; tasks stand in file order, and every ``after`` names a task of the plan."""

    queue: str
    project: str
    source: str
    tasks: tuple[TaskSpec, ...]
    slots: int | None = None
    lanes: dict[str, int | None] = {}
