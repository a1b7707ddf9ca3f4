"""Submitting: a task with its dependencies, admitted whole or refused with what would be right (A15-A21, I9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.dependency import VERDICT_ERRORS, verdict
from taxiway.core.errors import Conflict, Full, IdempotencyMismatch, Invalid, LaneStopped, Problem
from taxiway.core.ids import is_full_id
from taxiway.core.nearest import nearest
from taxiway.core.policy import Box, MailboxChange
from taxiway.core.queue import Queue, QueueState, check_admission
from taxiway.core.readiness import obstacles
from taxiway.core.session import Disposition
from taxiway.core.task import TASK_TERMINAL, Condition, Dependency, Reason, Task, TaskSpec, TaskState
from taxiway.store.protocol import NewTask, Submitted
from taxiway.store.tx import Row, Topic, Tx
from taxiway.store.verbs import accounts, gates, lineage, mailbox, sweeps
from taxiway.store.verbs.arriving import Arrival, Place, arrive
from taxiway.store.verbs.explain import facts_of
from taxiway.store.verbs.lineage import NOBODYS, Lineage
from taxiway.store.verbs.queues import queue_of
from taxiway.store.verbs.sessions import session_for, set_policy

_encode_spec = msgspec.json.Encoder().encode


class Edge(msgspec.Struct, frozen=True):
    """A dependency whose parent is known: its row, its state now, and how the child calls it."""

    parent: int
    state: TaskState
    reason: Reason | None
    on: Condition
    name: str


class Birth(msgspec.Struct, frozen=True):
    """The state in which a task is admitted: the scheduler decides it, never the caller (A15)."""

    state: TaskState
    reason: Reason | None
    unmet: int
    due_at: int | None


class Admission:
    """One submit in progress: looks up each queue, lane and gate once in a transaction."""

    def __init__(self, tx: Tx, actor: str, by_plan: bool = False, origin: Lineage = NOBODYS) -> None:
        self._tx = tx
        self._actor = actor
        self._by_plan = by_plan
        self._counted: dict[int, tuple[int, int]] = {}  # by queue: submitted, and of these not ended
        self.origin = origin
        self.places: dict[str, Place] = {}  #: where messages to sessions were put, by task

    def admit(self, new: NewTask, edges: Sequence[Edge], retry_of: str | None = None) -> Task:
        """Write one task with its dependencies; the task as it was born, but for its place in a session."""
        tx, spec = self._tx, new.spec
        self.origin = lineage.one_more(self.origin)
        queue, _ = self.queue(new.project, spec.queue)
        gate = self._gate(queue, spec)
        seq = tx.next_seq()
        birth = _birth(spec, edges, tx.now)
        session = self._session(new)
        place = self._place(session, seq, new) if birth.state is TaskState.QUEUED else None
        ready = birth.state is TaskState.QUEUED and (place is None or place.box is Box.ADMITTED)
        version = tx.change(ChangeKind.TASK, new.id, birth.state, birth.reason, self._actor, "submit")
        urgency = -spec.priority
        born = self._born(seq, new, birth, version, retry_of)
        tx.run(
            "insert_task",
            seq=seq,
            id=new.id,
            tenant=tx.tenant,
            project=new.project,
            queue=queue,
            gate=gate,
            name=spec.name,
            urgency=urgency,
            position=spec.position,
            state=born.state,
            reason=born.reason,
            ready=int(ready),
            open=int(not born.ended),
            unmet=born.unmet,
            now=born.created_at,
            due_at=born.due_at,
            expires_at=born.expires_at,
            finished_at=born.finished_at,
            error=born.error,
            retry_of=born.retry_of,
            session=session,
            box=Box.OUT if place is None else place.box,
            capped=0 if place is None else int(place.capped),
            carrier=None if place is None else place.carrier,
            kin=None if place is None else place.kin,
            joined_at=None if place is None else tx.now,
            version=born.version,
            submitter=born.submitted_by,
            depth=self.origin.depth,
        )
        tx.run("insert_spec", task=seq, hash=new.hash, body=_encode_spec(spec).decode())
        for key, value in spec.labels.items():
            tx.run("insert_label", key=key, value=value, task=seq)
        for edge in edges:
            self._write_edge(seq, edge)
        if ready:
            gates.note_ready(tx, gate, urgency, spec.position, seq)
        if place is not None:
            self.places[new.id] = place
            if place.free and session is not None:
                mailbox.pump(tx, session)
        if birth.due_at is not None or spec.expires_s is not None:
            tx.note(Topic.TIME)
        submitted, opened = self._counted.get(queue, (0, 0))
        self._counted[queue] = submitted + 1, opened + (not born.ended)
        return born

    def _born(self, seq: int, new: NewTask, birth: Birth, version: int, retry_of: str | None) -> Task:
        spec, now = new.spec, self._tx.now
        ended = birth.state is TaskState.CANCELLED
        return Task(
            id=new.id,
            seq=seq,
            tenant=self._tx.tenant,
            project=new.project,
            spec=spec,
            state=birth.state,
            reason=birth.reason,
            unmet=birth.unmet,
            error=VERDICT_ERRORS[birth.reason] if ended and birth.reason else None,
            created_at=now,
            due_at=birth.due_at,
            expires_at=None if spec.expires_s is None else now + int(spec.expires_s * 1000),
            finished_at=now if ended else None,
            retry_of=retry_of,
            submitted_by=self.origin.run,
            version=version,
        )

    def _session(self, new: NewTask) -> int | None:
        spec = new.spec
        if spec.session is None:
            return None
        session = session_for(self._tx, spec.session, new.project, spec.agent, new.mailbox, self._actor)
        if spec.mailbox is not None and spec.mailbox.max_concurrent is not None:  # from now on (SQ-14)
            limit = MailboxChange(max_concurrent=spec.mailbox.max_concurrent)
            set_policy(self._tx, mailbox.load(self._tx, session).name, limit, self._actor)
        return session

    def _place(self, session: int | None, seq: int, new: NewTask) -> Place | None:
        if session is None:
            return None
        self.close()  # what it displaces may have been admitted just before
        exempt = not self.queue(new.project, new.spec.queue)[1].standing
        return arrive(self._tx, session, Arrival(seq, new.id, new.spec, exempt), self._actor)

    def close(self) -> None:
        """Count what was admitted into its queues."""
        for queue, (submitted, opened) in self._counted.items():
            self._tx.run("count_submitted", queue=queue, more=submitted, opened=opened)
        self._counted.clear()

    def _write_edge(self, seq: int, edge: Edge) -> None:
        settled = edge.state in (TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED)
        self._tx.run(
            "insert_dependency", parent=edge.parent, child=seq, condition=edge.on, name=edge.name, settled=int(settled)
        )

    def hides(self, seq: int) -> bool:
        """Whether a task is none of what the submitting run may know of: its own, and what came of that."""
        top = self.origin.top
        return top is not None and lineage.rows_below(self._tx, seq, top) is None

    def queue(self, project: str, name: str) -> tuple[int, Queue]:
        """The queue that takes the task, ready to take it; raises when it takes nothing new."""
        known = self._tx.known.queues
        key = (self._tx.tenant, project, name)
        found = known.get(key)
        if found is None:
            found = known[key] = queue_of(self._tx, name, project)
        check_admission(found[1], self._by_plan)
        if found[1].state is QueueState.IDLE:
            sweeps.finish_reset(self._tx, found[0])
        return found

    def _gate(self, queue: int, spec: TaskSpec) -> int:
        known, key = self._tx.known.gates, (queue, spec.lane, spec.needs)
        gate = known.get(key)
        if gate is None:
            gate = self._new_gate(queue, spec)
            known[key] = gate
        return gate

    def _new_gate(self, queue: int, spec: TaskSpec) -> int:
        account = accounts.account_for(self._tx, spec.needs)
        return gates.gate_of(self._tx, queue, lane_of(self._tx, queue, spec.lane), spec.needs, account)


def lane_of(tx: Tx, queue: int, name: str) -> int:
    """The lane that work of this queue means by ``name``; refused with the nearest name when there is none."""
    row = tx.one("lane_named", tenant=tx.tenant, queue=queue, name=name)
    if row is None:
        legal = [found[0] for found in tx.all("lane_names", tenant=tx.tenant, queue=queue)]
        hint = nearest(name, legal)
        raise Invalid(
            f"there is no lane '{name}'"
            + (f"; did you mean '{hint}'?" if hint else "; make it with 'taxiway lane set'"),
            [Problem(f"there is no lane '{name}'", field="lane", hint=f"nearest: '{hint}'" if hint else "")],
        )
    if row[4]:
        raise LaneStopped(f"lane '{name}' has been stopped; start it again with 'taxiway lane start {name}'", lane=name)
    lane: int = row[0]
    return lane


def submit(
    tx: Tx, tasks: Sequence[NewTask], actor: str, told: Callable[[Task], object] = lambda _: None
) -> list[Submitted]:
    """Admit all of ``tasks``, or raise and admit none. A task may name earlier ones of the same call. ``told`` hears of
    each one that is made, as it was born."""
    admission = Admission(tx, actor, origin=_origin(tx, tasks))
    batch: dict[str, str] = {}
    answers: list[Submitted] = []
    for new in tasks:
        answer = _known_key(tx, new)
        if answer is None:
            _check_name(tx, admission, new)
            born = admission.admit(new, _edges(tx, admission, new, batch))
            told(born)
            answer = _answer(born, admission.places.get(new.id))
        if new.spec.name is not None:
            batch[new.spec.name] = answer.id
        answers.append(answer)
    admission.close()
    for new, answer in zip(tasks, answers, strict=True):
        if new.spec.no_wait and answer.created:
            _must_start_now(tx, answer)
    return answers


def _origin(tx: Tx, tasks: Sequence[NewTask]) -> Lineage:
    run = tasks[0].submitter if tasks else None
    return NOBODYS if run is None else lineage.begin(tx, run)


def _answer(born: Task, place: Place | None) -> Submitted:
    """What is known of a task now, and of its place if it is a message."""
    id, state = born.id, born.state
    if place is None:
        return Submitted(id, state, True, Disposition.READY if state is TaskState.QUEUED else Disposition.WAITING)
    return Submitted(id, state, True, place.disposition, place.position, place.offered, place.carrier_id, place.dropped)


def _known_key(tx: Tx, new: NewTask) -> Submitted | None:
    """The task that this idempotency key already stands for; also when it is terminal."""
    key = new.spec.idempotency_key
    if key is None:
        return None
    scope = {"tenant": tx.tenant, "project": new.project, "key": key}
    if tx.one("claim_key", hash=new.hash, task=new.id, **scope) is not None:
        return None
    row = tx.one("find_key", **scope)
    assert row is not None
    if row[0] != new.hash:
        raise IdempotencyMismatch(
            f"idempotency key '{key}' was used before with a different payload (by {row[1]}); use another key",
            id=row[1],
        )
    state = tx.one("task_state_by_id", tenant=tx.tenant, id=row[1])
    assert state is not None
    return Submitted(row[1], TaskState(state[1]), False)


def _check_name(tx: Tx, admission: Admission, new: NewTask) -> None:
    """Two open tasks of a queue never share a name; in a plan's queue not even an ended one gives its name away."""
    if new.spec.name is None:
        return
    row_id, queue = admission.queue(new.project, new.spec.queue)
    row = tx.one("task_named", queue=row_id, name=new.spec.name)
    if row is not None and not (queue.standing and TaskState(row[1]) in TASK_TERMINAL):
        which = "" if admission.hides(row[0]) else f" ({row[3]}, {row[1]})"
        raise Conflict(
            f"queue '{queue.name}' has a task '{new.spec.name}' already{which}; use another name",
            **({"id": row[3]} if which else {}),
        )


