"""A task: what somebody asked for, its states, and the reasons that tell states apart."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import msgspec

from taxiway.core.acceptance import Acceptance
from taxiway.core.agent import Access, Resume
from taxiway.core.policy import Box, MailboxChange
from taxiway.core.workspace import Workspace


class TaskState(StrEnum):
    """The eight states of a task."""

    SCHEDULED = "scheduled"
    BLOCKED = "blocked"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """Why a task is in its state: a closed set."""

    DELAY = "delay"
    BACKOFF = "backoff"
    RATE_LIMIT = "rate_limit"
    DEPENDENCY = "dependency"
    CANCELLING = "cancelling"
    APPROVAL = "approval"
    INPUT = "input"

    EXIT_CODE = "exit_code"
    SIGNAL = "signal"
    TIMEOUT = "timeout"
    STALLED = "stalled"
    LOST = "lost"
    SPAWN_ERROR = "spawn_error"
    AGENT_ERROR = "agent_error"
    AUTH = "auth"
    QUOTA = "quota"
    PROVIDER = "provider"
    BUDGET = "budget"
    GAVE_UP = "gave_up"
    POISONED = "poisoned"
    INTERNAL = "internal"

    REQUESTED = "requested"
    DEPENDENCY_FAILED = "dependency_failed"
    DROPPED = "dropped"
    STALE = "stale"
    INTERRUPTED = "interrupted"
    RESET = "reset"
    QUEUE_STOPPED = "queue_stopped"
    EXPIRED = "expired"
    SKIPPED = "skipped"
    CARRIED = "carried"


TASK_TERMINAL: Final = frozenset({TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED})
TASK_NOT_STARTED: Final = frozenset({TaskState.SCHEDULED, TaskState.BLOCKED, TaskState.QUEUED})

TASK_MOVES: Final[Mapping[TaskState, frozenset[TaskState]]] = MappingProxyType(
    {
        TaskState.SCHEDULED: frozenset({TaskState.QUEUED, TaskState.CANCELLED}),
        TaskState.BLOCKED: frozenset({TaskState.QUEUED, TaskState.SCHEDULED, TaskState.CANCELLED}),
        # A message that became a part of another one's turn ends as that one does, and never runs itself.
        TaskState.QUEUED: frozenset(
            {
                TaskState.RUNNING,
                TaskState.SCHEDULED,
                TaskState.COMPLETED,
                TaskState.FAILED,
                TaskState.CANCELLED,
            }
        ),
        TaskState.RUNNING: frozenset(
            {
                TaskState.QUEUED,
                TaskState.SCHEDULED,
                TaskState.WAITING,
                TaskState.COMPLETED,
                TaskState.FAILED,
                TaskState.CANCELLED,
            }
        ),
        TaskState.WAITING: frozenset(
            {
                TaskState.RUNNING,
                TaskState.QUEUED,
                TaskState.SCHEDULED,
                TaskState.COMPLETED,
                TaskState.FAILED,
                TaskState.CANCELLED,
            }
        ),
        TaskState.COMPLETED: frozenset(),
        TaskState.FAILED: frozenset(),
        TaskState.CANCELLED: frozenset(),
    }
)

TASK_REASONS: Final[Mapping[TaskState, frozenset[Reason]]] = MappingProxyType(
    {
        TaskState.SCHEDULED: frozenset({Reason.DELAY, Reason.BACKOFF, Reason.RATE_LIMIT}),
        TaskState.BLOCKED: frozenset({Reason.DEPENDENCY}),
        TaskState.QUEUED: frozenset(),
        TaskState.RUNNING: frozenset({Reason.CANCELLING}),
        TaskState.WAITING: frozenset({Reason.APPROVAL, Reason.INPUT}),
        TaskState.COMPLETED: frozenset(),
        TaskState.FAILED: frozenset(
            {
                Reason.EXIT_CODE,
                Reason.SIGNAL,
                Reason.TIMEOUT,
                Reason.STALLED,
                Reason.LOST,
                Reason.SPAWN_ERROR,
                Reason.AGENT_ERROR,
                Reason.AUTH,
                Reason.QUOTA,
                Reason.PROVIDER,
                Reason.BUDGET,
                Reason.GAVE_UP,
                Reason.POISONED,
                Reason.INTERNAL,
            }
        ),
        TaskState.CANCELLED: frozenset(
            {
                Reason.REQUESTED,
                Reason.DEPENDENCY_FAILED,
                Reason.DROPPED,
                Reason.STALE,
                Reason.INTERRUPTED,
                Reason.RESET,
                Reason.QUEUE_STOPPED,
                Reason.EXPIRED,
                Reason.SKIPPED,
                Reason.CARRIED,
            }
        ),
    }
)


class Condition(StrEnum):
    """What a dependent wants of the task that it waits for."""

    COMPLETED = "completed"
    FAILED = "failed"
    FINISHED = "finished"


class Dependency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One edge: ``task`` is a name inside the plan or a task's id."""

    task: str
    on: Condition = Condition.COMPLETED


class Backoff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long to wait before the next attempt: ``first_s * factor ** n``, at most ``max_s``, ± ``jitter`` of it."""

    first_s: float = 2.0
    factor: float = 2.0
    max_s: float = 300.0
    jitter: float = 0.2


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all runs of a task together may use up: dollars, tokens (read and written), seconds of running."""

    usd: float | None = None
    tokens: int | None = None
    wall_s: float | None = None


