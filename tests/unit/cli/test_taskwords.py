"""How a task is called: the attempt that goes on counts, and what it took is what its runs took."""

import msgspec
import pytest

from taxiway.cli.summary import closing_line
from taxiway.cli.taskwords import handler_of, handlers, took, tries_word
from taxiway.core.queue import Queue, QueueState
from taxiway.core.run import Run, RunState
from taxiway.core.task import Condition, Dependency
from tests.unit.cli.conftest import MakeTask


@pytest.mark.parametrize(
    ("state", "attempt", "expected"),
    [("queued", 0, "0/3"), ("running", 0, "1/3"), ("running", 2, "3/3"), ("scheduled", 1, "1/3"), ("failed", 3, "3/3")],
)
def test_the_attempt_that_goes_on_is_counted(make_task: MakeTask, state: str, attempt: int, expected: str) -> None:
    """The store counts attempts when they end; who looks meanwhile sees the one that runs."""
    assert tries_word(make_task("a", state, attempt=attempt, retries=2)) == expected


def run(claimed_at: int, started_at: int | None, ended_at: int | None) -> Run:
    """A run with these times."""
    times = {"claimed_at": claimed_at, "started_at": started_at, "ended_at": ended_at}
    return Run(id="run_1", task="task_1", runner="runner_1", fence=1, attempt=1, state=RunState.ENDED, **times)


def test_what_a_task_took_is_what_its_runs_took() -> None:
    """Backoff, pauses and the queue between two attempts are no work; nor is what nobody knows."""
    lost = msgspec.structs.replace(run(1_600, 1_600, 900_000), outcome="lost")
    runs = [lost, run(900, 1_000, 1_500), run(3_600_000, None, 3_602_000), run(7_200_000, 7_200_000, None)]
    assert took(runs) == 2.5


def test_a_failure_that_was_handled_is_told_from_one_that_was_not(make_task: MakeTask) -> None:
    """Semantics, "Dependencies": a dependent that named it with ``failed`` completed, by its name or by its id."""
    named, by_id, left = (make_task(name, "failed", reason="exit_code") for name in ("named", "by_id", "left"))

    def after(parent: str, on: Condition = Condition.FAILED) -> tuple[Dependency, ...]:
        return (Dependency(parent, on),)

    tasks = [
        named,
        by_id,
        left,
        make_task("h1", "completed", after=after("named")),
        make_task("h2", "completed", after=after(by_id.id)),
        make_task("h3", "failed", reason="exit_code", after=after("left")),
        make_task("h4", "completed", after=after("left", Condition.FINISHED)),
    ]
    by = handlers(tasks)
    assert [one.spec.name for one in tasks if handler_of(one, by)] == ["named", "by_id"]
    queue = Queue(name="release", state=QueueState.FAILED, standing=False)
    assert "3 completed, 4 failed (2 of them handled), in 1.0s" in closing_line(tasks, queue, 1.0)
    assert "1 completed, 1 failed (handled), in" in closing_line([named, tasks[3]], queue, 1.0)
    skipped = [make_task("s", "cancelled", reason="skipped"), make_task("r", "cancelled", reason="skipped")]
    assert "2 cancelled (skipped), in" in closing_line(skipped, queue, 1.0)
    skipped.append(make_task("q", "cancelled", reason="requested"))
    assert "3 cancelled, in" in closing_line(skipped, queue, 1.0)
