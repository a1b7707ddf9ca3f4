"""What a parent's end means for a task that waits for it: one table (semantics, "Dependencies"; rules A16-A21)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from taxiway.core.task import Condition, Reason, TaskState

#: ``None``: the condition is met. A reason: the dependent is cancelled with it.
Verdict = Reason | None

_SKIPPED_KEY: Final = "skipped"

VERDICTS: Final[Mapping[tuple[str, Condition], Verdict]] = MappingProxyType(
    {
        (TaskState.COMPLETED, Condition.COMPLETED): None,
        (TaskState.COMPLETED, Condition.FAILED): Reason.SKIPPED,
        (TaskState.COMPLETED, Condition.FINISHED): None,
        (TaskState.FAILED, Condition.COMPLETED): Reason.DEPENDENCY_FAILED,
        (TaskState.FAILED, Condition.FAILED): None,
        (TaskState.FAILED, Condition.FINISHED): None,
        (TaskState.CANCELLED, Condition.COMPLETED): Reason.DEPENDENCY_FAILED,
        (TaskState.CANCELLED, Condition.FAILED): Reason.SKIPPED,
        (TaskState.CANCELLED, Condition.FINISHED): None,
        (_SKIPPED_KEY, Condition.COMPLETED): Reason.SKIPPED,
        (_SKIPPED_KEY, Condition.FAILED): Reason.SKIPPED,
        (_SKIPPED_KEY, Condition.FINISHED): None,
    }
)

#: What a dependent's record says when a parent took its chance away (rule A20 fixes the first text).
VERDICT_ERRORS: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.DEPENDENCY_FAILED: "Dependency failed or was cancelled",
        Reason.SKIPPED: "Skipped: the condition on a dependency cannot be met",
    }
)


def verdict(state: TaskState, reason: Reason | None, condition: Condition) -> Verdict:
    """Judge a terminal parent (``state``, ``reason``) for a dependent that wants ``condition``."""
    skipped = state is TaskState.CANCELLED and reason is Reason.SKIPPED
    return VERDICTS[_SKIPPED_KEY if skipped else state, condition]
