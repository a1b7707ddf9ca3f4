"""Sessions over HTTP: a conversation, its mailbox, what readers have seen of it, and what its runs wrote."""

import httpx
import pytest

import taxiway
from taxiway.core.event import EventType, NewEvent
from tests.server import working
from tests.server.conftest import As


async def test_a_session_is_made_once_and_found_by_any_name(client: httpx.AsyncClient) -> None:
    """C5, C6, C30: the same key is the same session, and keeps what it has; its title is trimmed to 200."""
    made = await client.post("/v1/sessions", json={"key": "box", "agent": "coder", "title": "  " + "t" * 300})
    assert (made.status_code, len(made.json()["title"]), made.json()["state"]) == (200, 200, "idle")
    again = (await client.post("/v1/sessions", json={"key": "box", "title": "other"})).json()
    assert again == made.json()
    for ref in ("box", made.json()["id"], made.json()["id"][-6:]):
        assert (await client.get(f"/v1/sessions/{ref}")).json() == again
    foreign = await client.post("/v1/sessions", json={"key": "box", "agent": "writer"})
    assert (foreign.status_code, foreign.json()["code"]) == (409, "conflict")
    elsewhere = (await client.post("/v1/sessions?project=q", json={"key": "other"})).json()
    assert elsewhere["project"] in ("", "q")


async def test_a_message_says_what_becomes_of_it(client: httpx.AsyncClient) -> None:
    """SQ-01 to SQ-10, surface 7: ready, waiting with its place, merged, refused."""
    await client.post("/v1/sessions", json={"key": "box", "agent": "coder", "mailbox": {"cap": 2, "drop": "new"}})
    sent = [await client.post("/v1/sessions/box/messages", json={"prompt": f"say {n}"}) for n in range(4)]
    assert [answer.status_code for answer in sent] == [201, 201, 201, 429]
    assert [(answer.json()["disposition"], answer.json()["position"]) for answer in sent[:3]] == [
        ("ready", None), ("waiting", 1), ("waiting", 2),
    ]  # fmt: skip
    assert (sent[3].json()["code"], sent[3].headers["retry-after"]) == ("mailbox_full", "1")
    session = (await client.get("/v1/sessions/box")).json()
    assert (session["waiting"], session["held"], session["attention"]) == (2, 1, "unread")


async def test_a_message_under_a_key_is_sent_once(client: httpx.AsyncClient) -> None:
    """C16, I9: also when the first has ended."""
    await client.post("/v1/sessions", json={"key": "box", "agent": "coder"})
    key = {"idempotency-key": "one"}
    first, again = [
        await client.post("/v1/sessions/box/messages", json={"prompt": "hi"}, headers=key) for _ in range(2)
    ]
    assert (first.status_code, again.status_code, again.json()["created"]) == (201, 200, False)
    assert again.json()["id"] == first.json()["id"]


