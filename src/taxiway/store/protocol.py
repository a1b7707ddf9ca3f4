"""The contract of a store: every verb is one transaction, and what it returned is durable (I1).

Commands go down and events come up, and they pass each other only here. Verbs that write raise one of
``taxiway.core.errors``; when they raise anything but ``OutcomeUnknown``, nothing was stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from taxiway.core.change import Change
from taxiway.core.event import Event
from taxiway.core.plan import Plan
from taxiway.core.policy import MailboxPolicy
from taxiway.core.queue import Queue, QueueStats
from taxiway.core.readiness import Facts
from taxiway.core.run import Run
from taxiway.core.session import Disposition
from taxiway.core.task import Task, TaskSpec, TaskState
from taxiway.store.account_protocol import AccountStore
from taxiway.store.approval_protocol import ApprovalFilter as ApprovalFilter
from taxiway.store.approval_protocol import ApprovalPage as ApprovalPage
from taxiway.store.approval_protocol import ApprovalStore
from taxiway.store.door_protocol import DoorStore
from taxiway.store.execution_protocol import Claimed as Claimed
from taxiway.store.execution_protocol import ExecutionStore as ExecutionStore
from taxiway.store.execution_protocol import Finished as Finished
from taxiway.store.execution_protocol import Message as Message
from taxiway.store.execution_protocol import PendingSignal as PendingSignal
from taxiway.store.execution_protocol import Resumed as Resumed
from taxiway.store.execution_protocol import Runner as Runner
from taxiway.store.execution_protocol import Seat as Seat
from taxiway.store.execution_protocol import StopRequest as StopRequest
from taxiway.store.execution_protocol import TurnFacts as TurnFacts
from taxiway.store.execution_protocol import WarmProcess as WarmProcess
from taxiway.store.guard import Guard as Guard
from taxiway.store.lineage_protocol import LineageStore
from taxiway.store.observation_protocol import ObservationStore
from taxiway.store.request import REQUEST as REQUEST
from taxiway.store.runner_protocol import LiveRun as LiveRun
from taxiway.store.runner_protocol import RunnerStore
from taxiway.store.session_protocol import SessionFilter as SessionFilter
from taxiway.store.session_protocol import SessionPage as SessionPage
from taxiway.store.session_protocol import SessionStore
from taxiway.store.tenant_protocol import TenantStore
from taxiway.store.token_protocol import NewToken as NewToken
from taxiway.store.token_protocol import Reply as Reply
from taxiway.store.token_protocol import TokenStore
from taxiway.store.tx import Topic as Topic
from taxiway.store.wakes import Wake as Wake
from taxiway.store.wakes import Wakes as Wakes


class NewTask(msgspec.Struct, frozen=True):
    """One task to submit, by an id of the caller's. ``mailbox``: its session's policy, if it is the first there;
    ``submitter``: the live run that asks for it."""

    id: str
    spec: TaskSpec
    hash: bytes
    project: str = ""
    mailbox: MailboxPolicy = MailboxPolicy()
    submitter: str | None = None


class Submitted(msgspec.Struct, frozen=True):
    """What a submit answers: the task, and whether this call made it (``False``: the idempotency key was known).

    For a message also its ``position`` among those that wait (from 1), the run that it was ``offered`` to, the task
    whose turn it joined (``carrier``), and the tasks that had to go for it (``dropped``)."""

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


class TaskFilter(msgspec.Struct, frozen=True):
    """Which tasks a list shows. ``queue`` is a name (any project, unless ``project`` says); ``session`` is an id;
    ``superseded`` shows also what newer tasks replaced; ``open_first`` what has not ended, then the newest that has.
    ``text`` stands in a task's name, labels, command or prompt, whatever the case of its Latin letters: how far a page
    looks for it is bounded, so a page may hold fewer than its limit and still have a cursor."""

    queue: str | None = None
    project: str | None = None
    states: frozenset[TaskState] = frozenset()
    lane: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    session: str | None = None
    superseded: bool = False
    open_first: bool = False
    text: str | None = None


class TaskPage(msgspec.Struct, frozen=True):
    """One page in the order of its filter; ``cursor`` goes on behind it, ``None`` at the end."""

    items: list[Task]
    cursor: str | None


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


class Store(
    ExecutionStore,
    RunnerStore,
    SessionStore,
    ApprovalStore,
    AccountStore,
    TenantStore,
    TokenStore,
    LineageStore,
    DoorStore,
    ObservationStore,
    Protocol,
):
    """What the engine and the doors need of a store. Verbs of people are one tenant's (``of``); those of executing,
    caretaking and keeping, and what runs tell, are for the whole store."""

    # -- asking for work ------------------------------------------------------------------------------------------
    async def submit(self, tasks: Sequence[NewTask], actor: str) -> list[Submitted]:
        """Admit all of ``tasks``, or none of them."""
        ...

    async def submit_and_read(self, tasks: Sequence[NewTask], actor: str) -> list[tuple[Submitted, Task]]:
        """The same, each with its task as it then is."""
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

    # -- queues ---------------------------------------------------------------------------------------------------
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
        """Counts of the present tasks of a queue; zeros where there is no such queue (C48)."""
        ...

    # -- caretaking: each one bounded and idempotent ---------------------------------------------------------------
    async def next_due(self) -> int | None:
        """When the next stored time falls due (milliseconds UTC), or ``None``; 0 when a cascade has pages left."""
        ...

    async def wake_due(self, limit: int) -> int:
        """Queue what is due, expire what is too late, questions among it; how many rows moved."""
        ...

    async def advance(self, limit: int) -> int:
        """Do one page of what cascades have left; how many rows moved."""
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
