"""Approvals: asked by a live run, answered by a person, a rule or time; listed and found."""

from __future__ import annotations

from typing import Final

import msgspec

from taxiway.core.approval import (
    ASKED_MAX,
    OPEN_MAX,
    Approval,
    ApprovalState,
    Question,
    not_pending,
    verdict,
    wants_words,
)
from taxiway.core.change import ChangeKind
from taxiway.core.errors import Invalid, NotFound
from taxiway.core.event import EventType, NewEvent
from taxiway.core.limits import LIST_PAGE_MAX
from taxiway.core.moves import check_move
from taxiway.core.run import RUN_MOVES, RunState
from taxiway.core.task import Reason, TaskSpec, TaskState
from taxiway.store.approval_protocol import ApprovalFilter, ApprovalPage
from taxiway.store.tx import Row, Topic, Tx
from taxiway.store.verbs import accounts, gates, parking
from taxiway.store.verbs.events import tell
from taxiway.store.verbs.finish import RunRow, owned

POLICY: Final = "policy"
TIMEKEEPER: Final = "timekeeper"
SCAN_ROWS: Final = 500
PENDING_ONLY: Final = frozenset({ApprovalState.PENDING})

_decode_spec = msgspec.json.Decoder(TaskSpec).decode
_decode = msgspec.json.decode
_encode = msgspec.json.Encoder().encode


# -- asking ------------------------------------------------------------------------------------------------------
def ask(tx: Tx, run: str, fence: int, question: Question) -> Approval:
    """Store a question of a live run: pending, the run waits; else what its rule says has been decided."""
    row = owned(tx, run, fence)
    if row.state == RunState.STARTING:
        check_move(RUN_MOVES, RunState.STARTING, RunState.WAITING, f"run {run}")
    state, why, actor = _verdict(tx, row, run, question)
    name = tx.new_id("appr")
    pending = state is ApprovalState.PENDING
    expires_at = tx.now + int(question.expires_s * 1000) if pending and question.expires_s is not None else None
    version = tx.change(ChangeKind.APPROVAL, name, state, None, run, "asked")
    tx.run(
        "insert_approval",
        name=name,
        tenant=tx.tenant,
        run=row.id,
        task=row.task_seq,
        text=question.text,
        tool=question.tool,
        input=None if question.input is None else _encode(question.input).decode(),
        state=state,
        open=int(pending),
        why=why,
        actor=actor,
        now=tx.now,
        expires_at=expires_at,
        decided_at=None if pending else tx.now,
        version=version,
        words=int(question.words),
    )
    asked = {"approval": name, "text": question.text, "tool": question.tool, "input": question.input}
    told = {key: fact for key, fact in asked.items() if fact is not None} | ({"words": True} if question.words else {})
    tell(tx, row.id, NewEvent(EventType.APPROVAL_REQUESTED, tx.now, told))
    if pending:
        _park(tx, row, run, Reason.INPUT if question.words else Reason.APPROVAL)
    else:
        facts = {"approval": name, "state": state, "by": actor, "why": why}
        tell(tx, row.id, NewEvent(EventType.APPROVAL_DECIDED, tx.now, facts))
    return approval(tx, name)


def _verdict(tx: Tx, row: RunRow, run: str, question: Question) -> tuple[ApprovalState, str | None, str | None]:
    """In which state a question begins, why, and who says so."""
    if row.state == RunState.STOPPING:
        return ApprovalState.VOID, "its run is being stopped", run
    counted = tx.one("count_approvals", task=row.task_seq, run=row.id)
    assert counted is not None
    if counted[0] >= ASKED_MAX or counted[1] >= OPEN_MAX:
        return ApprovalState.DENIED, "it asks too many questions", POLICY
    state = verdict(question.rule)
    if state is ApprovalState.PENDING:
        return state, None, None
    if question.words:  # a rule has no words
        return ApprovalState.DENIED, "nobody is there who could answer in words", POLICY
    return state, "the policy for its access says so", POLICY


