"""The tables of moves and the one place where an outcome becomes a state (semantics, "Counters"; I12, I13)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxiway.core.errors import IllegalTransition
from taxiway.core.limits import CRASHES_MAX
from taxiway.core.moves import check_move
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.queue import QUEUE_MOVES, QueueState
from taxiway.core.retry import RETRIED_BY_DEFAULT, Standing, backoff_delay, settle
from taxiway.core.run import (
    RUN_MOVES,
    Cancelled,
    Completed,
    Deferred,
    Failed,
    Limited,
    Lost,
    Outcome,
    Released,
    RunState,
    StopCause,
)
from taxiway.core.task import TASK_MOVES, TASK_REASONS, TASK_TERMINAL, Backoff, Reason, TaskSpec, TaskState

FAILURES = sorted(TASK_REASONS[TaskState.FAILED])
BACKOFFS = st.builds(
    Backoff,
    first_s=st.floats(0, 1e6),
    factor=st.floats(1, 100),
    max_s=st.floats(0, 1e6),
    jitter=st.floats(0, 1),
)
CHANCES = st.floats(0, 1, exclude_max=True)
OUTCOMES: st.SearchStrategy[Outcome] = (
    st.builds(Completed)
    | st.builds(Failed, st.sampled_from(FAILURES), st.text())
    | st.builds(Cancelled, st.sampled_from(sorted(TASK_REASONS[TaskState.CANCELLED])))
    | st.builds(Deferred, st.text())
    | st.builds(Limited, st.builds(ProviderLimit, kind=st.sampled_from(LimitKind)), st.text())
    | st.builds(Released)
    | st.builds(Lost)
)
SPECS = st.builds(
    TaskSpec,
    job=st.just("x"),
    retries=st.integers(0, 5),
    backoff=BACKOFFS,
    retry_on=st.none() | st.lists(st.sampled_from(FAILURES), unique=True).map(tuple),
)


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    """What a live run's task may stand at: no more attempts and crashes than claims, and crashes below their bound."""
    crashes = draw(st.integers(0, CRASHES_MAX - 1))
    attempt = draw(st.integers(0, 6))
    fence = attempt + crashes + 1 + draw(st.integers(0, 6))
    return Standing(attempt, fence, crashes, draw(st.none() | st.sampled_from(StopCause)))


@given(SPECS, standings(), OUTCOMES, CHANCES)
def test_a_run_that_ends_moves_its_task_by_the_table(
    spec: TaskSpec, standing: Standing, outcome: Outcome, chance: float
) -> None:
    """I12: from running to a legal state, with a reason of that state."""
    after = settle(spec, standing, outcome, chance)
    assert after.state in TASK_MOVES[TaskState.RUNNING] - {TaskState.WAITING}
    reasons = TASK_REASONS[after.state]
    assert after.reason in reasons if reasons else after.reason is None
    assert (after.delay_s is not None) == (after.state is TaskState.SCHEDULED)


@given(SPECS, standings(), OUTCOMES, CHANCES)
def test_counters_only_grow_and_by_the_table(
    spec: TaskSpec, standing: Standing, outcome: Outcome, chance: float
) -> None:
    """I13: a failure and a success count an attempt, a loss counts a crash, nothing counts both."""
    after = settle(spec, standing, outcome, chance)
    counts = isinstance(outcome, Completed | Failed)
    assert after.attempt - standing.attempt == int(counts)
    assert after.crashes - standing.crashes == int(isinstance(outcome, Lost))


@given(SPECS, standings(), OUTCOMES, CHANCES)
def test_attempts_are_bounded(spec: TaskSpec, standing: Standing, outcome: Outcome, chance: float) -> None:
    """I13, B17, B18: after a failure nothing goes on once all attempts are used; crashes are bounded too."""
    after = settle(spec, standing, outcome, chance)
    if isinstance(outcome, Failed) and after.state not in TASK_TERMINAL:
        assert after.attempt <= spec.retries
        assert outcome.reason in (RETRIED_BY_DEFAULT if spec.retry_on is None else spec.retry_on)
    if after.crashes >= CRASHES_MAX:
        assert after.state in TASK_TERMINAL


@given(SPECS, standings(), OUTCOMES, CHANCES)
def test_what_was_cancelled_never_goes_back_to_waiting(
    spec: TaskSpec, standing: Standing, outcome: Outcome, chance: float
) -> None:
    """B24, B26, I6: only a result, or a failure that was final anyway, wins over a cancel."""
    after = settle(spec, standing, outcome, chance)
    if standing.stop in (StopCause.CANCEL, StopCause.QUEUE_STOP):
        assert after.state in TASK_TERMINAL
    if isinstance(outcome, Completed):
        assert after.state is TaskState.COMPLETED


@given(BACKOFFS, st.integers(1, 10_000), CHANCES)
def test_a_backoff_stays_within_its_cap_and_its_jitter(backoff: Backoff, failures: int, chance: float) -> None:
    """B17, DB6: never negative, never beyond the cap, for any number of failures."""
    delay = backoff_delay(backoff, failures, chance)
    assert 0 <= delay <= backoff.max_s * (1 + backoff.jitter) * (1 + 1e-9)


@given(BACKOFFS, st.integers(1, 100))
def test_a_backoff_without_jitter_never_shrinks(backoff: Backoff, failures: int) -> None:
    """B17: the next wait is at least as long."""
    assert backoff_delay(backoff, failures, 0.5) <= backoff_delay(backoff, failures + 1, 0.5) * (1 + 1e-9)


@pytest.mark.parametrize("table", [TASK_MOVES, RUN_MOVES, QUEUE_MOVES], ids=["task", "run", "queue"])
def test_every_move_is_in_its_table_or_raises(table: dict[TaskState, frozenset[TaskState]]) -> None:
    """A3, I12: every pair; the text names both states and what is allowed."""
    for current, allowed in table.items():
        for wanted in table:
            if wanted in allowed:
                check_move(table, current, wanted, "it")
                continue
            with pytest.raises(IllegalTransition, match=f"{current} -> {wanted} .*allowed"):
                check_move(table, current, wanted, "it")


def test_every_state_stands_in_its_table_and_the_last_ones_are_last() -> None:
    """I12: whatever is terminal has no way out, everything else has one."""
    assert set(TASK_MOVES) == set(TaskState)
    assert set(RUN_MOVES) == set(RunState)
    assert set(QUEUE_MOVES) == set(QueueState)
    assert {state for state, moves in TASK_MOVES.items() if not moves} == TASK_TERMINAL
    assert {state for state, moves in RUN_MOVES.items() if not moves} == {RunState.ENDED}
    assert all(QUEUE_MOVES.values()), "a queue can always be used again"


def test_every_reason_belongs_to_one_state() -> None:
    """Surface, section 2: a closed set, each with its place."""
    placed = [reason for reasons in TASK_REASONS.values() for reason in reasons]
    assert sorted(placed) == sorted(Reason)
