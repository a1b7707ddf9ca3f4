"""The token of a run reaches its own task and what that submitted, lives as long as the run, and no longer (4.5)."""

import httpx
import pytest

import taxiway
from taxiway.clock import new_secret
from taxiway.core.limits import SUBTASK_DEPTH_MAX, SUBTASKS_PER_RUN_MAX
from taxiway.server.app import ENDPOINTS
from taxiway.server.endpoint import Endpoint
from taxiway.server.mint import Mint
from taxiway.server.reach import Reach
from taxiway.store.protocol import Claimed
from tests.server.conftest import FREE, As, asked_by
from tests.server.working import end, register, take

#: Every route that the token of a run opens, and what it may name there. All others refuse it.
OPEN = {
    "POST /tasks": Reach.SUBMIT,
    "GET /tasks/{task}": Reach.TASK,
    "GET /tasks/{task}/runs": Reach.TASK,
    "GET /tasks/{task}/diff": Reach.TASK,
    "POST /tasks/{task}/cancel": Reach.BELOW,
    "POST /tasks/{task}/steer": Reach.BELOW,
    "POST /tasks/{task}/interrupt": Reach.BELOW,
    "GET /runs/{run}": Reach.RUN,
    "GET /runs/{run}/events": Reach.RUN,
    "GET /runs/{run}/submitted": Reach.RUN,
    "GET /runs/{run}/signals": Reach.RUN,
    "POST /runs/{run}/signals": Reach.RUN_BELOW,
    "GET /sessions/{session}": Reach.SESSION,
    "POST /sessions/{session}/messages": Reach.SESSION,
}


@pytest.fixture(autouse=True)
async def a_runner(tw: taxiway.Taxiway) -> None:
    """One that does what a test says."""
    await register(tw)
    await tw.set_lane("main", 99)


async def started(tw: taxiway.Taxiway, **fields: object) -> Claimed:
    """A run of a new task, with its token."""
    await tw.submit(**({"shell": "true", "priority": 9} | fields))
    return await claimed(tw)


async def claimed(tw: taxiway.Taxiway) -> Claimed:
    """The next run, with its token."""
    return (await Mint(tw.store, new_secret).with_tokens([await take(tw)]))[0]


def named(route: Endpoint) -> str:
    return f"{route.method} {route.path}"


def path(route: Endpoint, things: dict[str, str]) -> str:
    """Its path with these things in the place of its parameters."""
    text = "/v1" + route.path
    for name, value in things.items():
        text = text.replace("{" + name + "}", value)
    return text


def test_the_routes_that_a_runs_token_opens_are_these() -> None:
    """4.5: the matrix, whole; a new route is closed to runs until somebody writes it down here."""
    assert {named(route): route.reach for route in ENDPOINTS if route.reach is not None} == OPEN


async def test_no_route_shows_or_touches_what_is_anothers(tw: taxiway.Taxiway) -> None:
    """4.5: all routes, with ids of others and with ids of nothing: the same 404, or 403, and nothing has changed."""
    run = await started(tw)
    theirs = await tw.submit(shell="true", name="theirs", session="box", priority=8)
    other = await claimed(tw)
    session = (await tw.task(theirs.id)).session or ""
    things = {"task": theirs.id, "run": other.run, "session": session, "signal": "sig_" + "0" * 26}
    nothing = {"task": "task_" + "0" * 26, "run": "run_" + "0" * 26, "session": "sess_" + "0" * 26}
    before = await tw.newest_version()
    async with asked_by(tw, run.token) as client:
        for route in ENDPOINTS:
            if route.reach is Reach.SUBMIT:
                continue
            answers = [
                await client.request(route.method, path(route, given | {"{": ""})) for given in (things, nothing)
            ]
            assert {answer.status_code for answer in answers} == {403 if route.reach is None else 404}, named(route)
            told = [
                {name: value for name, value in answer.json().items() if name not in ("request", "ref", "detail")}
                for answer in answers
            ]
            assert told[0] == told[1], named(route)
            assert str(told).count(theirs.id) == 0
        for name in ("theirs", theirs.id[-6:], "default/theirs"):
            assert (await client.get(f"/v1/tasks/{name}")).status_code == 404
        for live in ("/v1/stream", "/v1/stream?run=" + other.run):
            assert (await client.get(live)).status_code == 403
    assert await tw.newest_version() == before