async def test_readers_do_not_know_of_each_other(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """C31, C32, C47: active, then unread, then read as it is now; what happens next makes it unread again."""
    await working.register(tw)
    await client.post("/v1/sessions", json={"key": "box", "agent": "coder"})
    await client.post("/v1/sessions/box/messages", json={"prompt": "hi"})
    run = await working.take(tw)

    async def seen(path: str) -> list[str]:
        return [(await client.get(f"{path}?reader={who}")).json()["attention"] for who in ("ann", "bob")]

    session, task = "/v1/sessions/box", f"/v1/tasks/{run.task}"
    assert await seen(session) == await seen(task) == ["active", "active"]
    await working.end(tw, run)
    assert await seen(session) == await seen(task) == ["unread", "unread"]
    for path in (session, task):
        assert (await client.post(f"{path}/read", json={"reader": "ann"})).json()["attention"] == "read"
        assert await seen(path) == ["read", "unread"]
    assert [one["attention"] for one in (await client.get("/v1/tasks?reader=ann")).json()["items"]] == ["read"]
    await client.post("/v1/sessions/box/messages", json={"prompt": "more"})
    await working.end(tw, await working.take(tw))
    assert await seen(session) == ["unread", "unread"]
    assert await seen(task) == ["read", "unread"]
    assert (await client.post(f"{task}/read", json={"reader": " "})).status_code == 422


async def test_a_list_of_sessions_shows_what_was_asked_for(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """C33, C34, C35: active or unread, active first; any number is taken for a limit and cut."""
    await working.register(tw)
    for key, agent in (("a", "coder"), ("b", "coder"), ("c", "writer")):
        await client.post("/v1/sessions", json={"key": key, "agent": agent})
    await client.post("/v1/sessions/b/messages", json={"prompt": "hi"})
    run = await working.take(tw)
    await client.post("/v1/sessions/a/read", json={"reader": "ann"})

    async def keys(query: str) -> list[str]:
        return [one["key"] for one in (await client.get(f"/v1/sessions?{query}")).json()["items"]]

    assert await keys("reader=ann") == ["b", "c"]
    assert await keys("state=running") == ["b"]
    assert sorted(await keys("state=idle")) == ["a", "c"]
    assert sorted(await keys("state=all&agent=coder")) == ["a", "b"]
    assert await keys("state=terminal") == []
    await working.end(tw, run)
    assert await keys("state=terminal") == ["b"]
    assert len(await keys("state=all&limit=0")) == 1
    assert len(await keys("state=all&limit=1e9")) == 3
    assert len(await keys("state=all&limit=nan")) == 3
    assert (await client.get("/v1/sessions?state=odd")).status_code == 422


async def test_a_trace_is_all_and_an_output_is_what_was_written(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """C37, C38, C39, DC2: of the run that is asked for, else the live one, else the last; pages pass over the rest."""
    await working.register(tw)
    await client.post("/v1/sessions", json={"key": "box", "agent": "coder"})
    empty = (await client.get("/v1/sessions/box/trace")).json()
    assert empty == {"run": None, "items": [], "cursor": None}
    await client.post("/v1/sessions/box/messages", json={"prompt": "hi"})
    run = await working.take(tw)
    events = [NewEvent(EventType.STATUS, 1, {"phase": "x"}) for _ in range(7)]
    await tw.store.record(run.run, run.fence, 1, [*events, NewEvent(EventType.MESSAGE, 1, {"text": "hello"})])
    trace = (await client.get("/v1/sessions/box/trace?limit=3")).json()
    assert (trace["run"], [event["seq"] for event in trace["items"]], trace["cursor"]) == (run.run, [1, 2, 3], 3)
    again = (await client.get("/v1/sessions/box/trace?limit=3")).json()
    assert again == trace
    texts: list[str] = []
    after = 0
    while (page := (await client.get(f"/v1/sessions/box/output?after={after}&limit=2")).json())["cursor"] is not None:
        texts += [event["data"]["text"] for event in page["items"]]
        after = page["cursor"]
    assert texts == ["hello"]
    foreign = await tw.submit(shell="true")
    other = await working.take(tw)
    assert other.task == foreign.id
    assert (await client.get(f"/v1/sessions/box/trace?run={other.run}")).status_code == 404


async def test_what_runs_and_waits_is_stopped_reset_and_put_away(
    client: httpx.AsyncClient, tw: taxiway.Taxiway
) -> None:
    """SQ-40 to SQ-52, C46: and says how many that were."""
    await working.register(tw)
    await client.post("/v1/sessions", json={"key": "box", "agent": "coder"})
    assert (await client.post("/v1/sessions/box/stop")).json() == {"task": None}
    for number in range(3):
        await client.post("/v1/sessions/box/messages", json={"prompt": f"say {number}"})
    run = await working.take(tw)
    away = await client.post("/v1/sessions/box/archive", json={})
    assert (away.status_code, away.json()["code"]) == (409, "conflict")
    assert (await client.post("/v1/sessions/box/stop")).json()["task"]["id"] == run.task
    assert (await client.post("/v1/sessions/box/stop-all")).json() == {"running": 0, "waiting": 2}
    await working.end(tw, run)
    before = (await client.get("/v1/sessions/box")).json()["generation"]
    assert (await client.post("/v1/sessions/box/reset", json={"discard": True})).status_code == 200
    session = (await client.get("/v1/sessions/box")).json()
    assert (session["generation"], session["waiting"]) == (before + 1, 0)
    assert (await client.post("/v1/sessions/box/archive", json={})).json()["archived"] is True
    assert (await client.get("/v1/sessions?state=all")).json()["items"] == []
    assert len((await client.get("/v1/sessions?state=all&archived=true")).json()["items"]) == 1


async def test_a_policy_holds_from_now_on(client: httpx.AsyncClient) -> None:
    """SQ-15, SQ-16: only what is named changes; what to do about limits is said beside it."""
    await client.post("/v1/sessions", json={"key": "box", "mailbox": {"cap": 3}})
    changed = (await client.patch("/v1/sessions/box", json={"mailbox": {"debounce": 0.5}})).json()["mailbox"]
    assert (changed["cap"], changed["debounce_s"]) == (3, 0.5)
    bad = await client.patch("/v1/sessions/box", json={"mailbox": {"cap": 0, "mode": "odd"}})
    assert {problem["field"] for problem in bad.json()["problems"]} == {"mailbox.cap", "mailbox.mode"}
    assert (await client.put("/v1/sessions/box/on-limit", json={"on_limit": "fail"})).json()["on_limit"] == "fail"
    assert (await client.get("/v1/sessions/box")).json()["on_limit"] == "fail"
    assert (await client.put("/v1/sessions/box/on-limit", json={"on_limit": "odd"})).status_code == 422


@pytest.mark.parametrize("path", ["sessions", "tasks", "runs", "queues", "approvals", "accounts", "lanes"])
async def test_what_is_not_there_is_named_in_the_refusal(path: str, client_of: As) -> None:
    """C4: 404, with what was asked for in the sentence."""
    client = await client_of()
    answer = await client.get(f"/v1/{path}/nobody-here")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "nobody-here" in answer.json()["detail"]
