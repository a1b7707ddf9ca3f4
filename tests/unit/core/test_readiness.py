"""The predicate that claim and explain share."""

import pytest

from taxiway.core.queue import QueueState
from taxiway.core.readiness import Facts, Gate, ObstacleKind, Scope, obstacles
from taxiway.core.task import TaskState

ANY = Scope()


def gate(**changes: object) -> Gate:
    facts: dict[str, object] = {
        "project": "",
        "queue": "default",
        "queue_state": QueueState.RUNNING,
        "queue_slots": None,
        "queue_live": 0,
        "lane": "main",
        "lane_size": 4,
        "lane_live": 0,
        "needs": "process",
    }
    return Gate(**(facts | changes))  # type: ignore[arg-type]


def facts(gate: Gate, **changes: object) -> Facts:
    known: dict[str, object] = {
        "state": TaskState.QUEUED,
        "reason": None,
        "since": 1000,
        "due_at": None,
        "gate": gate,
        "runners": (("runner_a", ANY, 2),),
    }
    return Facts(**(known | changes))  # type: ignore[arg-type]


def kinds(found: Facts) -> list[ObstacleKind]:
    return [obstacle.kind for obstacle in obstacles(found)]


def test_nothing_keeps_a_ready_task_with_room_from_running() -> None:
    """The claim takes exactly what has no obstacle."""
    assert kinds(facts(gate())) == []


@pytest.mark.parametrize("state", [state for state in QueueState if state is not QueueState.RUNNING])
def test_only_a_running_queue_lets_work_through(state: QueueState) -> None:
    """A8, A10: paused, stopping, idle and ended queues start nothing."""
    assert gate(queue_state=state).room() == 0
    assert kinds(facts(gate(queue_state=state))) == [ObstacleKind.QUEUE_STATE]


@pytest.mark.parametrize(
    ("changes", "room"),
    [
        ({"lane_size": None}, None),
        ({"lane_size": 4, "lane_live": 1}, 3),
        ({"lane_size": 4, "lane_live": 1, "queue_slots": 2, "queue_live": 1}, 1),
        ({"lane_size": 1, "lane_live": 3}, 0),
    ],
)
def test_room_is_what_the_tightest_limit_leaves(changes: dict[str, int], room: int | None) -> None:
    """I3, A25; a limit that was lowered below what runs leaves no room and stops nothing (A30)."""
    assert gate(**changes).room() == room


def test_every_obstacle_is_named_at_once_with_its_holders() -> None:
    """``explain``: every condition, who holds it."""
    full = gate(queue_state=QueueState.PAUSED, queue_slots=1, queue_live=1, lane_size=1, lane_live=1)
    found = obstacles(facts(full, queue_holders=("task_q",), lane_holders=("task_l",), runners=()))
    assert [obstacle.kind for obstacle in found] == [
        ObstacleKind.QUEUE_STATE,
        ObstacleKind.QUEUE_FULL,
        ObstacleKind.LANE_FULL,
        ObstacleKind.NO_RUNNER,
    ]
    assert found[1].holders == ("task_q",)
    assert found[2].holders == ("task_l",)


def test_a_runner_takes_only_what_its_scope_names() -> None:
    """Semantics, "The claim": queues, lanes, and what it has."""
    scope = Scope(queues=frozenset({("p", "release")}), lanes=frozenset({"main"}), needs=frozenset({"process"}))
    assert scope.takes("p", "release", "main", "process")
    assert not scope.takes("other", "release", "main", "process")
    assert not scope.takes("p", "release", "gpu", "process")
    assert not scope.takes("p", "release", "main", "job:train")
    assert kinds(facts(gate(), runners=(("runner_a", scope, 2),))) == [ObstacleKind.RUNNER_SCOPE]


def test_a_runner_for_some_tenants_takes_nothing_of_others_and_shows_them_nothing() -> None:
    """I10: what it takes for one is for no other to see."""
    scope = Scope(queues=frozenset({("p", "release")}), tenants=frozenset({"acme", "umbrella"}))
    assert scope.takes("p", "release", "main", "process", "acme")
    assert not scope.takes("p", "release", "main", "process", "default")
    assert ANY.takes("p", "release", "main", "process", "acme")
    assert scope.seen_by("acme") == Scope(queues=scope.queues, tenants=frozenset({"acme"}))
    assert scope.seen_by("default") == Scope(tenants=frozenset())
    assert ANY.seen_by("acme") is ANY


def test_busy_runners_and_tasks_ahead_are_told_apart() -> None:
    """``explain`` says whose turn it is."""
    assert kinds(facts(gate(), runners=(("runner_a", ANY, 0),))) == [ObstacleKind.RUNNER_FULL]
    assert kinds(facts(gate(), ahead=3)) == [ObstacleKind.TURN]


def test_delay_backoff_and_dependencies_are_obstacles_of_their_own() -> None:
    """Surface, section 2: reasons."""
    waiting = facts(gate(), state=TaskState.SCHEDULED, reason="backoff", due_at=5000)
    assert obstacles(waiting)[0].kind is ObstacleKind.BACKOFF
    assert obstacles(waiting)[0].until == 5000
    blocked = facts(gate(), state=TaskState.BLOCKED, reason="dependency", waits_for=(("task_p", "lint", "running"),))
    assert obstacles(blocked)[0].holders == ("task_p",)
    assert "lint" in obstacles(blocked)[0].text


@pytest.mark.parametrize("state", [TaskState.RUNNING, TaskState.COMPLETED, TaskState.CANCELLED])
def test_what_runs_or_has_ended_says_so_and_nothing_else(state: TaskState) -> None:
    """Explain is truthful in every state."""
    assert len(obstacles(facts(gate(queue_state=QueueState.PAUSED), state=state))) == 1
