"""A server's verbs as Python has them in process: the same names, arguments, records and errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from http import HTTPMethod
from typing import Any, Final
from urllib.parse import quote

import msgspec

from taxiway.client.connection import Connection
from taxiway.client.following import Following
from taxiway.client.handle import TaskHandle, plain_fields
from taxiway.client.remote_control import RemoteControl
from taxiway.client.remote_session import RemoteSessions
from taxiway.client.session import SessionHandle
from taxiway.client.verbs import RECEIPT_S
from taxiway.core.change import Change
from taxiway.core.event import Event
from taxiway.core.limits import EVENTS_PAGE_MAX, LIST_COUNT_MAX, LIST_PAGE_DEFAULT
from taxiway.core.plan import Plan
from taxiway.core.readiness import Obstacle
from taxiway.core.run import Run
from taxiway.core.session import Attention, Receipt, RunSignal, Signal
from taxiway.core.task import Task, TaskState
from taxiway.core.workspace import TaskDiff
from taxiway.store.protocol import PlanAdmitted, SessionPage, Submitted, TaskFilter, TaskPage
from taxiway.wire.documents import plan_document
from taxiway.wire.records import diff_of, event_of, obstacle_of, receipt_of, record, run_of, signal_of, task_of

RECEIPT_LOOK_S: Final = 0.1
VERSION_MAX: Final = 1 << 53  #: behind every change


class RemoteTaxiway(RemoteControl):
    """Made by ``taxiway.connect``."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._following = Following(connection)
        self.session_verbs = RemoteSessions(connection)

    # -- tasks ----------------------------------------------------------------------------------------------------
    async def submit(self, **fields: Any) -> TaskHandle:
        """Submit one task; the fields are those of a plan file's task. ``after`` also takes handles."""
        answer = await self.admit(fields)
        return TaskHandle(self, answer.id, answer.state, answer.created)

    async def submit_many(self, many: Sequence[Mapping[str, Any]]) -> list[TaskHandle]:
        """Submit up to 1,000 tasks, all or none. Whatever happens on the way, none is made twice."""
        plain = [plain_fields(fields) for fields in many]
        made = await self._connection.change("POST", "/tasks", plain)
        answers = [_answer(one, fields) for one, fields in zip(made["items"], plain, strict=True)]
        return [TaskHandle(self, answer.id, answer.state, answer.created) for answer in answers]

    async def admit(self, fields: Mapping[str, Any]) -> Submitted:
        """Submit one task, and say how it stands."""
        plain = plain_fields(fields)
        return _answer(await self._connection.change("POST", "/tasks", plain), plain)

    async def run_plan(self, plan: Plan, fresh: bool = False) -> PlanAdmitted:
        """Admit a plan (``taxiway.read_plan`` reads one), or run it again: its folders are those of the server's
        machine."""
        document, place = plan_document(plan), {"folder": plan.project, "source": plan.source}
        admitted = await self._connection.change("POST", "/plans", document, queue=plan.queue, fresh=fresh, **place)
        return record(PlanAdmitted, admitted)

    async def task(self, task: str) -> Task:
        """One task, by its id, a part of it, its name, or ``QUEUE/NAME``."""
        return task_of(await self._connection.get(_at("tasks", task)))

    async def tasks(self, filter: TaskFilter | None = None, limit: int = 50, cursor: str | None = None) -> TaskPage:
        """A page of tasks in priority order, or as ``TaskFilter.open_first`` says."""
        wanted = filter or TaskFilter()
        order = "open" if wanted.open_first else "priority"
        page = await self._connection.get("/tasks", **_asked(wanted), order=order, limit=limit, cursor=cursor)
        return TaskPage([task_of(document) for document in page["items"]], page["cursor"])

    async def count_tasks(self, filter: TaskFilter | None = None, most: int = LIST_COUNT_MAX) -> int:
        """How many tasks a filter lets through; counting ends at ``most``."""
        return int((await self._connection.get("/tasks-count", **_asked(filter or TaskFilter()), most=most))["count"])

    async def attention(self, tasks: Sequence[Task], reader: str) -> dict[str, Attention]:
        """What tasks are to a reader, by id."""
        found = {task.id: await self._connection.get(_at("tasks", task.id), reader=reader) for task in tasks}
        return {id: Attention(document["attention"]) for id, document in found.items()}

    async def read(self, task: str, reader: str) -> Task:
        """Mark a task as seen by a reader, as it is now."""
        return task_of(await self._connection.change("POST", f"{_at('tasks', task)}/read", {"reader": reader}))

    async def wait(self, task: str, timeout_s: float | None = None) -> Task:
        """A task once it has ended; ``TimeoutError`` after ``timeout_s`` seconds."""
        async with asyncio.timeout(timeout_s):
            while True:
                version = await self.newest_version()  # read first, so that no end falls between the two
                found = await self.task(task)
                if found.ended:
                    return found
                task = found.id
                await self._following.changed(task, version)

    async def runs(self, task: str) -> list[Run]:
        """A task's runs, oldest first."""
        return [run_of(one) for one in (await self._connection.get(f"{_at('tasks', task)}/runs"))["items"]]

    async def run_log(self, run: str, after: int = 0, limit: int = EVENTS_PAGE_MAX) -> list[Event]:
        """What a run has said by now, behind number ``after``: at most ``limit`` events, 500 at the most."""
        page = await self._connection.get(f"{_at('runs', run)}/events", after=after, limit=limit)
        return [event_of(one) for one in page["items"]]

    async def events(self, task: str) -> AsyncIterator[Event]:
        """Events of a task's runs, live, until it has ended. A server that is started anew in between loses none of
        them, and doubles none."""
        seen: set[str] = set()
        while True:
            version = await self.newest_version()
            found = await self.task(task)
            for run in await self.runs(found.carrier or found.id):
                if run.id not in seen:
                    seen.add(run.id)
                    async for event in self.run_events(run.id):
                        yield event
            if found.ended:
                return
            await self._following.changed(found.id, version)

    async def run_events(self, run: str, after: int = 0) -> AsyncGenerator[Event, None]:
        """Events of one run from number ``after`` + 1 on, live until it has finished; a stream that is cut goes on."""
        found = run_of(await self._connection.get(_at("runs", run)))
        if found.ended_at is not None and after >= found.events:
            return
        async for event in self._following.run(found.id, after):
            yield event

    async def newest_version(self) -> int:
        """The version of the newest change."""
        return int((await self._connection.get("/changes", after=VERSION_MAX))["newest"])

    def changes(self, after: int) -> AsyncGenerator[Change, None]:
        """The change log from version ``after`` + 1 on, live and without end; a stream that is cut goes on where it
        was. Raises ``Gap`` where some of it has been forgotten."""
        return self._following.changes(after)

    async def change_pages(self, after: int, gather_s: float = 0.0) -> AsyncGenerator[list[Change], None]:  # noqa: ARG002
        """The same as lists; each change is told as it comes, so nothing gathers."""
        async with aclosing(self.changes(after)) as changes:
            async for change in changes:
                yield [change]

    async def cancel(self, task: str) -> Task:
        """Ask that a task ends; the task as it then is."""
        return task_of(await self._connection.change("POST", f"{_at('tasks', task)}/cancel"))

    async def cancel_all(self, queue: str | None = None) -> int:
        """Cancel everything, or everything of a queue."""
        return int((await self._connection.change("POST", "/tasks/cancel-all", {"queue": queue}))["cancelled"])

    async def steer(self, task: str, text: str, wait_s: float = RECEIPT_S) -> Receipt:
        """Words for the live turn of an agent's task, and what became of them within ``wait_s`` seconds."""
        said = await self._connection.change("POST", f"{_at('tasks', task)}/steer", {"text": text})
        return await self._settled(receipt_of(said), wait_s)

    async def interrupt(self, task: str, wait_s: float = RECEIPT_S) -> Receipt:
        """Have the live turn of an agent's task ended."""
        said = await self._connection.change("POST", f"{_at('tasks', task)}/interrupt")
        return await self._settled(receipt_of(said), wait_s)

    async def _settled(self, told: Receipt, wait_s: float) -> Receipt:
        """The final receipt, or how far it got within the time."""
        ref = told.signal or told.message
        with suppress(TimeoutError):
            async with asyncio.timeout(max(wait_s, 0.0)):
                while ref is not None and not told.final:
                    await asyncio.sleep(RECEIPT_LOOK_S)
                    found = receipt_of(await self._connection.get(_at("signals", ref)))
                    told = msgspec.structs.replace(found, message=told.message)
        return told

    async def retry(self, task: str) -> list[TaskHandle]:
        """Try a failed or cancelled task again, with what fell with it; its own successor first."""
        made = await self._connection.change("POST", f"{_at('tasks', task)}/retry")
        return [TaskHandle(self, one["id"], TaskState(one["state"]), True) for one in made["items"]]

    async def diff(self, task: str) -> TaskDiff:
        """What a task changed in its workspace. Raises ``NotFound``."""
        return diff_of(await self._connection.get(f"{_at('tasks', task)}/diff"))

    async def remove(self, task: str) -> bool:
        """Forget a task with its logs; ``False`` while it runs."""
        return bool((await self._connection.change(HTTPMethod.DELETE, _at("tasks", task)))["removed"])

    async def explain(self, task: str) -> list[Obstacle]:
        """Every condition that keeps a task from running."""
        return [obstacle_of(one) for one in (await self._connection.get(f"{_at('tasks', task)}/explain"))["items"]]

    # -- runs -----------------------------------------------------------------------------------------------------
    async def signal(self, run: str, kind: Signal | str, text: str | None = None) -> Receipt:
        """Tell a live run something: ``turn`` and ``steer`` bring words, ``stop`` and ``interrupt`` end it."""
        body = {"kind": str(kind), "text": text}
        return receipt_of(await self._connection.change("POST", f"{_at('runs', run)}/signals", body))

    async def signals(self, run: str, after: int = 0, limit: int = LIST_PAGE_DEFAULT) -> list[RunSignal]:
        """What a run was told, behind a number, in order; at most 100."""
        page = await self._connection.get(f"{_at('runs', run)}/signals", after=after, limit=max(1, min(limit, 100)))
        return [signal_of(one) for one in page["items"]]

    async def cancel_signal(self, signal: str) -> RunSignal:
        """Take back what no turn has taken yet."""
        return signal_of(await self._connection.change("POST", f"{_at('signals', signal)}/cancel"))

    # -- sessions -------------------------------------------------------------------------------------------------
    async def session(
        self,
        key: str,
        *,
        agent: str | None = None,
        mailbox: Mapping[str, Any] | None = None,
        title: str | None = None,
    ) -> SessionHandle:
        """The session of a key, made when there is none."""
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
        """A page of sessions: active first, then unread, then by last activity."""
        return await self.session_verbs.page(state, reader, agent, archived, limit, cursor)


def _answer(made: Mapping[str, Any], fields: Mapping[str, Any]) -> Submitted:
    """What was answered to a submit. Under a key that is the call's own nobody else can have made it: where it was
    there already, the first answer was lost."""
    known = record(Submitted, {**made["admitted"], "id": made["id"], "state": made["state"]})
    return known if fields.get("idempotency_key") is not None else msgspec.structs.replace(known, created=True)


def _asked(wanted: TaskFilter) -> dict[str, Any]:
    """A filter as the query that means it."""
    return {
        "queue": wanted.queue,
        "project": wanted.project,
        "state": ",".join(sorted(wanted.states)) or None,
        "lane": wanted.lane,
        "session": wanted.session,
        "label": [f"{key}={value}" for key, value in wanted.labels],
        "q": wanted.text,
        "superseded": wanted.superseded,
    }


def _at(kind: str, ref: str) -> str:
    return f"/{kind}/{quote(ref, safe='')}"
