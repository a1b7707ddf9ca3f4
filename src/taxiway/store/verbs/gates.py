"""Gates group ready tasks by what gates them, and keep the order of their heads, so that a claim never scans.

A gate is one (queue, lane, need). Its head is its first ready task. Open gates lead onto a path, one (account, lane); a
path's head is the first of theirs, and an account's head the first of its paths whose lanes take work. Work that needs
no account goes by paths of their own. Parking or filling an account is one row, filling a lane one row for each account
that is used in it, and pausing a queue one row for each of its gates; none of it touches tasks.
"""

from __future__ import annotations

from typing import Final

from taxiway.store.tx import Rank, Topic, Tx

NO_ACCOUNT: Final = 0  #: the account of paths for work that needs none


def gate_of(tx: Tx, queue: int, lane: int, needs: str, account: int | None) -> int:
    """The gate for this queue, lane and need, made when it is new; ``account`` is the one that its agent uses."""
    row = tx.one("find_gate", queue=queue, lane=lane, needs=needs)
    if row is None:
        path = path_of(tx, account, lane)
        row = tx.one("insert_gate", queue=queue, lane=lane, needs=needs, account=account, path=path)
        assert row is not None
    gate: int = row[0]
    return gate


def path_of(tx: Tx, account: int | None, lane: int) -> int:
    """The path of an account through a lane."""
    row = tx.one("put_path", account=NO_ACCOUNT if account is None else account, lane=lane)
    assert row is not None
    path: int = row[0]
    return path


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
        _raise_path(tx, raised[0], rank)


def _raise_path(tx: Tx, path: int, rank: Rank) -> None:
    urgency, position, seq = rank
    raised = tx.one("raise_path_head", path=path, urgency=urgency, position=position, seq=seq)
    if raised is not None and raised[0] != NO_ACCOUNT and not raised[1]:
        tx.run("raise_account_head", account=raised[0], urgency=urgency, position=position, seq=seq)


def note_gone(tx: Tx, gate: int) -> None:
    """A ready task behind ``gate`` is ready no more: find the heads anew."""
    path = settle_gate(tx, gate)
    if path is not None:
        settle_path(tx, path)


def settle_gate(tx: Tx, gate: int) -> int | None:
    """Find a gate's head anew; the path whose head may change by it."""
    tx.known.heads.pop(gate, None)
    row = tx.one("settle_gate", gate=gate)
    return None if row is None else row[0]


def settle_path(tx: Tx, path: int) -> None:
    """Find a path's head anew, and its account's."""
    row = tx.one("settle_path", path=path)
    if row is not None:
        _settle_account(tx, row[0])


def _settle_account(tx: Tx, account: int) -> None:
    if account != NO_ACCOUNT:
        tx.run("settle_account", account=account)


def open_gates(tx: Tx, queue: int, open_now: bool) -> None:
    """Let a queue's work through, or shut it out; one row for each of its gates."""
    tx.note(Topic.WORK)
    for path in sorted({row[0] for row in tx.all("open_gates", queue=queue, open=int(open_now))}):
        settle_path(tx, path)


def fill_lane(tx: Tx, lane: int) -> None:
    """A claim saw every slot of a lane taken: nobody looks at it until one is free."""
    tx.known.lanes_with_room.discard(lane)
    tx.run("fill_lane", lane=lane)
    shut_paths(tx, lane)


def shut_paths(tx: Tx, lane: int) -> None:
    """A lane takes work again, or takes none any more: so do the paths through it."""
    for account in sorted({row[0] for row in tx.all("shut_paths", lane=lane)}):
        _settle_account(tx, account)


def free_slots(tx: Tx, lane: int, lane_slot: int | None, queue: int, queue_slot: int | None) -> None:
    """A run gave its slots back: what was full is looked at again."""
    tx.note(Topic.WORK)
    if lane_slot is not None and lane not in tx.known.lanes_with_room:
        if tx.one("unfill_lane", lane=lane) is not None:
            shut_paths(tx, lane)
        tx.known.lanes_with_room.add(lane)
    if queue_slot is not None:
        row = tx.one("unfill_queue", queue=queue)
        if row is not None and row[0] == "running":
            open_gates(tx, queue, True)
