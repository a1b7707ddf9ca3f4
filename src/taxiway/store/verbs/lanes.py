"""Lanes: made, resized, stopped and started, counted (A30, SQ-60 to SQ-68)."""

from __future__ import annotations

from taxiway.core.change import ChangeKind
from taxiway.core.errors import Invalid, NotFound
from taxiway.core.lane import Lane, check_size
from taxiway.core.limits import COUNTED_TASKS_MAX
from taxiway.store.tx import Topic, Tx
from taxiway.store.verbs import gates, slots, sweeps
from taxiway.store.verbs.queues import queue_of


def lanes(tx: Tx) -> list[Lane]:
    """Every lane with its live runs and how many ready tasks wait behind it, at a cost that depth does not change."""
    return [_lane_record(tx, lane) for (lane,) in tx.all("lane_ids", tenant=tx.tenant)]


def _lane_record(tx: Tx, lane: int) -> Lane:
    row = tx.one("read_lane", lane=lane, most=COUNTED_TASKS_MAX)
    assert row is not None
    name, size, queue, live, ready, stopped, version = row
    return Lane(name=name, size=size, queue=queue, live=live, ready=ready, stopped=bool(stopped), version=version)


def lane(tx: Tx, name: str, queue: str | None, project: str | None) -> Lane:
    """One lane: store-wide, or of a queue; raises ``NotFound``."""
    return _lane_record(tx, _row_of(tx, name, queue, project))


def _row_of(tx: Tx, name: str, queue: str | None, project: str | None) -> int:
    owner = 0 if queue is None else queue_of(tx, queue, project)[0]
    known = tx.one("lane_exact", tenant=tx.tenant, queue=owner, name=name)
    if known is None:
        raise NotFound(f"there is no lane '{name}'" + (f" of queue '{queue}'" if queue else ""), lane=name)
    row: int = known[0]
    return row


def set_lane(tx: Tx, name: str, size: int | None, actor: str, queue: str | None, project: str | None) -> Lane:
    """Make a lane, or change its size: raising starts more at once, lowering ends nothing (A30)."""
    check_size(size, f"the size of lane '{name}'")
    owner = 0 if queue is None else queue_of(tx, queue, project)[0]
    put_lane(tx, owner, name, size, actor)
    made = tx.one("lane_exact", tenant=tx.tenant, queue=owner, name=name)
    assert made is not None
    return _lane_record(tx, made[0])


def put_lane(tx: Tx, owner: int, name: str, size: int | None, actor: str) -> None:
    """Write a lane of a queue (``owner``; 0 is store-wide), new or resized."""
    known = tx.one("lane_exact", tenant=tx.tenant, queue=owner, name=name)
    if known is not None and known[1] == size:
        return
    version = tx.change(ChangeKind.LANE, name, "set", None, actor, f"size {size}")
    if known is None:
        tx.one("insert_lane", tenant=tx.tenant, queue=owner, name=name, size=size, version=version)
    else:
        tx.run("set_lane_size", lane=known[0], size=size, version=version)
        gates.shut_paths(tx, known[0])
        if size is not None:
            slots.number_lane(tx, known[0])
        tx.note(Topic.WORK)


def move_lane(tx: Tx, name: str, verb: str, actor: str, queue: str | None, project: str | None) -> Lane:
    """``stop`` or ``start`` a lane. A stopped one refuses new work and cancels what waits, so that no session waits
    for it; what runs goes on to its end (SQ-63, SQ-65)."""
    if verb not in ("start", "stop"):
        raise Invalid(f"a lane can start and stop; not '{verb}'")
    row = _row_of(tx, name, queue, project)
    version = tx.change(ChangeKind.LANE, name, "stopped" if verb == "stop" else "set", None, actor, verb)
    tx.run("set_lane_stopped", lane=row, stopped=int(verb == "stop"), version=version)
    gates.shut_paths(tx, row)
    if verb == "stop":
        sweeps.begin(tx, "lane_stop", row, actor)
    tx.note(Topic.WORK)
    return _lane_record(tx, row)
