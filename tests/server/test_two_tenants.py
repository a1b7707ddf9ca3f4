"""Tenants on one server are apart: every route answers for what another has as for what nobody has (I10)."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import NamedTuple

import httpx
import pytest

import taxiway
from taxiway.core.token import TokenScope
from taxiway.doors import Speaking
from taxiway.server.app import ENDPOINTS
from taxiway.server.endpoint import Endpoint
from taxiway.server.listening import bind, listening
from taxiway.up import application
from tests.server.conftest import FREE
from tests.server.two_tenants import BRACES, WAYS, Things, ask, fill, nobodys, said, ways
from tests.server.wire import connect, head

SOCKET = (
    "connection: upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
)
#: Ids that a caller makes himself are one for the store: such an id is taken or not, whoever has it.
MADE_BY_CALLERS = {"POST /runners", "POST /runners/keys"}


class Stand(NamedTuple):
    """A server, and who asks it in the name of a tenant: with a key for each scope."""

    tw: taxiway.Taxiway
    port: int
    clients: AsyncExitStack

    async def client(self, tenant: str, scope: TokenScope = TokenScope.ADMIN) -> httpx.AsyncClient:
        """Somebody of a tenant."""
        headers = {"authorization": f"Bearer {await self.token(tenant, scope)}"}
        made = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", headers=headers)
        return await self.clients.enter_async_context(made)

    async def token(self, tenant: str, scope: TokenScope = TokenScope.ADMIN) -> str:
        """What opens the server for somebody of a tenant."""
        theirs = self.tw.on_behalf_of(Speaking(actor=f"{tenant}-ann", tenant=tenant))
        return (await theirs.make_token(f"{tenant}-{scope}", scope))[1]


@pytest.fixture
async def stand(tw: taxiway.Taxiway) -> AsyncIterator[Stand]:
    """A server that both share."""
    listener = bind("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    async with application(tw, rates=FREE) as app, listening(app, listener), AsyncExitStack() as clients:
        yield Stand(tw, port, clients)


def door(endpoint: Endpoint) -> TokenScope:
    """The scope of who asks it: a person may everything, a runner and an invitation have calls of their own."""
    own = endpoint.scope in (TokenScope.RUNNER, TokenScope.INVITE)
    return endpoint.scope if own else TokenScope.ADMIN


async def test_every_route_answers_for_anothers_as_for_nobodys(stand: Stand) -> None:
    """I10: the status, the headers and the words, for each id and name that a call may hold; nothing is changed; and
    the owner gets something else, so that the call was one that could have shown it."""
    theirs = await fill(stand.tw, "acme")
    asker = {scope: await stand.client("umbrella", scope) for scope in TokenScope}
    owner = {scope: await stand.client("acme", scope) for scope in TokenScope}
    before = await everything(owner[TokenScope.ADMIN], theirs)
    leaks: dict[str, tuple[str, str]] = {}
    idle: set[str] = set()
    noise: dict[str, tuple[str, str]] = {}
    for endpoint in ENDPOINTS:
        name = f"{endpoint.method} {endpoint.path}"
        if name in MADE_BY_CALLERS:
            continue
        for way in ways(endpoint):
            answers = []
            for of in (nobodys(1), nobodys(2), theirs):
                if door(endpoint) is TokenScope.INVITE:  # it opens once
                    asker[TokenScope.INVITE] = await stand.client("umbrella", TokenScope.INVITE)
                answers.append(said(await ask(asker[door(endpoint)], endpoint, way, of), of))
            one, other, of_them = answers
            assert "acme" not in of_them, name
            if BRACES.search(f"{endpoint.path} {way}") is None:
                continue  # it names nothing
            if one != other:
                noise[f"{name} {way}"] = one, other
            if one != of_them:
                leaks[f"{name} {way}"] = one, of_them
            if endpoint.method == "GET":
                found = said(await ask(owner[door(endpoint)], endpoint, way, theirs), theirs)
                idle |= {f"{name} {way}"} if found == one else set()
    assert list(noise.items())[:3] == []
    assert list(leaks.items())[:3] == []
    assert idle == set()
    assert await everything(owner[TokenScope.ADMIN], theirs) == before


async def everything(client: httpx.AsyncClient, of: Things) -> dict[str, str]:
    """What its owner reads of all that is his."""
    paths = [f"/tasks/{of.task}", f"/tasks/{of.task}/runs", f"/runs/{of.run}/events", f"/runs/{of.run}/signals"]
    paths += [f"/sessions/{of.session}", f"/queues/{of.queue}", f"/lanes/{of.lane}", f"/accounts/{of.account}"]
    paths += ["/tasks", "/sessions?state=all", "/queues", "/lanes", "/accounts", "/approvals?state=all", "/changes"]
    found = {}
    for path in paths:
        answer = await client.get("/v1" + path)
        assert answer.status_code == 200, answer.text
        found[path] = answer.text
    return found


async def test_an_id_that_another_made_is_not_taken_over(stand: Stand) -> None:
    """I10: a runner and a key have ids that their callers make: one for the store, and the first keeps it."""
    theirs = await fill(stand.tw, "acme")
    known, key = await stand.tw.store.runner(theirs.runner), await stand.tw.store.token(theirs.token)
    for endpoint in ENDPOINTS:
        if f"{endpoint.method} {endpoint.path}" in MADE_BY_CALLERS:
            for way in ways(endpoint):
                answer = await ask(await stand.client("umbrella", door(endpoint)), endpoint, way, theirs)
                assert answer.status_code in (401, 409)
                assert "acme" not in said(answer, theirs)
    assert await stand.tw.store.runner(theirs.runner) == known
    assert await stand.tw.store.token(theirs.token) == key


def test_every_recipe_is_of_a_route() -> None:
    """A recipe for what is gone would hold nothing."""
    assert WAYS.keys() <= {f"{one.method} {one.path}" for one in ENDPOINTS}


async def test_lists_and_counts_show_nothing_of_another(stand: Stand) -> None:
    """I10: whatever can be asked without naming anything is answered as before the other one came."""
    asker = await stand.client("umbrella")
    await asker.post("/v1/tasks", json={"shell": "true", "name": "own"})
    open_ones = [one for one in ENDPOINTS if one.method == "GET" and "{" not in one.path]
    before = {one.path: await asker.get("/v1" + one.path) for one in open_ones}
    theirs = await fill(stand.tw, "acme")
    for one in open_ones:
        after = await asker.get("/v1" + one.path)
        assert said(after, theirs) == said(before[one.path], theirs), one.path
        assert not [word for word in (*theirs.all(), "acme") if word in after.text], one.path
    assert len(open_ones) > 10


async def test_a_cursor_of_another_shows_nothing_of_his(stand: Stand) -> None:
    """I10: it is a place in a list, and the list is the caller's own."""
    asker, owner = await stand.client("umbrella"), await stand.client("acme")
    await owner.post("/v1/tasks", json=[{"shell": "true", "name": f"acme-{number}"} for number in range(4)])
    await asker.post("/v1/tasks", json=[{"shell": "true", "name": f"own-{number}"} for number in range(4)])
    cursor = (await owner.get("/v1/tasks?limit=2")).json()["cursor"]
    page = await asker.get(f"/v1/tasks?limit=9&cursor={cursor}")
    assert page.status_code == 200
    assert "acme" not in page.text


