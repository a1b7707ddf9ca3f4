"""Claim: take up to so many tasks in exact order, in one transaction, at a cost that depth does not change."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator
from typing import Final, NamedTuple

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.errors import LeaseLost
from taxiway.core.event import EventType
from taxiway.core.limits import CLAIM_TASKS_MAX
from taxiway.core.mailbox import Mailbox
from taxiway.core.parent import Parent
from taxiway.core.queue import QueueState
from taxiway.core.readiness import Gate, Scope
from taxiway.core.task import Reason, TaskSpec, TaskState
from taxiway.store.protocol import Claimed
from taxiway.store.tx import Rank, Row, Tx
from taxiway.store.verbs import accounts, gates, mailbox, parking, sessions
from taxiway.store.verbs.ending import EXPIRED_ERROR, cancel_waiting
from taxiway.store.verbs.runners import may_take
from taxiway.store.verbs.slots import UNLIMITED, lowest, slots_taken

LAST: Final[Rank] = (1 << 62, 1 << 62, 1 << 62)  #: after every task
PAGES_GROW: Final = (
    8  #: each page is so many times the last one: two rows do nearly always, and no row is skipped often
)
Shut = int | str  #: a queue's row, or a tenant

_decode_spec = msgspec.json.Decoder(TaskSpec).decode
_decode_value = msgspec.json.decode
_encode = msgspec.json.Encoder().encode


class Head(NamedTuple):
    """An open gate with ready work, and the order of its first task."""

    rank: Rank
    gate: int
    lane: int
    lane_name: str
    lane_size: int | None
    queue: int
    project: str
    queue_name: str
    queue_state: str
    queue_slots: int | None
    needs: str
    account: int | None
    tenant: str


class Slots(NamedTuple):
    """The slots that one run takes; ``None`` where nothing limits it."""

    lane: int | None
    queue: int | None
    account: accounts.Allotment | None


class Claim:
    """One claim in progress."""

    def __init__(self, tx: Tx, runner: str, new_run_id: Callable[[], str]) -> None:
        row = tx.one("runner_row", name=runner)
        if row is None or not may_take(row):
            raise LeaseLost(
                f"runner {runner} counts as gone, as nothing was heard of it for longer than its lease, so it may take "
                "nothing more; start it again to go on",
                runner=runner,
            )
        self._tx = tx
        self._runner_row: int = row[0]
        self._runner = runner
        self._new_run_id = new_run_id
        self._draining = row[1] == "draining"

    def take(self, scope: Scope, free: int) -> list[Claimed]:
        """Up to ``free`` tasks that ``scope`` takes, most urgent first across all open gates."""
        taken: list[Claimed] = []
        wanted = 0 if self._draining else min(free, CLAIM_TASKS_MAX)
        parking.take_slots(self._tx)  # who waited for a person goes ahead of all that has not started
        shut = frozenset(cancels_pending(self._tx))
        while len(taken) < wanted:
            first, rival = best_gate(self._tx, scope, shut)
            if first is None:
                break
            taken.extend(self._take_from(first, rival, wanted - len(taken)))
        return taken

    def _take_from(self, head: Head, rival: Rank, wanted: int) -> list[Claimed]:
        tx = self._tx
        tx.tenant = head.tenant
        lane_taken = slots_taken(tx, "lane_slots_taken", lane=head.lane) if head.lane_size is not None else set()
        queue_taken = slots_taken(tx, "queue_slots_taken", queue=head.queue) if head.queue_slots is not None else set()
        allotted = None if head.account is None else accounts.Allotment(tx, head.account)
        of_account = None if allotted is None else allotted.ledger
        room = gate_facts(head, len(lane_taken), len(queue_taken), of_account).room()
        limit = wanted if room is None else min(wanted, room)
        urgency, position, seq = rival
        rows = (
            tx.all("ready_tasks", gate=head.gate, urgency=urgency, position=position, seq=seq, limit=limit)
            if limit > 0
            else []
        )
        claimed: list[Claimed] = []
        for row in rows:
            if row[5] is not None and row[5] <= tx.now:
                cancel_waiting(tx, row[0], Reason.EXPIRED, EXPIRED_ERROR, self._runner, "expired")
                continue
            lane_slot, queue_slot = lowest(lane_taken, head.lane_size), lowest(queue_taken, head.queue_slots)
            claimed.append(self._start(head, row, Slots(lane_slot, queue_slot, allotted)))
        path = gates.settle_gate(tx, head.gate)
        if head.queue_state != QueueState.RUNNING:
            gates.open_gates(tx, head.queue, False)
        if head.lane_size is not None and len(lane_taken) >= head.lane_size:
            gates.fill_lane(tx, head.lane)
        if head.queue_slots is not None and len(queue_taken) >= head.queue_slots:
            tx.run("fill_queue", queue=head.queue)
            gates.open_gates(tx, head.queue, False)
        if allotted is not None and allotted.room == 0:
            accounts.fill(tx, allotted.ledger.row)
        if path is not None:
            gates.settle_path(tx, path)
        return claimed

    def _start(self, head: Head, row: Row, slots: Slots) -> Claimed:
        tx = self._tx
        seq, task, project, fence, attempt, _, body, session, ready_at = row
        fence += 1
        run = self._new_run_id()
        in_process = head.needs.startswith("job:")
        version = tx.change(ChangeKind.TASK, task, TaskState.RUNNING, None, self._runner, "claim")
        tx.run("start_task", seq=seq, fence=fence, now=tx.now, version=version)
        row_id = tx.next_run()
        spec = _decode_spec(body)
        box = None if session is None else mailbox.load(tx, session)
        tx.run(
            "insert_run",
            id=row_id,
            name=run,
            tenant=tx.tenant,
            task=seq,
            runner=self._runner_row,
            fence=fence,
            attempt=attempt + 1,
            state="running" if in_process else "starting",
            queue=head.queue,
            queue_slot=slots.queue,
            lane=head.lane,
            lane_slot=slots.lane,
            session=session,
            session_slot=None if box is None else _session_slot(tx, box),
            generation=None if box is None else box.generation,
            account=head.account,
            account_slot=None if slots.account is None else slots.account.take(),
            account_round=None if slots.account is None else slots.account.ledger.account.round,
            now=tx.now,
            started_at=tx.now if in_process else None,
        )
        data = _encode({"attempt": attempt + 1, "fence": fence, "runner": self._runner}).decode()
        tx.run("insert_event", run=row_id, seq=1, type=EventType.RUN_STARTED, at=tx.now, data=data, body=None)
        parents = _parents(tx, seq) if spec.template and spec.after else ()
        seat = None if session is None else sessions.begin_turn(tx, session, task, seq, row_id, spec, self._runner)
        return Claimed(
            run,
            task,
            spec,
            fence,
            attempt + 1,
            project,
            parents,
            seat,
            account=None if slots.account is None else slots.account.ledger.account.name,
            watched=slots.account is not None and slots.account.ledger.account.narrow,
            tenant=head.tenant,
            waited_ms=None if ready_at is None else max(0, tx.now - ready_at),
        )


def cancels_pending(tx: Tx) -> dict[Shut, str]:
    """Queues, and tenants, of which a cancel of all is under way, and who asked for it: nothing of them starts."""
    return {queue or tenant: actor for queue, actor, tenant in tx.all("cancels_pending")}


def best_gate(tx: Tx, scope: Scope, shut: Collection[Shut]) -> tuple[Head | None, Rank]:
    """The gate whose head goes first among those that ``scope`` takes, and the order of the next one's head.

    Nothing of the queues and tenants in ``shut`` is taken: a cancel of all of it is under way.
    """
    heads: list[Head] = []
    if scope.queues is not None:
        for queue in _queues(tx, scope):
            heads.extend(_first_two(tx, scope, shut, "gates_of_queue", queue=queue))
    else:
        for path, rank in _paths(tx, scope):
            # Paths come by their heads: a gate that goes before this path's head goes before all that is left.
            if heads and min(heads).rank < rank:
                first, *others = sorted(heads)
                return first, min([rank, *(head.rank for head in others)])
            heads.extend(_first_two(tx, scope, shut, "gates_of_path", path=path))
    heads.sort()
    if not heads:
        return None, LAST
    return heads[0], heads[1].rank if len(heads) > 1 else LAST


def _paths(tx: Tx, scope: Scope) -> Iterator[tuple[int, Rank]]:
    """Paths with ready work that may start, by their heads: those of work without an account, and of each account that
    lets runs through. An account is looked at when its turn comes, and never before."""
    accounts_left = _paged(tx, "accounts_by_head")
    following = next(accounts_left, None)
    ways: list[tuple[Rank, int, Iterator[tuple[Rank, int]]]] = []
    _add_way(ways, _paths_of(tx, scope, gates.NO_ACCOUNT))
    while ways or following is not None:
        while following is not None and (not ways or following[1:] < ways[0][0]):
            _add_way(ways, _paths_of(tx, scope, following[0]))
            following = next(accounts_left, None)
        if ways:
            rank, path, way = heapq.heappop(ways)
            yield path, rank
            _add_way(ways, way)


def _add_way(ways: list[tuple[Rank, int, Iterator[tuple[Rank, int]]]], way: Iterator[tuple[Rank, int]]) -> None:
    path = next(way, None)
    if path is not None:
        heapq.heappush(ways, (*path, way))


def _paths_of(tx: Tx, scope: Scope, account: int) -> Iterator[tuple[Rank, int]]:
    for path, lane, urgency, position, seq in _paged(tx, "paths_by_head", account=account):
        if scope.lanes is None or lane in scope.lanes:
            yield (urgency, position, seq), path


def _first_two(tx: Tx, scope: Scope, shut: Collection[Shut], statement: str, **where: int) -> list[Head]:
    found: list[Head] = []
    for row in _paged(tx, statement, **where):
        head = head_of(row)
        if not shut_off(head, shut) and takes(scope, head):
            found.append(head)
            if len(found) == 2:
                break
    return found


def _paged(tx: Tx, statement: str, **where: int) -> Iterator[Row]:
    """The rows of a statement with ``limit`` and ``skip``, of which two are nearly always enough."""
    limit, skip = 2, 0
    while True:
        rows = tx.all(statement, limit=limit, skip=skip, **where)
        yield from rows
        if len(rows) < limit:
            return
        skip += limit
        limit *= PAGES_GROW


def _queues(tx: Tx, scope: Scope) -> list[int]:
    found = []
    for project, name in sorted(scope.queues or ()):
        if scope.tenants is None:
            found += [row[0] for row in tx.all("queues_of_tenants", project=project, name=name)]
        for tenant in sorted(scope.tenants or ()):
            found += [row[0] for row in tx.all("queue_exact", tenant=tenant, project=project, name=name)]
    return found


def shut_off(head: Head, shut: Collection[Shut]) -> bool:
    """Whether a cancel of all of its queue, or of all that its tenant has, is under way."""
    return head.queue in shut or head.tenant in shut


def takes(scope: Scope, head: Head) -> bool:
    """Whether the work behind a head is for this runner."""
    return scope.takes(head.project, head.queue_name, head.lane_name, head.needs, head.tenant)


def head_of(row: Row) -> Head:
    """A row of one of the statements that read gates."""
    return Head((row[11], row[12], row[13]), *row[:11], *row[14:])


def gate_facts(head: Head, lane_live: int, queue_live: int, of_account: accounts.Ledger | None) -> Gate:
    """What gates the work behind a head, for ``core.readiness``."""
    return Gate(
        head.project,
        head.queue_name,
        QueueState(head.queue_state),
        head.queue_slots,
        queue_live,
        head.lane_name,
        head.lane_size,
        lane_live,
        head.needs,
        None if of_account is None else of_account.account,
        0 if of_account is None else of_account.taken,
        head.tenant,
    )


def _session_slot(tx: Tx, box: Mailbox) -> int:
    """The lowest slot of the session that no live run holds (I3)."""
    if box.live == 0:
        return 1
    slot = lowest(slots_taken(tx, "session_slots_taken", session=box.id), UNLIMITED)
    assert slot is not None
    return slot


def _parents(tx: Tx, child: int) -> tuple[Parent, ...]:
    return tuple(
        Parent(name, TaskState(state), output, None if value is None else _decode_value(value), exit_code, run)
        for name, state, output, value, exit_code, run in tx.all("parents_of", child=child)
    )
