"""What a parent's end means for a dependent: the table of semantics, cell by cell."""

import pytest

from taxiway.core.dependency import VERDICT_ERRORS, verdict
from taxiway.core.task import Condition, Reason, TaskState

STARTS, SKIPPED, FALLS = None, Reason.SKIPPED, Reason.DEPENDENCY_FAILED

TABLE = [
    (TaskState.COMPLETED, None, STARTS, SKIPPED, STARTS),
    (TaskState.FAILED, Reason.EXIT_CODE, FALLS, STARTS, STARTS),
    (TaskState.CANCELLED, Reason.REQUESTED, FALLS, SKIPPED, STARTS),
    (TaskState.CANCELLED, Reason.DEPENDENCY_FAILED, FALLS, SKIPPED, STARTS),
    (TaskState.CANCELLED, Reason.SKIPPED, SKIPPED, SKIPPED, STARTS),
]


@pytest.mark.parametrize(("state", "reason", "completed", "failed", "finished"), TABLE)
def test_every_cell_of_the_dependency_table_holds(
    state: TaskState, reason: Reason | None, completed: object, failed: object, finished: object
) -> None:
    """A16-A20; semantics, "Dependencies"."""
    assert verdict(state, reason, Condition.COMPLETED) is completed
    assert verdict(state, reason, Condition.FAILED) is failed
    assert verdict(state, reason, Condition.FINISHED) is finished


def test_a_dependent_that_fell_says_so_in_the_seeds_words() -> None:
    """A20 fixes the text."""
    assert VERDICT_ERRORS[Reason.DEPENDENCY_FAILED] == "Dependency failed or was cancelled"
