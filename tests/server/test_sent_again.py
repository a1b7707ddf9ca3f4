"""An answer may be lost after the work was done: the call is sent again, and nothing is done twice (I9)."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

import taxiway
from taxiway.client.connection import Connection
from taxiway.client.remote import RemoteTaxiway
from taxiway.client.remote_session import RemoteSessions
from taxiway.core.plan import Plan
from taxiway.core.task import TaskSpec
from taxiway.core.token import TokenScope
from taxiway.up import application
from tests.server.conftest import BASE, FREE

READING = {
    *("task", "tasks", "count_tasks", "wait", "runs", "run_log", "events", "run_events", "newest_version", "changes"),
    *(
        "change_pages",
        "explain",
        "diff",
        "sessions",
        "approvals",
        "approval",
        "accounts",
        "account",
        "usage",
        "agents",
        "runners",
    ),
    *("attention", "signals", "queue", "queues", "queue_stats", "snapshot", "lanes", "lane", "tokens"),
    "metrics_summary",
}
READING_SESSIONS = {"get", "tasks", "page", "trace", "output"}

PLAN = Plan(
    queue="plan", project="/", source="/plan.yaml", tasks=(TaskSpec(name="one", queue="plan", shell="true", cwd="/"),)
)

Verb = Callable[[RemoteTaxiway], Awaitable[Any]]

#: Every verb that changes something, in an order in which each finds something to change.
CHANGING: dict[str, Verb] = {
    "submit": lambda tw: tw.submit(shell="true", name="a"),
    "submit_many": lambda tw: tw.submit_many([{"shell": "true", "name": name} for name in "bc"]),
    "admit": lambda tw: tw.admit({"shell": "true", "name": "d"}),
    "run_plan": lambda tw: tw.run_plan(PLAN),
    "read": lambda tw: tw.read("a", "me"),
    "cancel": lambda tw: tw.cancel("a"),
    "retry": lambda tw: tw.retry("a"),
    "remove": lambda tw: tw.remove("b"),
    "steer": lambda tw: tw.steer("c", "word", 0),
    "interrupt": lambda tw: tw.interrupt("c", 0),
    "signal": lambda tw: tw.signal("run_x", "stop"),
    "cancel_signal": lambda tw: tw.cancel_signal("sig_x"),
    "cancel_all": lambda tw: tw.cancel_all(),
    "session": lambda tw: tw.session("talk", agent="sim"),
    "make_queue": lambda tw: tw.make_queue("q", 2),
    "set_queue": lambda tw: tw.set_queue("q", 3),
    "move_queue": lambda tw: tw.move_queue("q", "pause"),
    "set_on_limit": lambda tw: tw.set_on_limit("fail", queue="q"),
    "set_lane": lambda tw: tw.set_lane("wide", 3),
    "move_lane": lambda tw: tw.move_lane("wide", "stop"),
    "limit_account": lambda tw: tw.limit_account("acc", 2),
    "park_account": lambda tw: tw.park_account("acc", why="rest"),
    "release_account": lambda tw: tw.release_account("acc"),
    "allow": lambda tw: tw.allow("appr_x"),
    "deny": lambda tw: tw.deny("appr_x", "no"),
    "make_token": lambda tw: tw.make_token("ben", TokenScope.VIEWER),
    "login_code": lambda tw: tw.login_code(),
    "revoke_token": lambda tw: tw.revoke_token("ben"),
    "revoke_runner": lambda tw: tw.revoke_runner("runner_x"),
}
CHANGING_SESSIONS: dict[str, Verb] = {
    "make": lambda tw: tw.session_verbs.make("other", "sim"),
    "send": lambda tw: tw.session_verbs.send("other", {"prompt": "hello"}),
    "set": lambda tw: tw.session_verbs.set("other", {"cap": 3}),
    "read": lambda tw: tw.session_verbs.read("other", "me"),
    "fork": lambda tw: tw.session_verbs.fork("other", "copy"),
    "stop": lambda tw: tw.session_verbs.stop("other"),
    "stop_all": lambda tw: tw.session_verbs.stop_all("other"),
    "reset": lambda tw: tw.session_verbs.reset("other"),
    "archive": lambda tw: tw.session_verbs.archive("other"),
}

#: What is told once: who has not heard it is told so, and nothing is made again.
TOLD_ONCE = {"make_token", "login_code"}


class Losing(httpx.AsyncBaseTransport):
    """Has every change done, and loses the answer the first time."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.lost: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass it on, and back if it is not for the first time."""
        response = await self._inner.handle_async_request(request)
        key = request.headers.get("idempotency-key")
        if key is not None and key not in self.lost:
            self.lost.add(key)
            await response.aread()
            raise httpx.ReadError("the connection is gone")
        return response


