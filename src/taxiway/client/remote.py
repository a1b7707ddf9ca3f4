"""A server's verbs as Python has them in process: the same names, arguments, records and errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from http import HTTPMethod
from typing import Any, Final
from urllib.parse import quote

import msgspec

from taxiway.client.connection import Connection
from taxiway.client.handle import TaskHandle, plain_fields
from taxiway.client.remote_control import RemoteControl
from taxiway.client.remote_session import RemoteSessions
from taxiway.client.session import SessionHandle
from taxiway.core.change import Change
from taxiway.core.errors import Unavailable
from taxiway.core.event import Event, EventType
from taxiway.core.limits import LIST_COUNT_MAX, LIST_PAGE_DEFAULT
from taxiway.core.readiness import Obstacle
from taxiway.core.run import Run
from taxiway.core.session import Attention, Receipt, RunSignal, Signal
from taxiway.core.task import Task, TaskState
from taxiway.core.workspace import TaskDiff
from taxiway.store.protocol import PlanAdmitted, SessionPage, TaskFilter, TaskPage
from taxiway.wire.records import change_of, diff_of, event_of, obstacle_of, record, run_of, signal_of, task_of

POLL_S: Final = 5.0  #: a watcher looks again after so long, whatever it was told


class RemoteTaxiway(RemoteControl):
    """Made by ``taxiway.connect``."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.session_verbs = RemoteSessions(connection)

    # -- tasks ----------------------------------------------------------------------------------------------------
    async def submit(self, **fields: Any) -> TaskHandle:
        """Submit one task; the fields are those of a plan file's task. ``after`` also takes handles."""
        made = await self._connection.change("POST", "/tasks", plain_fields(fields))
        return TaskHandle(self, made["id"], TaskState(made["state"]), True)

    async def submit_many(self, many: Sequence[Mapping[str, Any]]) -> list[TaskHandle]:
        """Submit up to 1,000 tasks, all or none. Whatever happens on the way, none is made twice."""
        plain = [plain_fields(fields) for fields in many]
        made = await self._connection.change("POST", "/tasks", plain)
        return [TaskHandle(self, one["id"], TaskState(one["state"]), True) for one in made["items"]]

    async def run_plan_document(self, plan: Mapping[str, Any], queue: str, fresh: bool = False) -> PlanAdmitted:
        """Run a plan (a plan file's content), or run it again."""
        admitted = await self._connection.change("POST", "/plans", dict(plan), queue=queue, fresh=fresh)
        return msgspec.convert(admitted, PlanAdmitted)

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
        return int((await self._connection.get("/tasks/count", **_asked(filter or TaskFilter()), most=most))["count"])

    async def attention(self, tasks: Sequence[Task], reader: str) -> dict[str, Attention]:
        """What tasks are to a reader, by id."""
        found = {task.id: await self._connection.get(_at("tasks", task.id), reader=reader) for task in tasks}
        return {id: Attention(document["attention"]) for id, document in found.items()}

    async def read(self, task: str, reader: str) -> Task:
        """Mark a task as seen by a reader, as it is now."""
        return task_of(await self._connection.change("POST", f"{_at('tasks', task)}/read", {"reader": reader}))

    async def diff(self, task: str) -> TaskDiff:
        """What a task changed in its workspace; ``patch`` is its text again, what is no UTF-8 in it replaced."""
        return diff_of(await self._connection.get(f"{_at('tasks', task)}/diff"))

    async def wait(self, task: str, timeout_s: float | None = None) -> Task:
        """A task once it has ended; ``TimeoutError`` after ``timeout_s`` seconds."""
        async with asyncio.timeout(timeout_s):
            found = await self.task(task)
            while not found.ended:
                await self._changed(found)
                found = await self.task(found.id)
            return found

    async def runs(self, task: str) -> list[Run]:
        """A task's runs, oldest first."""
        return [run_of(one) for one in (await self._connection.get(f"{_at('tasks', task)}/runs"))["items"]]

    async def events(self, task: str) -> AsyncIterator[Event]:
        """Events of a task's runs, live, until it has ended."""
        seen: set[str] = set()
        while True:
            found = await self.task(task)
            for run in await self.runs(found.carrier or found.id):
                if run.id not in seen:
                    seen.add(run.id)
                    async for event in self.run_events(run.id):
                        yield event
            if found.ended:
                return
            await self._changed(found)

    async def run_events(self, run: str, after: int = 0) -> AsyncIterator[Event]:
        """Events of one run from number ``after`` + 1 on, live until it has finished; a stream that is cut goes on."""
        found = run_of(await self._connection.get(_at("runs", run)))
        if found.ended_at is not None and after >= found.events:
            return
        tried = 0
        while True:
            try:
                async with self._connection.stream("/stream", run=f"{found.id}:{after}") as events:
                    async for name, data, _ in events:
                        if name == "event":
                            event = event_of(json.loads(data))
                            after, tried = event.seq, 0
                            yield event
                            if event.type is EventType.RUN_FINISHED:
                                return
            except Unavailable:
                tried += 1
                await self._connection.rest(tried)

    async def _changed(self, task: Task) -> None:
        """Wait until a task may have changed."""
        try:
            async with asyncio.timeout(POLL_S), aclosing(self.changes(task.version)) as changes:
                async for change in changes:
                    if change.id == task.id:
                        return
        except TimeoutError:
            return

    async def changes(self, after: int) -> AsyncGenerator[Change, None]:
        """The change log from version ``after`` + 1 on, live and without end; a stream that is cut goes on where it
        was. Raises ``Gap`` where some of it has been forgotten."""
        tried = 0
        while True:
            page = await self._connection.get("/changes", after=after)
            for document in page["items"]:
                after, tried = document["version"], 0
                yield change_of(document)
            if page["items"]:
                continue
            try:
                async with self._connection.stream("/stream", after=str(after)) as events:
                    async for name, data, _ in events:
                        if name == "change":
                            change = change_of(json.loads(data))
                            after, tried = change.version, 0
                            yield change
            except Unavailable:
                tried += 1
                await self._connection.rest(tried)

    async def cancel(self, task: str) -> Task:
        """Ask that a task ends; the task as it then is."""
        return task_of(await self._connection.change("POST", f"{_at('tasks', task)}/cancel"))

    async def cancel_all(self, queue: str | None = None) -> int:
        """Cancel everything, or everything of a queue."""
        return int((await self._connection.change("POST", "/tasks/cancel-all", {"queue": queue}))["cancelled"])

    async def retry(self, task: str) -> list[TaskHandle]:
        """Try a failed or cancelled task again, with what fell with it; its own successor first."""
        made = await self._connection.change("POST", f"{_at('tasks', task)}/retry")
        return [TaskHandle(self, one["id"], TaskState(one["state"]), True) for one in made["items"]]

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
        return record(Receipt, await self._connection.change("POST", f"{_at('runs', run)}/signals", body))

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


def _asked(wanted: TaskFilter) -> dict[str, Any]:
    """A filter as parameters."""
    return {
        "queue": wanted.queue,
        "project": wanted.project,
        "state": ",".join(sorted(wanted.states)) or None,
        "lane": wanted.lane,
        "session": wanted.session,
        "label": [f"{key}={value}" for key, value in wanted.labels] or None,
        "q": wanted.text,
        "superseded": wanted.superseded,
    }


def _at(kind: str, ref: str) -> str:
    return f"/{kind}/{quote(ref, safe='')}"