def _edges(tx: Tx, admission: Admission, new: NewTask, batch: Mapping[str, str]) -> list[Edge]:
    edges = [_find_parent(tx, admission, new, edge, batch) for edge in new.spec.after]
    if len({edge.parent for edge in edges}) < len(edges):
        names = ", ".join(edge.name for edge in edges)
        raise _bad_edge(names, f"one task stands twice in 'after' ({names}); one condition holds for a task")
    return edges


def _find_parent(tx: Tx, admission: Admission, new: NewTask, edge: Dependency, batch: Mapping[str, str]) -> Edge:
    """An edge's parent: a task of this call, a whole id, or a name in the same queue. Anything else is refused."""
    if edge.task in (new.id, new.spec.name):
        raise _bad_edge(edge.task, "a task cannot wait for itself")
    row: Row | None
    if edge.task in batch:
        row = tx.one("task_state_by_id", tenant=tx.tenant, id=batch[edge.task])
    elif is_full_id(edge.task, "task"):
        row = tx.one("task_state_by_id", tenant=tx.tenant, id=edge.task)
    else:
        queue, _ = admission.queue(new.project, new.spec.queue)
        row = tx.one("task_named", queue=queue, name=edge.task)
    if row is None or admission.hides(row[0]):
        raise _unknown_parent(tx, admission, new, edge.task)
    return Edge(row[0], TaskState(row[1]), Reason(row[2]) if row[2] else None, edge.on, edge.task)


