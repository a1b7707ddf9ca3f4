"""A run's life as its owner writes it: started, recorded, finished; every write proves its fence (I2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, assert_never

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.errors import LeaseLost, NotFound
from taxiway.core.event import EventType, NewEvent
from taxiway.core.limits import ERROR_CHARS_MAX
from taxiway.core.providerlimit import LimitKind
from taxiway.core.queue import QueueState
from taxiway.core.retry import Next, Standing, settle
from taxiway.core.run import (
    Cancelled,
    Completed,
    Deferred,
    Failed,
    Limited,
    Lost,
    Outcome,
    ProcessMark,
    Released,
    RunState,
    StopCause,
)
from taxiway.core.task import TASK_TERMINAL, OnLimit, Reason, TaskSpec, TaskState
from taxiway.store.protocol import Finished
from taxiway.store.tx import Topic, Tx
from taxiway.store.verbs import accounts, gates, parking, sessions, signals, sweeps
from taxiway.store.verbs.ending import End, end_task, place_of
from taxiway.store.verbs.events import insert_event

_decode_spec = msgspec.json.Decoder(TaskSpec).decode
_encode = msgspec.json.Encoder().encode
ASKED: Final = frozenset({StopCause.CANCEL, StopCause.QUEUE_STOP, StopCause.INTERRUPT, StopCause.RESET})
_NO_SPEC = TaskSpec(job="-")


class RunRow(NamedTuple):
    """The columns of the statement ``run_for_writer``."""

    id: int
    task_seq: int
    fence: int
    live: int
    state: str
    stop: str | None
    queue: int
    queue_slot: int | None
    lane: int
    lane_slot: int | None
    events: int
    batch: int
    tenant: str
    task: str
    attempt: int
    task_fence: int
    crashes: int
    task_stop: str | None
    gate: int
    urgency: int
    position: int
    session: int | None
    generation: int | None
    box: int
    begun: int
    account: int | None
    account_round: int | None
    account_answered: int
    stumbles: int


def run_row(tx: Tx, run: str) -> RunRow:
    """The run as its writer finds it; what is written from here on is of its tenant. Raises ``NotFound``."""
    row = tx.one("run_for_writer", run=run)
    if row is None:
        raise NotFound(f"there is no run {run}", id=run)
    found = RunRow(*row)
    tx.tenant = found.tenant
    return found


def owned(tx: Tx, run: str, fence: int) -> RunRow:
    """The run, when ``fence`` is its own and it has not ended; else ``LeaseLost``."""
    row = run_row(tx, run)
    if row.fence != fence or not row.live:
        raise LeaseLost(f"run {run} is not yours any more (fence {fence}); nothing was changed", run=run)
    return row


def started(tx: Tx, run: str, fence: int, mark: ProcessMark | None) -> StopCause | None:
    """Record the process before its program starts; a stop that came first wins (I7).

    No topic is noted: the task does not move, so nobody waits for this, and the owner learns of a stop by the answer.
    """
    row = owned(tx, run, fence)
    if row.stop is not None:
        return StopCause(row.stop)
    process = None if mark is None else _encode(mark).decode()
    tx.run("record_process", run=row.id, process=process, now=tx.now)
    return None


def record(tx: Tx, run: str, fence: int, batch: int, events: Sequence[NewEvent]) -> int:
    """Append a batch of events; a batch that is known changes nothing, and a gap is a lost lease (I4)."""
    row = owned(tx, run, fence)
    if batch <= row.batch:
        return row.events
    if batch != row.batch + 1:
        raise LeaseLost(
            f"run {run}: batch {batch} came after {row.batch}; one is missing, so nothing was stored", run=run
        )
    seq = row.events
    for event in events:
        seq += 1
        insert_event(tx, row.id, seq, event)
    tx.run("advance_events", run=row.id, events=seq, batch=batch)
    tx.note(Topic.EVENTS)
    return seq


def finish(tx: Tx, run: str, fence: int, outcome: Outcome, chance: float) -> Finished:
    """End a run with its outcome. The first writer wins; a later one is kept as an event and changes nothing (I12)."""
    row = run_row(tx, run)
    if row.fence != fence:
        return Finished(False)
    if not row.live:
        if not isinstance(outcome, Lost):  # two settled it; the second one has seen nothing that is worth a word
            _keep_late(tx, row, outcome)
        return Finished(False)
    if isinstance(outcome, Lost) and outcome.unstarted and row.begun:  # its runner lives, and has begun it since (I2)
        return Finished(False)
    if row.state == RunState.WAITING:
        parking.give_up(tx, row.id, "its run has ended", run)
        row = run_row(tx, run)
    spec = _NO_SPEC if isinstance(outcome, Completed) else _spec(tx, row.task_seq)
    stop = row.task_stop or (row.stop if row.stop in ASKED else None)
    standing = Standing(row.attempt, row.task_fence, row.crashes, StopCause(stop) if stop else None, row.stumbles)
    if row.account is not None:
        standing = _with_account(tx, row, spec, standing, outcome, chance)
    after = settle(spec, standing, outcome, chance)
    if _signals_settled(tx, row, after):
        row = run_row(tx, run)  # its log has gone on
    facts = describe(outcome)
    _end_run(tx, row, outcome, facts)
    if row.account is not None:
        accounts.free(tx, row.account)
    gates.free_slots(tx, row.lane, row.lane_slot, row.queue, row.queue_slot)
    _keep_result(tx, row, outcome)
    if row.session is not None:
        assert row.generation is not None
        ended = after.state in TASK_TERMINAL
        sessions.end_turn(tx, row.session, row.generation, row.task_seq, outcome, ended, run)
    due_at = _move_task(tx, row, after, outcome, facts, run)
    return Finished(True, after.state, after.reason, due_at)


def _with_account(tx: Tx, row: RunRow, spec: TaskSpec, standing: Standing, outcome: Outcome, chance: float) -> Standing:
    """The account learns of the end; and what it, the task, its session and its queue say about a limit."""
    assert row.account is not None
    part = accounts.Part(row.account, row.account_round, bool(row.account_answered))
    wait_s = accounts.run_ended(tx, part, outcome, chance)
    if not isinstance(outcome, Limited):
        return standing
    said = spec.on_limit
    if said is None:
        found = tx.one("on_limit", seq=row.task_seq)
        said = None if found is None or found[0] is None else OnLimit(found[0])
    return msgspec.structs.replace(standing, wait_s=wait_s, resumes=said is not OnLimit.FAIL)


def _signals_settled(tx: Tx, row: RunRow, after: Next) -> bool:
    """What a run was told has its receipt before the run has its end (C10), and what its turn did not take waits again
    before the next one is admitted (OC-02); whether there was any."""
    cancelled = after.state is TaskState.CANCELLED
    if row.session is None and row.account is None and not cancelled:
        return False  # nobody tells a program anything but to end
    return signals.turn_ended(tx, row.id, cancelled)


def request_stop(tx: Tx, run: str, fence: int, cause: StopCause) -> None:
    """The owner itself stops its run (a timeout, a drain): it keeps its slots until it has ended. One that
    waits for a person has none, and takes none again: all that is left to it is to end.

    No topic is noted: the one whom a stop concerns is the one who asks, and others wait for the end.
    """
    row = owned(tx, run, fence)
    if row.state == RunState.WAITING:
        parking.give_up(tx, row.id, "its run is being stopped", run)
        parking.move_task(tx, row.task_seq, row.task, TaskState.RUNNING, None, run, f"stopped: {cause}")
    tx.run("mark_run_stopping", run=row.id, stop=cause)


def _spec(tx: Tx, seq: int) -> TaskSpec:
    row = tx.one("spec_of", task=seq)
    assert row is not None
    return _decode_spec(row[0])


def _end_run(tx: Tx, row: RunRow, outcome: Outcome, facts: dict[str, Any]) -> None:
    usage = getattr(outcome, "usage", None)
    tx.run(
        "end_run",
        run=row.id,
        outcome=facts["outcome"],
        reason=facts.get("reason"),
        error=facts.get("error"),
        exit_code=facts.get("exit_code"),
        signal=facts.get("signal"),
        usage=None if usage is None else _encode(usage).decode(),
        now=tx.now,
    )
    insert_event(tx, row.id, row.events + 1, NewEvent(EventType.RUN_FINISHED, tx.now, facts))


def describe(outcome: Outcome) -> dict[str, Any]:
    """The facts of an outcome, as the event ``run.finished`` tells them."""
    facts: dict[str, Any]
    match outcome:
        case Completed():
            facts = {"outcome": "completed", "exit_code": outcome.exit_code}
        case Failed():
            facts = {
                "outcome": "failed",
                "reason": outcome.reason,
                "error": outcome.error[:ERROR_CHARS_MAX],
                "exit_code": outcome.exit_code,
                "signal": outcome.signal,
            }
        case Cancelled():
            facts = {
                "outcome": "cancelled",
                "reason": outcome.reason,
                "exit_code": outcome.exit_code,
                "signal": outcome.signal,
            }
        case Deferred():
            facts = {"outcome": "deferred", "error": outcome.error[:ERROR_CHARS_MAX]}
        case Limited(limit=limit):
            facts = {
                "outcome": "limited",
                "reason": "quota" if limit.kind is LimitKind.QUOTA else "rate_limit",
                "error": outcome.error[:ERROR_CHARS_MAX],
            }
        case Released():
            facts = {"outcome": "released", "reason": outcome.why}
        case Lost():
            facts = {"outcome": "lost", "reason": "lost", "error": outcome.why}
        case _:
            assert_never(outcome)
    return {key: value for key, value in facts.items() if value is not None}


def _move_task(tx: Tx, row: RunRow, after: Next, outcome: Outcome, facts: dict[str, Any], actor: str) -> int | None:
    cause = f"run {facts['outcome']}"
    if after.state in TASK_TERMINAL:
        usage = getattr(outcome, "usage", None)
        end = End(
            state=after.state,
            reason=after.reason,
            attempt=after.attempt,
            crashes=after.crashes,
            exit_code=facts.get("exit_code"),
            signal=facts.get("signal"),
            error=after.error[:ERROR_CHARS_MAX] if after.error else None,
            usage=None if usage is None else _encode(usage).decode(),
        )
        end_task(tx, row.task_seq, row.task, row.queue, end, actor, cause, place_of(row.session, row.box, 0))
        return None
    why = _stopped_by(tx, row)
    if why is not None:
        stopped = End(
            state=TaskState.CANCELLED,
            reason=Reason.QUEUE_STOPPED,
            attempt=after.attempt,
            crashes=after.crashes,
            error=why,
        )
        end_task(tx, row.task_seq, row.task, row.queue, stopped, actor, cause, place_of(row.session, row.box, 0))
        return None
    due_at = None if after.delay_s is None else tx.now + int(after.delay_s * 1000)
    version = tx.change(ChangeKind.TASK, row.task, after.state, after.reason, actor, cause)
    ready = after.state is TaskState.QUEUED
    tx.run(
        "requeue_task",
        seq=row.task_seq,
        state=after.state,
        reason=after.reason,
        ready=int(ready),
        attempt=after.attempt,
        crashes=after.crashes,
        stumbles=after.stumbles,
        due_at=due_at,
        error=facts.get("error"),
        version=version,
    )
    if ready:
        gates.note_ready(tx, row.gate, row.urgency, row.position, row.task_seq)
        if row.session is not None:  # the limit may have fallen since it began (SQ-15)
            sessions.fit(tx, row.session)
    else:
        tx.note(Topic.TIME)
    return due_at


def _stopped_by(tx: Tx, row: RunRow) -> str | None:
    """Why a task that would go back to waiting ends instead: what it would wait in takes nothing any more."""
    queue = tx.one("queue_by_id", queue=row.queue)
    if queue is not None and queue[4] == QueueState.STOPPING:
        return "the queue was stopped"
    return sweeps.LANE_STOPPED_ERROR if tx.one("lane_is_stopped", lane=row.lane) else None


def _keep_result(tx: Tx, row: RunRow, outcome: Outcome) -> None:
    """Keep what the run left; one that ended with nothing does not pass off an earlier run's as its own."""
    if not isinstance(outcome, Completed | Failed | Cancelled):
        return
    value = outcome.result if isinstance(outcome, Completed) else None
    if outcome.output is not None or value is not None:
        encoded = None if value is None else _encode(value).decode()
        tx.run("insert_result", task=row.task_seq, output=outcome.output, value=encoded)
    elif row.fence > 1:
        tx.run("delete_result", task=row.task_seq)


def _keep_late(tx: Tx, row: RunRow, outcome: Outcome) -> None:
    """Tell of the first result that came too late; an ended run's log grows no further (I4, I18). The same result once
    more is none: its owner has not heard that it arrived."""
    last, facts = tx.one("event_facts", run=row.id, seq=row.events) or (None, None), describe(outcome)
    if last[0] != EventType.RUN_FINISHED or _encode(facts).decode() == last[1]:
        return
    late = NewEvent(EventType.STATUS, tx.now, {"phase": "late_result", **facts})
    insert_event(tx, row.id, row.events + 1, late)
    tx.run("advance_events", run=row.id, events=row.events + 1, batch=row.batch)
    tx.note(Topic.EVENTS)
