"""Queues: made, moved by their table, resized, counted (A1-A14, A46-A50)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from taxiway.core.change import ChangeKind
from taxiway.core.errors import Conflict, Invalid, NotFound
from taxiway.core.lane import check_size
from taxiway.core.moves import check_move
from taxiway.core.nearest import nearest
from taxiway.core.queue import QUEUE_ENDED, QUEUE_MOVES, Queue, QueueState, QueueStats, advice
from taxiway.core.task import OnLimit
from taxiway.store.tx import Row, Tx
from taxiway.store.verbs import gates, slots, sweeps
from taxiway.store.verbs.ending import end_queue, move_queue_row
from taxiway.store.verbs.reading import last_version

#: The verbs that move a queue, and where to.
QUEUE_VERBS: Final = {
    "start": QueueState.RUNNING,
    "resume": QueueState.RUNNING,
    "pause": QueueState.PAUSED,
    "stop": QueueState.STOPPING,
    "reset": QueueState.IDLE,
}

#: The moves that verbs may make: an ended queue runs again only by its plan (semantics, "Queues").
QUEUE_VERB_MOVES: Final[Mapping[QueueState, frozenset[QueueState]]] = MappingProxyType(
    {state: moves - {QueueState.RUNNING} if state in QUEUE_ENDED else moves for state, moves in QUEUE_MOVES.items()}
)


def queue_record(row: Row) -> tuple[int, Queue]:
    """A row of one of the queue statements as its id and record."""
    row_id, name, tenant, project, state, standing, slots, open_tasks, plan, created_at, version, on_limit = row
    return row_id, Queue(
        name=name,
        tenant=tenant,
        project=project,
        state=QueueState(state),
        standing=bool(standing),
        slots=slots,
        open=open_tasks,
        plan=plan,
        on_limit=None if on_limit is None else OnLimit(on_limit),
        created_at=created_at,
        version=version,
    )


def queue_of(tx: Tx, name: str, project: str | None) -> tuple[int, Queue]:
    """The queue of this name in ``project``, else the one of no project; with ``None`` the only one of that name."""
    if project is None:
        rows = tx.all("queues_named", tenant=tx.tenant, name=name)
        if len(rows) > 1 and rows[0][3] != "":
            places = ", ".join(row[3] for row in rows)
            raise Conflict(f"several projects have a queue '{name}' ({places}); say which with --project", queue=name)
        row = rows[0] if rows else None
    else:
        row = tx.one("queue_named", tenant=tx.tenant, project=project, name=name)
    if row is None:
        legal = [found[0] for found in tx.all("queue_names", tenant=tx.tenant, project=project or "")]
        hint = nearest(name, legal)
        raise NotFound(
            f"there is no queue '{name}'" + (f"; did you mean '{hint}'?" if hint else ""), queue=name, nearest=hint
        )
    return queue_record(row)


def all_queues(tx: Tx) -> list[Queue]:
    """Every queue, by name."""
    return [queue_record(row)[1] for row in tx.all("all_queues", tenant=tx.tenant)]


def make_queue(tx: Tx, name: str, slots: int | None, actor: str, project: str = "") -> Queue:
    """Make a standing queue, which is started when it is made; an existing one is a ``Conflict``."""
    check_size(slots, "the slots of a queue")
    if tx.one("queue_exact", tenant=tx.tenant, project=project, name=name) is not None:
        raise Conflict(f"queue '{name}' exists already", queue=name)
    insert_queue(tx, name, project, QueueState.RUNNING, standing=True, slots=slots, plan=None, actor=actor)
    return queue_of(tx, name, project)[1]


def insert_queue(
    tx: Tx,
    name: str,
    project: str,
    state: QueueState,
    *,
    standing: bool,
    slots: int | None,
    plan: str | None,
    actor: str,
) -> int:
    """Write a new queue; its row."""
    version = tx.change(ChangeKind.QUEUE, name, state, None, actor, "made")
    row = tx.one(
        "insert_queue",
        tenant=tx.tenant,
        project=project,
        name=name,
        state=state,
        standing=int(standing),
        slots=slots,
        plan=plan,
        now=tx.now,
        version=version,
    )
    assert row is not None
    made: int = row[0]
    return made


def move_queue(tx: Tx, name: str, verb: str, actor: str, project: str | None) -> Queue:
    """Move a queue by a verb; illegal moves raise ``IllegalTransition`` and change nothing (A3)."""
    row_id, queue = queue_of(tx, name, project)
    wanted = QUEUE_VERBS.get(verb)
    if wanted is None:
        raise Invalid(f"a queue can {', '.join(QUEUE_VERBS)}; not '{verb}'")
    check_move(QUEUE_VERB_MOVES, queue.state, wanted, f"queue '{name}'", advice(queue, verb))
    if queue.state is QueueState.IDLE:
        sweeps.finish_reset(tx, row_id)
    move_queue_row(tx, row_id, wanted, actor, verb)
    match verb:
        case "start" | "resume":
            _end_when_empty(tx, row_id, queue, actor)
        case "stop":
            _stop(tx, row_id, queue, actor)
        case "reset":
            sweeps.begin(tx, "reset", row_id, actor)
        case _:  # a paused queue: its gates are shut already, and what runs goes on to its end (A8)
            pass
    return queue_of(tx, name, queue.project)[1]


def _end_when_empty(tx: Tx, queue: int, before: Queue, actor: str) -> None:
    """A plan's queue with nothing left to do ends as soon as it is started (A7, A9)."""
    if before.open == 0 and not before.standing:
        end_queue(tx, queue, actor)


