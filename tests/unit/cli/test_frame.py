"""A frame of the live view fits the screen, whatever is in it, and says what one wants to know."""

import pytest

from taxiway.cli.board import Board
from taxiway.cli.frame import Scene, frame
from taxiway.cli.safe import cells
from taxiway.core.lane import Lane
from taxiway.core.queue import Queue, QueueState
from taxiway.core.task import Reason, Task
from tests.unit.cli.conftest import MakeTask


def drawn(tasks: list[Task], width: int = 120, height: int = 40, **fields: object) -> list[str]:
    """The lines of a frame."""
    board = Board()
    board.fill(tasks)
    scene = {
        "queue": Queue(name="release", state=QueueState.RUNNING, slots=8, standing=False),
        "board": board,
        "lanes": [Lane(name="main", size=4, queue="release"), Lane(name="main", size=4, queue=None, live=3)],
        "slots": 8,
        "lines": {},
        "now_ms": 60_000,
        "began_ms": 0,
        "width": width,
        "height": height,
        **fields,
    }
    return frame(Scene(**scene)).plain.split("\n")  # type: ignore[arg-type]


@pytest.fixture
def crowd(make_task: MakeTask) -> list[Task]:
    """A thousand tasks in every state, with long names and longer errors."""
    states = [
        ("running", None),
        ("queued", None),
        ("blocked", Reason.DEPENDENCY),
        ("scheduled", Reason.DELAY),
        ("scheduled", Reason.BACKOFF),
        ("failed", Reason.EXIT_CODE),
        ("completed", None),
        ("cancelled", Reason.REQUESTED),
        ("waiting", Reason.APPROVAL),
    ]
    return [
        make_task(
            f"a-rather-long-name-of-a-task-{number}",
            states[number % 9][0],
            reason=states[number % 9][1],
            started_at=1_000,
            due_at=70_000,
            error="it went wrong " * 20,
        )
        for number in range(1_000)
    ]


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
@pytest.mark.parametrize("height", [5, 10, 24, 60])
def test_a_frame_fits_every_screen(crowd: list[Task], width: int, height: int) -> None:
    """Lines are cut, groups are summed up, and one line stays free for the cursor."""
    lines = drawn(crowd, width, height, lines={crowd[0].id: "世" * 300})
    assert len(lines) < height
    assert max(cells(line) for line in lines) <= width


def test_a_frame_says_what_runs_what_waits_and_why(make_task: MakeTask) -> None:
    """Since when, its last line, the attempt; lanes with their slots; the reasons of what waits; what failed."""
    running = [make_task(f"r{number}", "running", started_at=48_000, attempt=1, retries=2) for number in range(4)]
    waiting = [make_task("q1"), make_task("q2"), make_task("b1", "blocked", reason=Reason.DEPENDENCY)]
    waiting += [make_task("d1", "scheduled", reason=Reason.DELAY, due_at=64_000)]
    failed = [make_task("f1", "failed", reason=Reason.TIMEOUT, error="it ran too long")]
    text = "\n".join(drawn([*running, *waiting, *failed], lines={running[0].id: "compiling"}))
    assert "1 of 9, 1 failed · 1m00s" in text
    assert "plan 4/8  main 4/4  (runner 8 slots)" in text
    assert "r0" in text
    assert "12s try 2/3  compiling" in text
    assert "2 for lane main · 1 for other tasks · 1 delayed, the next in 4.0s" in text
    assert "f1  timeout: it ran too long" in text
    assert "left" not in text, "no estimate without a basis"


def test_who_asks_a_person_comes_first_and_holds_no_slot(make_task: MakeTask) -> None:
    """Semantics, "Waiting for a person": since when, the longest first; only what runs counts for plan and lane."""
    asking = [
        make_task(name, "waiting", reason=Reason.APPROVAL, started_at=at)
        for name, at in (("deploy", 50_000), ("clean", 48_000))
    ]
    lines = drawn([*asking, make_task("r", "running", started_at=48_000)])
    assert lines[1] == "asks you clean 12s, deploy 10s · taxiway approval list"
    assert "plan 1/8  main 1/4" in lines[2]
    many = [make_task(f"w{number}", "waiting", reason=Reason.APPROVAL, started_at=number) for number in range(5)]
    assert "w0 1m00s, w1 1m00s, w2 1m00s and 2 more" in drawn(many)[1]


def test_a_paused_queue_is_said_to_be_paused(make_task: MakeTask) -> None:
    """Nothing starts, and whoever watches should know why."""
    paused = Queue(name="release", state=QueueState.PAUSED, standing=False)
    text = "\n".join(drawn([make_task("a")], queue=paused))
    assert "is paused" in text
    assert "1 for the queue, which is paused" in text


def test_hostile_errors_cannot_leave_their_line(make_task: MakeTask) -> None:
    """What a program said is shown as one safe line."""
    text = drawn([make_task("a", "failed", reason=Reason.INTERNAL, error="x\n\x1b[2Jy\rz\u202e")])
    assert text[-1] == "failed   a  internal: x y z<U+202E>"
