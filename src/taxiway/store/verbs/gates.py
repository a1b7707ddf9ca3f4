"""Gates group ready tasks by what gates them, and keep the order of their heads, so that a claim never scans.

A gate is one (queue, lane, need); work of an agent stands behind the agent's account, too. Its head is its first ready
task; a lane's head is the first of its open gates' heads. Filling a lane or an account, or pausing a queue, touches
gates, never tasks.
"""

from __future__ import annotations

from taxiway.store.tx import Topic, Tx


def gate_of(tx: Tx, queue: int, lane: int, needs: str, account: int | None) -> int:
    """The gate for this queue, lane and need, made when it is new; ``account`` is the one that its agent uses."""
    row = tx.one("find_gate", queue=queue, lane=lane, needs=needs)
    if row is None:
        row = tx.one("insert_gate", queue=queue, lane=lane, needs=needs, account=account)
        assert row is not None
    gate: int = row[0]
    return gate


def note_ready(tx: Tx, gate: int, urgency: int, position: int, seq: int) -> None:
    """A task became ready behind ``gate``: raise the heads that it comes before."""
    tx.note(Topic.WORK)
    rank = (urgency, position, seq)
    noted = tx.known.heads.get(gate)
    if noted is not None and noted < rank:  # the head goes before this task, as it did before that one
        return
    tx.known.heads[gate] = rank
    raised = tx.one("raise_gate_head", gate=gate, urgency=urgency, position=position, seq=seq)
    if raised is not None and raised[1]:
        tx.run("raise_lane_head", lane=raised[0], urgency=urgency, position=position, seq=seq)


def note_gone(tx: Tx, gate: int) -> None:
    """A ready task behind ``gate`` is ready no more: find the heads anew."""
    lane = settle_gate(tx, gate)
    if lane is not None:
        tx.run("settle_lane", lane=lane)


def settle_gate(tx: Tx, gate: int) -> int | None:
    """Find a gate's head anew; the lane whose head may change by it."""
    tx.known.heads.pop(gate, None)
    row = tx.one("settle_gate", gate=gate)
    return None if row is None else row[0]


def open_gates(tx: Tx, queue: int, open_now: bool) -> None:
    """Let a queue's work through, or shut it out; one row for each lane that the queue uses."""
    tx.note(Topic.WORK)
    lanes = {row[0] for row in tx.all("open_gates", queue=queue, open=int(open_now))}
    for lane in sorted(lanes):
        tx.run("settle_lane", lane=lane)


def fill_lane(tx: Tx, lane: int) -> None:
    """A claim saw every slot of a lane taken: nobody looks at it until one is free."""
    tx.known.lanes_with_room.discard(lane)
    tx.run("fill_lane", lane=lane)


def free_slots(tx: Tx, lane: int, lane_slot: int | None, queue: int, queue_slot: int | None) -> None:
    """A run gave its slots back: what was full is looked at again."""
    tx.note(Topic.WORK)
    if lane_slot is not None and lane not in tx.known.lanes_with_room:
        tx.run("unfill_lane", lane=lane)
        tx.known.lanes_with_room.add(lane)
    if queue_slot is not None:
        row = tx.one("unfill_queue", queue=queue)
        if row is not None and row[0] == "running":
            open_gates(tx, queue, True)
