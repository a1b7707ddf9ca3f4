"""A run: one attempt at a task, its states, and the closed set of ways it can end."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import msgspec

from taxiway.core.failureclass import FailureClass
from taxiway.core.providerlimit import ProviderLimit
from taxiway.core.task import Reason, Usage


class RunState(StrEnum):
    """The states of a run; it holds its slots until it has ended, but not while it waits for a person."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    STOPPING = "stopping"
    ENDED = "ended"


RUN_MOVES: Final[Mapping[RunState, frozenset[RunState]]] = MappingProxyType(
    {
        RunState.STARTING: frozenset({RunState.RUNNING, RunState.STOPPING, RunState.ENDED}),
        RunState.RUNNING: frozenset({RunState.WAITING, RunState.STOPPING, RunState.ENDED}),
        RunState.WAITING: frozenset({RunState.RUNNING, RunState.STOPPING, RunState.ENDED}),
        RunState.STOPPING: frozenset({RunState.ENDED}),
        RunState.ENDED: frozenset(),
    }
)


class StopCause(StrEnum):
    """Why a live run is being stopped."""

    CANCEL = "cancel"
    QUEUE_STOP = "queue_stop"
    TIMEOUT = "timeout"
    STALLED = "stalled"
    DRAIN = "drain"
    LEASE_LOST = "lease_lost"
    INTERRUPT = "interrupt"
    RESET = "reset"
    BUDGET = "budget"


class Completed(msgspec.Struct, frozen=True, tag_field="kind", tag="completed"):
    """The work succeeded. ``output`` is the tail of stdout; ``result`` is JSON where the work gives one."""

    output: str | None = None
    result: Any = None
    exit_code: int | None = None
    usage: Usage | None = None


class Failed(msgspec.Struct, frozen=True, tag_field="kind", tag="failed"):
    """The work failed with ``reason`` (one of the failure reasons); ``error`` is one sentence.

    ``failure`` is how the provider failed, where one did, and ``limit`` what it said; ``repeatable``: taking the turn
    once more does nothing twice.
    """

    reason: Reason
    error: str
    exit_code: int | None = None
    signal: int | None = None
    output: str | None = None
    usage: Usage | None = None
    failure: FailureClass | None = None
    repeatable: bool = False
    limit: ProviderLimit | None = None


class Cancelled(msgspec.Struct, frozen=True, tag_field="kind", tag="cancelled"):
    """Somebody or some rule stopped it, and no process of it is left."""

    reason: Reason
    output: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    usage: Usage | None = None


class Deferred(msgspec.Struct, frozen=True, tag_field="kind", tag="deferred"):
    """It could not be made for a passing cause (no memory, no pty): no attempt counted, tried again after a backoff."""

    error: str


class Limited(msgspec.Struct, frozen=True, tag_field="kind", tag="limited"):
    """The provider refused it for a limit that resets: no attempt counted, tried again after its account's reset."""

    limit: ProviderLimit
    error: str
    usage: Usage | None = None


class Released(msgspec.Struct, frozen=True, tag_field="kind", tag="released"):
    """Shutdown, drain or Ctrl-C: no attempt counted, queued at once."""

    why: str = "drain"


class Lost(msgspec.Struct, frozen=True, tag_field="kind", tag="lost"):
    """Runner, guardian or host died: no attempt counted, one crash counted, queued at once (or poisoned).

    ``unstarted``: whoever says so has seen no process of it; it holds only as long as none has been recorded.
    """

    why: str = "the runner died"
    unstarted: bool = False


Outcome = Completed | Failed | Cancelled | Deferred | Limited | Released | Lost


class ProcessMark(msgspec.Struct, frozen=True):
    """Which processes a run has, so that anybody on this host can find them later and take nobody else for them (I7).

    Starts are clock ticks since boot (/proc/PID/stat, field 22). Pids mean something only within one boot and one pid
    namespace (the inode number of /proc/self/ns/pid). ``tag`` stands in the environment of the whole tree.
    """

    tag: str
    guardian_pid: int
    guardian_start: int
    child_pid: int
    child_start: int
    boot_id: str
    pid_namespace: int


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, as stored. Times are milliseconds since 1970 UTC; ``account`` is whose slot its agent took."""

    id: str
    task: str
    runner: str
    fence: int
    attempt: int
    state: RunState
    stop: StopCause | None = None
    outcome: str | None = None
    reason: str | None = None
    error: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    usage: Usage = Usage()
    events: int = 0
    process: ProcessMark | None = None
    account: str | None = None
    claimed_at: int = 0
    started_at: int | None = None
    ended_at: int | None = None