def _unknown_parent(tx: Tx, admission: Admission, new: NewTask, name: str) -> Invalid:
    queue, _ = admission.queue(new.project, new.spec.queue)
    names = [] if admission.origin.run is not None else [row[0] for row in tx.all("task_names", queue=queue)]
    hint = nearest(name, names)
    return _bad_edge(name, f"there is no task '{name}' to wait for" + (f"; did you mean '{hint}'?" if hint else ""))


def _bad_edge(task: str, text: str) -> Invalid:
    return Invalid(text, [Problem(text, field="after", hint="")], dependency=task)


def _birth(spec: TaskSpec, edges: Sequence[Edge], now: int) -> Birth:
    due_at = now + int(spec.delay_s * 1000) if spec.delay_s else None
    unmet = 0
    for edge in edges:
        if edge.state not in (TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED):
            unmet += 1
            continue
        why = verdict(edge.state, edge.reason, edge.on)
        if why is not None:
            return Birth(TaskState.CANCELLED, why, 0, None)
    if unmet:
        return Birth(TaskState.BLOCKED, Reason.DEPENDENCY, unmet, due_at)
    if due_at is not None:
        return Birth(TaskState.SCHEDULED, Reason.DELAY, 0, due_at)
    return Birth(TaskState.QUEUED, None, 0, None)


def _must_start_now(tx: Tx, answer: Submitted) -> None:
    found = obstacles(facts_of(tx, answer.id))
    if found:
        raise Full(
            "it cannot start now, and no_wait asks not to wait: " + "; ".join(obstacle.text for obstacle in found),
            obstacles=[str(obstacle.kind) for obstacle in found],
        )
