"""The facts from which ``core.readiness`` explains why a task does not run."""

from __future__ import annotations

import msgspec

from taxiway.core.errors import NotFound
from taxiway.core.queue import QueueState
from taxiway.core.readiness import Facts, Gate, Scope
from taxiway.core.task import TaskState
from taxiway.store.tx import Tx

_decode_scope = msgspec.json.Decoder(Scope).decode


def facts_of(tx: Tx, task: str) -> Facts:
    """Everything that gates one task, read in one snapshot; raises ``NotFound``."""
    row = tx.one("explain_task", id=task)
    if row is None:
        raise NotFound(f"there is no task {task}", id=task)
    seq, state, reason, due_at, since, gate_id, urgency, position, queue, lane = row[:10]
    project, queue_name, queue_state, queue_slots, lane_name, lane_size, needs = row[10:]
    queue_holders = [found[0] for found in tx.all("queue_holders", queue=queue)]
    lane_holders = [found[0] for found in tx.all("lane_holders", lane=lane)]
    ahead = tx.one("tasks_ahead", gate=gate_id, urgency=urgency, position=position, seq=seq)
    return Facts(
        state=TaskState(state),
        reason=reason,
        since=since,
        due_at=due_at,
        waits_for=tuple((found[0], found[1], found[2]) for found in tx.all("waits_for", child=seq)),
        gate=Gate(
            project,
            queue_name,
            QueueState(queue_state),
            queue_slots,
            len(queue_holders),
            lane_name,
            lane_size,
            len(lane_holders),
            needs,
        ),
        ahead=ahead[0] if ahead else 0,
        queue_holders=tuple(queue_holders),
        lane_holders=tuple(lane_holders),
        runners=tuple(
            (name, _decode_scope(scope), slots - live) for name, scope, slots, live in tx.all("runners_with_room")
        ),
    )
