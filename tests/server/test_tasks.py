"""Tasks over HTTP do what the same verbs do in Python and on the command line."""

import httpx
import pytest

import taxiway

KEY = {"idempotency-key": "one"}


async def test_a_task_is_submitted_read_cancelled_tried_again_and_forgotten(client: httpx.AsyncClient) -> None:
    """C45: Surface 6: its whole way; the actor is the token's name."""
    made = await client.post("/v1/tasks", json={"shell": "true", "name": "lint"})
    assert made.status_code == 201
    task = made.json()
    assert made.headers["location"] == f"/v1/tasks/{task['id']}"
    assert (task["state"], task["shell"], task["max_attempts"]) == ("queued", "true", 1)
    admitted = task.pop("admitted")
    assert (admitted["created"], admitted["disposition"]) == (True, "ready")
    assert (await client.get("/v1/tasks/lint")).json() == task
    assert (await client.get(f"/v1/tasks/{task['id'][-6:]}/explain")).json()["items"] != []
    assert (await client.get("/v1/tasks/lint/runs")).json() == {"items": [], "cursor": None}
    cancelled = (await client.post("/v1/tasks/lint/cancel")).json()
    assert (cancelled["state"], cancelled["reason"]) == ("cancelled", "requested")
    again = await client.post("/v1/tasks/lint/retry")
    assert (again.status_code, again.json()["items"][0]["retry_of"]) == (201, task["id"])
    assert (await client.delete(f"/v1/tasks/{task['id']}")).json() == {"removed": True}
    assert (await client.get(f"/v1/tasks/{task['id']}")).status_code == 404
    log = (await client.get("/v1/changes")).json()["items"]
    assert {change["actor"] for change in log if change["kind"] == "task"} == {"ann"}


async def test_a_task_is_found_by_its_queue_and_name(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """Surface 5: `QUEUE/NAME` is one part of the path, with its slash written as %2F."""
    plan = {"queue": "build", "tasks": {"lint": {"shell": "true"}}}
    await client.post("/v1/plans", json=plan)
    found = (await client.get("/v1/tasks/build%2Flint")).json()
    assert (found["queue"], found["name"]) == ("build", "lint")
    assert (await client.get("/v1/tasks/build%2flint/explain")).status_code == 200
    assert (await client.post("/v1/tasks/build%2Flint/cancel", headers=KEY)).json()["state"] == "cancelled"
    for path in ("build%2Fnothing", "%2F", "..%2f..%2fetc%2fpasswd", "build%252Flint", "a/b%2Fc"):
        answer = await client.get(f"/v1/tasks/{path}")
        assert answer.status_code in (404, 422), answer.text
        assert "\udc2f" not in answer.text


async def test_a_repeated_submit_makes_nothing_twice(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """I9: 201, then 200 with the same task; the same key for something else is a mismatch."""
    first = await client.post("/v1/tasks", json={"shell": "true"}, headers=KEY)
    again = await client.post("/v1/tasks", json={"shell": "true"}, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    other = await client.post("/v1/tasks", json={"shell": "false"}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_mismatch")
    many = [{"shell": "true"}, {"shell": "false"}]
    lists = [await client.post("/v1/tasks", json=many, headers={"idempotency-key": "two"}) for _ in range(2)]
    assert [answer.status_code for answer in lists] == [201, 200]
    assert len((await tw.tasks()).items) == 3


async def test_a_repeated_mutation_is_answered_as_the_first_time(client: httpx.AsyncClient) -> None:
    """I9: retrying made a new task; the same call with the same key names that one and makes no other."""
    await client.post("/v1/tasks", json={"shell": "true", "name": "lint"})
    await client.post("/v1/tasks/lint/cancel", headers={"idempotency-key": "c"})
    first = await client.post("/v1/tasks/lint/retry", headers=KEY)
    again = await client.post("/v1/tasks/lint/retry", headers=KEY)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = await client.post("/v1/tasks/lint/cancel", headers=KEY)
    assert other.json()["code"] == "idempotency_mismatch"


async def test_what_was_refused_under_a_key_may_be_asked_anew(client: httpx.AsyncClient) -> None:
    """I9: nothing was stored, so the key stands for nothing yet."""
    refused = await client.post("/v1/queues/nightly/pause", headers=KEY)
    assert refused.status_code == 404
    await client.post("/v1/queues", json={"name": "nightly"})
    assert (await client.post("/v1/queues/nightly/pause", headers=KEY)).json()["state"] == "paused"


async def test_a_list_is_admitted_whole_or_not_at_all(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """Surface 6: every fault with its place."""
    bad = await client.post("/v1/tasks", json=[{"shell": "true"}, {"shel": "true"}])
    assert bad.status_code == 422
    assert (await tw.tasks()).items == []
    good = await client.post("/v1/tasks", json=[{"shell": "true"}] * 100)
    assert (good.status_code, len(good.json()["items"])) == (201, 100)


async def test_pages_hold_every_task_once(client: httpx.AsyncClient) -> None:
    """C36, C43, DC1: in order of priority, while others come."""
    wanted = [
        (await client.post("/v1/tasks", json={"shell": "true", "priority": n % 5})).json()["id"] for n in range(25)
    ]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (await client.get("/v1/tasks", params={"limit": 4} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [task["id"] for task in page["items"]]
        await client.post("/v1/tasks", json={"shell": "false", "priority": 9})
        cursor = page["cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen))
    assert set(wanted) <= set(seen)


FILTERS = {"state=queued": 2, "state=running": 0, "label=a=1": 1, "queue=default": 2, "lane=main": 2, "order=open": 2}


@pytest.mark.parametrize(("query", "found"), FILTERS.items())
async def test_a_list_shows_what_was_asked_for(query: str, found: int, client: httpx.AsyncClient) -> None:
    """Surface 6: the filters."""
    await client.post("/v1/tasks", json={"shell": "true", "labels": {"a": "1"}})
    await client.post("/v1/tasks", json={"shell": "true"})
    assert len((await client.get(f"/v1/tasks?{query}")).json()["items"]) == found


async def test_a_plan_is_admitted_and_run_again(client: httpx.AsyncClient) -> None:
    """C50: Surface 3: the plan file as JSON; the second time nothing is new."""
    plan = {"queue": "build", "tasks": {"a": {"shell": "true"}, "b": {"shell": "true", "after": ["a"]}}}
    first = await client.post("/v1/plans", json=plan)
    assert first.status_code == 201, first.text
    assert (first.json()["queue"], first.json()["new"]) == ("build", 2)
    again = await client.post("/v1/plans", json=plan)
    assert (again.status_code, again.json()["going_on"]) == (200, 2)
    circle = await client.post("/v1/plans", json={"tasks": {"a": {"shell": "x", "after": ["a"]}}})
    assert circle.status_code == 422