def _stop(tx: Tx, queue: int, before: Queue, actor: str) -> None:
    """What waits is cancelled in pages; what runs goes on to its end, and the last end is the queue's (A10)."""
    if before.open == 0:
        end_queue(tx, queue, actor)
    else:
        sweeps.begin(tx, "stop", queue, actor)


def set_queue(tx: Tx, name: str, size: int | None, actor: str, project: str | None) -> Queue:
    """Change how many runs of a queue may go at once; raising it starts more, lowering it stops nothing (A30)."""
    check_size(size, "the slots of a queue")
    row_id, queue = queue_of(tx, name, project)
    version = tx.change(ChangeKind.QUEUE, name, queue.state, None, actor, f"slots {size}")
    tx.run("set_queue_slots", queue=row_id, slots=size, version=version)
    if size is not None:
        slots.number_queue(tx, row_id)
    if queue.state is QueueState.RUNNING:
        gates.open_gates(tx, row_id, True)
    return queue_of(tx, name, queue.project)[1]


def set_on_limit(tx: Tx, name: str, on_limit: OnLimit | None, actor: str, project: str | None) -> None:
    """What its tasks do from now on when a provider's limit ends their turn, if they say nothing themselves."""
    row_id, queue = queue_of(tx, name, project)
    version = tx.change(ChangeKind.QUEUE, name, queue.state, None, actor, f"on_limit {on_limit}")
    tx.run("set_queue_on_limit", queue=row_id, on_limit=on_limit, version=version)


def queue_stats(tx: Tx, name: str, project: str | None) -> QueueStats:
    """Counts of a queue's present tasks; tasks that newer ones replaced do not count. Of a queue that is not there
    they are all zero (C48)."""
    try:
        row_id, queue = queue_of(tx, name, project)
    except NotFound:
        return QueueStats(
            queue=name, state=None, total=0, by_state={}, by_reason={}, by_lane={}, live=0, max_version=0,
            generated_at=tx.now,
        )  # fmt: skip
    by_state: dict[str, int] = {}
    by_reason: dict[str, int] = {}
    by_lane: dict[str, int] = {}
    for state, reason, lane, count in tx.all("tally_tasks", queue=row_id):
        by_state[state] = by_state.get(state, 0) + count
        by_lane[lane] = by_lane.get(lane, 0) + count
        if reason:
            key = f"{state}/{reason}"
            by_reason[key] = by_reason.get(key, 0) + count
    live = tx.one("queue_live", queue=row_id)
    return QueueStats(
        queue=name,
        state=queue.state,
        total=sum(by_state.values()),
        by_state=by_state,
        by_reason=by_reason,
        by_lane=by_lane,
        live=live[0] if live else 0,
        max_version=last_version(tx),
        generated_at=tx.now,
    )
