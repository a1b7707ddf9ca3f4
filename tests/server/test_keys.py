"""A mutation under a key is made once, whoever repeats it, wherever, and whenever its server died (I9)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import taxiway
from taxiway.clock import SystemClock
from taxiway.core.token import TokenScope
from taxiway.server.replies import KEPT_S, ReplyKeeper
from taxiway.testing.clock import HandClock
from tests.server.conftest import As, asked_by

KEY = {"idempotency-key": "one"}
#: Mutations that would do something else when they were made twice, and what is there to show it.
MUTATIONS: dict[str, tuple[str, str, Any]] = {
    "retry": ("POST", "/v1/tasks/lint/retry", None),
    "forget": ("DELETE", "/v1/tasks/lint", None),
    "cancel all": ("POST", "/v1/tasks/cancel-all", {}),
    "a list": ("POST", "/v1/tasks", [{"shell": "true"}, {"shell": "false"}]),
    "reset": ("POST", "/v1/sessions/box/reset", {}),
    "stop all": ("POST", "/v1/sessions/box/stop-all", None),
    "change a session": ("PATCH", "/v1/sessions/fresh", {"agent": "coder", "mailbox": {"cap": 2}}),
    "make": ("POST", "/v1/queues", {"name": "weekly"}),
    "pause": ("POST", "/v1/queues/nightly/pause", None),
    "resize": ("PUT", "/v1/lanes/gpu", {"size": 7}),
    "park": ("POST", "/v1/accounts/team/park", {"for_s": 60}),
    "revoke": ("DELETE", "/v1/tokens/bob", None),
}
EVERY = pytest.mark.parametrize(("method", "path", "body"), MUTATIONS.values(), ids=MUTATIONS.keys())


@pytest.fixture(autouse=True)
async def things(tw: taxiway.Taxiway) -> None:
    """What there is to change."""
    task = await tw.submit(shell="true", name="lint")
    await tw.cancel(task.id)
    await tw.submit(shell="true", name="open")
    await tw.session("box", agent="coder")
    await tw.session("fresh")
    await tw.make_queue("nightly")
    await tw.set_lane("gpu", 1)
    await tw.make_token("bob", TokenScope.VIEWER)


@EVERY
async def test_a_repeated_mutation_does_nothing(
    method: str, path: str, body: Any, client: httpx.AsyncClient, tw: taxiway.Taxiway
) -> None:
    """I9, C16: the second answer says what the first one did, and that it was asked before."""
    first = await client.request(method, path, json=body, headers=KEY)
    version = await tw.store.last_version()
    again = await client.request(method, path, json=body, headers=KEY)
    assert first.is_success, first.text
    assert again.is_success, again.text
    assert again.json() == first.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await tw.store.last_version() == version


@EVERY
async def test_a_mutation_that_lost_its_answer_does_nothing_again(
    method: str, path: str, body: Any, client: httpx.AsyncClient, tw: taxiway.Taxiway, lost: Callable[[], None]
) -> None:
    """Surface 6: the server died after it had done it and before it had kept what it would have answered."""
    lost()
    first = await client.request(method, path, json=body, headers=KEY)
    version = await tw.store.last_version()
    again = await client.request(method, path, json=body, headers=KEY)
    if path == "/v1/tasks":  # of a list no answer is kept, so none is lost
        assert first.status_code == 201
    else:
        assert first.status_code == 503
    assert again.is_success, again.text
    assert await tw.store.last_version() == version


@pytest.fixture
async def other(tw: taxiway.Taxiway, tmp_path: Path) -> AsyncIterator[taxiway.Taxiway]:
    """Another process on the same store, as good as."""
    async with taxiway.open(tmp_path / "s.db", slots=0, project="p") as opened:
        yield opened


@EVERY
async def test_two_servers_that_are_asked_at_once_do_it_once(
    method: str, path: str, body: Any, tw: taxiway.Taxiway, other: taxiway.Taxiway
) -> None:
    """I9: whoever comes second is answered with what the first one did, also while that is still at it."""
    _, text = await tw.make_token("ann", TokenScope.ADMIN)
    async with asked_by(tw, text) as here, asked_by(other, text) as there:
        calls = [client.request(method, path, json=body, headers=KEY) for client in (here, there) * 4]
        answers = await asyncio.gather(*calls)
        assert {answer.is_success for answer in answers} == {True}, [answer.text for answer in answers]
        assert len({answer.text for answer in answers}) == 1
    assert ["idempotency-replayed" in answer.headers for answer in answers].count(False) <= 1


async def test_a_key_is_the_tenants_and_not_the_tokens(client_of: As) -> None:
    """I9: a program that has got a new token may repeat what it asked with the old one."""
    one, other = await client_of(name="ann"), await client_of(name="eve")
    first = await one.post("/v1/tasks/lint/retry", headers=KEY)
    again = await other.post("/v1/tasks/lint/retry", headers=KEY)
    assert again.json() == first.json()


@pytest.mark.parametrize("other", [[{"shell": "true"}], [{"shell": "true"}] * 3, {"shell": "true"}])
async def test_a_list_under_a_key_is_that_list(other: Any, client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """I9: a longer, a shorter, or one alone is something else."""
    await client.post("/v1/tasks", json=[{"shell": "true"}] * 2, headers=KEY)
    count = await tw.count_tasks()
    answer = await client.post("/v1/tasks", json=other, headers=KEY)
    if isinstance(other, list):
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_mismatch")
        assert await tw.count_tasks() == count
    else:  # the key of a task is the task's own, for as long as there is one
        assert answer.status_code == 201


async def test_the_text_of_a_token_is_kept_nowhere(
    client: httpx.AsyncClient, tw: taxiway.Taxiway, tmp_path: Path
) -> None:
    """4.14: neither as an answer under a key; who repeats the call is told that he cannot have it again."""
    first = await client.post("/v1/tokens", json={"name": "cy"}, headers=KEY)
    secret = first.json()["text"]
    again = await client.post("/v1/tokens", json={"name": "cy"}, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 409)
    assert [token.name for token in await tw.tokens()].count("cy") == 1
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("s.db*") if path.is_file())
    assert secret.encode() not in stored
    assert secret[31:].encode() not in stored


async def test_a_key_is_forgotten_after_a_day(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """I20: in pages, by whichever server is there."""
    await client.post("/v1/queues/nightly/pause", headers=KEY)
    now = SystemClock().now_ms()
    await ReplyKeeper(tw.store, HandClock(now + (KEPT_S - 60) * 1000)).step()
    assert (await client.post("/v1/queues/nightly/pause", headers=KEY)).is_success
    await ReplyKeeper(tw.store, HandClock(now + (KEPT_S + 60) * 1000)).step()
    assert (await client.post("/v1/queues/nightly/pause", headers=KEY)).json()["code"] == "illegal_transition"


@pytest.mark.parametrize("key", ["", "a" * 201, "a\tb", "a b", "ü"])
async def test_a_key_is_a_word(key: str, client: httpx.AsyncClient) -> None:
    """Surface 6: 1 to 200 printable characters of ASCII, without spaces."""
    answer = await client.post("/v1/tasks/lint/retry", headers={"idempotency-key": key.encode()})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
