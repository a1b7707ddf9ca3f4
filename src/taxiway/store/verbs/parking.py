"""Runs that wait for a person: they give their slots back, and take them again ahead of what has not started.

A run is *parked* from the moment it waits until it has its slots again. The slots are taken as soon as all its
questions are answered and its lane, its queue and its account have room: with the answer itself, or before the next
claim looks for work. So no new start of that lane comes first, whoever claims. It goes on when its own runner has room.
"""

from __future__ import annotations

from itertools import count
from typing import Final

from taxiway.core.approval import ApprovalState, answered
from taxiway.core.change import ChangeKind
from taxiway.core.event import EventType, NewEvent
from taxiway.core.task import Reason, TaskState
from taxiway.store.execution_protocol import Resumed
from taxiway.store.tx import Row, Topic, Tx
from taxiway.store.verbs import accounts
from taxiway.store.verbs.events import tell

WAIT: Final = "asked a person"


def take_slots(tx: Tx) -> None:
    """Give slots to waiting runs that may go on, the first answered first; one that finds no room keeps no other one
    waiting, as they may be of different lanes."""
    for run, lane, size, queue, slots, account in tx.all("answered_runs"):
        lane_slot = _free(tx, "lane_slots_taken", size, lane=lane)
        queue_slot = _free(tx, "queue_slots_taken", slots, queue=queue)
        allotted = None if account is None else accounts.Allotment(tx, account)
        if lane_slot != 0 and queue_slot != 0 and (allotted is None or allotted.room != 0):
            account_slot = None if allotted is None else allotted.take()
            slot_numbers = {"lane_slot": lane_slot, "queue_slot": queue_slot, "account_slot": account_slot}
            tx.run("take_slots_again", run=run, **slot_numbers)


def resume(tx: Tx, runner: str, room: int) -> list[Resumed]:
    """Let up to ``room`` runs of a runner go on that have their slots again; what they are to be told goes along."""
    take_slots(tx)
    resumed = []
    for run, name, fence, seq, task, tenant in tx.all("resumable_runs", runner=runner, limit=room):
        tx.tenant = tenant
        answers = tuple(answered(row[1], ApprovalState(row[2]), row[3]) for row in tx.all("open_approvals", run=run))
        tx.run("bring_answers", run=run)
        tx.run("resume_run", run=run)
        move_task(tx, seq, task, TaskState.RUNNING, None, runner, "answered")
        tell(tx, run, NewEvent(EventType.STATUS, tx.now, {"phase": "resumed"}))
        resumed.append(Resumed(name, fence, answers))
    return resumed


def move_task(tx: Tx, seq: int, task: str, state: TaskState, reason: Reason | None, actor: str, cause: str) -> None:
    """The task of a live run begins to wait, or goes on."""
    version = tx.change(ChangeKind.TASK, task, state, reason, actor, cause)
    tx.run("move_live_task", seq=seq, state=state, reason=reason, version=version)


def decide(tx: Tx, row: Row, state: ApprovalState, why: str | None, actor: str) -> None:
    """A pending question (its row, id and run) is pending no more; its run may go on when it was the last one."""
    _write(tx, row, state, why, actor)
    if tx.one("pending_of_run", run=row[2]) is None:
        tx.run("answer_run", run=row[2], now=tx.now)
        take_slots(tx)
        tx.note(Topic.WORK)


def _write(tx: Tx, row: Row, state: ApprovalState, why: str | None, actor: str) -> None:
    approval, name, run = row
    version = tx.change(ChangeKind.APPROVAL, name, state, None, actor, f"{state}")
    tx.run("decide_approval", id=approval, state=state, why=why, actor=actor, now=tx.now, version=version)
    facts = {"approval": name, "state": state, "by": actor, "why": why}
    decided = {key: fact for key, fact in facts.items() if fact is not None}
    tell(tx, run, NewEvent(EventType.APPROVAL_DECIDED, tx.now, decided))


def give_up(tx: Tx, run: int, why: str, actor: str) -> None:
    """A waiting run ends, or is being stopped: what it asks is void, and what it was to be told is not told."""
    for approval, name, state, *_ in tx.all("open_approvals", run=run):
        if state == ApprovalState.PENDING:
            _write(tx, (approval, name, run), ApprovalState.VOID, why, actor)
    tx.run("bring_answers", run=run)


def _free(tx: Tx, statement: str, limit: int | None, **where: int) -> int | None:
    """The lowest free slot: ``None`` where there is no limit, 0 where there is no room."""
    if limit is None:
        return None
    taken = {row[0] for row in tx.all(statement, **where)}
    return 0 if len(taken) >= limit else next(slot for slot in count(1) if slot not in taken)
