"""States and their moves stand in tables, and the tables agree with each other."""

import re

import pytest

from taxiway.core.errors import Conflict, IllegalTransition, QueueEnded, QueueStopping
from taxiway.core.moves import check_move
from taxiway.core.queue import QUEUE_ENDED, QUEUE_MOVES, Queue, QueueState, advice, check_admission
from taxiway.core.run import RUN_MOVES, RunState
from taxiway.core.task import TASK_MOVES, TASK_REASONS, TASK_TERMINAL, Reason, TaskState
from taxiway.store.verbs.queues import QUEUE_VERB_MOVES, QUEUE_VERBS


def test_every_state_has_its_row_in_its_table() -> None:
    """I12: one table each, complete."""
    assert set(TASK_MOVES) == set(TASK_REASONS) == set(TaskState)
    assert set(RUN_MOVES) == set(RunState)
    assert set(QUEUE_MOVES) == set(QueueState)


def test_terminal_states_have_no_way_out() -> None:
    """I12: terminal is final."""
    assert {state for state, moves in TASK_MOVES.items() if not moves} == TASK_TERMINAL
    assert not RUN_MOVES[RunState.ENDED]


def test_every_reason_belongs_to_exactly_one_state() -> None:
    """Surface, section 2: a closed set."""
    owners = [reason for reasons in TASK_REASONS.values() for reason in reasons]
    assert sorted(owners) == sorted(Reason)


@pytest.mark.parametrize("current", QueueState)
@pytest.mark.parametrize("wanted", QueueState)
def test_an_illegal_move_names_both_states_and_what_is_allowed(current: QueueState, wanted: QueueState) -> None:
    """A3: the text, and nothing changes."""
    if wanted in QUEUE_MOVES[current]:
        check_move(QUEUE_MOVES, current, wanted, "queue 'q'")
        return
    with pytest.raises(IllegalTransition, match=f"Invalid state transition: {current} -> {wanted}") as caught:
        check_move(QUEUE_MOVES, current, wanted, "queue 'q'")
    assert caught.value.details["allowed"] == sorted(QUEUE_MOVES[current])


@pytest.mark.parametrize("standing", [True, False])
@pytest.mark.parametrize("state", QueueState)
@pytest.mark.parametrize("verb", QUEUE_VERBS)
def test_a_refused_move_names_a_verb_that_helps(state: QueueState, verb: str, standing: bool) -> None:
    """A3: what can be typed now is legal now, and one after the other leads where it was to go."""
    if QUEUE_VERBS[verb] in QUEUE_VERB_MOVES[state]:
        return
    said = advice(Queue(name="q", state=state, standing=standing), verb)
    typed = re.findall(r"'taxiway queue (\w+) q'", said)
    if state is QueueState.STOPPING:
        assert "wait until" in said
        state = QueueState.COMPLETED
    for step in typed:
        assert QUEUE_VERBS[step] in QUEUE_VERB_MOVES[state], said
        state = {"stop": QueueState.COMPLETED}.get(step, QUEUE_VERBS[step])
    assert typed or "already" in said or "wait" in said or "task cancel" in said


def test_what_takes_nothing_new_says_how_it_is_opened_again() -> None:
    """A52: a standing queue belongs to no plan, so no plan can open it."""
    for state in (QueueState.STOPPING, *QUEUE_ENDED):
        with pytest.raises(Conflict, match="'taxiway queue reset q' and 'taxiway queue start q'") as refused:
            check_admission(Queue(name="q", state=state), by_plan=False)
        assert "plan" not in refused.value.message
        with pytest.raises(Conflict, match="run its plan again"):
            check_admission(Queue(name="q", state=state, standing=False), by_plan=False)


def test_a_stopping_queue_refuses_and_an_ended_one_opens_only_for_its_plan() -> None:
    """A5, A52; semantics, "Queues"."""
    for state in (QueueState.IDLE, QueueState.RUNNING, QueueState.PAUSED):
        check_admission(Queue(name="q", state=state), by_plan=False)
    with pytest.raises(QueueStopping, match="Cannot add items when queue 'q' is in 'stopping' state"):
        check_admission(Queue(name="q", state=QueueState.STOPPING), by_plan=True)
    for state in QUEUE_ENDED:
        check_admission(Queue(name="q", state=state), by_plan=True)
        with pytest.raises(QueueEnded):
            check_admission(Queue(name="q", state=state), by_plan=False)