async def test_a_key_of_another_is_free(stand: Stand) -> None:
    """I9, I10: under one key two tenants make two tasks, and neither is told of the other's."""
    asker, owner = await stand.client("umbrella"), await stand.client("acme")
    calls = [("/v1/tasks", {"shell": "true"}), ("/v1/queues", {"name": "q"}), ("/v1/tasks", [{"shell": "1"}])]
    for number, (path, body) in enumerate(calls):
        key = {"idempotency-key": f"key-{number}"}
        theirs = await owner.post(path, json=body, headers=key)
        own = await asker.post(path, json=body, headers=key)
        assert (theirs.status_code, own.status_code) == (201, 201)
        assert "idempotency-replayed" not in own.headers
    assert {task["id"] for task in (await asker.get("/v1/tasks")).json()["items"]}.isdisjoint(
        task["id"] for task in (await owner.get("/v1/tasks")).json()["items"]
    )


async def test_a_stream_of_what_is_anothers_is_as_of_nobodys(stand: Stand) -> None:
    """I10: a run, and a cursor that holds one, on both kinds of streams."""
    theirs = await fill(stand.tw, "acme")
    token = await stand.token("umbrella")
    nobody = nobodys(1)
    for path in ("/v1/stream", "/v1/ws"):
        fields = SOCKET if path == "/v1/ws" else ()
        for asked in ("run={}", "run={}:1", "after=1.{}:0"):
            found = []
            for of in (nobody, theirs):
                wire = await connect(stand.port)
                await wire.say(head("GET", f"{path}?{asked.format(of.run)}", token, fields))
                answer = await wire.hear()
                assert answer is not None
                told = await wire.frame() if answer.status == 101 else answer.body
                told = await wire.hears(b'"}\n\n') if answer.status == 200 else told
                text = told.decode().replace(": open\n\n", "")
                found.append((answer.status, said(httpx.Response(answer.status, text=text), of)))
                await wire.close()
            assert found[0] == found[1], asked
            assert "not_found" in found[0][1]


async def test_a_stream_tells_only_what_is_its_own(stand: Stand) -> None:
    """I10: from the beginning of the store, on both kinds of streams."""
    theirs = await fill(stand.tw, "acme")
    token = await stand.token("umbrella")
    own = stand.tw.on_behalf_of(Speaking(actor="bob", tenant="umbrella"))
    task = await own.submit(shell="true", name="last")
    for path, fields in (("/v1/stream?after=0", ()), ("/v1/ws?after=0", SOCKET)):
        wire = await connect(stand.port)
        await wire.say(head("GET", path, token, fields))
        heard = await wire.hears(task.id.encode())
        await wire.close()
        assert not [word for word in (*theirs.all(), "acme") if word.encode() in heard]
