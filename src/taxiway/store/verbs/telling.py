"""Speaking to live runs: by their task, or by themselves; with a session or without one."""

from __future__ import annotations

import msgspec

from taxiway.core.errors import NotFound, NoTurn, Terminal
from taxiway.core.event import EventType, NewEvent
from taxiway.core.ids import short_id
from taxiway.core.run import StopCause
from taxiway.core.session import Signal
from taxiway.core.task import Reason, TaskSpec
from taxiway.store.tx import Topic, Tx
from taxiway.store.verbs import reading
from taxiway.store.verbs.cancel import cancel_row
from taxiway.store.verbs.ending import TaskRow, task_row
from taxiway.store.verbs.events import tell

_decode_spec = msgspec.json.Decoder(TaskSpec).decode
_ENDING = {
    Signal.STOP: (Reason.REQUESTED, StopCause.CANCEL),
    Signal.INTERRUPT: (Reason.INTERRUPTED, StopCause.INTERRUPT),
}


def tell_task(tx: Tx, task: str, kind: Signal, text: str | None, actor: str) -> str:
    """Store a signal for the live turn of a task; its id. Whether it reached the turn is told by its receipt."""
    row = _row(tx, task)
    live = tx.one("live_run_of", task=row.seq)
    if live is None:
        _check_listens(tx, row)
        raise NoTurn(f"task {short_id(task)} is {row.state}: it has no turn now that could be told something", id=task)
    return _tell(tx, row, live[0], kind, text, actor)


def tell_run(tx: Tx, run: str, kind: Signal, text: str | None, actor: str) -> str:
    """The same for one run. Raises ``Terminal`` where it has ended (C14)."""
    found, _ = reading.run_row_of(tx, run)
    row = _row(tx, reading.run(tx, run).task)
    live = tx.one("live_run_of", task=row.seq)
    if live is None or live[0] != found:
        raise Terminal(f"run {short_id(run)} has ended: it can be told nothing any more", id=run)
    return _tell(tx, row, found, kind, text, actor)


def _tell(tx: Tx, row: TaskRow, run: int, kind: Signal, text: str | None, actor: str) -> str:
    """What is to end a run is a wish about its task as well, so it holds when the runner dies before it has heard of
    it. A stop is for whatever runs, and may be said again."""
    if kind is not Signal.STOP:
        _check_listens(tx, row)
        if row.stop is not None:
            raise NoTurn(f"task {short_id(row.id)} is being stopped already", id=row.id)
    signal = tx.new_id("sig")
    tx.run("insert_signal", name=signal, run=run, kind=kind, task=None, text=text, actor=actor, now=tx.now)
    facts = {"signal": signal, "kind": str(kind), "text": text, "actor": actor}
    told = {name: fact for name, fact in facts.items() if fact is not None}
    tell(tx, run, NewEvent(EventType.SIGNAL_RECEIVED, tx.now, told))
    tx.note(Topic.SIGNAL)
    if kind in _ENDING:
        reason, cause = _ENDING[kind]
        cancel_row(tx, row, reason, cause, actor)
    return signal


def _row(tx: Tx, task: str) -> TaskRow:
    found = tx.one("task_state_by_id", tenant=tx.tenant, id=task)
    if found is None:
        raise NotFound(f"there is no task {task}", id=task)
    return task_row(tx, found[0])


def _check_listens(tx: Tx, row: TaskRow) -> None:
    stored = tx.one("spec_of", task=row.seq)
    assert stored is not None
    if _decode_spec(stored[0]).prompt is None:
        raise NoTurn(
            f"task {short_id(row.id)} is no work of an agent, and nobody else can be told something", id=row.id
        )
