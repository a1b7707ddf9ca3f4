"""The contract of a store: every verb is one transaction, and what it returned is durable (I1).

Commands go down and events come up, and they pass each other only here. Verbs that write raise one of
``taxiway.core.errors``; when they raise anything but ``OutcomeUnknown``, nothing was stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from taxiway.core.change import Change
from taxiway.core.event import Event, NewEvent
from taxiway.core.lane import Lane
from taxiway.core.plan import Plan
from taxiway.core.policy import MailboxChange, MailboxPolicy
from taxiway.core.queue import Queue, QueueStats
from taxiway.core.readiness import Facts, Scope
from taxiway.core.run import Outcome, ProcessMark, Run, StopCause
from taxiway.core.session import Disposition, Session, Signal, Stopped
from taxiway.core.task import Task, TaskSpec, TaskState
from taxiway.store.tx import Topic as Topic


class NewTask(msgspec.Struct, frozen=True):
    """One task to submit: its id is chosen by the caller, so that a repeated call can be recognised. ``mailbox`` is the
    policy of its session, should it be the first to name it."""

    id: str
    spec: TaskSpec
    hash: bytes
    project: str = ""
    mailbox: MailboxPolicy = MailboxPolicy()


class Submitted(msgspec.Struct, frozen=True):
    """What a submit answers: the task, and whether this call made it (``False``: the idempotency key was known).

    For a message to a session also what is known of it now: its ``position`` among those that wait (from 1), the run
    that it was offered to (``offered``), the task whose turn it joined (``carrier``), and the tasks that had to go for
    it (``dropped``).
    """

    id: str
    state: TaskState
    created: bool
    disposition: Disposition = Disposition.READY
    position: int | None = None
    offered: str | None = None
    carrier: str | None = None
    dropped: tuple[str, ...] = ()


class PlanAdmitted(msgspec.Struct, frozen=True):
    """What running a plan did: ids by task name, and how many are new, kept as completed, going on, and replaced."""

    queue: str
    project: str
    ids: dict[str, str]
    new: int
    kept: int
    going_on: int
    replaced: int


class Parent(msgspec.Struct, frozen=True):
    """What a template may take of a task named in ``after``."""

    name: str
    state: TaskState
    output: str | None
    result: Any
    exit_code: int | None


class Message(msgspec.Struct, frozen=True):
    """One message of a turn, with where it came from."""

    task: str
    prompt: str
    metadata: dict[str, Any] = {}


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed run's place in its session: the conversation to go on with, and what the turn is made of.

    ``messages`` are the task's own and those that it carries, in order of submission; ``dropped`` one line each about
    what a full mailbox let go. ``process`` is the one that holds the conversation: the last that was opened for it,
    wherever; ``None`` after a reset, an archiving, or when it is gone. Any other knows an older state of it.
    """

    session: str
    key: str
    generation: int
    thread: str | None = None
    process: str | None = None
    messages: tuple[Message, ...] = ()
    dropped: tuple[str, ...] = ()


class PendingSignal(msgspec.Struct, frozen=True):
    """An instruction for a live run of this runner that has not been settled."""

    id: str
    run: str
    fence: int
    kind: Signal
    text: str | None


class TurnFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a live turn tells of its session; ``None`` where it tells nothing. ``steerable``: from now on the run takes
    steers."""

    thread: str | None = None
    context_tokens: int | None = None
    context_window: int | None = None
    steerable: bool | None = None


class WarmProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A session's live process, as it is written down before it runs."""

    id: str
    session: str
    runner: str
    mark: ProcessMark
    opened_at: int = 0


class SessionFilter(msgspec.Struct, frozen=True):
    """Which sessions a list shows (C33): ``default`` (active or unread), ``all``, ``running``, ``unread``,
    ``terminal`` or ``idle``; archived ones only when asked for."""

    state: str = "default"
    reader: str | None = None
    agent: str | None = None
    archived: bool = False


class SessionPage(msgspec.Struct, frozen=True):
    """One page (C34); ``cursor`` goes on behind it, ``None`` at the end."""

    items: list[Session]
    cursor: str | None


class Claimed(msgspec.Struct, frozen=True):
    """A run that the claimer now owns, by its fence."""

    run: str
    task: str
    spec: TaskSpec
    fence: int
    attempt: int
    project: str
    parents: tuple[Parent, ...] = ()
    seat: Seat | None = None


