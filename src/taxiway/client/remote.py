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
from taxiway.client.remote_session import RemoteSessions
from taxiway.client.session import SessionHandle
from taxiway.client.verbs import RECEIPT_S
from taxiway.core.account import Account
from taxiway.core.approval import Approval
from taxiway.core.change import Change
from taxiway.core.event import Event
from taxiway.core.lane import Lane
from taxiway.core.limits import EVENTS_PAGE_MAX, LIST_COUNT_MAX, LIST_PAGE_DEFAULT
from taxiway.core.plan import Plan
from taxiway.core.queue import Queue, QueueStats
from taxiway.core.readiness import Obstacle
from taxiway.core.run import Run
from taxiway.core.session import Receipt
from taxiway.core.statistics import Summary
from taxiway.core.task import Task, TaskState
from taxiway.core.token import Token, TokenScope
from taxiway.core.usage import UsageLine
from taxiway.core.workspace import TaskDiff
from taxiway.store.protocol import ApprovalPage, PlanAdmitted, Runner, SessionPage, Submitted, TaskFilter, TaskPage
from taxiway.wire.documents import plan_document
from taxiway.wire.moments import milliseconds, rfc3339
from taxiway.wire.records import (
    account_of,
    approval_of,
    diff_of,
    event_of,
    lane_of,
    obstacle_of,
    queue_of,
    receipt_of,
    record,
    run_of,
    stats_of,
    summary_of,
    task_of,
    token_of,
    usage_of,
)

RECEIPT_LOOK_S: Final = 0.1
VERSION_MAX: Final = 1 << 53  #: behind every change


