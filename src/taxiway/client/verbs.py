"""The verbs that a store in this process and a server have alike: what a program that takes either can count on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any, Final, Protocol

from taxiway.client.handle import TaskHandle
from taxiway.client.session import SessionHandle, SessionVerbs
from taxiway.core.account import Account
from taxiway.core.agent import AgentReport
from taxiway.core.approval import Approval
from taxiway.core.change import Change
from taxiway.core.event import Event
from taxiway.core.lane import Lane
from taxiway.core.limits import EVENTS_PAGE_MAX, LIST_COUNT_MAX, LIST_PAGE_DEFAULT
from taxiway.core.plan import Plan
from taxiway.core.queue import Queue, QueueStats
from taxiway.core.readiness import Obstacle
from taxiway.core.run import Run
from taxiway.core.session import Attention, Receipt, RunSignal, Signal
from taxiway.core.statistics import Summary
from taxiway.core.task import Task
from taxiway.core.token import Token, TokenScope
from taxiway.core.usage import UsageLine
from taxiway.core.workspace import TaskDiff
from taxiway.store.protocol import ApprovalPage, PlanAdmitted, Runner, SessionPage, Submitted, TaskFilter, TaskPage

SNAPSHOT_TASKS: Final = 20  #: of a queue, unless it is said otherwise
RECEIPT_S: Final = 5.0  #: how long a receipt is waited for, unless it is said otherwise


class Verbs(Protocol):
    """What ``taxiway.open`` and ``taxiway.connect`` both give; each verb says more where it is made."""

    @property
    def session_verbs(self) -> SessionVerbs:
        """The verbs on one session, by its key or id."""
        ...

    async def submit(self, **fields: Any) -> TaskHandle:
        """Submit one task."""
        ...

    async def submit_many(self, many: Sequence[Mapping[str, Any]]) -> list[TaskHandle]:
        """Submit up to 1,000 tasks, all or none."""
        ...

    async def admit(self, fields: Mapping[str, Any]) -> Submitted:
        """Submit one task, and say how it stands."""
        ...

    async def run_plan(self, plan: Plan, fresh: bool = False) -> PlanAdmitted:
        """Admit a plan (``taxiway.read_plan`` reads one), or run it again."""
        ...

    async def task(self, task: str) -> Task:
        """One task, by its id, a part of it, its name, or ``QUEUE/NAME``."""
        ...

    async def tasks(self, filter: TaskFilter | None = None, limit: int = 50, cursor: str | None = None) -> TaskPage:
        """A page of tasks in priority order, or as ``TaskFilter.open_first`` says."""
        ...

    async def count_tasks(self, filter: TaskFilter | None = None, most: int = LIST_COUNT_MAX) -> int:
        """How many tasks a filter lets through, counted up to ``most``."""
        ...

    async def attention(self, tasks: Sequence[Task], reader: str) -> dict[str, Attention]:
        """What tasks are to a reader, by id."""
        ...

    async def read(self, task: str, reader: str) -> Task:
        """Mark a task as seen by a reader, as it is now."""
        ...

    async def wait(self, task: str, timeout_s: float | None = None) -> Task:
        """A task once it has ended."""
        ...

    async def runs(self, task: str) -> list[Run]:
        """A task's runs, oldest first."""
        ...

    async def run_log(self, run: str, after: int = 0, limit: int = EVENTS_PAGE_MAX) -> list[Event]:
        """What a run has said by now, behind number ``after``: at most ``limit`` events, 500 at the most."""
        ...

    def events(self, task: str) -> AsyncIterator[Event]:
        """Events of a task's runs, live, until it has ended."""
        ...

    async def newest_version(self) -> int:
        """The version of the newest change."""
        ...

    def change_pages(self, after: int, gather_s: float = 0.0) -> AsyncGenerator[list[Change], None]:
        """The same as lists."""
        ...

    async def cancel(self, task: str) -> Task:
        """Ask that a task ends."""
        ...

    async def cancel_all(self, queue: str | None = None) -> int:
        """Cancel everything, or everything of a queue."""
        ...

    async def steer(self, task: str, text: str, wait_s: float = RECEIPT_S) -> Receipt:
        """Words for the live turn of an agent's task, and what became of them within ``wait_s`` seconds."""
        ...

    async def interrupt(self, task: str, wait_s: float = RECEIPT_S) -> Receipt:
        """Have the live turn of an agent's task ended."""
        ...

    async def retry(self, task: str) -> list[TaskHandle]:
        """Try a failed or cancelled task again, with what fell with it."""
        ...

    async def diff(self, task: str) -> TaskDiff:
        """What a task changed in its workspace."""
        ...

    async def remove(self, task: str) -> bool:
        """Forget a task with its logs."""
        ...

    async def explain(self, task: str) -> list[Obstacle]:
        """Every condition that keeps a task from running."""
        ...

    async def signal(self, run: str, kind: Signal | str, text: str | None = None) -> Receipt:
        """Tell a live run something: ``turn`` and ``steer`` bring words, ``stop`` and ``interrupt`` end it."""
        ...

    async def signals(self, run: str, after: int = 0, limit: int = LIST_PAGE_DEFAULT) -> list[RunSignal]:
        """What a run was told, behind a number, in order."""
        ...

    async def cancel_signal(self, signal: str) -> RunSignal:
        """Take back what no turn has taken yet."""
        ...

    async def session(
        self, key: str, *, agent: str | None = None, mailbox: Mapping[str, Any] | None = None, title: str | None = None
    ) -> SessionHandle:
        """The session of a key, made when there is none."""
        ...

    async def sessions(
        self,
        *,
        state: str = "default",
        reader: str | None = None,
        agent: str | None = None,
        archived: bool = False,
        limit: float = LIST_PAGE_DEFAULT,
        cursor: str | None = None,
    ) -> SessionPage:
        """A page of sessions: active first, then unread, then by last activity."""
        ...

    async def approvals(
        self,
        *,
        state: str = "pending",
        task: str | None = None,
        limit: int = LIST_PAGE_DEFAULT,
        cursor: str | None = None,
    ) -> ApprovalPage:
        """A page of what agents ask, in the order in which they asked."""
        ...

    async def approval(self, approval: str) -> Approval:
        """One approval."""
        ...

    async def allow(self, approval: str, reason: str | None = None) -> Approval:
        """Allow what an agent asks."""
        ...

    async def deny(self, approval: str, reason: str | None = None) -> Approval:
        """Deny it."""
        ...

    async def accounts(self) -> list[Account]:
        """Every account, by name."""
        ...

    async def account(self, name: str) -> Account:
        """One account."""
        ...

    async def park_account(
        self, name: str, *, until: int | None = None, for_s: float | None = None, why: str = ""
    ) -> Account:
        """Start nothing of an account."""
        ...

    async def release_account(self, name: str) -> Account:
        """Wait no longer for an account's reset."""
        ...

    async def limit_account(self, name: str, limit: int | None) -> Account:
        """How many runs of an account may go at once at most."""
        ...

    async def set_on_limit(self, on_limit: str | None, *, queue: str | None = None, session: str | None = None) -> None:
        """What tasks of a queue or a session do when a provider's limit ends their turn."""
        ...

    async def usage(self, by: str = "agent", *, since: int | None = None, until: int | None = None) -> list[UsageLine]:
        """What runs of agents used."""
        ...

    async def queue(self, name: str) -> Queue:
        """One queue."""
        ...

    async def queues(self) -> list[Queue]:
        """Every queue."""
        ...

    async def queue_stats(self, name: str) -> QueueStats:
        """Counts of a queue."""
        ...

    async def snapshot(self, name: str, limit: int = SNAPSHOT_TASKS) -> tuple[QueueStats, list[Task]]:
        """Counts of a queue and its first tasks, open ones first, as they are at one moment."""
        ...

    async def make_queue(self, name: str, slots: int | None = None) -> Queue:
        """Make a standing queue."""
        ...

    async def move_queue(self, name: str, verb: str) -> Queue:
        """``start``, ``pause``, ``resume``, ``stop`` or ``reset`` a queue."""
        ...

    async def set_queue(self, name: str, slots: int | None) -> Queue:
        """Resize a queue."""
        ...

    async def lanes(self) -> list[Lane]:
        """Every lane."""
        ...

    async def lane(self, name: str, queue: str | None = None) -> Lane:
        """One lane."""
        ...

    async def set_lane(self, name: str, size: int | None, queue: str | None = None) -> Lane:
        """Make or resize a lane."""
        ...

    async def move_lane(self, name: str, verb: str, queue: str | None = None) -> Lane:
        """``stop`` a lane (it refuses new work, and what waits in it is cancelled), or ``start`` it again."""
        ...

    async def agents(self) -> list[AgentReport]:
        """The agents that are configured there, with what they can do."""
        ...

    async def metrics_summary(self) -> Summary:
        """How one's own work is doing."""
        ...

    async def runners(self) -> list[Runner]:
        """Runners that are not gone, of the server's store."""
        ...

    async def make_token(
        self, name: str, scope: TokenScope = TokenScope.OPERATOR, expires_s: float | None = None
    ) -> tuple[Token, str]:
        """A token, and its text, which nobody can tell again."""
        ...

    async def login_code(self) -> str:
        """The code of a link that signs a browser in, once and within a minute: it is opened as ``/login#CODE``. Of a
        server for the bearer of the token that is shown, of a store for its owner."""
        ...

    async def tokens(self) -> list[Token]:
        """Every token."""
        ...

    async def revoke_token(self, token: str) -> Token:
        """It opens nothing from now on."""
        ...

    async def revoke_runner(self, runner: str) -> Token:
        """The key of a remote runner opens nothing from now on, and everything that runs by it is fenced."""
        ...
