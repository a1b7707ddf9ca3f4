"""How a task is called: the attempt that goes on counts, and what it took is what its runs took."""

import pytest

from taxiway.cli.taskwords import tries_word
from tests.unit.cli.conftest import MakeTask


@pytest.mark.parametrize(
    ("state", "attempt", "expected"),
    [("queued", 0, "0/3"), ("running", 0, "1/3"), ("running", 2, "3/3"), ("scheduled", 1, "1/3"), ("failed", 3, "3/3")],
)
def test_the_attempt_that_goes_on_is_counted(make_task: MakeTask, state: str, attempt: int, expected: str) -> None:
    """The store counts attempts when they end; who looks meanwhile sees the one that runs."""
    assert tries_word(make_task("a", state, attempt=attempt, retries=2)) == expected
