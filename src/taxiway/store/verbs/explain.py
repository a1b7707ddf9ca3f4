"""The facts from which ``core.readiness`` explains why a task does not run."""

from __future__ import annotations

import msgspec

from taxiway.core.approval import ApprovalState
from taxiway.core.errors import NotFound
from taxiway.core.policy import Box
from taxiway.core.readiness import Facts, Scope, Seating, Waiting
from taxiway.core.task import TaskState
from taxiway.store.tx import Tx
from taxiway.store.verbs import accounts
from taxiway.store.verbs.claim import cancels_pending, gate_facts, head_of
from taxiway.store.verbs.turn import Turn

_decode_scope = msgspec.json.Decoder(Scope).decode


def facts_of(tx: Tx, task: str) -> Facts:
    """Everything that gates one task, read in one snapshot; raises ``NotFound``."""
    row = tx.one("explain_task", tenant=tx.tenant, id=task)
    if row is None:
        raise NotFound(f"there is no task {task}", id=task)
    seq, state, reason, due_at, since, ready = row[:6]
    mine = head_of(row[6:])
    queue_holders = [found[0] for found in tx.all("queue_holders", queue=mine.queue)]
    lane_holders = [found[0] for found in tx.all("lane_holders", lane=mine.lane)]
    of_account = None if mine.account is None else accounts.seen(tx, mine.account)
    gate = gate_facts(mine, len(lane_holders), len(queue_holders), of_account)
    runners = [(name, _decode_scope(scope), slots - live) for name, scope, slots, live in tx.all("runners_with_room")]
    cancels = cancels_pending(tx)
    ahead = 0
    if state == TaskState.QUEUED and ready and gate.room() != 0:
        ahead = Turn(tx, mine, [(scope, free) for _, scope, free in runners], cancels).ahead()
    return Facts(
        state=TaskState(state),
        reason=reason,
        since=since,
        due_at=due_at,
        waits_for=tuple((found[0], found[1], found[2]) for found in tx.all("waits_for", child=seq)),
        gate=gate,
        ahead=ahead,
        cancelled_by=cancels.get(mine.tenant, cancels.get(mine.queue)),
        queue_holders=tuple(queue_holders),
        lane_holders=tuple(lane_holders),
        seat=_seat(tx, seq),
        waiting=_waiting(tx, seq) if state == TaskState.WAITING else None,
        runners=tuple((name, scope.seen_by(tx.tenant), free) for name, scope, free in runners),
    )


def _waiting(tx: Tx, seq: int) -> Waiting | None:
    row = tx.one("waiting_run_of", task=seq)
    if row is None:
        return None
    run, parked, answered_at, runner = row
    asked = [found for found in tx.all("open_approvals", run=run) if found[2] == ApprovalState.PENDING]
    pending = tuple((found[1], found[4], found[5], found[6]) for found in asked)
    return Waiting(pending=pending, answered_at=answered_at, parked=bool(parked), runner=runner)


def _seat(tx: Tx, seq: int) -> Seating | None:
    row = tx.one("seat_of", seq=seq)
    if row is None or row[1] == Box.OUT:
        return None
    key, box, ahead, quiet_at, carrier, session = row
    holders = tuple(found[0] for found in tx.all("held_for", session=session))
    return Seating(key=key, box=Box(box), ahead=ahead, holders=holders, quiet_at=quiet_at, carrier=carrier)
