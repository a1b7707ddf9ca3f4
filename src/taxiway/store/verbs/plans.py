"""Running a plan, and running it again: one transaction that admits the whole of it or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from taxiway.core.change import ChangeKind
from taxiway.core.errors import Conflict
from taxiway.core.lane import check_size
from taxiway.core.plan import Plan
from taxiway.core.policy import Box
from taxiway.core.queue import QueueState, check_admission
from taxiway.core.rerun import Fate, Known, fates
from taxiway.core.task import TASK_NOT_STARTED, TASK_TERMINAL, Condition, Reason, TaskState
from taxiway.core.toposort import parents_first
from taxiway.store.protocol import NewTask, PlanAdmitted
from taxiway.store.tx import Tx
from taxiway.store.verbs import gates, slots, sweeps
from taxiway.store.verbs.ending import cancel_waiting, end_queue, move_queue_row, task_row
from taxiway.store.verbs.lanes import put_lane
from taxiway.store.verbs.queues import insert_queue, queue_of
from taxiway.store.verbs.sessions import make_or_find
from taxiway.store.verbs.submit import Admission, Edge


class Held(NamedTuple):
    """What the store holds under a name of the plan's queue."""

    seq: int
    id: str
    state: TaskState
    reason: Reason | None
    hash: bytes


def submit_plan(tx: Tx, plan: Plan, tasks: Sequence[NewTask], fresh: bool, actor: str) -> PlanAdmitted:
    """Fill the plan's queue and start it; ``tasks`` holds one new task for every name, used where one is needed."""
    queue = _plan_queue(tx, plan, actor)
    for wanted in plan.sessions:
        make_or_find(tx, wanted.key, plan.project, wanted.agent, wanted.policy, actor, None)
    held, strays = _held(tx, queue)
    decided = fates(plan.tasks, [new.hash for new in tasks], _known(tx, queue, plan, held), fresh)
    by_name = {new.spec.name or "": new for new in tasks}
    gone = strays + [old for name, old in held.items() if decided.get(name, Fate.ANEW) is Fate.ANEW]
    tx.run("count_open", queue=queue, more=1)  # the plan itself: setting old tasks aside must not end the queue
    _clear(tx, gone, actor)
    ids = {name: held[name].id for name, fate in decided.items() if fate is not Fate.ANEW}
    ids |= _admit(tx, by_name, decided, held, actor)
    tx.run("count_open", queue=queue, more=-1)
    going_on = [name for name, fate in decided.items() if fate is Fate.GO_ON]
    for name in going_on:
        tx.run("clear_crashes", seq=held[name].seq)
    _start(tx, queue, actor)
    anew = [name for name, fate in decided.items() if fate is Fate.ANEW]
    return PlanAdmitted(
        queue=plan.queue,
        project=plan.project,
        ids={spec.name or "": ids[spec.name or ""] for spec in plan.tasks},
        new=sum(1 for name in anew if name not in held),
        kept=sum(1 for fate in decided.values() if fate is Fate.KEEP),
        going_on=len(going_on),
        replaced=sum(1 for name in anew if name in held),
    )


def _plan_queue(tx: Tx, plan: Plan, actor: str) -> int:
    check_size(plan.slots, "slots")
    row = tx.one("queue_exact", tenant=tx.tenant, project=plan.project, name=plan.queue)
    if row is None:
        queue = insert_queue(
            tx,
            plan.queue,
            plan.project,
            QueueState.IDLE,
            standing=False,
            slots=plan.slots,
            plan=plan.source,
            actor=actor,
        )
    else:
        queue = row[0]
        found = queue_of(tx, plan.queue, plan.project)[1]
        check_admission(found, by_plan=True)
        if found.standing:
            raise Conflict(f"queue '{plan.queue}' is a standing queue; give the plan a 'queue:' name of its own")
        # Only what runs is told of a change here: any other state ends with this transaction, or nothing happens.
        going = found.state is QueueState.RUNNING
        version = tx.change(ChangeKind.QUEUE, plan.queue, found.state, None, actor, "plan") if going else found.version
        tx.run("set_queue_plan", queue=queue, plan=plan.source, slots=plan.slots, version=version)
        if plan.slots is not None:
            slots.number_queue(tx, queue)
        sweeps.finish_reset(tx, queue)
    for name, size in plan.lanes.items():
        put_lane(tx, queue, name, check_size(size, f"lane '{name}'"), actor)
    return queue