def _park(tx: Tx, row: RunRow, run: str, reason: Reason) -> None:
    """The run waits from now on: it gives back the slots that it has, also those that it has just taken again."""
    tx.run("park_run", run=row.id)
    gates.free_slots(tx, row.lane, row.lane_slot, row.queue, row.queue_slot)
    if row.account is not None:
        accounts.free(tx, row.account)
    if row.state != RunState.WAITING:
        parking.move_task(tx, row.task_seq, row.task, TaskState.WAITING, reason, run, parking.WAIT)
    tx.note(Topic.TIME)


# -- answering ------------------------------------------------------------------------------------------------------
def answer(tx: Tx, approval: str, allow: bool, why: str | None, actor: str) -> None:
    """Store what a person says; the first answer stands."""
    row = _row(tx, approval)
    state = ApprovalState(row[3])
    if state is not ApprovalState.PENDING:
        raise not_pending(approval, state, row[4], row[5])
    if allow and row[7] and not why:
        raise wants_words(approval)
    parking.decide(tx, row[:3], ApprovalState.ALLOWED if allow else ApprovalState.DENIED, why, actor)


def withdraw(tx: Tx, run: str, fence: int, approval: str) -> None:
    """The run does not want to know any more, or not what was answered meanwhile."""
    owner, row = owned(tx, run, fence), _row(tx, approval)
    if row[2] != owner.id:
        raise NotFound(f"run {run} has asked no approval {approval}", approval=approval, run=run)
    if row[3] == ApprovalState.PENDING:
        parking.decide(tx, row[:3], ApprovalState.VOID, "its agent has withdrawn it", run)
    else:
        tx.run("bring_answer", id=row[0])


def expire(tx: Tx, limit: int) -> int:
    """Decide what nobody has answered in time; how many there were."""
    due = tx.all("due_approvals", now=tx.now, limit=limit)
    for name, tenant in due:
        tx.tenant = tenant
        parking.decide(tx, _row(tx, name)[:3], ApprovalState.EXPIRED, "nobody answered in time", TIMEKEEPER)
    return len(due)


def _row(tx: Tx, approval: str) -> Row:
    row = tx.one("approval_row", tenant=tx.tenant, name=approval)
    if row is None:
        raise NotFound(f"there is no approval {approval}", id=approval)
    return row


# -- reading ------------------------------------------------------------------------------------------------------
def approval(tx: Tx, name: str) -> Approval:
    """One approval; raises ``NotFound``."""
    row = tx.one("read_approval", tenant=tx.tenant, name=name)
    if row is None:
        raise NotFound(f"there is no approval {name}", id=name)
    return Approval(
        id=row[1],
        task=row[2],
        run=row[3],
        state=ApprovalState(row[4]),
        text=row[5],
        tool=row[6],
        input=None if row[7] is None else _decode(row[7]),
        name=row[8],
        session=row[9],
        agent=_decode_spec(row[10]).agent,
        why=row[11],
        actor=row[12],
        created_at=row[13],
        expires_at=row[14],
        decided_at=row[15],
        version=row[16],
        words=bool(row[17]),
    )


def approvals(tx: Tx, wanted: ApprovalFilter, limit: int, cursor: str | None) -> ApprovalPage:
    """A page in the order in which they were asked; what matched throughout appears exactly once over all pages."""
    size = max(1, min(limit, LIST_PAGE_MAX))
    after, rows = _place(cursor), SCAN_ROWS
    found: list[Row] = []
    while rows == SCAN_ROWS and len(found) <= size:
        page = _scan(tx, wanted, after)
        found += [row for row in page if not wanted.states or ApprovalState(row[2]) in wanted.states]
        rows, after = len(page), page[-1][0] if page else after
    items = [approval(tx, row[1]) for row in found[:size]]
    return ApprovalPage(items, str(found[size - 1][0]) if len(found) > size else None)


def _scan(tx: Tx, wanted: ApprovalFilter, after: int) -> list[Row]:
    if wanted.task is not None:
        return tx.all("scan_task_approvals", tenant=tx.tenant, task=wanted.task, after=after, limit=SCAN_ROWS)
    statement = "scan_pending_approvals" if wanted.states == PENDING_ONLY else "scan_approvals"
    return tx.all(statement, tenant=tx.tenant, after=after, limit=SCAN_ROWS)


def _place(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > 18:
        raise Invalid(f"'{cursor}' is no cursor of a list of approvals; leave it out to start at the beginning")
    return int(cursor)
