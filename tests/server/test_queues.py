"""Queues and lanes over HTTP: moved by their table, resized, counted; and what they do about limits."""

from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

import taxiway
from tests.server import working


async def test_a_queue_is_made_moved_and_resized(client: httpx.AsyncClient) -> None:
    """A53-A55, A1-A10, surface 6: a move that its state does not allow is refused with both, and changes nothing."""
    made = await client.post("/v1/queues", json={"name": "nightly", "slots": 2})
    assert (made.status_code, made.json()["state"], made.json()["slots"]) == (201, "running", 2)
    assert (await client.post("/v1/queues", json={"name": "nightly"})).status_code == 409
    assert (await client.post("/v1/queues/nightly/pause")).json()["state"] == "paused"
    again = await client.post("/v1/queues/nightly/pause")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    assert "paused" in again.json()["detail"]
    assert (await client.post("/v1/queues/nightly/resume")).json()["state"] == "running"
    assert (await client.patch("/v1/queues/nightly", json={"slots": None})).json()["slots"] is None
    assert (await client.post("/v1/queues/nightly/dance")).status_code == 404
    assert {queue["name"] for queue in (await client.get("/v1/queues")).json()["items"]} >= {"nightly", "default"}


async def test_a_queues_project_can_be_named(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """Surface 6: the same name in two projects is two queues; without a word it is the server's project's."""
    plan = {"queue": "build", "tasks": {"a": {"shell": "true"}}}
    for folder in "ab":
        (tmp_path / folder).mkdir()
    one, other = [
        (await client.post(f"/v1/plans?folder={tmp_path / folder}", json=plan)).json()["project"] for folder in "ab"
    ]
    paused = (await client.post(f"/v1/queues/build/pause?project={other}")).json()
    assert (paused["project"], paused["state"]) == (other, "paused")
    assert (await client.get(f"/v1/queues/build?project={one}")).json()["state"] == "running"
    assert (await client.get(f"/v1/queues/build/stats?project={other}")).json()["state"] == "paused"
    assert (await client.get("/v1/queues/build?project=none")).status_code == 404
    assert (await client.post("/v1/tasks?project=q", json={"shell": "true"})).json()["project"] == "q"


async def test_counts_and_the_first_tasks_are_of_one_moment(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """C49, C48, DC12: open work first, twenty at most, with the version and the time that the counts belong to."""
    await working.register(tw)
    await tw.submit(shell="true", priority=9)
    await working.end(tw, await working.take(tw))
    await tw.submit_many([{"shell": "true"}] * 25)
    snapshot = (await client.get("/v1/queues/default/snapshot")).json()
    assert snapshot["stats"]["by_state"] == {"queued": 25, "completed": 1}
    assert snapshot["stats"]["total"] == 26
    assert snapshot["stats"]["max_version"] == await tw.store.last_version()
    assert [task["state"] for task in snapshot["items"]] == ["queued"] * 20
    stats = (await client.get("/v1/queues/default/stats")).json()
    assert stats | {"generated_at": ""} == snapshot["stats"] | {"generated_at": ""}


async def test_a_queue_that_is_not_there_counts_nothing(client: httpx.AsyncClient) -> None:
    """C48: zeros, not an error; there is nothing to show."""
    stats = (await client.get("/v1/queues/nobody/stats")).json()
    assert stats | {"generated_at": ""} == {
        "queue": "nobody", "state": None, "total": 0, "by_state": {}, "by_reason": {}, "by_lane": {}, "live": 0,
        "max_version": 0, "generated_at": "",
    }  # fmt: skip
    snapshot = (await client.get("/v1/queues/nobody/snapshot")).json()
    assert (snapshot["items"], snapshot["stats"]["total"]) == ([], 0)


async def test_what_a_queue_does_about_limits_is_said_and_taken_back(client: httpx.AsyncClient) -> None:
    """A provider's limit: as Python and the command line say it."""
    path = "/v1/queues/default/on-limit"
    for word in ("fail", "wait", None):
        assert (await client.put(path, json={"on_limit": word})).json()["on_limit"] == word
        assert (await client.get("/v1/queues/default")).json()["on_limit"] == word
    assert (await client.put("/v1/queues/nobody/on-limit", json={"on_limit": "wait"})).status_code == 404


async def test_a_lane_is_made_resized_stopped_and_started(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """A30, SQ-60 to SQ-65: a stopped one refuses new work and cancels what waits."""
    made = await client.put("/v1/lanes/gpu", json={"size": 1})
    assert (made.json()["size"], made.json()["stopped"]) == (1, False)
    task = (await client.post("/v1/tasks", json={"shell": "true", "lane": "gpu"})).json()
    assert (await client.get("/v1/lanes/gpu")).json()["ready"] == 1
    assert (await client.post("/v1/lanes/gpu/stop")).json()["stopped"] is True
    refused = await client.post("/v1/tasks", json={"shell": "true", "lane": "gpu"})
    assert (refused.status_code, refused.json()["code"]) == (409, "lane_stopped")
    await tw.store.advance(100)
    assert (await client.get(f"/v1/tasks/{task['id']}")).json()["state"] == "cancelled"
    assert (await client.post("/v1/lanes/gpu/start")).json()["stopped"] is False
    own = await client.put("/v1/lanes/tests", json={"size": 3, "queue": "default"})
    assert own.json()["queue"] == "default"
    assert (await client.get("/v1/lanes/tests?queue=default")).json()["size"] == 3
    assert (await client.get("/v1/lanes/tests")).status_code == 404
    assert (await client.put("/v1/lanes/gpu", json={"size": 0})).status_code == 422
    assert {lane["name"] for lane in (await client.get("/v1/lanes")).json()["items"]} >= {"main", "gpu", "tests"}


@pytest.mark.parametrize("name", ["", "a\x14b", "a b", "-x", "x" * 500, "\u202ecod"])
async def test_a_queue_and_a_lane_have_names_that_can_be_written(
    name: str, client: httpx.AsyncClient, tw: taxiway.Taxiway
) -> None:
    """4.4, row 40: what a task may not name as its queue or lane is none, by whatever door it comes."""
    made = await client.post("/v1/queues", json={"name": name})
    assert (made.status_code, made.json()["code"]) == (422, "invalid")
    if name:
        sized = await client.put(f"/v1/lanes/{quote(name, safe='')}", json={"size": 1})
        assert (sized.status_code, sized.json()["code"]) == (422, "invalid")
    with pytest.raises(taxiway.Invalid):
        await tw.set_lane(name, 1)
