"""A runner with a key may do what is its own, and nothing else: what it names and what it sends is looked at (I2)."""

import asyncio
import hashlib
import json
from typing import Any

import httpx
import pytest

import taxiway
from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Endpoint
from taxiway.server.execution import ENDPOINTS as OF_RUNS
from taxiway.server.runners import ENDPOINTS as OF_RUNNERS
from taxiway.store.protocol import Topic
from tests.server.conftest import As

MARK = {
    "tag": "t",
    "guardian_pid": 1,
    "guardian_start": 1,
    "child_pid": 2,
    "child_start": 2,
    "boot_id": "b",
    "pid_namespace": 4,
}
FACTS = {"thread": "stolen"}
QUESTION = {"text": "may I?"}
#: A body of each call that could be done if the run were the caller's own.
BODIES: dict[str, dict[str, Any]] = {
    "/runs/{run}/started": {"process": MARK},
    "/runs/{run}/events": {"batch": 1, "events": [{"type": "status", "at": 1, "data": {"x": 1}}]},
    "/runs/{run}/finish": {"outcome": {"kind": "completed", "output": "forged"}},
    "/runs/{run}/stop": {"cause": "drain"},
    "/runs/{run}/approvals": {"question": QUESTION},
    "/runs/{run}/approvals/{approval}/withdraw": {},
    "/runs/{run}/signals/{signal}/delivered": {},
    "/runs/{run}/signals/{signal}/settle": {"applied": True},
    "/runs/{run}/session": {"facts": FACTS},
    "/runs/{run}/provider": {},
    "/runs/{run}/processes/{process}": {"runner": "runner_victim", "mark": MARK},
    "/runners/{runner}/renew": {},
    "/runners/{runner}/claim": {"free": 1},
    "/runners/{runner}/resume": {"room": 1},
    "/runners/{runner}/retire": {"state": "gone"},
}


async def registered(client: httpx.AsyncClient, id: str) -> None:
    """A runner that works with the key of ``client``."""
    body = {"id": id, "host": "far", "boot_id": "b", "pid": 1, "slots": 4}
    assert (await client.post("/v1/runners", json=body)).status_code == 201


