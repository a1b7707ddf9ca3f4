"""What a pipe is told of a running plan: what happened to tasks, and nothing twice."""

from taxiway.cli.board import Row
from taxiway.cli.plain import PlainView
from taxiway.core.queue import Queue, QueueState
from taxiway.core.task import Reason
from tests.unit.cli.conftest import MakeChange, MakeTask


async def test_a_task_that_becomes_ready_is_told_by_its_start_and_one_that_goes_back_is_told(
    make_task: MakeTask, make_change: MakeChange
) -> None:
    """Two hundred lines of "queued" say nothing; one that was given back says that something went wrong."""
    said: list[str] = []
    view = PlainView(said.append)
    await view.moved(Row(make_task("ready")), make_change("ready", "queued"))
    await view.moved(Row(make_task("back", started_at=5)), make_change("back", "queued"))
    assert [line.split("  ", 1)[1] for line in said] == ["back  queued"]


async def test_a_queue_that_is_paused_is_told_and_one_that_has_ended_is_left_to_the_summary() -> None:
    """The summary says how it ended, with figures."""
    said: list[str] = []
    view = PlainView(said.append)
    for state in (QueueState.RUNNING, QueueState.PAUSED, QueueState.RUNNING, QueueState.FAILED):
        await view.looked(Queue(name="release", state=state, standing=False))
    assert said == ["queue release is paused", "queue release is running"]


async def test_a_task_that_asks_a_person_says_where_to_answer(make_task: MakeTask, make_change: MakeChange) -> None:
    """Semantics, "Waiting for a person": on a pipe, too, somebody may read it."""
    said: list[str] = []
    row = Row(make_task("deploy", "waiting", reason=Reason.APPROVAL, started_at=5))
    await PlainView(said.append).moved(row, make_change("deploy", "waiting", 5, "approval"))
    assert said[0].endswith("deploy  waiting (approval): it asks a person; taxiway approval list")
