"""What may start, and what keeps a task from starting: the predicate that claim and explain share."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from taxiway.core.account import Account, Phase
from taxiway.core.ids import short_id
from taxiway.core.limits import COUNTED_TASKS_MAX
from taxiway.core.policy import Box
from taxiway.core.queue import QueueState
from taxiway.core.task import TaskState
from taxiway.core.tenant import DEFAULT_TENANT

ASKED_CHARS: Final = 200  #: so much of a question is shown among other things


class Scope(msgspec.Struct, frozen=True):
    """What a runner takes: ``None`` means any. Queues are ``(project, name)``; ``needs`` is what it has (``process``,
    ``job:NAME``), ``tenants`` whose work it is for."""

    queues: frozenset[tuple[str, str]] | None = None
    lanes: frozenset[str] | None = None
    needs: frozenset[str] | None = None
    tenants: frozenset[str] | None = None

    def seen_by(self, tenant: str) -> Scope:
        """What a tenant may know of it: nothing of what it takes for others (I10)."""
        if self.tenants is None:
            return self
        if tenant not in self.tenants:
            return Scope(tenants=frozenset())
        return msgspec.structs.replace(self, tenants=frozenset({tenant}))

    def takes(self, project: str, queue: str, lane: str, needs: str, tenant: str = DEFAULT_TENANT) -> bool:
        """Whether work of this queue, lane, need and tenant is for this runner."""
        return (
            (self.tenants is None or tenant in self.tenants)
            and (self.queues is None or (project, queue) in self.queues)
            and (self.lanes is None or lane in self.lanes)
            and (self.needs is None or needs in self.needs)
        )


class Gate(msgspec.Struct, frozen=True):
    """The facts that gate a group of ready tasks: its queue, its lane, its agent's account, what it needs, and the room
    in each."""

    project: str
    queue: str
    queue_state: QueueState
    queue_slots: int | None
    queue_live: int
    lane: str
    lane_size: int | None
    lane_live: int
    needs: str
    account: Account | None = None
    account_live: int = 0
    tenant: str = DEFAULT_TENANT

    def room(self) -> int | None:
        """How many more runs this gate lets through now; ``None`` is unlimited, 0 is shut."""
        if self.queue_state is not QueueState.RUNNING:
            return 0
        rooms = [
            max(0, limit - live)
            for limit, live in (
                (self.queue_slots, self.queue_live),
                (self.lane_size, self.lane_live),
                (None if self.account is None else self.account.size, self.account_live),
            )
            if limit is not None
        ]
        return min(rooms) if rooms else None


WHY_CHARS_MAX: Final = 200  #: of a provider's words in a sentence


class ObstacleKind(StrEnum):
    """The closed set of things that keep a task from running."""

    ENDED = "ended"
    RUNNING = "running"
    STUCK = "stuck"
    DELAY = "delay"
    BACKOFF = "backoff"
    RATE_LIMIT = "rate_limit"
    DEPENDENCY = "dependency"
    CANCEL_ALL = "cancel_all"
    QUEUE_STATE = "queue_state"
    QUEUE_FULL = "queue_full"
    LANE_FULL = "lane_full"
    ACCOUNT_PARKED = "account_parked"
    ACCOUNT_FULL = "account_full"
    NO_RUNNER = "no_runner"
    RUNNER_SCOPE = "runner_scope"
    RUNNER_FULL = "runner_full"
    TURN = "turn"
    SESSION = "session"
    QUIET = "quiet"
    CARRIED = "carried"
    STEERING = "steering"
    APPROVAL = "approval"


class Obstacle(msgspec.Struct, frozen=True, omit_defaults=True):
    """One condition that is not met: in a sentence, who holds it (ids) and since when (milliseconds UTC)."""

    kind: ObstacleKind
    text: str
    holders: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None


class Seating(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message stands in its session's mailbox: ``ahead`` messages that wait before it, the tasks that the
    session is held for, until when it has to be quiet, and the task that carries it."""

    key: str
    box: Box
    ahead: int = 0
    holders: tuple[str, ...] = ()
    quiet_at: int | None = None
    carrier: str | None = None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A run that waits for a person: what it asks (id, text, since when, until when), or since when all of it has been
    answered, and then whether it has its slots again; ``runner`` has its process."""

    pending: tuple[tuple[str, str, int, int | None], ...] = ()
    answered_at: int | None = None
    parked: bool = True
    runner: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What explain knows of one task. ``ahead`` counts ready tasks that take the room before it does (0: there is room
    for it too; bounded by ``COUNTED_TASKS_MAX``); ``cancelled_by`` names who cancels all of its queue, or of the store,
    at this moment; ``…_holders`` are the ids of the tasks that hold the slots of its queue and lane."""

    state: TaskState
    reason: str | None
    since: int
    due_at: int | None
    waits_for: tuple[tuple[str, str, str], ...] = ()
    gate: Gate
    ahead: int = 0
    cancelled_by: str | None = None
    queue_holders: tuple[str, ...] = ()
    lane_holders: tuple[str, ...] = ()
    seat: Seating | None = None
    waiting: Waiting | None = None
    runners: tuple[tuple[str, Scope, int], ...] = ()


