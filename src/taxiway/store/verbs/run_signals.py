"""What a run was told, as its callers see it: listed, taken back."""

from __future__ import annotations

from typing import Any

from taxiway.core.errors import Conflict, NotFound
from taxiway.core.session import RunSignal, Signal, SignalState
from taxiway.store.tx import Row, Tx
from taxiway.store.verbs import cancel as cancelling
from taxiway.store.verbs import reading, signals

WORDS = (Signal.TURN, Signal.STEER)


def of_run(tx: Tx, run: str, after: int, limit: int) -> list[RunSignal]:
    """What a run was told, behind a number, in order (C22)."""
    found, _ = reading.run_row_of(tx, run)
    return [_record(run, row) for row in tx.all("signals_of_run", run=found, after=after, limit=limit)]


def cancel(tx: Tx, signal: str, actor: str) -> RunSignal:
    """Take back what no turn has taken yet; what is settled stays as it is (C21)."""
    row, run, _, kind, message, settled = _named(tx, signal)
    if not settled and kind not in WORDS:
        raise Conflict(f"a run that was told to end ends; this {kind} cannot be taken back", id=signal)
    if not settled and message is None:
        signals.take_back(tx, run, row, signal)
    elif not settled:
        cancelling.cancel(tx, message, actor)
    return _one(tx, signal)


def _one(tx: Tx, signal: str) -> RunSignal:
    row = _named(tx, signal)
    every = tx.all("signals_of_run", run=row[1], after=0, limit=-1)
    return next(_record(row[2], each) for each in every if each[0] == signal)


def _named(tx: Tx, signal: str) -> Row:
    row = tx.one("signal_named", tenant=tx.tenant, name=signal)
    if row is None:
        raise NotFound(f"there is no signal '{signal}'", id=signal)
    return row


def _record(run: str, row: Row) -> RunSignal:
    name, seq, kind, state, actor, message, why, created_at, settled_at = row
    facts: dict[str, Any] = {"message": message, "why": why, "created_at": created_at, "settled_at": settled_at}
    return RunSignal(id=name, run=run, seq=seq, kind=Signal(kind), state=SignalState(state), actor=actor, **facts)
