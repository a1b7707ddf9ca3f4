"""Slot numbers of runs; those that started while there was no limit are counted by one set later, too (A30, I3)."""

from __future__ import annotations

from itertools import count
from typing import Final

from taxiway.store.tx import Tx

UNLIMITED: Final = 1 << 30


def slots_taken(tx: Tx, statement: str, **where: int) -> set[int]:
    """The numbers of the slots that live runs hold in a lane or a queue."""
    return {row[0] for row in tx.all(statement, **where)}


def lowest(taken: set[int], limit: int | None) -> int | None:
    """The lowest free slot number, which this takes; ``None`` where there is no limit."""
    if limit is None:
        return None
    slot = 1
    while slot in taken:
        slot += 1
    taken.add(slot)
    return slot


def number_lane(tx: Tx, lane: int) -> None:
    """Give every live run of a lane a slot number."""
    taken = {row[0] for row in tx.all("lane_slots_taken", lane=lane)}
    free = (number for number in count(1) if number not in taken)
    for (run,) in tx.all("unnumbered_in_lane", lane=lane):
        tx.run("number_in_lane", run=run, slot=next(free))


def number_queue(tx: Tx, queue: int) -> None:
    """Give every live run of a queue a slot number."""
    taken = {row[0] for row in tx.all("queue_slots_taken", queue=queue)}
    free = (number for number in count(1) if number not in taken)
    for (run,) in tx.all("unnumbered_in_queue", queue=queue):
        tx.run("number_in_queue", run=run, slot=next(free))
