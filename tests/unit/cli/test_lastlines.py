"""Last lines of running tasks: read only when a log has grown, from its end, and safe."""

import pytest

from taxiway.cli.board import Row
from taxiway.cli.lastlines import LastLines
from taxiway.cli.moments import tell
from taxiway.core.event import Event, EventType
from taxiway.core.run import Run, RunState
from taxiway.core.task import Task
from tests.unit.cli.conftest import MakeTask


class Logs:
    """One running task whose log grows."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.written: list[bytes] = []
        self.reads = 0

    async def task(self, task: str) -> Task:
        """The task."""
        return self._task

    async def run(self, run: str) -> Run:
        """Its run: it began at 7 s, long after the task's first one."""
        return Run(
            id=run,
            task=self._task.id,
            runner="r",
            fence=1,
            attempt=2,
            state=RunState.RUNNING,
            events=len(self.written),
            started_at=7_000,
        )

    async def events(self, run: str, after: int, limit: int) -> list[Event]:
        """What it wrote."""
        self.reads += 1
        lines = enumerate(self.written, start=1)
        return [Event(run, seq, EventType.OUTPUT, 0, {}, body) for seq, body in lines if seq > after][:limit]


async def test_a_last_line_is_the_newest_that_says_something(make_task: MakeTask) -> None:
    """Empty lines are passed over, terminals get no orders, and a quiet log is not read again."""
    task = make_task("a", "running", run="run_x", started_at=1_000, attempt=2)
    row, logs = Row(task), Logs(task)
    lines = LastLines(logs)
    logs.written += [b"first\n", b"10%\r20%\n\x1b]0;owned\x07\n\n"]
    await lines.read([row])
    assert lines.shown == {task.id: "20%"}
    assert (row.begun, row.attempt) == (7_000, 2), "since when this run runs, not the task's first one"
    await lines.read([row])
    assert logs.reads == 1
    logs.written += [b"x" * 10, b"last line\n"]
    await lines.read([row])
    assert (lines.shown[task.id], logs.reads) == ("last line", 2)
    await lines.read([])
    assert lines.shown == {}


def test_what_the_engine_notices_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, and only what a person should know of."""
    tell("runner.lost", runner="runner_01abcdef", why="the runner died")
    tell("run.claimed", run="run_x")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "runner abcdef is gone (the runner died); what it ran is queued again\n"