@asynccontextmanager
async def remote_of(tw: taxiway.Taxiway, losing: bool) -> AsyncIterator[RemoteTaxiway]:
    """The verbs of a server on this store."""
    token = (await tw.make_token("ann", TokenScope.ADMIN))[1]
    async with application(tw, rates=FREE) as app:
        transport: httpx.AsyncBaseTransport = httpx.ASGITransport(app, client=("127.0.0.1", 50_000))
        transport = Losing(transport) if losing else transport
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url=BASE + "/v1", headers=headers) as client:
            numbers = count()
            yield RemoteTaxiway(Connection(client, lambda: f"key_{next(numbers)}", lambda: -0.4))


def verbs(of: type) -> set[str]:
    """The names of its verbs."""
    return {name for name, verb in inspect.getmembers(of, inspect.isfunction) if name[0] != "_"}


def test_every_verb_is_known_to_change_something_or_nothing() -> None:
    """I9: whoever adds a verb says here which it is."""
    assert verbs(RemoteTaxiway) == READING | CHANGING.keys()
    assert verbs(RemoteSessions) == READING_SESSIONS | CHANGING_SESSIONS.keys()


async def come_to(verb: Verb, tw: RemoteTaxiway) -> str:
    """What a verb comes to, as far as two stores can say the same."""
    try:
        made = await verb(tw)
    except taxiway.Error as error:
        return error.code
    return type(made).__name__ + (f" {made}" if isinstance(made, bool | int) else "")


async def test_a_change_whose_answer_is_lost_is_made_once(tmp_path: Path) -> None:
    """I9: every verb that changes anything, on a connection that loses each first answer, leaves what it leaves on one
    that loses none."""
    async with (
        taxiway.open(tmp_path / "a.db", slots=0, project="/") as one,
        taxiway.open(tmp_path / "b.db", slots=0, project="/") as two,
        remote_of(one, losing=True) as losing,
        remote_of(two, losing=False) as keeping,
    ):
        for name, verb in (CHANGING | CHANGING_SESSIONS).items():
            lost, kept = await come_to(verb, losing), await come_to(verb, keeping)
            assert lost == ("conflict" if name in TOLD_ONCE else kept), name
            changes = [
                [(one.version, one.kind, one.state, one.reason) for one in await tw.store.changes(0, 1_000)]
                for tw in (one, two)
            ]
            assert changes[0] == changes[1], name
        assert await one.count_tasks() == await two.count_tasks()


async def test_a_lost_answer_is_the_same_the_second_time(tmp_path: Path) -> None:
    """I9: what was made the first time; the text of a token is told once, and kept nowhere."""
    async with taxiway.open(tmp_path / "a.db", slots=0) as tw, remote_of(tw, losing=True) as losing:
        with pytest.raises(taxiway.Conflict, match="told once"):
            await losing.make_token("ben")
        assert [one.name for one in await tw.tokens()] == ["ann", "ben"]
        assert (await losing.submit(shell="true")).created
        assert [one.created for one in await losing.submit_many([{"shell": "true"}])] == [True]
        assert await tw.count_tasks() == 2
        box = await losing.session("talk", agent="sim")
        assert (await box.send("hello")).task.created


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_proxy_without_a_server_behind_it_is_tried_again(status: int) -> None:
    """4.20: what a restart looks like from behind a proxy."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["idempotency-key"])
        if len(asked) < 3:
            return httpx.Response(status, text="<html>down</html>")
        return httpx.Response(200, json={"cancelled": 3})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url=BASE) as client, asyncio.timeout(30):
        assert await RemoteTaxiway(Connection(client, lambda: "k", lambda: -0.4)).cancel_all() == 3
    assert asked == ["k"] * 3
