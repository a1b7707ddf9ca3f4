"""Every verb of an open store: what Python says, the command line says too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, NamedTuple

from taxiway.client.handle import TaskHandle, plain_fields
from taxiway.client.session import SessionHandle
from taxiway.config import store_path as store_path
from taxiway.core.account import Account
from taxiway.core.approval import Approval
from taxiway.core.change import Change
from taxiway.core.errors import NotFound
from taxiway.core.event import Event
from taxiway.core.ids import short_id
from taxiway.core.lane import Lane
from taxiway.core.limits import EVENTS_PAGE_MAX, LIST_COUNT_MAX, LIST_PAGE_DEFAULT
from taxiway.core.plan import Plan
from taxiway.core.queue import Queue, QueueStats
from taxiway.core.readiness import Obstacle
from taxiway.core.run import Run
from taxiway.core.session import Receipt
from taxiway.core.statistics import Summary as Summary
from taxiway.core.task import Task
from taxiway.core.token import Token, TokenScope
from taxiway.core.usage import UsageLine
from taxiway.core.workspace import Applied, Found, Left, TaskDiff
from taxiway.engine.account_intake import AccountIntake
from taxiway.engine.approval_intake import ApprovalIntake
from taxiway.engine.engine import Crew
from taxiway.engine.feed import Feed
from taxiway.engine.intake import Intake
from taxiway.engine.session_intake import SessionIntake
from taxiway.engine.statistics import StoreStatistics, TenantStatistics
from taxiway.engine.token_intake import TokenIntake
from taxiway.engine.turn_intake import RECEIPT_S, TurnIntake
from taxiway.jobs import REGISTRY as REGISTRY
from taxiway.settings import Settings as Settings
from taxiway.store.protocol import ApprovalPage as ApprovalPage
from taxiway.store.protocol import PlanAdmitted as PlanAdmitted
from taxiway.store.protocol import Runner, Store, Submitted
from taxiway.store.protocol import SessionFilter as SessionFilter
from taxiway.store.protocol import SessionPage as SessionPage
from taxiway.store.protocol import TaskFilter as TaskFilter
from taxiway.store.protocol import TaskPage as TaskPage
from taxiway.workspaces.workshop import Workshop


class Doors(NamedTuple):
    """The verbs of one actor on a store, by what they are about."""

    store: Store
    intake: Intake
    sessions: SessionIntake
    approvals: ApprovalIntake
    accounts: AccountIntake
    turns: TurnIntake
    tokens: TokenIntake
    feed: Feed
    statistics: TenantStatistics
    store_statistics: StoreStatistics


MakeDoors = Callable[[str, str], Doors]  #: for an actor, in a tenant


class Taxiway:
    """An opened store with every verb, and perhaps a runner. Made by ``taxiway.open``."""

    def __init__(
        self, doors: Doors, make_doors: MakeDoors, crew: Crew | None, runner: str | None, workshop: Workshop
    ) -> None:
        self._doors = doors
        self._make_doors = make_doors
        self._intake = self.intake = doors.intake
        self._feed = self.feed = doors.feed
        self._approval_verbs = doors.approvals
        self._accounts = doors.accounts
        self._turns = doors.turns
        self.session_verbs = doors.sessions
        self.statistics = doors.statistics
        self.store_statistics = doors.store_statistics
        self.store = doors.store
        self.crew = crew
        self.runner = runner
        self.workshop = workshop

    def on_behalf_of(self, actor: str, tenant: str) -> Taxiway:
        """The same verbs in somebody else's name: who is written into the change log, and whose work is seen."""
        doors = self._make_doors(actor, tenant)
        return Taxiway(doors, self._make_doors, self.crew, self.runner, self.workshop)

    async def submit(self, **fields: Any) -> TaskHandle:
        """Submit one task; the fields are those of a plan file's task. ``after`` also takes handles.

        Raises ``Invalid`` with every fault, ``IdempotencyMismatch``, ``QueueStopping``, ``QueueEnded``, ``Full``.
        """
        answer = await self._intake.submit(plain_fields(fields))
        return TaskHandle(self, answer.id, answer.state, answer.created)

    async def submit_many(self, many: Sequence[Mapping[str, Any]]) -> list[TaskHandle]:
        """Submit up to 1,000 tasks, all or none; later ones may name earlier ones."""
        answers = await self._intake.submit_many([plain_fields(fields) for fields in many])
        return [TaskHandle(self, answer.id, answer.state, answer.created) for answer in answers]

    async def run_plan(self, plan: Plan, fresh: bool = False) -> PlanAdmitted:
        """Admit a plan (``taxiway.read_plan`` reads one), or run it again: completed tasks are not run again."""
        admitted = await self._intake.run_plan(plan, fresh)
        if self.crew is not None:
            self.crew.begin()
        return admitted

    async def admit(self, fields: Mapping[str, Any]) -> Submitted:
        """Submit one task, and say how it stands: what ``submit`` gives a handle on."""
        return await self._intake.submit(plain_fields(fields))

    async def task(self, task: str) -> Task:
        """One task, by its id, four or more characters of its start or end, its name, or ``QUEUE/NAME``."""
        return await self.store.task(await self._intake.find(task))

    async def tasks(self, filter: TaskFilter | None = None, limit: int = 50, cursor: str | None = None) -> TaskPage:
        """A page of tasks in priority order, or as ``TaskFilter.open_first`` says."""
        return await self.store.tasks(filter or TaskFilter(), limit, cursor)

    async def count_tasks(self, filter: TaskFilter | None = None, most: int = LIST_COUNT_MAX) -> int:
        """How many tasks a filter lets through; counting ends at ``most``, for it takes time."""
        return await self.store.count_tasks(filter or TaskFilter(), most)

    async def wait(self, task: str, timeout_s: float | None = None) -> Task:
        """A task once it has ended; ``TimeoutError`` after ``timeout_s`` seconds."""
        found = await self._intake.find(task)
        async with asyncio.timeout(timeout_s):
            return await self._feed.ended(found)

    async def events(self, task: str) -> AsyncIterator[Event]:
        """Events of a task's runs, live, until it has ended."""
        async for event in self._feed.task_events(await self._intake.find(task)):
            yield event

    async def runs(self, task: str) -> list[Run]:
        """A task's runs, oldest first."""
        return await self.store.runs(await self._intake.find(task))

    async def run_log(self, run: str, after: int = 0, limit: int = EVENTS_PAGE_MAX) -> list[Event]:
        """What a run has said by now, behind number ``after``: at most ``limit`` events, 500 at the most."""
        return await self.store.events(await self.store.find_run(run), after, limit)

    async def newest_version(self) -> int:
        """The version of the newest change."""
        return await self.store.last_version()

    async def change_pages(self, after: int, gather_s: float = 0.0) -> AsyncGenerator[list[Change], None]:
        """The change log from version ``after`` + 1 on, live and without end, in lists of what gathered meanwhile.
        Raises ``Gap`` where some of it has been forgotten."""
        async with aclosing(self._feed.change_pages(after, gather_s)) as pages:
            async for page in pages:
                yield page

    async def runners(self) -> list[Runner]:
        """Runners that are not gone, of this store."""
        return await self.store.runners()

    async def cancel(self, task: str) -> Task:
        """Ask that a task ends; the task as it then is."""
        return await self._intake.cancel(task)

    async def cancel_all(self, queue: str | None = None) -> int:
        """Cancel everything, or everything of a queue."""
        return await self._intake.cancel_all(queue)

    async def steer(self, task: str, text: str, wait_s: float = RECEIPT_S) -> Receipt:
        """Words for the live turn of an agent's task, and what became of them within ``wait_s`` seconds (0: do not
        wait). What the turn of a session does not take is its next turn. Raises ``NoTurn``, ``Full``, ``Invalid``."""
        return await self._turns.steer(task, text, wait_s)

    async def interrupt(self, task: str, wait_s: float = RECEIPT_S) -> Receipt:
        """Have the live turn of an agent's task ended: the task is cancelled (``interrupted``), its conversation stays,
        and what waits in its session goes on. Raises ``NoTurn``."""
        return await self._turns.interrupt(task, wait_s)

    async def retry(self, task: str) -> list[TaskHandle]:
        """Try a failed or cancelled task again, with what fell with it; its own successor first."""
        made = [await self.store.task(found) for found in await self._intake.retry(task)]
        return [TaskHandle(self, found.id, found.state, True) for found in made]

    async def remove(self, task: str) -> bool:
        """Forget a task, with its logs and diffs; ``False`` while it runs. A workspace of it stays."""
        runs = await self.runs(task)
        gone = await self._intake.remove(task)
        for run in runs if gone else ():
            await asyncio.to_thread(self.workshop.patches.forget, run.id)
        return gone

    async def diff(self, task: str) -> TaskDiff:
        """What a task changed in its workspace: the last of its runs of which a diff was kept. Raises ``NotFound``."""
        found = await self.task(task)
        for run in reversed(await self.store.runs(found.carrier or found.id)):
            diff = await self.workshop.diff_of(run.id)
            if diff is not None:
                return diff
        why = "it has no workspace but its folder" if found.spec.workspace is None else "none of its runs has ended"
        raise NotFound(f"task {short_id(found.id)} has no diff: {why}", id=found.id)

    async def apply_diff(self, task: str, to: str | Path, *, check: bool = False) -> Applied:
        """Lay what a task changed into the checkout that holds the folder ``to``: the whole of it, or nothing.

        ``check`` only looks whether it fits. Raises ``WorkspaceRefused`` with the reason where it does not.
        """
        folder = str(Path(to).absolute())  # noqa: ASYNC240  it asks for the working folder, nothing else
        return await self.workshop.apply(await self.diff(task), folder, check)

    async def forget_diffs(self) -> int:
        """Forget the diffs of runs that the store has forgotten; how many those were."""
        gone = 0
        everybody = [self.store.of(tenant) for tenant in await self.store.tenants()]
        for run in await asyncio.to_thread(self.workshop.patches.runs):
            if not await _is_known(everybody, run):
                await asyncio.to_thread(self.workshop.patches.forget, run)
                gone += 1
        return gone

    async def workspaces(self) -> list[Found]:
        """Every workspace beside this store, with whose it is."""
        return await self.workshop.all()

    async def remove_workspace(self, workspace: str) -> Left:
        """Remove a workspace; what is in it and nowhere else is saved to a git bundle first. Raises
        ``WorkspaceRefused`` with the reason why it stays."""
        return await self.workshop.remove(workspace)

    async def explain(self, task: str) -> list[Obstacle]:
        """Every condition that keeps a task from running."""
        return await self._intake.explain(task)

    async def session(
        self,
        key: str,
        *,
        agent: str | None = None,
        mailbox: Mapping[str, Any] | None = None,
        title: str | None = None,
    ) -> SessionHandle:
        """The session of a key, made when there is none: one conversation with one agent, and its mailbox.

        ``mailbox`` holds words of the policy (``mode``, ``cap``, ``drop``, ``debounce``, ``max_debounce_wait``,
        ``max_concurrent``) that hold from now on. Raises ``Invalid``, and ``Conflict`` where it belongs to another
        agent.
        """
        return SessionHandle(self, self.session_verbs, await self.session_verbs.make(key, agent, mailbox, title))

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
        """A page of sessions: active first, then unread, then by last activity. ``state`` is ``default`` (active or
        unread), ``all``, ``running``, ``unread``, ``terminal`` or ``idle``; ``limit`` is cut to 1 to 100."""
        return await self.session_verbs.page(SessionFilter(state, reader, agent, archived), limit, cursor)

    async def approvals(
        self,
        *,
        state: str = "pending",
        task: str | None = None,
        limit: int = LIST_PAGE_DEFAULT,
        cursor: str | None = None,
    ) -> ApprovalPage:
        """A page of what agents ask, in the order in which they asked. ``state`` is ``pending``, ``allowed``,
        ``denied``, ``expired``, ``void`` or ``all``."""
        return await self._approval_verbs.page(state, task, limit, cursor)

    async def approval(self, approval: str) -> Approval:
        """One approval, by its id or four or more characters of its start or end."""
        return await self._approval_verbs.get(approval)

    async def allow(self, approval: str, reason: str | None = None) -> Approval:
        """Allow what an agent asks. Raises ``NotPending`` when somebody was first, or nobody waits any more."""
        return await self._approval_verbs.decide(approval, True, reason)

    async def deny(self, approval: str, reason: str | None = None) -> Approval:
        """Deny it; the agent is told ``reason``. Raises ``NotPending`` as ``allow`` does."""
        return await self._approval_verbs.decide(approval, False, reason)

    async def accounts(self) -> list[Account]:
        """Every account, by name."""
        return await self._accounts.all()

    async def account(self, name: str) -> Account:
        """One account."""
        return await self._accounts.one(name)

    async def park_account(
        self, name: str, *, until: int | None = None, for_s: float | None = None, why: str = ""
    ) -> Account:
        """Start nothing of an account: ``until`` a time (milliseconds since 1970 UTC), for some seconds, or until it is
        released. What runs goes on to its end."""
        return await self._accounts.park(name, until, for_s, why)

    async def release_account(self, name: str) -> Account:
        """Wait no longer for an account's reset; where its provider had refused, one run goes first."""
        return await self._accounts.release(name)

    async def limit_account(self, name: str, limit: int | None) -> Account:
        """How many runs of an account may go at once at most; ``None`` is unlimited."""
        return await self._accounts.limit(name, limit)

    async def set_on_limit(self, on_limit: str | None, *, queue: str | None = None, session: str | None = None) -> None:
        """What tasks of a queue or a session do when a provider's limit ends their turn and they say nothing about it
        themselves: ``wait`` for the reset, ``fail`` with ``quota``; ``None`` takes the word back."""
        await self._accounts.set_on_limit(on_limit, queue, session)

    async def usage(self, by: str = "agent", *, since: int | None = None, until: int | None = None) -> list[UsageLine]:
        """What runs of agents used, grouped by ``session``, ``agent``, ``account``, ``queue`` or ``day``; of those that
        were claimed from ``since`` to before ``until`` (milliseconds since 1970 UTC)."""
        return await self._accounts.usage(by, since, until)

    async def make_token(
        self, name: str, scope: TokenScope = TokenScope.OPERATOR, expires_s: float | None = None
    ) -> tuple[Token, str]:
        """A token for a server of this store, and its text, which nobody can tell again."""
        return await self._doors.tokens.make(name, scope, expires_s)

    async def tokens(self) -> list[Token]:
        """Every token, oldest first."""
        return await self._doors.tokens.every()

    async def revoke_token(self, token: str) -> Token:
        """It opens nothing from now on; by its id, a unique part of it, or its bearer's name."""
        return await self._doors.tokens.revoke(token)

    async def revoke_runner(self, runner: str) -> Token:
        """The key that a remote runner works with opens nothing from now on, and everything that runs by it is fenced;
        by the runner's id, or a unique part of it."""
        return await self._doors.tokens.revoke_runner(runner)

    async def metrics_summary(self) -> Summary:
        """How one's own work is doing: what is open, how the last runs ended and how long they took, and what live runs
        use of this host. It is made anew every few seconds at most."""
        return await self.statistics.summary()

    async def drain(self) -> None:
        """Take nothing new (it is refused with the code ``draining``), start nothing new here, and wait until what runs
        here has come to its end. What waits stays in the store, for others or the next start (SQ-80 to SQ-82)."""
        self._intake.drain()
        if self.crew is not None:
            await self.crew.finish()

    async def queue(self, name: str) -> Queue:
        """One queue."""
        return await self._intake.queue(name)

    async def queues(self) -> list[Queue]:
        """Every queue."""
        return await self.store.queues()

    async def queue_stats(self, name: str) -> QueueStats:
        """Counts of a queue."""
        return await self._intake.queue_stats(name)

    async def make_queue(self, name: str, slots: int | None = None) -> Queue:
        """Make a standing queue; it is started when it is made."""
        return await self._intake.make_queue(name, slots)

    async def move_queue(self, name: str, verb: str) -> Queue:
        """``start``, ``pause``, ``resume``, ``stop`` or ``reset`` a queue."""
        return await self._intake.move_queue(name, verb)

    async def set_queue(self, name: str, slots: int | None) -> Queue:
        """Resize a queue; ``None`` is unlimited."""
        return await self._intake.set_queue(name, slots)

    async def lanes(self) -> list[Lane]:
        """Every lane."""
        return await self.store.lanes()

    async def set_lane(self, name: str, size: int | None, queue: str | None = None) -> Lane:
        """Make or resize a lane; ``None`` is unlimited."""
        return await self._intake.set_lane(name, size, queue)

    async def move_lane(self, name: str, verb: str, queue: str | None = None) -> Lane:
        """``stop`` a lane (it refuses new work, and what waits in it is cancelled), or ``start`` it again."""
        return await self._intake.move_lane(name, verb, queue)


async def _is_known(everybody: Sequence[Store], run: str) -> bool:
    """Whether a run is anybody's: the diffs of all tenants lie in one folder."""
    for store in everybody:
        with suppress(NotFound):
            await store.run(run)
            return True
    return False