class StopRequest(msgspec.Struct, frozen=True):
    """A live run of this runner that somebody wants ended."""

    run: str
    fence: int
    cause: StopCause


class Runner(msgspec.Struct, frozen=True, kw_only=True):
    """A process that executes runs."""

    id: str
    host: str
    boot_id: str
    pid: int
    slots: int
    scope: Scope = Scope()
    state: str = "live"
    beat: int = 0
    started_at: int = 0
    seen_at: int = 0


class LiveRun(msgspec.Struct, frozen=True):
    """A run that has not ended, as a caretaker sees it."""

    run: str
    task: str
    runner: str
    fence: int
    process: ProcessMark | None


class TaskFilter(msgspec.Struct, frozen=True):
    """Which tasks a list shows: all conditions must hold. ``queue`` is a name (any project, unless ``project`` says);
    ``session`` is an id; ``superseded`` shows also what newer tasks replaced; ``open_first`` what has not ended, then
    the newest that has."""

    queue: str | None = None
    project: str | None = None
    states: frozenset[TaskState] = frozenset()
    lane: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    session: str | None = None
    superseded: bool = False
    open_first: bool = False


class TaskPage(msgspec.Struct, frozen=True):
    """One page in the order of its filter; ``cursor`` goes on behind it, ``None`` at the end."""

    items: list[Task]
    cursor: str | None


class Finished(msgspec.Struct, frozen=True):
    """What became of the task when its run ended; not ``applied``: the fence was stale, and nothing changed."""

    applied: bool
    state: TaskState | None = None
    reason: str | None = None
    due_at: int | None = None


class Pruned(msgspec.Struct, frozen=True):
    """How many ended tasks, and how many lines of the change log, one page of a prune forgot; true while it did any."""

    tasks: int
    changes: int

    def __bool__(self) -> bool:
        return self.tasks + self.changes > 0


class CheckFinding(msgspec.Struct, frozen=True):
    """One broken invariant: its id, what is wrong, and the rows concerned."""

    invariant: str
    check: str
    text: str


