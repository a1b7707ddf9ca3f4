"""Speaking to the live turn of one task, with a session or without one."""

from __future__ import annotations

import msgspec

from taxiway.core.errors import NotFound, NoTurn
from taxiway.core.event import EventType, NewEvent
from taxiway.core.ids import short_id
from taxiway.core.run import StopCause
from taxiway.core.session import Signal
from taxiway.core.task import Reason, TaskSpec
from taxiway.store.tx import Topic, Tx
from taxiway.store.verbs.cancel import cancel_row
from taxiway.store.verbs.ending import task_row
from taxiway.store.verbs.events import tell

_decode_spec = msgspec.json.Decoder(TaskSpec).decode


def tell_task(tx: Tx, task: str, kind: Signal, text: str | None, actor: str) -> str:
    """Store a signal for the live turn of a task; its id. Whether it reached the turn is told by its receipt.

    An interrupt is a wish about the task as well, so it holds when the runner dies before it has heard of it.
    """
    found = tx.one("task_state_by_id", tenant=tx.tenant, id=task)
    if found is None:
        raise NotFound(f"there is no task {task}", id=task)
    row = task_row(tx, found[0])
    stored = tx.one("spec_of", task=row.seq)
    assert stored is not None
    if _decode_spec(stored[0]).prompt is None:
        raise NoTurn(f"task {short_id(task)} is no work of an agent, and nobody else can be told something", id=task)
    live = tx.one("live_run_of", task=row.seq)
    if live is None:
        raise NoTurn(f"task {short_id(task)} is {row.state}: it has no turn now that could be told something", id=task)
    if row.stop is not None:
        raise NoTurn(f"task {short_id(task)} is being stopped already", id=task)
    signal = tx.new_id("sig")
    tx.run("insert_signal", name=signal, run=live[0], kind=kind, task=None, text=text, actor=actor, now=tx.now)
    facts = {"signal": signal, "kind": str(kind), "text": text, "actor": actor}
    told = {name: fact for name, fact in facts.items() if fact is not None}
    tell(tx, live[0], NewEvent(EventType.SIGNAL_RECEIVED, tx.now, told))
    tx.note(Topic.SIGNAL)
    if kind is Signal.INTERRUPT:
        cancel_row(tx, row, Reason.INTERRUPTED, StopCause.INTERRUPT, actor)
    return signal