async def test_a_run_sees_itself_and_what_it_submitted_and_what_that_submitted(tw: taxiway.Taxiway) -> None:
    """4.5: its subtree, by ids, parts of ids and names; the tree stands in ``submitted_by`` (surface 6)."""
    run = await started(tw)
    async with asked_by(tw, run.token) as client:
        assert (await client.get(f"/v1/tasks/{run.task}")).json()["submitted_by"] is None
        made = await client.post("/v1/tasks", json={"shell": "true", "name": "child"})
        assert (made.status_code, made.json()["submitted_by"]) == (201, run.run)
        child = await claimed(tw)
        async with asked_by(tw, child.token) as below:
            grandchild = (await below.post("/v1/tasks", json=[{"shell": "true"}])).json()["items"][0]["id"]
            assert (await below.get(f"/v1/tasks/{run.task}")).status_code == 404  # a child knows nothing of its parent
        for task in (made.json()["id"], "child", child.task[-8:], grandchild):
            assert (await client.get(f"/v1/tasks/{task}")).status_code == 200, task
        assert (await client.get(f"/v1/runs/{child.run}/events")).status_code == 200
        assert [one["id"] for one in (await client.get(f"/v1/runs/{run.run}/submitted")).json()["items"]] == [
            child.task
        ]
        assert (await client.post(f"/v1/tasks/{grandchild}/cancel")).json()["state"] == "cancelled"
        own = await client.post(f"/v1/tasks/{run.task}/cancel")
        assert (own.status_code, own.json()["code"]) == (403, "forbidden")
        stopped = await client.post(f"/v1/runs/{child.run}/signals", json={"kind": "stop"})
        assert stopped.status_code == 201
    actors = {change.actor for change in await tw.store.changes(0, 1_000) if change.id == grandchild}
    assert actors == {f"run:{child.run}", f"run:{run.run}"}


async def test_a_token_dies_with_its_run_and_with_its_fence(tw: taxiway.Taxiway, client: httpx.AsyncClient) -> None:
    """I2, 4.5: at once, in every server; the next attempt has another one, and sees what the first has submitted."""
    run = await started(tw, retries=1, backoff={"first": 0})
    async with asked_by(tw, run.token) as mine:
        assert (await mine.post("/v1/tasks", json={"shell": "true", "delay": 3600})).status_code == 201
        await end(tw, run, taxiway.core.run.Failed(taxiway.core.task.Reason.AGENT_ERROR, "no"))
        gone = await mine.get(f"/v1/tasks/{run.task}")
        assert (gone.status_code, gone.json()["code"]) == (401, "unauthorized")
    await tw.store.wake_due(100)
    again = await claimed(tw)
    assert (again.task, again.token != run.token) == (run.task, True)
    async with asked_by(tw, again.token) as mine:
        assert (await mine.get(f"/v1/tasks/{run.task}")).status_code == 200
        assert len((await mine.get(f"/v1/runs/{run.run}/submitted")).json()["items"]) == 1
    forged = (again.token or "")[:-1] + ("A" if (again.token or "")[-1] != "A" else "B")
    for text in (forged, (run.token or "")[:31] + (again.token or "")[31:], "txr_", "txr_" + "0" * 26 + "_" + "A" * 43):
        async with asked_by(tw, text) as mine:
            assert (await mine.get(f"/v1/tasks/{run.task}")).status_code == 401


