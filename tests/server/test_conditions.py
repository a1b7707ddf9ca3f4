"""A change may demand that its thing is as its caller has seen it; that is judged where the change is made."""

import asyncio
from typing import Any

import httpx
import pytest

import taxiway

STALE = {"if-match": '"1"'}
#: What has a version: how it is read, and how it is changed.
CHANGES: dict[str, tuple[str, str, str, Any]] = {
    "task": ("/v1/tasks/lint", "POST", "/v1/tasks/lint/cancel", None),
    "task, forgotten": ("/v1/tasks/lint", "DELETE", "/v1/tasks/lint", None),
    "session": ("/v1/sessions/box", "PATCH", "/v1/sessions/box", {"mailbox": {"cap": 3}}),
    "session, reset": ("/v1/sessions/box", "POST", "/v1/sessions/box/reset", {}),
    "session, put away": ("/v1/sessions/box", "POST", "/v1/sessions/box/archive", {}),
    "queue": ("/v1/queues/nightly", "PATCH", "/v1/queues/nightly", {"slots": 7}),
    "queue, moved": ("/v1/queues/nightly", "POST", "/v1/queues/nightly/pause", None),
    "lane": ("/v1/lanes/gpu", "PUT", "/v1/lanes/gpu", {"size": 7}),
    "lane, stopped": ("/v1/lanes/gpu", "POST", "/v1/lanes/gpu/stop", None),
    "account": ("/v1/accounts/team", "PATCH", "/v1/accounts/team", {"limit": 7}),
    "account, parked": ("/v1/accounts/team", "POST", "/v1/accounts/team/park", {"why": "x"}),
}
EVERY = pytest.mark.parametrize(("at", "method", "path", "body"), CHANGES.values(), ids=CHANGES.keys())


@pytest.fixture(autouse=True)
async def things(tw: taxiway.Taxiway) -> None:
    """One of everything that has a version."""
    await tw.submit(shell="true", name="lint")
    await tw.session("box", agent="coder")
    await tw.make_queue("nightly", 2)
    await tw.set_lane("gpu", 1)
    await tw.limit_account("team", 3)


@EVERY
async def test_a_change_is_made_to_what_its_caller_has_seen(
    at: str, method: str, path: str, body: Any, client: httpx.AsyncClient
) -> None:
    """Surface 6: the version is the ETag, of what was read and of what came of it."""
    before = await client.get(at)
    assert before.headers["etag"] == f'"{before.json()["version"]}"'
    answer = await client.request(method, path, json=body, headers={"if-match": before.headers["etag"]})
    assert answer.status_code == 200, answer.text
    after = await client.get(at)
    assert after.headers.get("etag") != before.headers["etag"]
    if "version" in answer.json():
        assert answer.headers["etag"] == after.headers["etag"]


@EVERY
async def test_a_change_to_what_has_moved_on_is_not_made(
    at: str, method: str, path: str, body: Any, client: httpx.AsyncClient
) -> None:
    """Surface 6: 412, and nothing is stored."""
    before = await client.get(at)
    answer = await client.request(method, path, json=body, headers=STALE)
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert (await client.get(at)).json() == before.json()


async def test_of_many_who_have_seen_the_same_one_changes_it(client: httpx.AsyncClient) -> None:
    """I20: the version is looked at in the transaction that changes it, so nobody's change is written over unseen."""
    seen = (await client.get("/v1/queues/nightly")).headers["etag"]
    changes = [
        client.patch("/v1/queues/nightly", json={"slots": slots}, headers={"if-match": seen}) for slots in range(1, 21)
    ]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*changes))
    assert statuses == [200] + [412] * 19


async def test_a_change_that_writes_twice_is_judged_once(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """Its own first write has moved the version on, which is no news to its caller."""
    await tw.session("fresh")
    seen = (await client.get("/v1/sessions/fresh")).headers["etag"]
    body = {"agent": "coder", "mailbox": {"cap": 3}}
    answer = await client.patch("/v1/sessions/fresh", json=body, headers={"if-match": seen})
    assert (answer.status_code, answer.json()["agent"], answer.json()["mailbox"]["cap"]) == (200, "coder", 3)


async def test_a_lane_that_is_not_there_has_no_version(client: httpx.AsyncClient) -> None:
    """RFC 9110, 13.1.1: there is nothing that could match, so none is made."""
    answer = await client.put("/v1/lanes/fresh", json={"size": 1}, headers=STALE)
    assert answer.status_code == 412
    assert (await client.get("/v1/lanes/fresh")).status_code == 404


TAGS = {'"1", {}': 200, "*": 200, "W/{}": 412, '"x"': 412, '"99999999999999999999"': 412, "1": 400, '"': 400, "": 400}


@pytest.mark.parametrize(("tags", "status"), TAGS.items())
async def test_what_may_stand_in_a_demand(tags: str, status: int, client: httpx.AsyncClient) -> None:
    """RFC 9110, 13.1.1: one of several, or any; what compares weakly matches nothing; what is no tag is told."""
    seen = (await client.get("/v1/queues/nightly")).headers["etag"]
    headers = {"if-match": tags.format(seen)}
    answer = await client.patch("/v1/queues/nightly", json={"slots": 5}, headers=headers)
    assert answer.status_code == status, answer.text


async def test_a_demand_where_none_can_be_met_is_refused(client: httpx.AsyncClient) -> None:
    """What has no version would be changed although its caller meant to be careful."""
    answer = await client.post("/v1/tasks", json={"shell": "true"}, headers=STALE)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