def obstacles(facts: Facts) -> list[Obstacle]:
    """Every condition that keeps a task from running, empty when the next claim would take it.

    Claims with all the free slots of the living runners take exactly what has no obstacle: both ask ``Gate.room`` and
    ``Scope.takes``, in the same order.
    """
    if facts.state is TaskState.WAITING and facts.waiting is not None:
        return _for_a_person(facts, facts.waiting)
    if facts.state not in (TaskState.SCHEDULED, TaskState.BLOCKED, TaskState.QUEUED):
        kind = ObstacleKind.RUNNING if facts.state in (TaskState.RUNNING, TaskState.WAITING) else ObstacleKind.ENDED
        text = f"it is {facts.state}" + (f" ({facts.reason})" if facts.reason else "")
        return [Obstacle(kind, text, since=facts.since)]
    found: list[Obstacle] = []
    parked = facts.gate.account is not None and facts.gate.account.phase is Phase.PARKED
    if facts.state is TaskState.SCHEDULED and facts.reason and not (parked and facts.reason == "rate_limit"):
        texts = {"delay": "it may not start before a time", "backoff": "it waits before its next attempt"}
        found.append(
            Obstacle(
                ObstacleKind(facts.reason),
                texts.get(facts.reason, "it waits for a limit to reset"),
                since=facts.since,
                until=facts.due_at,
            )
        )
    for task, name, state in facts.waits_for:
        found.append(Obstacle(ObstacleKind.DEPENDENCY, f"it waits for '{name or task}', which is {state}", (task,)))
    if facts.cancelled_by is not None:
        text = f"a cancel of all by '{facts.cancelled_by}' is under way, and nothing starts before it is done"
        found.append(Obstacle(ObstacleKind.CANCEL_ALL, text))
    if facts.seat is not None and facts.seat.box in (Box.MERGED, Box.RIDING, Box.STEERING):
        return [*found, _carried(facts.seat)]
    if facts.seat is not None and facts.seat.box is Box.WAITING:
        found.append(_waiting(facts.seat))
    found.extend(gate_obstacles(facts))
    found.extend(runner_obstacles(facts))
    if not found and facts.ahead:
        found.append(Obstacle(ObstacleKind.TURN, _before(facts.ahead)))
    return found


def _for_a_person(facts: Facts, waiting: Waiting) -> list[Obstacle]:
    """What a run that has asked a person waits for."""
    found = []
    for approval, text, since, until in waiting.pending:
        short = short_id(approval)
        told = f"it asks a person: {text[:ASKED_CHARS]}; answer with 'taxiway approval allow {short}', or deny"
        found.append(Obstacle(ObstacleKind.APPROVAL, told, (approval,), since, until))
    if found:
        return found
    if not waiting.parked:
        text = "its questions have been answered, and it goes on when its runner has a free slot"
        return [Obstacle(ObstacleKind.APPROVAL, text, (waiting.runner,), waiting.answered_at)]
    text = "its questions have been answered, and it goes on, before anything new, when there is room"
    return [Obstacle(ObstacleKind.APPROVAL, text, since=waiting.answered_at), *room_obstacles(facts)]


def _waiting(seat: Seating) -> Obstacle:
    """What keeps a message in its mailbox (SQ-03, SQ-21)."""
    if seat.ahead:
        text = f"{seat.ahead} message{'s go' if seat.ahead > 1 else ' goes'} before it in session '{seat.key}'"
        return Obstacle(ObstacleKind.SESSION, text, seat.holders)
    if seat.holders:
        return Obstacle(ObstacleKind.SESSION, f"session '{seat.key}' is busy", seat.holders)
    return Obstacle(ObstacleKind.QUIET, f"session '{seat.key}' has to be quiet first", until=seat.quiet_at)