class RemoteTaxiway:
    """Made by ``taxiway.connect``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
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
        page = await self._connection.get("/tasks", **_asked(wanted), limit=limit, cursor=cursor)
        return TaskPage([task_of(document) for document in page["items"]], page["cursor"])

    async def count_tasks(self, filter: TaskFilter | None = None, most: int = LIST_COUNT_MAX) -> int:
        """How many tasks a filter lets through, counted up to ``most``."""
        page = await self._connection.get("/tasks", **_asked(filter or TaskFilter()), limit=1, count=True)
        return min(int(page["total"]), most)

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

    # -- approvals, accounts, usage -------------------------------------------------------------------------------
    async def approvals(
        self,
        *,
        state: str = "pending",
        task: str | None = None,
        limit: int = LIST_PAGE_DEFAULT,
        cursor: str | None = None,
    ) -> ApprovalPage:
        """A page of what agents ask, in the order in which they asked."""
        page = await self._connection.get("/approvals", state=state, task=task, limit=limit, cursor=cursor)
        return ApprovalPage([approval_of(document) for document in page["items"]], page["cursor"])

    async def approval(self, approval: str) -> Approval:
        """One approval."""
        return approval_of(await self._connection.get(_at("approvals", approval)))

    async def allow(self, approval: str, reason: str | None = None) -> Approval:
        """Allow what an agent asks. Raises ``NotPending`` when somebody was first."""
        return approval_of(
            await self._connection.change("POST", f"{_at('approvals', approval)}/allow", {"reason": reason})
        )

    async def deny(self, approval: str, reason: str | None = None) -> Approval:
        """Deny it; the agent is told ``reason``."""
        return approval_of(
            await self._connection.change("POST", f"{_at('approvals', approval)}/deny", {"reason": reason})
        )

    async def accounts(self) -> list[Account]:
        """Every account, by name."""
        return [account_of(one) for one in (await self._connection.get("/accounts"))["items"]]

    async def account(self, name: str) -> Account:
        """One account."""
        return account_of(await self._connection.get(_at("accounts", name)))

    async def park_account(
        self, name: str, *, until: int | None = None, for_s: float | None = None, why: str = ""
    ) -> Account:
        """Start nothing of an account."""
        body = {"until": rfc3339(until), "for_s": for_s, "why": why}
        return account_of(await self._connection.change("POST", f"{_at('accounts', name)}/park", body))

    async def release_account(self, name: str) -> Account:
        """Wait no longer for an account's reset."""
        return account_of(await self._connection.change("POST", f"{_at('accounts', name)}/release"))

    async def limit_account(self, name: str, limit: int | None) -> Account:
        """How many runs of an account may go at once at most; ``None`` is unlimited."""
        return account_of(await self._connection.change("PATCH", _at("accounts", name), {"limit": limit}))

    async def set_on_limit(self, on_limit: str | None, *, queue: str | None = None, session: str | None = None) -> None:
        """What tasks of a queue or a session do when a provider's limit ends their turn."""
        if queue is not None:
            await self._connection.change("PATCH", _at("queues", queue), {"on_limit": on_limit})
        if session is not None:
            await self._connection.change("PATCH", _at("sessions", session), {"on_limit": on_limit})

    async def usage(self, by: str = "agent", *, since: int | None = None, until: int | None = None) -> list[UsageLine]:
        """What runs of agents used."""
        page = await self._connection.get("/usage", by=by, since=rfc3339(since), until=rfc3339(until))
        return [usage_of(one) for one in page["items"]]

    async def metrics_summary(self) -> Summary:
        """How the store is doing."""
        return summary_of(await self._connection.get("/metrics-summary"))

    # -- queues and lanes -----------------------------------------------------------------------------------------
    async def queue(self, name: str) -> Queue:
        """One queue."""
        return queue_of(await self._connection.get(_at("queues", name)))

    async def queues(self) -> list[Queue]:
        """Every queue."""
        return [queue_of(one) for one in (await self._connection.get("/queues"))["items"]]

    async def queue_stats(self, name: str) -> QueueStats:
        """Counts of a queue."""
        return stats_of(await self._connection.get(f"{_at('queues', name)}/stats"))

    async def make_queue(self, name: str, slots: int | None = None) -> Queue:
        """Make a standing queue."""
        return queue_of(await self._connection.change("POST", "/queues", {"name": name, "slots": slots}))

    async def move_queue(self, name: str, verb: str) -> Queue:
        """``start``, ``pause``, ``resume``, ``stop`` or ``reset`` a queue."""
        return queue_of(await self._connection.change("POST", f"{_at('queues', name)}/{quote(verb, safe='')}"))

    async def set_queue(self, name: str, slots: int | None) -> Queue:
        """Resize a queue; ``None`` is unlimited."""
        return queue_of(await self._connection.change("PATCH", _at("queues", name), {"slots": slots}))

    async def lanes(self) -> list[Lane]:
        """Every lane."""
        return [lane_of(one) for one in (await self._connection.get("/lanes"))["items"]]

    async def set_lane(self, name: str, size: int | None, queue: str | None = None) -> Lane:
        """Make or resize a lane; ``None`` is unlimited."""
        return lane_of(await self._connection.change("PUT", _at("lanes", name), {"size": size, "queue": queue}))

    async def move_lane(self, name: str, verb: str, queue: str | None = None) -> Lane:
        """``stop`` a lane (it refuses new work, and what waits in it is cancelled), or ``start`` it again."""
        path = f"{_at('lanes', name)}/{quote(verb, safe='')}"
        return lane_of(await self._connection.change("POST", path, queue=queue))

    async def runners(self) -> list[Runner]:
        """Runners that are not gone, of the server's store."""
        return [runner_of(one) for one in (await self._connection.get("/runners"))["items"]]

    # -- tokens ---------------------------------------------------------------------------------------------------
    async def make_token(
        self, name: str, scope: TokenScope = TokenScope.OPERATOR, expires_s: float | None = None
    ) -> tuple[Token, str]:
        """A token, and its text, which nobody can tell again."""
        body = {"name": name, "scope": str(scope), "expires_s": expires_s}
        made = await self._connection.change("POST", "/tokens", body)
        return token_of(made["token"]), made["text"]

    async def tokens(self) -> list[Token]:
        """Every token."""
        return [token_of(one) for one in (await self._connection.get("/tokens"))["items"]]

    async def revoke_token(self, token: str) -> Token:
        """It opens nothing from now on."""
        return token_of(await self._connection.change(HTTPMethod.DELETE, _at("tokens", token)))

    async def revoke_runner(self, runner: str) -> Token:
        """The key of a remote runner opens nothing from now on, and everything that runs by it is fenced."""
        return token_of(await self._connection.change(HTTPMethod.DELETE, _at("runners", runner)))


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
        "superseded": wanted.superseded,
        "order": "open" if wanted.open_first else "priority",
    }


def runner_of(document: Mapping[str, Any]) -> Runner:
    """A runner, as far as a server tells of it."""
    times = {name: milliseconds(document[name]) for name in ("started_at", "seen_at")}
    return record(Runner, document, boot_id="", **times)


def _at(kind: str, ref: str) -> str:
    return f"/{kind}/{quote(ref, safe='')}"
