"""Audit: every change says who did it, why, and by which request, and the whole log can be taken along."""

import asyncio
import json

import httpx
import pytest

import taxiway
from taxiway.cli.main import status_of
from taxiway.core.change import read_cause
from taxiway.store.protocol import REQUEST


async def test_a_change_names_the_request_that_brought_it(tw: taxiway.Taxiway, client: httpx.AsyncClient) -> None:
    """Actor, cause and request id, in the log and over HTTP; the caller's own id, where it gave one."""
    made = await client.post("/v1/tasks", json={"command": ["true"]}, headers={"x-request-id": "deploy-17"})
    cancelled = await client.post(f"/v1/tasks/{made.json()['id']}/cancel")
    given = cancelled.headers["x-request-id"]
    items = (await client.get("/v1/changes")).json()["items"]
    told = [(one["actor"], one["cause"], one["request"]) for one in items if one["kind"] == "task"]
    assert told == [("ann", "submit", "deploy-17"), ("ann", "cancel", given)]


async def test_what_is_done_without_a_request_names_none(tw: taxiway.Taxiway, client: httpx.AsyncClient) -> None:
    """Also right after a request was answered, in the same process; reading is no change."""
    await client.post("/v1/queues", json={"name": "q"})
    assert REQUEST.get() is None
    await tw.submit(command=["true"])
    last = (await tw.store.changes(0, 100))[-1]
    assert (last.cause, last.request) == ("submit", None)


async def test_every_mutation_over_http_leaves_its_request_in_the_log(
    tw: taxiway.Taxiway, client: httpx.AsyncClient
) -> None:
    """Several that are committed together keep their own."""
    for number in range(3):
        await client.post("/v1/queues", json={"name": f"q{number}"}, headers={"x-request-id": f"r{number}"})
    await client.post("/v1/queues/q1/pause", headers={"x-request-id": "r-pause"})
    await client.put("/v1/lanes/l", json={"size": 3}, headers={"x-request-id": "r-lane"})
    changes = [change for change in await tw.store.changes(0, 100) if change.actor == "ann"]
    assert [change.request for change in changes] == ["r0", "r1", "r2", "r-pause", "r-lane"]


def test_a_cause_is_read_as_it_was_written() -> None:
    """A mark within a cause is a part of it."""
    assert read_cause("cancel") == ("cancel", None)
    assert read_cause("cancel #req_1") == ("cancel", "req_1")
    assert read_cause("plan #1 of a #2 #req_1") == ("plan #1 of a #2", "req_1")
    assert read_cause("plan # one") == ("plan # one", None)


async def test_the_whole_log_can_be_taken_along_from_a_server(
    tw: taxiway.Taxiway, served: str, token: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`taxiway db audit --url`: what is in the log when it is asked, in order, and then an end."""
    async with taxiway.connect(served, token=token) as remote:
        await remote.make_queue("q")
        await remote.make_queue("r")
    monkeypatch.setenv("TAXIWAY_TOKEN", token)
    typed = ["--json", "--url", served, "db", "audit"]
    assert await asyncio.to_thread(status_of, [*typed, "--by", "ann"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["kind"], one["id"], one["actor"]) for one in told] == [("queue", "q", "ann"), ("queue", "r", "ann")]
    assert all(one["request"] for one in told)
    assert await asyncio.to_thread(status_of, typed) == 0
    found = await tw.store.changes(0, 100)
    versions = [json.loads(line)["version"] for line in capsys.readouterr().out.splitlines()]
    assert versions == [change.version for change in found]
    assert await asyncio.to_thread(status_of, [*typed, "--after", str(versions[-1])]) == 0
    assert capsys.readouterr().out == ""