def _carried(seat: Seating) -> Obstacle:
    """A message that does not start by itself any more."""
    if seat.box is Box.STEERING:
        text = f"it has been offered to the running turn of session '{seat.key}'"
        return Obstacle(ObstacleKind.STEERING, text, seat.holders)
    carriers = () if seat.carrier is None else (seat.carrier,)
    return Obstacle(ObstacleKind.CARRIED, "it became a part of another message's turn, and ends as that ends", carriers)


def _before(ahead: int) -> str:
    if ahead == 1:
        return "1 ready task goes before it"
    return f"{ahead:,}{'+' if ahead >= COUNTED_TASKS_MAX else ''} ready tasks go before it"


def gate_obstacles(facts: Facts) -> list[Obstacle]:
    """What the queue and the lane say."""
    gate, found = facts.gate, []
    if gate.queue_state is not QueueState.RUNNING:
        found.append(Obstacle(ObstacleKind.QUEUE_STATE, _not_running(gate)))
    return found + room_obstacles(facts)


def room_obstacles(facts: Facts) -> list[Obstacle]:
    """Which of the limits on its queue and its lane are reached."""
    gate, found = facts.gate, []
    if gate.queue_slots is not None and gate.queue_live >= gate.queue_slots:
        text = f"queue '{gate.queue}': {_taken(gate.queue_slots)}"
        found.append(Obstacle(ObstacleKind.QUEUE_FULL, text, facts.queue_holders))
    if gate.lane_size is not None and gate.lane_live >= gate.lane_size:
        text = f"lane '{gate.lane}': {_taken(gate.lane_size)}"
        found.append(Obstacle(ObstacleKind.LANE_FULL, text, facts.lane_holders))
    if gate.account is not None and gate.account.size is not None and gate.account_live >= gate.account.size:
        found.append(_of_account(gate.account))
    return found


def _of_account(account: Account) -> Obstacle:
    """What its agent's account says: parked by a person or after a refusal, being probed, or all slots taken."""
    name = f"account '{account.name}'"
    if account.phase is Phase.OPEN:
        held = " (fewer than its limit, until it has answered more)" if account.narrow else ""
        return Obstacle(ObstacleKind.ACCOUNT_FULL, f"{name}: {_taken(account.size or 0)}{held}")
    said = f" ({account.why[:WHY_CHARS_MAX]})" if account.why else ""
    if account.phase is Phase.PROBING:
        text = f"the {account.kind} limit of {name} may be over{said}; one run goes first to see whether it answers"
        return Obstacle(ObstacleKind.RATE_LIMIT, text, since=account.since)
    if account.by_hand:
        text = f"{name} was parked by hand{said}; go on with 'taxiway account release {account.name}'"
        return Obstacle(ObstacleKind.ACCOUNT_PARKED, text, since=account.since, until=account.until)
    text = f"{account.kind} limit of {name}{said}; after its reset one run goes first"
    return Obstacle(ObstacleKind.RATE_LIMIT, text, since=account.since, until=account.until)


def _not_running(gate: Gate) -> str:
    text = f"queue '{gate.queue}' is {gate.queue_state}"
    verb = {QueueState.PAUSED: "resume", QueueState.IDLE: "start"}.get(gate.queue_state)
    return f"{text}; go on with 'taxiway queue {verb} {gate.queue}'" if verb else text


def _taken(slots: int) -> str:
    return f"all {slots} slots are taken" if slots > 1 else "its one slot is taken"


def runner_obstacles(facts: Facts) -> list[Obstacle]:
    """What the living runners say: none there, none for this work, or all of them busy. ``runners`` holds
    ``(id, scope, free slots)``."""
    gate = facts.gate
    if not facts.runners:
        text = "no runner is alive on this store; start one with 'taxiway runner start'"
        return [Obstacle(ObstacleKind.NO_RUNNER, text)]
    fitting = [
        (name, free)
        for name, scope, free in facts.runners
        if scope.takes(gate.project, gate.queue, gate.lane, gate.needs, gate.tenant)
    ]
    if not fitting:
        text = f"no living runner takes queue '{gate.queue}', lane '{gate.lane}', {gate.needs}"
        return [Obstacle(ObstacleKind.RUNNER_SCOPE, text)]
    if all(free <= 0 for _, free in fitting):
        names = tuple(name for name, _ in fitting)
        return [Obstacle(ObstacleKind.RUNNER_FULL, "every runner that takes it is busy", names)]
    return []
