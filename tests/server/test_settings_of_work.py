"""Approvals, accounts, usage, tokens, and who works: over HTTP as in Python."""

from pathlib import Path

import httpx
import pytest

import taxiway
from taxiway.core.agent import Adapter, AgentKind
from taxiway.core.approval import Question
from taxiway.core.errors import Unavailable
from taxiway.core.run import Completed
from taxiway.core.task import Usage
from taxiway.core.token import TokenScope
from taxiway.trials import Trial, Trials
from tests.server import working
from tests.server.conftest import As, asked_by


async def test_the_first_answer_to_a_question_stands(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """Surface 6: allowed with a reason and a name; whoever comes later is told that it is decided."""
    await working.register(tw)
    await tw.submit(shell="true", name="lint")
    run = await working.take(tw)
    asked = [await tw.store.ask(run.run, run.fence, Question(text="May I?", tool="Bash")) for _ in range(2)]
    waiting = (await client.get("/v1/approvals?task=lint")).json()["items"]
    assert [one["id"] for one in waiting] == [one.id for one in asked]
    allowed = (await client.post(f"/v1/approvals/{asked[0].id}/allow", json={"reason": "fine"})).json()
    assert (allowed["state"], allowed["why"], allowed["actor"]) == ("allowed", "fine", "ann")
    late = await client.post(f"/v1/approvals/{asked[0].id}/deny", json={})
    assert (late.status_code, late.json()["code"]) == (409, "not_pending")
    denied = (await client.post(f"/v1/approvals/{asked[1].id[-8:]}/deny", json={"reason": "no"})).json()
    assert (denied["id"], denied["state"]) == (asked[1].id, "denied")
    assert (await client.get("/v1/approvals")).json()["items"] == []
    assert len((await client.get("/v1/approvals?state=all")).json()["items"]) == 2


async def test_an_account_is_parked_released_and_limited(client: httpx.AsyncClient) -> None:
    """A provider's limit: until a time, for a while, or until it is released."""
    parked = (await client.post("/v1/accounts/team/park", json={"for_s": 60, "why": "holiday"})).json()
    assert (parked["phase"], parked["why"], parked["by_hand"]) == ("parked", "holiday", True)
    assert parked["until"] > parked["since"]
    assert (await client.post("/v1/accounts/team/release")).json()["phase"] == "open"
    assert (await client.patch("/v1/accounts/team", json={"limit": 2})).json()["size"] == 2
    until = await client.post("/v1/accounts/team/park", json={"until": "2199-01-01T00:00:00Z"})
    assert until.json()["until"] == "2199-01-01T00:00:00.000Z"
    assert [one["name"] for one in (await client.get("/v1/accounts")).json()["items"]] == ["team"]
    for body in ({"until": "tomorrow"}, {"for_s": 0}, {"for_s": 1e300}, {"until": "2001-01-01T00:00:00Z"}):
        assert (await client.post("/v1/accounts/team/park", json=body)).status_code == 422
    assert (await client.post("/v1/accounts/nobody/release")).status_code == 404


async def test_what_agents_used_is_told_by_group(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """What it came to: tokens and dollars of runs in a span of time."""
    await working.register(tw)
    await tw.submit(prompt="hi", agent="coder")
    run = await working.take(tw)
    await working.end(tw, run, Completed(usage=Usage(input_tokens=7, output_tokens=3)))
    (line,) = (await client.get("/v1/usage?by=agent")).json()["items"]
    assert (line["name"], line["usage"]["input_tokens"]) == ("coder", 7)
    assert (await client.get("/v1/usage?until=2001-01-01T00:00:00Z")).json()["items"] == []
    assert (await client.get("/v1/usage?by=moon")).status_code == 422


async def test_tokens_are_made_listed_and_revoked(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """4.14: its text is told once; what it opens ends with it."""
    made = (await client.post("/v1/tokens", json={"name": "cy", "scope": "viewer", "expires_s": 60})).json()
    async with asked_by(tw, made["text"]) as cy:
        assert (await cy.get("/v1/tasks")).status_code == 200
        assert (await cy.post("/v1/tasks", json={"shell": "true"})).status_code == 403
    listed = (await client.get("/v1/tokens")).json()["items"]
    assert made["token"]["id"] in [one["id"] for one in listed]
    assert made["text"] not in str(listed)
    revoked = (await client.delete("/v1/tokens/cy")).json()
    assert revoked["revoked_at"] is not None
    assert (await client.delete("/v1/tokens/cy")).json() == revoked
    assert (await client.post("/v1/tokens", json={"name": "x", "scope": "king"})).status_code == 422
    assert (await client.delete("/v1/tokens/nobody")).status_code == 404


async def test_agents_are_listed_with_what_they_can_do(tmp_path: Path) -> None:
    """C51, surface 6: claimed, or tried by a probe; no program's path, no environment."""
    agents = {
        "coder": AgentKind(adapter=Adapter.LINES, command=("coder",), env={"KEY": "secret://key"}, account="work")
    }
    async with taxiway.open(tmp_path / "s.db", slots=0, project="p", agents=agents, secrets={"key": "hunter2"}) as tw:
        Trials(tmp_path / "s.db.d" / "agents.json").keep(
            "coder", Trial(version="1.2", at=1_000, tried={"usage": True, "interrupt": False})
        )
        _, text = await tw.make_token("ann", TokenScope.VIEWER)
        async with asked_by(tw, text) as client:
            answer = await client.get("/v1/agents")
    (agent,) = answer.json()["items"]
    assert (agent["name"], agent["adapter"], agent["account"], agent["version"]) == ("coder", "lines", "work", "1.2")
    assert (agent["abilities"]["usage"], agent["abilities"]["steer"]) == ("tried", "claimed")
    assert agent["abilities"]["interrupt"] == "failed"
    assert agent["tried_at"] == "1970-01-01T00:00:01.000Z"
    assert "hunter2" not in answer.text
    assert "KEY" not in answer.text


async def test_runners_are_listed(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """C27: who is there, and when it was heard of last."""
    assert (await client.get("/v1/runners")).json()["items"] == []
    await working.register(tw)
    (runner,) = (await client.get("/v1/runners")).json()["items"]
    assert (runner["id"], runner["host"], runner["slots"], runner["state"]) == (working.RUNNER, "bench", 99, "live")
    assert runner["seen_at"] is not None


async def test_the_health_of_the_store_is_told_to_a_viewer(
    client_of: As, tw: taxiway.Taxiway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C1, C2: adapter, readiness, migration; also while the store does not answer; never a secret."""
    client = await client_of(TokenScope.VIEWER)
    health = (await client.get("/v1/health")).json()
    version = await tw.store.last_version()
    assert (health["adapter"], health["ready"], health["reachable"], health["migrated"]) == ("sqlite", True, True, True)
    assert (health["migration"], health["version"], health["code"]) == (health["migration_known"], version, None)
    assert health["values_printed"] is False

    async def gone(_: object) -> int:
        raise Unavailable("the disk is gone")

    monkeypatch.setattr(type(tw.store), "last_version", gone)
    health = (await client.get("/v1/health")).json()
    assert (health["ready"], health["reachable"], health["code"]) == (False, False, "unavailable")
    assert health["message"] == "the disk is gone"


async def test_a_task_without_a_workspace_has_no_diff(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """C4: told with its reason."""
    task = await tw.submit(shell="true")
    answer = await client.get(f"/v1/tasks/{task.id}/diff")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "no workspace" in answer.json()["detail"]