class Store(Protocol):
    """What the engine and the doors need of a store."""

    # -- asking for work ------------------------------------------------------------------------------------------
    async def submit(self, tasks: Sequence[NewTask], actor: str) -> list[Submitted]:
        """Admit all of ``tasks``, or none of them."""
        ...

    async def submit_plan(self, plan: Plan, tasks: Sequence[NewTask], fresh: bool, actor: str) -> PlanAdmitted:
        """Run a plan, or run it again: see semantics, "Running it again"."""
        ...

    async def cancel(self, task: str, actor: str) -> Task:
        """Ask that a task ends; the task as it then is (I15). Cancelling what has ended changes nothing."""
        ...

    async def cancel_all(self, actor: str, queue: str | None = None, project: str | None = None) -> int:
        """Cancel all that has not ended, of one queue or of everything; the count of tasks found open."""
        ...

    async def retry(self, task: str, actor: str) -> list[str]:
        """Replace a failed or cancelled task, and what fell with it, by new ones; their ids, the task's own first."""
        ...

    async def remove(self, task: str, actor: str) -> bool:
        """Forget a task that does not run; ``False`` while it runs (rules A22, A23)."""
        ...

    # -- sessions -------------------------------------------------------------------------------------------------
    async def make_session(
        self, key: str, project: str, agent: str | None, policy: MailboxPolicy, actor: str, title: str | None = None
    ) -> Session:
        """The session of this key, made when it is new. Raises ``Conflict`` when it belongs to another agent."""
        ...

    async def set_session(self, session: str, change: MailboxChange, actor: str) -> Session:
        """Change its policy; what may start by it starts (SQ-15, SQ-16)."""
        ...

    async def find_session(self, ref: str, project: str | None) -> str:
        """The whole id for a key (of ``project``, else of none), an id, or a unique part of one."""
        ...

    async def keyed_session(self, key: str, project: str) -> Session | None:
        """The session that work of a project means by a key: its own, else the one of no project."""
        ...

    async def session(self, session: str, reader: str | None = None) -> Session:
        """One session; raises ``NotFound``."""
        ...

    async def sessions(self, filter: SessionFilter, limit: int, cursor: str | None) -> SessionPage:
        """A page of sessions: active first, then unread, then by last activity (C33-C36)."""
        ...

    async def session_tasks(self, session: str, limit: int, after: int) -> list[Task]:
        """Its open tasks in order of submission, behind a submission number."""
        ...

    async def stop_session(self, session: str, actor: str) -> Task | None:
        """Ask that its oldest started run ends; ``None`` when nothing runs (SQ-40)."""
        ...

    async def stop_all_of_session(self, session: str, actor: str) -> Stopped:
        """Cancel what waits, stop what runs; what was submitted before never runs (SQ-43 to SQ-46)."""
        ...

    async def reset_session(self, session: str, discard: bool, actor: str) -> Stopped:
        """A new generation: a new conversation; what runs is stopped, what waits is kept unless ``discard``."""
        ...

    async def archive_session(self, session: str, archived: bool, actor: str) -> Session:
        """Put it away, or take it back. Raises ``Conflict`` while something runs or waits."""
        ...

    async def read_session(self, session: str, reader: str) -> Session:
        """Store its current version as what this reader has seen (C32)."""
        ...

    async def session_output(self, run: str, after: int, limit: int) -> tuple[list[Event], int]:
        """Output events of a run above ``after``, and the number to go on behind (C38, C39)."""
        ...

    async def signals(self, runner: str) -> list[PendingSignal]:
        """What live runs of a runner have been told and have not settled."""
        ...

    async def settle_signal(self, run: str, fence: int, signal: str, applied: bool, why: str | None) -> None:
        """The run took it, or could not: then its message waits in its old place (OC-01, OC-02)."""
        ...

    async def tell_session(self, run: str, fence: int, facts: TurnFacts) -> None:
        """Store what a live turn tells of its session; a run of an older generation tells nothing (SQ-50)."""
        ...

    async def opened_process(self, process: WarmProcess) -> None:
        """Write down a session's process before its program runs (I7): the conversation is held by it from now on.

        Raises ``LeaseLost`` when the runner has been declared dead: nobody would look after the process.
        """
        ...

    async def closed_process(self, process: str) -> None:
        """It is confirmed gone."""
        ...

    async def warm_processes(self, runner: str | None = None) -> list[WarmProcess]:
        """Processes of sessions that are not known to be gone."""
        ...

    async def outdated_processes(self, runner: str) -> list[str]:
        """Those of a runner that hold no conversation any more: it was reset or put away, or goes on in another
        process. What makes one so is hinted at by ``Topic.SIGNAL``."""
        ...

    # -- reading --------------------------------------------------------------------------------------------------
    async def find_task(self, ref: str, project: str | None = None) -> str:
        """The whole id for a whole id, a unique prefix or suffix of four or more characters, a task's name, or
        ``QUEUE/NAME``. Of tasks of one name those of ``project`` go first; raises ``Ambiguous`` if several are left."""
        ...

    async def task(self, task: str) -> Task:
        """One task; raises ``NotFound``."""
        ...

    async def tasks(self, filter: TaskFilter, limit: int, cursor: str | None) -> TaskPage:
        """A page of tasks, in the order priority, position, submission, or as ``open_first`` says."""
        ...

    async def count_tasks(self, filter: TaskFilter, most: int) -> int:
        """How many tasks a filter lets through; counting ends at ``most``."""
        ...

    async def runs(self, task: str) -> list[Run]:
        """Every run of a task, oldest first."""
        ...

    async def run(self, run: str) -> Run:
        """One run; raises ``NotFound``."""
        ...

    async def find_run(self, ref: str) -> str:
        """The whole id of a run for a unique prefix or suffix of four or more characters, or a whole id."""
        ...

    async def events(self, run: str, after: int, limit: int) -> list[Event]:
        """Events of a run with numbers above ``after``, ascending."""
        ...

    async def changes(self, after: int, limit: int) -> list[Change]:
        """The change log above version ``after`` (0: all that is kept), in version order; raises ``Gap`` when some of
        it has been forgotten."""
        ...

    async def last_version(self) -> int:
        """The number of the newest change; 0 in an empty store."""
        ...

    async def facts(self, task: str) -> Facts:
        """What ``readiness.obstacles`` needs to explain one task."""
        ...

    # -- queues and lanes -----------------------------------------------------------------------------------------
    async def queue(self, name: str, project: str | None = None) -> Queue:
        """One queue: of ``project``, else of none; with ``None`` the only one of that name."""
        ...

    async def queues(self) -> list[Queue]:
        """Every queue."""
        ...

    async def make_queue(self, name: str, slots: int | None, actor: str) -> Queue:
        """Make a standing queue; it is started when it is made."""
        ...

    async def move_queue(self, name: str, verb: str, actor: str, project: str | None = None) -> Queue:
        """``start``, ``pause``, ``resume``, ``stop`` or ``reset`` a queue."""
        ...

    async def set_queue(self, name: str, slots: int | None, actor: str, project: str | None = None) -> Queue:
        """Change how many runs of a queue may go at once."""
        ...

    async def queue_stats(self, name: str, project: str | None = None) -> QueueStats:
        """Counts of the present tasks of a queue."""
        ...

    async def lanes(self) -> list[Lane]:
        """Every lane, with its live runs."""
        ...

    async def set_lane(
        self, name: str, size: int | None, actor: str, queue: str | None = None, project: str | None = None
    ) -> Lane:
        """Make or resize a lane: store-wide, or of a queue (found as in ``queue``)."""
        ...

    async def move_lane(
        self, name: str, verb: str, actor: str, queue: str | None = None, project: str | None = None
    ) -> Lane:
        """``stop`` a lane: it refuses new work and cancels what waits in it; or ``start`` it again (SQ-65)."""
        ...

    # -- executing ------------------------------------------------------------------------------------------------
    async def register(self, runner: Runner) -> None:
        """Write down a new runner."""
        ...

    async def beat(self, runner: str) -> bool:
        """Renew the runner's lease; ``False`` when it has been declared dead."""
        ...

    async def retire(self, runner: str, state: str) -> bool:
        """Mark a runner ``draining``, or ``gone`` unless a run of it is live; whether it is so now."""
        ...

    async def claim(self, runner: str, scope: Scope, free: int) -> list[Claimed]:
        """Take up to ``free`` tasks in exact order; O(slots + open groups)."""
        ...

    async def started(self, run: str, fence: int, mark: ProcessMark | None) -> StopCause | None:
        """Record the process before its program starts. Raises ``LeaseLost`` on a stale fence; answers a stop cause
        when the run must not start any more."""
        ...

    async def record(self, run: str, fence: int, batch: int, events: Sequence[NewEvent]) -> int:
        """Append events as batch number ``batch`` (1, 2, …): a repeated batch changes nothing, a stale fence raises
        ``LeaseLost``. The last event's number."""
        ...

    async def finish(self, run: str, fence: int, outcome: Outcome, chance: float) -> Finished:
        """End a run with its outcome: task moved, slots freed, dependents counted down; first writer wins (I12)."""
        ...

    async def stop_requests(self, runner: str) -> list[StopRequest]:
        """Live runs of a runner that somebody wants ended."""
        ...

    async def request_stop(self, run: str, fence: int, cause: StopCause) -> None:
        """Mark a live run as stopping for the runner's own cause."""
        ...

    # -- caretaking: each one bounded and idempotent ---------------------------------------------------------------
    async def next_due(self) -> int | None:
        """When the next stored time falls due (milliseconds UTC), or ``None``; 0 when a cascade has pages left."""
        ...

    async def wake_due(self, limit: int) -> int:
        """Queue what is due, expire what is too late; how many rows moved."""
        ...

    async def advance(self, limit: int) -> int:
        """Do one page of what cascades have left; how many rows moved."""
        ...

    async def runners(self) -> list[Runner]:
        """Runners that are not gone."""
        ...

    async def live_runs(self, runner: str | None = None) -> list[LiveRun]:
        """Runs that have not ended, of one runner or of all."""
        ...

    # -- keeping --------------------------------------------------------------------------------------------------
    async def check(self) -> list[CheckFinding]:
        """Every broken invariant; an empty list is a healthy store."""
        ...

    async def backup(self, path: str) -> None:
        """Copy the store, as it is at one moment, into a new file."""
        ...

    async def prune(self, older_than_ms: int, limit: int, actor: str) -> Pruned:
        """Forget what ended before a time, one page of it: up to ``limit`` tasks, and as many changes."""
        ...

    async def close(self) -> None:
        """Write what waits, and let go of everything."""
        ...


class Wakes(Protocol):
    """Hints that something was committed, by this process or another one. Never truth: a waiter looks again."""

    def subscribe(self, topics: Topic) -> Wake:
        """A new waiter for hints on any of ``topics``."""
        ...


class Wake(Protocol):
    """One waiter."""

    async def wait(self, timeout_s: float) -> bool:
        """Return ``True`` when something was committed since the last call, ``False`` after ``timeout_s``."""
        ...

    def close(self) -> None:
        """Write what waits, and let go of everything."""
        ...
