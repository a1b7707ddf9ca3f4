"""A queue: a named, ordered set of tasks with the six-state machine (rules A1-A14)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, assert_never

import msgspec

from taxiway.core.errors import QueueEnded, QueueStopping
from taxiway.core.task import OnLimit


class QueueState(StrEnum):
    """The six states of a queue."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    COMPLETED = "completed"
    FAILED = "failed"


QUEUE_MOVES: Final[Mapping[QueueState, frozenset[QueueState]]] = MappingProxyType(
    {
        QueueState.IDLE: frozenset({QueueState.RUNNING}),
        QueueState.RUNNING: frozenset(
            {QueueState.PAUSED, QueueState.STOPPING, QueueState.COMPLETED, QueueState.FAILED}
        ),
        QueueState.PAUSED: frozenset({QueueState.RUNNING, QueueState.STOPPING}),
        QueueState.STOPPING: frozenset({QueueState.COMPLETED, QueueState.FAILED}),
        QueueState.COMPLETED: frozenset({QueueState.IDLE, QueueState.RUNNING}),
        QueueState.FAILED: frozenset({QueueState.IDLE, QueueState.RUNNING}),
    }
)
QUEUE_ENDED: Final = frozenset({QueueState.COMPLETED, QueueState.FAILED})


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue as stored. ``slots`` bounds its live runs (``None``: unlimited); ``open`` counts tasks not yet ended.
    ``on_limit``: what its tasks do about a provider's limit, where neither they nor their session say anything."""

    name: str
    tenant: str = "default"
    project: str = ""
    state: QueueState = QueueState.IDLE
    standing: bool = True
    slots: int | None = None
    open: int = 0
    plan: str | None = None
    on_limit: OnLimit | None = None
    created_at: int = 0
    version: int = 0


class QueueStats(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of a queue's tasks by state, by ``state/reason`` and by lane; all zero, and without a ``state``, where
    there is no such queue."""

    queue: str
    state: QueueState | None
    total: int
    by_state: dict[str, int]
    by_reason: dict[str, int]
    by_lane: dict[str, int]
    live: int
    max_version: int
    generated_at: int


def check_admission(queue: Queue, by_plan: bool) -> None:
    """Raise when the queue takes nothing new.

    Idle keeps, running admits, paused admits and starts nothing, stopping refuses with ``queue_stopping``, an ended
    plan queue refuses except through running its plan (``by_plan``). Source: semantics, "Queues"; rule A52.
    """
    if queue.state is QueueState.STOPPING:
        raise QueueStopping(
            f"Cannot add items when queue '{queue.name}' is in 'stopping' state; "
            f"wait until what runs has ended, then {_reopened(queue)}",
            queue=queue.name,
        )
    if queue.state in QUEUE_ENDED and not by_plan:
        raise QueueEnded(f"queue '{queue.name}' has ended ({queue.state}); {_reopened(queue)}", queue=queue.name)


def advice(queue: Queue, verb: str) -> str:
    """What helps when a queue cannot be moved by ``verb``: the verb that can, or what to wait for (rule A3)."""
    match queue.state:
        case QueueState.IDLE:
            if verb == "stop":
                return f"nothing of it runs; end what waits with 'taxiway task cancel --queue {queue.name}'"
            return "it is idle already" if verb == "reset" else f"it starts nothing until {_typed('start', queue)}"
        case QueueState.RUNNING | QueueState.PAUSED if verb == "reset":
            return f"stop it first: {_typed('stop', queue)}"
        case QueueState.RUNNING:
            return "it runs already"
        case QueueState.PAUSED:
            return f"it is paused already; go on with {_typed('resume', queue)}"
        case QueueState.STOPPING:
            then = "" if verb in ("stop", "reset") else f", then {_reopened(queue)}"
            return f"it is stopping: wait until what runs has ended{then}"
        case QueueState.COMPLETED | QueueState.FAILED:
            return f"it has ended: {_reopened(queue)}"
    assert_never(queue.state)


def _reopened(queue: Queue) -> str:
    if queue.standing:
        return f"open it again with {_typed('reset', queue)} and {_typed('start', queue)}"
    return f"run its plan again, or reset it first: {_typed('reset', queue)}"


def _typed(verb: str, queue: Queue) -> str:
    return f"'taxiway queue {verb} {queue.name}'"
