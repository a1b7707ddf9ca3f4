"""A plan: tasks with dependencies that are admitted whole or not at all."""

from __future__ import annotations

import msgspec

from taxiway.core.policy import MailboxPolicy
from taxiway.core.task import TaskSpec


class PlanSession(msgspec.Struct, frozen=True):
    """A session that a plan names: it is made, with this policy, before the plan's tasks join it."""

    key: str
    agent: str | None = None
    policy: MailboxPolicy = MailboxPolicy()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A checked plan. ``project`` is the real path of the git checkout's top, or of the file's folder; ``lanes`` belong
    to the plan's queue; tasks stand in file order, and every ``after`` names a task of the plan. ``sessions`` are those
    of the plan's own section, in its project; a task may belong to any other session too."""

    queue: str
    project: str
    source: str
    tasks: tuple[TaskSpec, ...]
    slots: int | None = None
    lanes: dict[str, int | None] = {}
    sessions: tuple[PlanSession, ...] = ()