def _held(tx: Tx, queue: int) -> tuple[dict[str, Held], list[Held]]:
    """What the queue holds by name, and the strays: what somebody put there without a name, and ended badly.

    No plan makes a stray anew, so it is set aside, or the queue would fail for ever. One that waits goes on.
    """
    named: dict[str, Held] = {}
    strays: list[Held] = []
    for name, seq, task, state, reason, digest in tx.all("present_tasks_of_queue", queue=queue):
        old = Held(seq, task, TaskState(state), Reason(reason) if reason else None, digest)
        if name is not None:
            named[name] = old
        elif old.state in (TaskState.FAILED, TaskState.CANCELLED):
            strays.append(old)
    return named, strays


def _known(tx: Tx, queue: int, plan: Plan, held: dict[str, Held]) -> dict[str, Known]:
    edges = {(edge.task, spec.name) for spec in plan.tasks for edge in spec.after if edge.on is Condition.FAILED}

    def handled(name: str, old: Held) -> bool:
        """A handler that left the plan, or handles something else now, is about to be set aside."""
        return any(
            where != queue or handler is None or (name, handler) in edges
            for where, handler in tx.all("handlers_of", parent=old.seq)
        )

    return {
        name: Known(old.state, old.reason, old.hash, old.state is TaskState.FAILED and handled(name, old))
        for name, old in held.items()
    }


def _clear(tx: Tx, gone: Sequence[Held], actor: str) -> None:
    """Take the place of older tasks: those that wait are cancelled, those that run are somebody's and refuse."""
    running = [old for old in gone if _runs(tx, old)]
    if running:
        raise Conflict(
            f"task {running[0].id} runs at this moment with the plan's older text; wait for it, or cancel it first",
            ids=[old.id for old in running],
        )
    for old in gone:
        if task_row(tx, old.seq).open:
            cancel_waiting(tx, old.seq, Reason.RESET, "its plan was run anew", actor, "plan")
        version = tx.change(ChangeKind.TASK, old.id, "superseded", Reason.RESET, actor, "plan")
        tx.run("supersede_task", seq=old.seq, version=version)


def _runs(tx: Tx, old: Held) -> bool:
    """Whether it runs, by itself or as a part of another one's turn."""
    if old.state in TASK_NOT_STARTED:
        return task_row(tx, old.seq).box == Box.RIDING
    return old.state not in TASK_TERMINAL


def _admit(
    tx: Tx, by_name: dict[str, NewTask], decided: dict[str, Fate], held: dict[str, Held], actor: str
) -> dict[str, str]:
    """Admit the tasks that are made anew, parents before children; their ids by name."""
    admission = Admission(tx, actor, by_plan=True)
    edges_of: dict[str, tuple[int, TaskState, Reason | None]] = {}
    for name, fate in decided.items():
        if fate is not Fate.ANEW:
            row = task_row(tx, held[name].seq)
            edges_of[name] = (row.seq, TaskState(row.state), Reason(row.reason) if row.reason else None)
    ids: dict[str, str] = {}
    anew = [name for name, fate in decided.items() if fate is Fate.ANEW]
    for name in parents_first({name: [edge.task for edge in by_name[name].spec.after] for name in anew}):
        new = by_name[name]
        edges = [Edge(*edges_of[edge.task], edge.on, edge.task) for edge in new.spec.after]
        born = admission.admit(new, edges, held[name].id if name in held else None)
        edges_of[name] = (born.seq, born.state, born.reason)
        ids[name] = new.id
    admission.close()
    return ids


def _start(tx: Tx, queue: int, actor: str) -> None:
    """Set the queue going; one whose tasks have all ended already ends at once with their sum."""
    row = tx.one("queue_by_id", queue=queue)
    assert row is not None
    state, open_tasks = QueueState(row[4]), row[7]
    ends_as = QueueState.FAILED if tx.one("queue_fell", queue=queue) else QueueState.COMPLETED
    if state is ends_as and not open_tasks:
        return
    if state is QueueState.RUNNING:
        gates.open_gates(tx, queue, True)
    else:
        move_queue_row(tx, queue, QueueState.RUNNING, actor, "plan run")
    if not open_tasks:
        end_queue(tx, queue, actor)
