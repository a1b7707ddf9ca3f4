"""What a run was told, as its callers see it: told to end, listed, taken back."""

from __future__ import annotations

from typing import Any

from taxiway.core.errors import Conflict, NotFound, Terminal
from taxiway.core.event import EventType, NewEvent
from taxiway.core.ids import short_id
from taxiway.core.run import StopCause
from taxiway.core.session import RunSignal, Signal, SignalState
from taxiway.core.task import Reason
from taxiway.store.tx import Row, Topic, Tx
from taxiway.store.verbs import cancel as cancelling
from taxiway.store.verbs import reading
from taxiway.store.verbs.ending import task_row
from taxiway.store.verbs.events import tell


def end_run(tx: Tx, run: str, kind: Signal, actor: str) -> RunSignal:
    """Store that a live run is to end (``stop`` or ``interrupt``): its task is cancelled with it, so this holds when
    the runner dies before it has heard of it. Raises ``Terminal`` where the run has ended (C14)."""
    found, _ = reading.run_row_of(tx, run)
    task = reading.run(tx, run).task
    row = task_row(tx, _seq(tx, task))
    live = tx.one("live_run_of", task=row.seq)
    if live is None or live[0] != found:
        raise Terminal(f"run {short_id(run)} has ended: it can be told nothing any more", id=run)
    signal = tx.new_id("sig")
    tx.run("insert_signal", name=signal, run=found, kind=kind, task=None, actor=actor, now=tx.now)
    facts = {"signal": signal, "kind": str(kind), "actor": actor}
    tell(tx, found, NewEvent(EventType.SIGNAL_RECEIVED, tx.now, facts))
    tx.note(Topic.SIGNAL)
    interrupted = kind is Signal.INTERRUPT
    reason, cause = (Reason.INTERRUPTED, StopCause.INTERRUPT) if interrupted else (Reason.REQUESTED, StopCause.CANCEL)
    cancelling.cancel_row(tx, row, reason, cause, actor)
    return one(tx, signal)


def of_run(tx: Tx, run: str, after: int, limit: int) -> list[RunSignal]:
    """What a run was told, behind a number, in order (C22)."""
    found, _ = reading.run_row_of(tx, run)
    return [_record(run, row) for row in tx.all("signals_of_run", run=found, after=after, limit=limit)]


def one(tx: Tx, signal: str) -> RunSignal:
    """One signal; raises ``NotFound``."""
    row = _named(tx, signal)
    return next(_record(row[2], each) for each in _all(tx, row[1]) if each[0] == signal)


def cancel(tx: Tx, signal: str, actor: str) -> RunSignal:
    """Take back what no turn has taken yet; what is settled stays as it is (C21)."""
    _, _, _, kind, message, settled = _named(tx, signal)
    if not settled and message is None:
        raise Conflict(f"a run that was told to end ends; this {kind} cannot be taken back", id=signal)
    if not settled:
        cancelling.cancel(tx, message, actor)
    return one(tx, signal)


def _seq(tx: Tx, task: str) -> int:
    found = tx.one("task_state_by_id", id=task)
    assert found is not None
    seq: int = found[0]
    return seq


def _named(tx: Tx, signal: str) -> Row:
    row = tx.one("signal_named", tenant=tx.tenant, name=signal)
    if row is None:
        raise NotFound(f"there is no signal '{signal}'", id=signal)
    return row


def _all(tx: Tx, run: int) -> list[Row]:
    return tx.all("signals_of_run", run=run, after=0, limit=-1)


def _record(run: str, row: Row) -> RunSignal:
    name, seq, kind, state, actor, message, why, created_at, settled_at = row
    facts: dict[str, Any] = {"message": message, "why": why, "created_at": created_at, "settled_at": settled_at}
    return RunSignal(id=name, run=run, seq=seq, kind=Signal(kind), state=SignalState(state), actor=actor, **facts)
