"""Events in a run's log: one row each, numbered without gaps (I4)."""

from __future__ import annotations

import msgspec

from taxiway.core.event import NewEvent
from taxiway.store.tx import Topic, Tx

_encode = msgspec.json.Encoder().encode


def insert_event(tx: Tx, run: int, seq: int, event: NewEvent) -> None:
    """Write one event row."""
    data = _encode(event.data).decode() if event.data else None
    tx.run("insert_event", run=run, seq=seq, type=event.type, at=event.at, data=data, body=event.body or None)


def tell(tx: Tx, run: int, event: NewEvent) -> None:
    """Add an event that is not part of its owner's batches: it takes the next number."""
    row = tx.one("add_event_number", run=run)
    assert row is not None
    insert_event(tx, run, row[0], event)
    tx.note(Topic.EVENTS)
