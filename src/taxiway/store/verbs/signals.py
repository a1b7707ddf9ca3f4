"""Signals: instructions to live runs, each with one receipt in the end (accepted, delivered, applied or refused)."""

from __future__ import annotations

import msgspec

from taxiway.core.errors import NotFound
from taxiway.core.event import EventType, NewEvent
from taxiway.core.policy import Box
from taxiway.core.session import Receipt, Signal, SignalState
from taxiway.core.task import TaskSpec
from taxiway.store.protocol import PendingSignal
from taxiway.store.tx import Topic, Tx
from taxiway.store.verbs import mailbox
from taxiway.store.verbs.events import tell

_decode_spec = msgspec.json.Decoder(TaskSpec).decode


def pending(tx: Tx, runner: str) -> list[PendingSignal]:
    """What live runs of a runner have been told and have not settled, in order."""
    return [
        PendingSignal(name, run, fence, Signal(kind), text if body is None else _decode_spec(body).prompt)
        for name, run, fence, kind, body, text in tx.all("open_signals_of_runner", runner=runner)
    ]


def receipt(tx: Tx, ref: str) -> Receipt:
    """How far a signal got: by its id, or by that of the message that it brings. Raises ``NotFound``."""
    row = tx.one("receipt_of_signal", tenant=tx.tenant, name=ref) or tx.one(
        "receipt_of_message", tenant=tx.tenant, task=ref
    )
    if row is None:
        raise NotFound(f"there is no signal {ref}", id=ref)
    name, kind, state, why, run = row
    return Receipt(kind=Signal(kind), state=SignalState(state), run=run, signal=name, why=why)


def settle(tx: Tx, run: int, carrier: int, signal: str, applied: bool, why: str | None) -> None:
    """Write a signal's receipt; a steer that went in rides with the turn, one that did not waits in its place."""
    for row, name, kind, task in tx.all("open_signals_of_run", run=run):
        if name == signal:
            _settle(tx, run, row, name, kind, SignalState.APPLIED if applied else SignalState.REFUSED, why)
            if task is not None:
                _place(tx, task, carrier if applied else None)


def deliver(tx: Tx, run: int, signal: str) -> None:
    """A signal has reached its turn; one that is settled by now stays so."""
    for row, name, _, _ in tx.all("open_signals_of_run", run=run):
        if name == signal:
            tx.run("deliver_signal", id=row)
            tx.note(Topic.EVENTS)


def turn_ended(tx: Tx, run: int, cancelled: bool) -> bool:
    """The turn is over: what it did not take waits again (OC-02). What it was ended by has been followed. Whether
    anything was open."""
    found = tx.all("open_signals_of_run", run=run)
    for row, name, kind, task in found:
        if kind in (Signal.INTERRUPT, Signal.STOP) and cancelled:
            _settle(tx, run, row, name, kind, SignalState.APPLIED, None)
        else:
            _settle(tx, run, row, name, kind, SignalState.REFUSED, "the turn ended first")
        if task is not None:
            _place(tx, task, None)
    return bool(found)


def withdraw(tx: Tx, task: int) -> None:
    """A message that was offered to a turn has been cancelled."""
    found = tx.one("open_signal_of_task", task=task)
    if found is not None:
        take_back(tx, found[2], found[0], found[1])


def take_back(tx: Tx, run: int, row: int, name: str) -> None:
    """Words for a turn that are not to reach it any more."""
    _settle(tx, run, row, name, Signal.STEER, SignalState.REFUSED, "it was cancelled")


def _settle(tx: Tx, run: int, row: int, name: str, kind: str, state: SignalState, why: str | None) -> None:
    tx.run("settle_signal", id=row, state=state, why=why, now=tx.now)
    facts = {"signal": name, "kind": kind, "state": state, "why": why}
    tell(tx, run, NewEvent(EventType.SIGNAL_SETTLED, tx.now, {key: fact for key, fact in facts.items() if fact}))


def _place(tx: Tx, task: int, carrier: int | None) -> None:
    stood = tx.one("box_of", seq=task)
    if stood is None or stood[1] != Box.STEERING:
        return
    if carrier is None:
        planned = tx.one("queue_is_planned", queue=stood[2])  # such a one is exempt from the cap
        mailbox.put_back(tx, stood[0], task, capped=not planned)
    else:
        tx.run("put_in_box", seq=task, box=Box.RIDING, ready=0, capped=0, carrier=carrier, kin=None, now=tx.now)