async def claimed(client: httpx.AsyncClient, id: str, known: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """What a claim brings."""
    answer = await client.post(f"/v1/runners/{id}/claim", json={"free": 4, "known": known})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def at(one: Endpoint, run: str, runner: str) -> str:
    """Its address for a run or a runner."""
    known = {"run": run, "runner": runner, "approval": "app_x", "signal": "sig_x", "process": "proc_x"}
    return "/v1" + one.path.format(**known)


@pytest.mark.parametrize("one", [*OF_RUNS, *OF_RUNNERS], ids=lambda one: f"{one.method} {one.path}")
async def test_nobody_names_what_is_anothers(one: Endpoint, tw: taxiway.Taxiway, client_of: As) -> None:
    """I2, 4.14: another key's run or runner is refused at every route, and nothing is changed."""
    if one.path == "/runners":
        return
    victim, rogue = await client_of(TokenScope.RUNNER, "victim"), await client_of(TokenScope.RUNNER, "rogue")
    await registered(victim, "runner_victim")
    await registered(rogue, "runner_rogue")
    task = await tw.submit(session="s", command=["true"])
    [run] = await claimed(victim, "runner_victim")
    version = await tw.store.last_version()
    body = BODIES.get(one.path, {})
    if one.path.startswith("/runs/"):
        body = {**body, "fence": run["fence"]}
    sent = {"json": body} if one.body is not None else {}
    query = {"generation": 0} if one.path.endswith("/turns") else {}
    answer = await rogue.request(one.method, at(one, run["run"], "runner_victim"), params=query, **sent)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert await tw.store.last_version() == version
    assert (await tw.store.task(task.id)).fence == run["fence"]
    assert len(await tw.store.events(run["run"], 0, 10)) == 1


async def test_a_run_of_the_house_is_nobodys_elsewhere(tw: taxiway.Taxiway, client_of: As) -> None:
    """I2: runners that have the store at hand have no key, and so no key is theirs."""
    rogue = await client_of(TokenScope.RUNNER, "rogue")
    async with taxiway.open(tw.store.path, slots=1) as house:
        answer = await rogue.post(f"/v1/runners/{house.runner}/renew", json={})
        assert answer.json()["code"] == "forbidden"
        body = {"id": house.runner, "host": "far", "boot_id": "b", "pid": 1, "slots": 4}
        assert (await rogue.post("/v1/runners", json=body)).status_code in (409, 422)


async def test_a_forged_or_stale_fence_and_a_forged_batch_change_nothing(tw: taxiway.Taxiway, client_of: As) -> None:
    """C13, I2, I4: also within one's own run."""
    own = await client_of(TokenScope.RUNNER, "own")
    await registered(own, "runner_own")
    await tw.submit(command=["true"])
    [run] = await claimed(own, "runner_own")
    path, event = f"/v1/runs/{run['run']}", {"type": "status", "at": 1, "data": {"x": 1}}
    for fence, batch in ((run["fence"] + 1, 1), (run["fence"] - 1, 1), (run["fence"], 2)):
        answer = await own.post(f"{path}/events", json={"fence": fence, "batch": batch, "events": [event]})
        assert (answer.status_code, answer.json()["code"]) == (409, "lease_lost")
    late = await own.post(f"{path}/finish", json={"fence": run["fence"] + 1, "outcome": {"kind": "completed"}})
    assert late.json()["applied"] is False
    assert len(await tw.store.events(run["run"], 0, 10)) == 1


async def test_everything_may_be_said_twice(tw: taxiway.Taxiway, client_of: As) -> None:
    """C28, I4, I12: an answer may be lost, so what was done is not done again."""
    own = await client_of(TokenScope.RUNNER, "own")
    for _ in range(2):
        await registered(own, "runner_own")
    task = await tw.submit(command=["true"])
    [run] = await claimed(own, "runner_own")
    path, event = f"/v1/runs/{run['run']}", {"type": "status", "at": 1, "data": {"x": 1}}
    for _ in range(2):
        started = await own.post(f"{path}/started", json={"fence": run["fence"], "process": MARK})
        assert started.json() == {"stop": None}
    for _ in range(2):
        recorded = await own.post(f"{path}/events", json={"fence": run["fence"], "batch": 1, "events": [event]})
        assert recorded.json() == {"seq": 2}
    outcome = {"fence": run["fence"], "outcome": {"kind": "completed", "output": "done"}}
    applied = [(await own.post(f"{path}/finish", json=outcome)).json()["applied"] for _ in range(2)]
    assert applied == [True, False]
    assert (await task.get()).output == "done"
    assert [event.type for event in await tw.store.events(run["run"], 0, 10)] == [
        "run.started",
        "status",
        "run.finished",
    ]


async def test_a_claim_whose_answer_was_lost_costs_nothing(tw: taxiway.Taxiway, client_of: As) -> None:
    """I1, I2: the runner says what it knows; what it does not know goes back and is taken anew, no attempt counted."""
    own = await client_of(TokenScope.RUNNER, "own")
    await registered(own, "runner_own")
    task = await tw.submit(command=["true"])
    [lost] = await claimed(own, "runner_own")
    [again] = await claimed(own, "runner_own")
    assert (again["task"], again["fence"]) == (task.id, lost["fence"] + 1)
    assert await claimed(own, "runner_own", (again["run"],)) == []
    found = await task.get()
    assert (found.state, found.attempt, found.crashes) == ("running", 0, 0)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("events", {"batch": 1, "events": [{"type": "run.finished", "at": 1, "data": {"outcome": "completed"}}]}),
        ("events", {"batch": 1, "events": [{"type": "approval.decided", "at": 1}]}),
        ("events", {"batch": 1, "events": [{"type": "status", "at": 1 << 60}]}),
        ("events", {"batch": 1, "events": [{"type": "status", "at": 1, "data": {"x": "\ud800"}}]}),
        ("events", {"batch": 1, "events": [{"type": "status", "at": 1, "data": {"x": "y" * (1 << 21)}}]}),
        ("events", {"batch": 1, "events": [{"type": "unheard of", "at": 1}]}),
        ("events", {"batch": 1, "events": [{"type": "status", "at": 1}] * 1_001}),
        ("events", {"batch": -1, "events": []}),
        ("started", {"process": {**MARK, "child_pid": 1 << 62}}),
        ("finish", {"outcome": {"kind": "completed", "output": "y" * (1 << 19)}}),
        ("finish", {"outcome": {"kind": "completed", "result": "y" * (2 << 20)}}),
        ("finish", {"outcome": {"kind": "completed", "exit_code": 1 << 62}}),
        ("finish", {"outcome": {"kind": "completed"}, "chance": 7}),
        ("finish", {"outcome": {"kind": "applauded"}}),
        ("finish", {}),
    ],
)
async def test_what_a_runner_sends_is_held_within_bounds(
    path: str, body: dict[str, Any], tw: taxiway.Taxiway, client_of: As
) -> None:
    """4.14, rows 38 to 40: refused with a document, never a defect, and nothing is stored."""
    own = await client_of(TokenScope.RUNNER, "own")
    await registered(own, "runner_own")
    await tw.submit(command=["true"])
    [run] = await claimed(own, "runner_own")
    sent = {**body, "fence": run["fence"]}
    headers = {"content-type": "application/json"}  # text by ourselves: the client would refuse halves of characters
    answer = await own.post(f"/v1/runs/{run['run']}/{path}", content=json.dumps(sent), headers=headers)
    assert answer.status_code in (400, 403, 413, 422), answer.text
    assert len(await tw.store.events(run["run"], 0, 10)) == 1


