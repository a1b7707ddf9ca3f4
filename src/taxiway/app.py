"""The composition root: opens a store with every verb and, with ``runner``, what executes in this process."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from taxiway.agents.settle import boot_id
from taxiway.client.blocking import Blocking
from taxiway.client.handle import TaskHandle, plain_fields
from taxiway.client.session import Sent, SessionHandle
from taxiway.clock import Ids, SystemClock, system_chance
from taxiway.config import Loaded, make_state_folder
from taxiway.config import store_path as store_path
from taxiway.core.account import Account
from taxiway.core.approval import Approval
from taxiway.core.errors import NotFound
from taxiway.core.event import Event
from taxiway.core.ids import short_id
from taxiway.core.lane import Lane
from taxiway.core.limits import LIST_COUNT_MAX, LIST_PAGE_DEFAULT
from taxiway.core.plan import Plan
from taxiway.core.queue import Queue, QueueStats
from taxiway.core.readiness import Obstacle
from taxiway.core.redact import Scrubber
from taxiway.core.run import Run
from taxiway.core.task import Task
from taxiway.core.usage import UsageLine
from taxiway.core.workspace import Applied, Found, Left, TaskDiff
from taxiway.engine.account_intake import AccountIntake
from taxiway.engine.approval_intake import ApprovalIntake
from taxiway.engine.engine import Crew, serving
from taxiway.engine.feed import Feed
from taxiway.engine.intake import Intake, Prompting
from taxiway.engine.reaper import Host, Reaper
from taxiway.engine.service import Service
from taxiway.engine.session_intake import SessionIntake
from taxiway.engine.timekeeper import Timekeeper
from taxiway.jobs import REGISTRY as REGISTRY
from taxiway.observe.log import log_moment
from taxiway.observe.observer import Observer, guarded
from taxiway.planfile.project import project_of
from taxiway.runner import HostEvidence, Parts, with_runner, with_wakes
from taxiway.secretsources import resolve_secrets, secrets_at_hand, variables_of
from taxiway.settings import Settings as Settings
from taxiway.store.protocol import ApprovalPage as ApprovalPage
from taxiway.store.protocol import PlanAdmitted as PlanAdmitted
from taxiway.store.protocol import SessionFilter as SessionFilter
from taxiway.store.protocol import SessionPage as SessionPage
from taxiway.store.protocol import Store
from taxiway.store.protocol import TaskFilter as TaskFilter
from taxiway.store.protocol import TaskPage as TaskPage
from taxiway.store.seams import Seams
from taxiway.store.sqlite.opening import open_sqlite
from taxiway.workspaces.workshop import Workshop


class Taxiway:
    """An opened store with every verb, and perhaps a runner. Made by ``taxiway.open``."""

    def __init__(
        self,
        store: Store,
        doors: tuple[Intake, SessionIntake, ApprovalIntake, AccountIntake, Feed],
        crew: Crew | None,
        runner: str | None,
        workshop: Workshop,
    ) -> None:
        intake, self.session_verbs, self._approval_verbs, self._accounts, feed = doors
        self._intake = intake
        self._feed = feed
        self.store = store
        self.intake = intake
        self.feed = feed
        self.crew = crew
        self.runner = runner
        self.workshop = workshop

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

    async def cancel(self, task: str) -> Task:
        """Ask that a task ends; the task as it then is."""
        return await self._intake.cancel(task)

    async def cancel_all(self, queue: str | None = None) -> int:
        """Cancel everything, or everything of a queue."""
        return await self._intake.cancel_all(queue)

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
            diff = await asyncio.to_thread(self.workshop.patches.find, run.id)
            if diff is not None:
                return TaskDiff(diff, await asyncio.to_thread(self.workshop.patches.read, diff))
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
        for run in await asyncio.to_thread(self.workshop.patches.runs):
            try:
                await self.store.run(run)
            except NotFound:
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


@asynccontextmanager
async def open_with(store: str | Path, settings: Settings, observer: Observer = log_moment) -> AsyncIterator[Taxiway]:
    """Open a store by its path (or ``sqlite:///path``) with settings; see ``open``."""
    clock, observer = SystemClock(), guarded(observer)
    ids = Ids(clock, system_chance())
    seams = Seams(clock.now_ms, clock.elapsed_s, clock.pause, system_chance().random, Ids(clock, system_chance()).new)
    environment = dict(os.environ)
    opened = await open_sqlite(store_path(store), seams, ids.new("proc"), settings.main_size)
    try:
        scrubber = Scrubber(settings.secrets.values())
        project = settings.project if settings.project is not None else str(project_of(Path.cwd()))
        declared = {name: name for name in settings.secrets} | dict(settings.secret_variables)
        prompting = Prompting(settings.agent, settings.agent_idle_timeout_s, settings.mailbox)
        intake = Intake(opened.store, ids, settings.actor, project, settings.defaults, scrubber, declared, prompting)
        await _size_lanes(opened.store, intake, settings.lanes)
        await _use_accounts(opened.store, settings)
        doors = (
            intake,
            SessionIntake(opened.store, intake, settings.actor, project, settings.mailbox),
            ApprovalIntake(opened.store, intake, settings.actor, scrubber),
            AccountIntake(opened.store, clock, settings.actor, project),
            feed := Feed(opened.store, opened.wakes),
        )
        workshop = Workshop(opened.folder, environment, clock.now_ms, scrubber)
        me = None if settings.slots < 1 else ids.new("runner")
        host, evidence = Host(socket.gethostname(), boot_id()), HostEvidence(opened.folder)
        reaper = Reaper(opened.store, clock, host, me, evidence, observer, settings.lease_s)
        services: list[Service] = [feed, Timekeeper(opened.store, clock), reaper]
        if me is None:
            async with serving(with_wakes(opened, services), observer):
                yield Taxiway(opened.store, doors, None, None, workshop)
            return
        if settings.plan_first:
            await reaper.step()  # what the dead left running would refuse the plan's new text
        parts = Parts(opened, settings, scrubber, observer, ids, clock, me, host, environment, Path.cwd(), workshop)
        async with with_runner(parts, services) as crew:
            yield Taxiway(opened.store, doors, crew, me, workshop)
    finally:
        await opened.close()


def open_configured(
    loaded: Loaded, wanted: Settings, observer: Observer = log_moment
) -> AbstractAsyncContextManager[Taxiway]:
    """Open the store that a configuration names, as it says; of ``wanted`` hold slots, scope, actor, project and jobs.

    All secrets are resolved where a runner is wanted (``slots`` above 0); elsewhere those that can be had at once, so
    that what is typed with one in it is scrubbed there too.
    """
    config = loaded.config
    make_state_folder(loaded)
    asked = msgspec.structs.replace(
        wanted,
        lanes=config.lanes,
        agents=config.agents,
        accounts=config.accounts,
        prices=config.prices,
        agent=config.defaults.agent,
        agent_idle_timeout_s=config.defaults.agent_idle_timeout,
        mailbox=config.mailbox.policy,
        approvals=config.approvals.policy,
        defaults={"timeout_s": config.defaults.timeout, "idle_timeout_s": config.defaults.idle_timeout},
        secrets=(resolve_secrets if wanted.slots else secrets_at_hand)(config.secrets, os.environ),
        secret_variables=variables_of(config.secrets),
        ask_grace_s=config.runner.ask_grace,
        term_grace_s=config.runner.term_grace,
        run_output_bytes_max=config.limits.run_output_bytes,
        processes_max=config.limits.processes,
    )
    return open_with(config.store.path, asked, observer)


def open(store: str | Path, *, slots: int = 2, **settings: Any) -> AbstractAsyncContextManager[Taxiway]:
    """Open (or make) a store, with a runner of ``slots`` slots in this process; use it with ``async with``.

    Leaving the block asks what still runs here to stop; it goes back to its queue, for the next time. Further
    keywords are the fields of ``Settings``. Raises ``StoreUnusable`` with one sentence when the file will not do.
    """
    return open_with(store, Settings(slots=slots, **settings))


def open_sync(store: str | Path, *, slots: int = 2, **settings: Any) -> Blocking[Taxiway]:
    """The same verbs without ``await``; use it with ``with``."""
    return Blocking(open(store, slots=slots, **settings), (TaskHandle, SessionHandle, Sent))


async def _use_accounts(store: Store, settings: Settings) -> None:
    """Give accounts the limits, and agents the accounts, that the configuration says; where they have them, nothing."""
    if not settings.agents and not settings.accounts:
        return
    known = await store.accounts()
    limits = {name: kind.limit for name, kind in settings.accounts.items() if kind.limit is not None}
    agents = {name: kind.account or name for name, kind in settings.agents.items()}
    new_limits = dict(limits.items() - {one.name: one.limit for one in known}.items())
    used = {agent: one.name for one in known for agent in one.agents}
    new_agents = {agent: account for agent, account in agents.items() if used.get(agent, agent) != account}
    if new_limits or new_agents:
        await store.use_accounts(new_limits, new_agents, settings.actor)


async def _size_lanes(store: Store, intake: Intake, sizes: Mapping[str, int | None]) -> None:
    """Give store-wide lanes the sizes that the configuration says."""
    known = {(lane.name, lane.size) for lane in await store.lanes() if lane.queue is None} if sizes else set()
    for name, size in sizes.items() - known:
        await intake.set_lane(name, size)