class OnLimit(StrEnum):
    """What a task does when its provider's limit ends its turn: wait for the reset, or fail with ``quota``."""

    WAIT = "wait"
    FAIL = "fail"


class TaskSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What was asked; it never changes. Exactly one of ``command``, ``shell``, ``prompt``, ``job`` is given.

    ``session`` is the key of the conversation that it belongs to, ``mailbox`` what differs from that session's policy
    for this one message (``max_concurrent``: from now on). A ``prompt`` needs an ``agent``; ``resume`` says how it goes
    on with the session's conversation; ``result_schema`` is the JSON Schema that its ``result`` shall follow.

    ``workspace`` is where it works, if not in the folder ``cwd`` itself (``dir``). ``accept`` is what must pass
    before it counts as completed.

    Durations are seconds (``…_s``). ``timeout_s`` is the total clock of a run, ``idle_timeout_s`` its silence clock,
    ``expires_s`` the latest start and ``delay_s`` the earliest, both counted from submission. ``stdin`` is text for
    the program's standard input (absent: empty). ``retry_on`` replaces the set of failures that are tried again.
    ``safe_to_retry``: a turn may be taken again after its provider failed, also when a tool was used in it.
    ``on_limit``: what to do about a provider's limit (``None``: as the session says, else the queue, else wait).
    ``budget`` ends the turn that goes beyond it, with the reason ``budget``.
    """

    name: str | None = None
    queue: str = "default"
    lane: str = "main"
    priority: int = 0
    position: int = 0
    command: tuple[str, ...] | None = None
    shell: str | None = None
    prompt: str | None = None
    job: str | None = None
    session: str | None = None
    mailbox: MailboxChange | None = None
    agent: str | None = None
    model: str | None = None
    access: Access = Access.AUTO
    resume: Resume = Resume.NATIVE
    result_schema: dict[str, Any] | None = None
    args: dict[str, Any] = {}
    after: tuple[Dependency, ...] = ()
    cwd: str | None = None
    workspace: Workspace | None = None
    env: dict[str, str] = {}
    stdin: str | None = None
    timeout_s: float | None = None
    idle_timeout_s: float | None = None
    expires_s: float | None = None
    delay_s: float | None = None
    retries: int = 0
    backoff: Backoff = Backoff()
    retry_on: tuple[Reason, ...] | None = None
    accept: Acceptance | None = None
    safe_to_retry: bool = False
    on_limit: OnLimit | None = None
    budget: Budget | None = None
    no_wait: bool = False
    template: bool = False
    idempotency_key: str | None = None
    labels: dict[str, str] = {}
    metadata: dict[str, Any] = {}

    @property
    def kind(self) -> str:
        """``command``, ``shell``, ``prompt`` or ``job``."""
        if self.command is not None:
            return "command"
        if self.shell is not None:
            return "shell"
        return "prompt" if self.prompt is not None else "job"

    @property
    def needs(self) -> str:
        """What a runner must have to take it: ``process``, ``agent:NAME`` or ``job:NAME``."""
        if self.prompt is not None:
            return f"agent:{self.agent}"
        return f"job:{self.job}" if self.job is not None else "process"


#: Fields of later versions; a spec that uses one is told so instead of "unknown field".
RESERVED_FIELDS: Final[frozenset[str]] = frozenset()


class Usage(msgspec.Struct, frozen=True):
    """What a run consumed; ``None`` where nobody measured it, never a made-up 0. ``usd_computed``: (some of) the
    dollars were computed from tokens by a table of prices, and not told by the agent. Cached tokens are a part of the
    input."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    usd: float | None = None
    turns: int | None = None
    usd_computed: bool = False


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task as stored: the spec, its state, and what came of it.

    Times are milliseconds since 1970 UTC. ``seq`` is the submission order, ``version`` the number of the task's last
    change in the change log. ``attempt`` counts as semantics say; ``fence`` counts claims; ``crashes`` counts runs
    that ended without a report. ``due_at`` is the earliest start while ``scheduled``. ``session`` is the id of its
    session, ``box`` its place in that mailbox, ``carrier`` the task whose turn it became a part of. ``submitted_by`` is
    the run that asked for it by its own token.
    """

    id: str
    seq: int
    tenant: str
    project: str
    spec: TaskSpec
    state: TaskState
    reason: Reason | None = None
    attempt: int = 0
    fence: int = 0
    crashes: int = 0
    unmet: int = 0
    error: str | None = None
    output: str | None = None
    result: Any = None
    exit_code: int | None = None
    signal: int | None = None
    usage: Usage = Usage()
    session: str | None = None
    box: Box = Box.OUT
    carrier: str | None = None
    created_at: int = 0
    due_at: int | None = None
    expires_at: int | None = None
    started_at: int | None = None
    finished_at: int | None = None
    run: str | None = None
    retry_of: str | None = None
    submitted_by: str | None = None
    superseded: bool = False
    version: int = 0

    @property
    def max_attempts(self) -> int:
        """``retries`` + 1."""
        return self.spec.retries + 1

    @property
    def ended(self) -> bool:
        """Whether the state is terminal, and so final."""
        return self.state in TASK_TERMINAL
