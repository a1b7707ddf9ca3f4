"""Slot numbers for runs that started while there was no limit: a limit set later counts them too (A30, I3)."""

from __future__ import annotations

from itertools import count

from taxiway.store.tx import Tx


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