async def test_a_runner_is_on_another_host_whatever_it_says(tw: taxiway.Taxiway, client_of: As) -> None:
    """4.14: else a rogue could name processes of the server's own machine, and have them ended there."""
    own = await client_of(TokenScope.RUNNER, "own")
    await registered(own, "runner_own")
    [runner] = await tw.store.runners()
    assert runner.host == "remote:far"


async def test_an_invitation_becomes_one_key_and_a_revoked_key_opens_nothing(
    tw: taxiway.Taxiway, client: httpx.AsyncClient, client_of: As
) -> None:
    """4.14: the secret is made by the runner, and only its hash comes here; a revocation fences all that runs by it."""
    made = (await client.post("/v1/runners/invites", json={"name": "box"})).json()
    code = {"authorization": f"Bearer {made['text']}"}
    key = {"id": "tok_" + "0" * 26, "hash": hashlib.sha256(b"A" * 43).hexdigest()}
    assert (await client.post("/v1/runners/keys", json=key)).status_code == 403
    redeemed = await client.post("/v1/runners/keys", json=key, headers=code)
    assert (redeemed.status_code, redeemed.json()["scope"], redeemed.json()["name"]) == (201, "runner", "box")
    other = {**key, "id": "tok_" + "1" * 26}
    assert (await client.post("/v1/runners/keys", json=other, headers=code)).status_code == 401
    own = {"authorization": f"Bearer txw_{'0' * 26}_{'A' * 43}"}
    body = {"id": "runner_box", "host": "far", "boot_id": "b", "pid": 1, "slots": 4}
    assert (await client.post("/v1/runners", json=body, headers=own)).status_code == 201
    task = await tw.submit(command=["true"])
    answer = await client.post("/v1/runners/runner_box/claim", json={"free": 1}, headers=own)
    [run] = answer.json()["items"]
    await client.delete("/v1/runners/runner_box")
    renewed = await client.post("/v1/runners/runner_box/renew", json={}, headers=own)
    assert renewed.status_code == 401 or renewed.json() == {"live": False}
    wake = tw.feed.wakes.subscribe(Topic.CHANGE)
    async with asyncio.timeout(5):
        while (await task.get()).state != "queued":
            await wake.wait(1)
    wake.close()
    late = {"fence": run["fence"], "outcome": {"kind": "completed"}}
    for call in (f"/v1/runs/{run['run']}/finish", "/v1/runners/runner_box/claim"):
        assert (await client.post(call, json=late, headers=own)).status_code in (200, 401, 409, 422)
    assert (await task.get()).state == "queued"
