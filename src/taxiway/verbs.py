"""Every verb of an open store: what Python says, the command line says too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

from taxiway.client.handle import TaskHandle, plain_fields
from taxiway.client.session import SessionHandle
from taxiway.config import store_path as store_path
from taxiway.control import Control
from taxiway.core.agent import AgentReport
from taxiway.core.change import Change
from taxiway.core.errors import Invalid, NotFound
from taxiway.core.event import Event
from taxiway.core.ids import short_id
from taxiway.core.limits import EVENTS_PAGE_MAX, LIST_COUNT_MAX, LIST_PAGE_DEFAULT
from taxiway.core.plan import Plan
from taxiway.core.readiness import Obstacle
from taxiway.core.run import Run
from taxiway.core.session import Attention, Receipt, RunSignal, Signal
from taxiway.core.task import Task
from taxiway.core.workspace import Applied, Found, Left, TaskDiff
from taxiway.doors import Doors, MakeDoors
from taxiway.doors import Speaking as Speaking
from taxiway.engine.engine import Crew
from taxiway.engine.turn_intake import RECEIPT_S
from taxiway.jobs import REGISTRY as REGISTRY
from taxiway.settings import Settings as Settings
from taxiway.store.protocol import ApprovalPage as ApprovalPage
from taxiway.store.protocol import PlanAdmitted as PlanAdmitted
from taxiway.store.protocol import SessionFilter as SessionFilter
from taxiway.store.protocol import SessionPage as SessionPage
from taxiway.store.protocol import Store, Submitted
from taxiway.store.protocol import TaskFilter as TaskFilter
from taxiway.store.protocol import TaskPage as TaskPage
from taxiway.workspaces.workshop import Workshop


class Taxiway(Control):
    """An opened store with every verb, and perhaps a runner. Made by ``taxiway.open``."""

    def __init__(
        self,
        doors: Doors,
        make_doors: MakeDoors,
        crew: Crew | None,
        runner: str | None,
        workshop: Workshop,
        agents: Callable[[], list[AgentReport]],
    ) -> None:
        super().__init__(doors, agents)
        self._make_doors = make_doors
        self._feed = self.feed = doors.feed
        self._turns = doors.turns
        self._signals = doors.signals
        self.session_verbs = doors.sessions
        self.statistics = doors.statistics
        self.store_statistics = doors.store_statistics
        self.crew = crew
        self.runner = runner
        self.workshop = workshop

    def on_behalf_of(self, who: Speaking) -> Taxiway:
        """The same verbs in somebody else's name: who is written into the change log, and whose work is seen."""
        return Taxiway(self._make_doors(who), self._make_doors, self.crew, self.runner, self.workshop, self._agents)

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

    async def attention(self, tasks: Sequence[Task], reader: str) -> dict[str, Attention]:
        """What tasks are to a reader, by id: active until they have ended, then unread until they were read."""
        return await self._intake.attention([task.id for task in tasks], reader)

    async def read(self, task: str, reader: str) -> Task:
        """Mark a task as seen by a reader, as it is now; readers do not know of each other."""
        return await self._intake.read(task, reader)

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

    async def signal(self, run: str, kind: Signal | str, text: str | None = None) -> Receipt:
        """Tell a live run something: ``turn`` and ``steer`` bring words for its session's next turn or for the one
        under way, ``stop`` and ``interrupt`` end it. Raises ``Terminal`` for a run that has ended."""
        return await self._signals.tell(run, _signal(kind), text)

    async def signals(self, run: str, after: int = 0, limit: int = LIST_PAGE_DEFAULT) -> list[RunSignal]:
        """What a run was told, behind a number, in order, with how far each got; at most 100."""
        return await self._signals.told(run, after, limit)

    async def cancel_signal(self, signal: str) -> RunSignal:
        """Take back what no turn has taken yet; what is settled stays as it is."""
        return await self._signals.cancel(signal)

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

    async def drain(self) -> None:
        """Take nothing new (it is refused with the code ``draining``), start nothing new here, and wait until what runs
        here has come to its end. What waits stays in the store, for others or the next start (SQ-80 to SQ-82)."""
        self._intake.drain()
        if self.crew is not None:
            await self.crew.finish()


async def _is_known(everybody: Sequence[Store], run: str) -> bool:
    """Whether a run is anybody's: the diffs of all tenants lie in one folder."""
    for store in everybody:
        with suppress(NotFound):
            await store.run(run)
            return True
    return False


def _signal(kind: Signal | str) -> Signal:
    try:
        return Signal(kind)
    except ValueError:
        raise Invalid(f"'{kind}' is no signal; there are {', '.join(Signal)}") from None