async def test_runs_do_not_ask_for_runs_without_end(tw: taxiway.Taxiway) -> None:
    """4.5: at most 64 of one run, and five deep; a call that is made again counts once (I9)."""
    run = await started(tw)
    async with asked_by(tw, run.token) as client:
        many = [{"shell": "true", "delay": 3600} for _ in range(SUBTASKS_PER_RUN_MAX - 1)]
        assert (await client.post("/v1/tasks", json=many)).status_code == 201
        key = {"idempotency-key": "once"}
        last = await client.post("/v1/tasks", json={"shell": "true"}, headers=key)
        assert (await client.post("/v1/tasks", json={"shell": "true"}, headers=key)).json()["id"] == last.json()["id"]
        full = await client.post("/v1/tasks", json={"shell": "true"})
        assert (full.status_code, full.json()["code"]) == (429, "queue_full")
    for _ in range(SUBTASK_DEPTH_MAX - 1):
        run = await claimed(tw)
        async with asked_by(tw, run.token) as client:
            assert (await client.post("/v1/tasks", json={"shell": "true"})).status_code == 201
    deepest = await claimed(tw)
    async with asked_by(tw, deepest.token) as client:
        deeper = await client.post("/v1/tasks", json={"shell": "true"})
        assert (deeper.status_code, deeper.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("own", "asked"),
    [
        ({}, {"shell": "true", "priority": 10}),
        ({}, {"shell": "true", "lane": "elsewhere"}),
        ({}, {"shell": "true", "queue": "elsewhere"}),
        ({"lane": "elsewhere"}, {"shell": "true", "lane": "main"}),
        ({}, {"job": "deploy"}),
        ({}, {"shell": "true", "session": "other"}),
        ({}, {"shell": "true", "env": {"KEY": "secret://DEPLOY"}}),
        ({}, {"shell": "true", "template": True, "env": {"KEY": "${{ a.output }}"}, "after": ["a"]}),
        ({"prompt": "x", "access": "analysis"}, {"shell": "true"}),
        ({"prompt": "x", "access": "analysis"}, {"prompt": "y", "access": "write"}),
        ({"prompt": "x", "access": "write"}, {"prompt": "y", "access": "auto"}),
        ({"prompt": "x", "access": "write"}, {"prompt": "y", "cwd": "/"}),
        ({"prompt": "x", "access": "write"}, {"prompt": "y", "env": {"PATH": "/tmp"}}),
        ({"prompt": "x", "access": "write"}, {"prompt": "y", "accept": {"commands": ["true"]}}),
        ({"prompt": "x", "budget": {"usd": 1}}, {"prompt": "y", "budget": {"usd": 2}}),
        ({"prompt": "x", "budget": {"usd": 1}}, {"prompt": "y", "budget": {"tokens": 5}}),
        ({"prompt": "x", "session": "box"}, {"prompt": "y", "session": "box", "mailbox": {"mode": "interrupt"}}),
    ],
)
async def test_a_run_asks_for_no_more_than_it_may_itself(
    own: dict[str, object], asked: dict[str, object], tw: taxiway.Taxiway
) -> None:
    """4.5: capabilities only shrink down the tree."""
    await tw.set_lane("elsewhere", 1)
    await tw.make_queue("elsewhere")
    fields = own if "prompt" not in own else own | {"agent": "fake"}
    run = await started(tw, **({"shell": None} if "prompt" in own else {}), **fields)
    async with asked_by(tw, run.token) as client:
        answer = await client.post("/v1/tasks", json=asked if "prompt" not in asked else asked | {"agent": "fake"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), answer.text
    assert await tw.store.submitted(run.run) == []


async def test_what_a_child_leaves_open_it_has_from_its_parent(tw: taxiway.Taxiway) -> None:
    """4.5: access, budget, place and a priority behind all others are inherited."""
    await tw.set_lane("side", 9)
    mine = {"access": "write", "budget": {"usd": 1, "tokens": 9}, "cwd": "/srv", "workspace": {"kind": "worktree"}}
    run = await started(tw, shell=None, prompt="x", agent="fake", priority=-3, lane="side", **mine)
    async with asked_by(tw, run.token) as client:
        made = (await client.post("/v1/tasks", json={"prompt": "y", "agent": "fake"})).json()
        assert (made["access"], made["cwd"], made["workspace"]["kind"]) == ("write", "/srv", "worktree")
        assert (made["lane"], made["priority"]) == ("side", -3)
        assert (made["budget"]["usd"], made["budget"]["tokens"]) == (1, 9)
        less = {"prompt": "y", "agent": "fake", "access": "analysis", "budget": {"usd": 0.5, "tokens": 9}}
        assert (await client.post("/v1/tasks", json=less)).json()["access"] == "analysis"


async def test_a_run_waits_for_nothing_of_others_and_learns_no_names(tw: taxiway.Taxiway) -> None:
    """4.5: a dependency would tell how another's task ended, and a template what it put out."""
    run = await started(tw)
    theirs = await tw.submit(shell="true", name="theirs", priority=8)
    async with asked_by(tw, run.token) as client:
        for name in ("theirs", theirs.id, "thiers", "task_" + "0" * 26):
            answer = await client.post("/v1/tasks", json={"shell": "true", "after": [name]})
            assert answer.status_code == 422
            assert "did you mean" not in answer.text
            assert answer.text.replace(name, "").count(theirs.id) == 0
        other = await client.post("/v1/tasks", json={"shell": "true", "project": "q"})
        elsewhere = await client.post("/v1/tasks?project=q", json={"shell": "true"})
        assert (other.status_code, elsewhere.status_code) == (422, 403)
        chain = [{"name": "one", "shell": "true"}, {"name": "two", "shell": "true", "after": ["one"]}]
        assert (await client.post("/v1/tasks", json=chain)).status_code == 201
        key = {"idempotency-key": "k"}
        await tw.submit(shell="echo theirs", idempotency_key="k")
        assert (await client.post("/v1/tasks", json={"shell": "echo mine"}, headers=key)).status_code == 201


async def test_a_run_speaks_in_its_own_session(tw: taxiway.Taxiway) -> None:
    """4.5: msg:send, and no other session's."""
    run = await started(tw, shell=None, prompt="x", agent="fake", session="box")
    await tw.session("other", agent="fake")
    async with asked_by(tw, run.token) as client:
        sent = await client.post("/v1/sessions/box/messages", json={"prompt": "and then"})
        assert (sent.status_code, sent.json()["submitted_by"]) == (201, run.run)
        assert (await client.get("/v1/sessions/box")).json()["key"] == "box"
        for session in ("other", "nothing"):
            assert (await client.post(f"/v1/sessions/{session}/messages", json={"prompt": "x"})).status_code == 404


async def test_the_token_of_a_run_is_not_stored_when_it_is_sent(tw: taxiway.Taxiway) -> None:
    """I11: also not in what a run asks for."""
    run = await started(tw)
    async with asked_by(tw, run.token) as client:
        made = (await client.post("/v1/tasks", json={"shell": f"curl -H 'x: {run.token}'"})).json()
    assert run.token not in made["shell"]
    assert "[redacted]" in made["shell"]


async def test_what_takes_the_place_of_a_child_is_a_child(tw: taxiway.Taxiway, client_of: As) -> None:
    """Semantics, "task retry": a person tries it again, and the run that asked for it goes on seeing it."""
    run = await started(tw)
    async with asked_by(tw, run.token) as mine:
        child = (await mine.post("/v1/tasks", json={"shell": "false", "delay": 3600})).json()["id"]
        await mine.post(f"/v1/tasks/{child}/cancel")
        person = await client_of()
        again = (await person.post(f"/v1/tasks/{child}/retry")).json()["items"][0]
        assert again["submitted_by"] == run.run
        assert (await mine.get(f"/v1/tasks/{again['id']}")).status_code == 200


async def test_too_many_calls_of_one_run_wait_and_others_go_on(tw: taxiway.Taxiway) -> None:
    """4.10: a run is a caller of its own."""
    rates = taxiway.server.doorkeeper.Rates(per_s=0.001, burst=2, refused_per_s=FREE.per_s, refused_burst=FREE.burst)
    one, two = await started(tw), await started(tw, priority=8)
    async with asked_by(tw, one.token, rates) as client:
        statuses = [(await client.get(f"/v1/tasks/{one.task}")).status_code for _ in range(3)]
        other = await client.get(f"/v1/tasks/{two.task}", headers={"authorization": f"Bearer {two.token}"})
    assert (statuses, other.status_code) == ([200, 200, 429], 200)
