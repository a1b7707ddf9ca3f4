"""The SQLite store: every verb of the protocol, written by the group-commit writer or read beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from taxiway.core.change import Change
from taxiway.core.event import Event, NewEvent
from taxiway.core.ids import is_full_id
from taxiway.core.plan import Plan
from taxiway.core.queue import Queue, QueueStats
from taxiway.core.readiness import Facts, Scope
from taxiway.core.run import Outcome, ProcessMark, Run, StopCause
from taxiway.core.task import Task
from taxiway.store.protocol import (
    CheckFinding,
    Claimed,
    Finished,
    LiveRun,
    NewTask,
    PlanAdmitted,
    Pruned,
    Runner,
    StopRequest,
    Submitted,
    TaskFilter,
    TaskPage,
)
from taxiway.store.sqlite.accounts import SqliteAccounts
from taxiway.store.sqlite.approvals import SqliteApprovals
from taxiway.store.sqlite.conversations import SqliteConversations
from taxiway.store.sqlite.doors import SqliteDoors
from taxiway.store.sqlite.lineage import SqliteLineage
from taxiway.store.sqlite.observation import SqliteObservation
from taxiway.store.sqlite.reader import SqliteReader
from taxiway.store.sqlite.sessions import SqliteSessions
from taxiway.store.sqlite.tokens import SqliteTokens
from taxiway.store.sqlite.verbs import MAIN_SIZE
from taxiway.store.tx import Tx
from taxiway.store.verbs import cancel as cancelling
from taxiway.store.verbs import (
    caretaking,
    finding,
    keeping,
    listing,
    plans,
    queues,
    reading,
    replacing,
    runners,
)
from taxiway.store.verbs import explain as explaining
from taxiway.store.verbs import finish as finishing
from taxiway.store.verbs import submit as submitting
from taxiway.store.verbs.cancel_all import cancel_all
from taxiway.store.verbs.claim import Claim
from taxiway.store.writer import Urgency, Writer


class SqliteStore(
    SqliteApprovals,
    SqliteAccounts,
    SqliteConversations,
    SqliteTokens,
    SqliteLineage,
    SqliteDoors,
    SqliteObservation,
    SqliteSessions,
):
    """One file. ``new_id`` makes ids for what the store itself makes; it is used by the writer only."""

    def __init__(
        self, path: Path, writer: Writer, reader: SqliteReader, new_id: Callable[[str], str], main_size: int = MAIN_SIZE
    ) -> None:
        super().__init__(writer, reader, main_size)
        self.path = path
        self._new_id = new_id

    # -- asking for work ------------------------------------------------------------------------------------------
    async def submit(self, tasks: Sequence[NewTask], actor: str) -> list[Submitted]:
        """Admit all of ``tasks``, or none of them."""
        return await self._bulk(lambda tx: submitting.submit(tx, tasks, actor))

    async def submit_and_read(self, tasks: Sequence[NewTask], actor: str) -> list[tuple[Submitted, Task]]:
        """The same, each with its task as it then is."""
        born: dict[str, Task] = {}

        def tell(task: Task) -> None:
            if task.spec.session is None:  # its mailbox may move what is in one
                born[task.id] = task

        def read(tx: Tx, answers: list[Submitted]) -> list[tuple[Submitted, Task]]:
            return [(answer, born.get(answer.id) or reading.task(tx, answer.id)) for answer in answers]

        return await self._bulk_and_read(lambda tx: submitting.submit(tx, tasks, actor, tell), read)

    async def submit_plan(self, plan: Plan, tasks: Sequence[NewTask], fresh: bool, actor: str) -> PlanAdmitted:
        """Run a plan, or run it again."""
        return await self._bulk(lambda tx: plans.submit_plan(tx, plan, tasks, fresh, actor))

    async def cancel(self, task: str, actor: str) -> Task:
        """Ask that a task ends."""

        def operation(tx: Tx) -> Task:
            cancelling.cancel(tx, task, actor)
            return reading.task(tx, task)

        return await self._first(operation)

    async def cancel_all(self, actor: str, queue: str | None = None, project: str | None = None) -> int:
        """Cancel all that has not ended."""
        return await self._first(lambda tx: cancel_all(tx, actor, queue, project))

    async def retry(self, task: str, actor: str) -> list[str]:
        """Replace a failed or cancelled task, and what fell with it, by new ones."""
        return await self._bulk(lambda tx: replacing.retry(tx, task, actor, partial(self._new_id, "task")))

    async def remove(self, task: str, actor: str) -> bool:
        """Forget a task that does not run."""
        return await self._bulk(lambda tx: replacing.remove(tx, task, actor))

    # -- reading --------------------------------------------------------------------------------------------------
    async def find_task(self, ref: str, project: str | None = None) -> str:
        """The whole id of a task."""
        if is_full_id(ref, "task"):
            return ref
        return await self._reader.read(lambda tx: finding.find_task(tx, ref, project))

    async def find_run(self, ref: str) -> str:
        """The whole id of a run."""
        if is_full_id(ref, "run"):
            return ref
        return await self._reader.read(lambda tx: finding.find_run(tx, ref))

    async def task(self, task: str) -> Task:
        """One task."""
        return await self._reader.read(lambda tx: reading.task(tx, task))

    async def tasks(self, filter: TaskFilter, limit: int, cursor: str | None) -> TaskPage:
        """A page of tasks."""
        return await self._reader.read(lambda tx: listing.tasks(tx, filter, limit, cursor))

    async def count_tasks(self, filter: TaskFilter, most: int) -> int:
        """How many tasks a filter lets through, up to ``most``."""
        return await self._reader.read(lambda tx: listing.count_tasks(tx, filter, most))

    async def runs(self, task: str) -> list[Run]:
        """Every run of a task."""
        return await self._reader.read(lambda tx: reading.runs(tx, task))

    async def run(self, run: str) -> Run:
        """One run."""
        return await self._reader.read(lambda tx: reading.run(tx, run))

    async def events(self, run: str, after: int, limit: int) -> list[Event]:
        """A page of a run's events."""
        return await self._reader.read(lambda tx: reading.events(tx, run, after, limit))

    async def changes(self, after: int, limit: int) -> list[Change]:
        """A page of the change log."""
        return await self._reader.read(lambda tx: reading.changes(tx, after, limit))

    async def last_version(self) -> int:
        """The number of the newest change."""
        return await self._reader.read(reading.last_version)

    async def facts(self, task: str) -> Facts:
        """What explain needs."""
        return await self._reader.read(lambda tx: explaining.facts_of(tx, task))

    # -- queues ---------------------------------------------------------------------------------------------------
    async def queue(self, name: str, project: str | None = None) -> Queue:
        """One queue."""
        return await self._reader.read(lambda tx: queues.queue_of(tx, name, project)[1])

    async def queues(self) -> list[Queue]:
        """Every queue."""
        return await self._reader.read(queues.all_queues)

    async def make_queue(self, name: str, slots: int | None, actor: str) -> Queue:
        """Make a standing queue."""
        return await self._bulk(lambda tx: queues.make_queue(tx, name, slots, actor))

    async def move_queue(self, name: str, verb: str, actor: str, project: str | None = None) -> Queue:
        """Start, pause, resume, stop or reset a queue."""
        return await self._first(lambda tx: queues.move_queue(tx, name, verb, actor, project))

    async def set_queue(self, name: str, slots: int | None, actor: str, project: str | None = None) -> Queue:
        """Resize a queue."""
        return await self._bulk(lambda tx: queues.set_queue(tx, name, slots, actor, project))

    async def queue_stats(self, name: str, project: str | None = None) -> QueueStats:
        """Counts of a queue."""
        return await self._reader.read(lambda tx: queues.queue_stats(tx, name, project))

    # -- executing ------------------------------------------------------------------------------------------------
    async def register(self, runner: Runner) -> None:
        """Write down a runner."""
        await self._serve(lambda tx: runners.register(tx, runner))

    async def beat(self, runner: str) -> bool:
        """Renew a runner's lease."""
        return await self._serve(lambda tx: runners.beat(tx, runner))

    async def declare_lost(self, runner: str, beat: int) -> bool:
        """Take a silent runner's lease."""
        return await self._serve(lambda tx: runners.declare_lost(tx, runner, beat))

    async def retire(self, runner: str, state: str) -> bool:
        """A runner drains or goes."""
        return await self._serve(lambda tx: runners.retire(tx, runner, state, runner))

    async def claim(self, runner: str, scope: Scope, free: int) -> list[Claimed]:
        """Take up to ``free`` tasks."""
        return await self._serve(lambda tx: Claim(tx, runner, partial(self._new_id, "run")).take(scope, free))

    async def started(self, run: str, fence: int, mark: ProcessMark | None) -> StopCause | None:
        """Record a run's process."""
        return await self._serve(lambda tx: finishing.started(tx, run, fence, mark))

    async def record(self, run: str, fence: int, batch: int, events: Sequence[NewEvent]) -> int:
        """Append events."""
        return await self._serve(lambda tx: finishing.record(tx, run, fence, batch, events), Urgency.BULK)

    async def finish(self, run: str, fence: int, outcome: Outcome, chance: float) -> Finished:
        """End a run."""
        return await self._serve(lambda tx: finishing.finish(tx, run, fence, outcome, chance))

    async def stop_requests(self, runner: str) -> list[StopRequest]:
        """Runs of a runner that somebody wants ended."""
        return await self._reader.read(lambda tx: runners.stop_requests(tx, runner))

    async def request_stop(self, run: str, fence: int, cause: StopCause) -> None:
        """The owner stops its own run."""
        await self._serve(lambda tx: finishing.request_stop(tx, run, fence, cause))

    # -- caretaking -----------------------------------------------------------------------------------------------
    async def next_due(self) -> int | None:
        """When the next stored time falls due."""
        return await self._reader.read(caretaking.next_due)

    async def wake_due(self, limit: int) -> int:
        """Queue what is due."""
        return await self._serve(lambda tx: caretaking.wake_due(tx, limit, "timekeeper"))

    async def advance(self, limit: int) -> int:
        """Do one page of a cascade."""
        return await self._serve(lambda tx: caretaking.advance(tx, limit), Urgency.BULK)

    async def runners(self) -> list[Runner]:
        """Runners that are not gone."""
        return await self._reader.read(runners.runners)

    async def live_runs(self, runner: str | None = None) -> list[LiveRun]:
        """Runs that have not ended."""
        return await self._reader.read(lambda tx: runners.live_runs(tx, runner))

    # -- keeping --------------------------------------------------------------------------------------------------
    async def check(self) -> list[CheckFinding]:
        """The broken invariants of this store, of its file first."""
        if damage := await self._reader.damage():
            return [CheckFinding("I1", "file", f"{self.path} is damaged: {text}") for text in damage]
        return await self._reader.read(keeping.check)

    async def backup(self, path: str) -> None:
        """Copy the store, as it is at one moment, into a new file."""
        await self._reader.backup(Path(path))

    async def prune(self, older_than_ms: int, limit: int, actor: str) -> Pruned:
        """Forget what ended before a time."""
        return await self._bulk(lambda tx: keeping.prune(tx, older_than_ms, limit, actor))

    async def close(self) -> None:
        """Write what waits, then close every connection."""
        await self._writer.close()
        self._reader.close()
