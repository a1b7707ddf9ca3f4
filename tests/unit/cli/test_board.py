"""The board agrees with the change log, and estimates only what it has a basis for."""

from collections import Counter

from taxiway.cli.board import PACE_ENDS_MIN, Board
from taxiway.core.task import Reason, TaskState
from tests.unit.cli.conftest import MakeChange, MakeTask


def filled(*tasks: object) -> Board:
    """A board with these tasks."""
    board = Board()
    board.fill(list(tasks))  # type: ignore[arg-type]
    return board


def test_counts_always_equal_a_count_over_the_rows(make_task: MakeTask, make_change: MakeChange) -> None:
    """Whatever happens in whatever order, nothing is counted twice or lost."""
    board = filled(make_task("a"), make_task("b", "blocked", reason=Reason.DEPENDENCY), make_task("c", lane="x"))
    story = [
        ("a", "running", None),
        ("c", "running", None),
        ("a", "scheduled", "backoff"),
        ("a", "queued", None),
        ("a", "running", None),
        ("a", "waiting", "approval"),
        ("a", "running", None),
        ("a", "failed", "exit_code"),
        ("b", "cancelled", "dependency_failed"),
        ("c", "running", "cancelling"),
        ("c", "cancelled", "requested"),
    ]
    for at, (name, state, reason) in enumerate(story):
        board.apply(make_change(name, state, at, reason))
        rows = board.rows.values()
        assert +board.counts == Counter(row.state for row in rows)
        assert +board.reasons == Counter(row.reason for row in rows if row.reason)
        assert +board.queued_by_lane == Counter(row.lane for row in rows if row.state is TaskState.QUEUED)
        assert set(board.running) == {row.id for row in rows if row.state is TaskState.RUNNING}
        assert set(board.asking) == {row.id for row in rows if row.state is TaskState.WAITING}
        assert set(board.failed) == {row.id for row in rows if row.state is TaskState.FAILED}
        assert set(board.delayed) == {row.id for row in rows if row.state is TaskState.SCHEDULED}
    assert board.ended == board.total == 3


def test_a_change_that_says_nothing_new_moves_nothing(make_task: MakeTask, make_change: MakeChange) -> None:
    """The change log tells at least once; strangers of other queues pass by."""
    board = filled(make_task("a", "running", started_at=5))
    assert board.apply(make_change("a", "running", 9)) is None
    assert board.apply(make_change("stranger", "running", 9)) is None
    assert board.rows[next(iter(board.rows))].begun == 5


def test_a_replaced_task_makes_the_board_outdated(make_task: MakeTask, make_change: MakeChange) -> None:
    """Somebody retried a task meanwhile: its successor is not here yet."""
    board = filled(make_task("a", "failed", reason=Reason.EXIT_CODE))
    board.apply(make_change("a", "superseded"))
    assert board.outdated
    board.fill([make_task("a")])
    assert not board.outdated


def test_an_estimate_needs_a_basis_and_follows_the_pace(make_task: MakeTask, make_change: MakeChange) -> None:
    """None before five runs have ended; then time since the first of them, for each task that is left."""
    board = filled(*(make_task(f"t{number}", "running") for number in range(10)))
    for number in range(PACE_ENDS_MIN):
        assert board.seconds_left(10_000) is None
        board.apply(make_change(f"t{number}", "completed", at=1_000 * number))
    assert board.seconds_left(5_000) == 5.0
    assert board.seconds_left(50_000) == 50.0, "a pace that slows down counts at once"


def test_an_estimate_is_never_shorter_than_a_known_delay(make_task: MakeTask, make_change: MakeChange) -> None:
    """A task that may not start before a time keeps the whole from ending before it."""
    waits = make_task("later", "scheduled", reason=Reason.DELAY, due_at=99_000)
    board = filled(waits, *(make_task(f"t{number}", "running") for number in range(PACE_ENDS_MIN)))
    for number in range(PACE_ENDS_MIN):
        board.apply(make_change(f"t{number}", "completed", at=number))
    assert board.seconds_left(1_000) == 98.0
    assert board.next_due() == 99_000


def test_cancelled_tasks_are_no_basis_for_a_pace(make_task: MakeTask, make_change: MakeChange) -> None:
    """They took no time, so they would make the rest look shorter than it is."""
    board = filled(*(make_task(f"t{number}", "blocked", reason=Reason.DEPENDENCY) for number in range(9)))
    for number in range(8):
        board.apply(make_change(f"t{number}", "cancelled", number, "dependency_failed"))
    assert board.seconds_left(1_000) is None
