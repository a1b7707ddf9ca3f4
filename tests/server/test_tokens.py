"""Tokens over HTTP: made once, listed without what they open, revoked."""

import httpx

import taxiway
from taxiway.clock import SystemClock
from taxiway.server.bearers import Bearers
from taxiway.testing.clock import HandClock


async def test_a_token_is_made_listed_and_revoked(client: httpx.AsyncClient) -> None:
    """4.14: its text is told once, and opens what its scope holds."""
    made = (await client.post("/v1/tokens", json={"name": "bob", "scope": "viewer", "expires_s": 3600})).json()
    text = made["text"]
    seen = await client.get("/v1/tasks", headers={"authorization": f"Bearer {text}"})
    assert seen.status_code == 200
    listed = (await client.get("/v1/tokens")).json()["items"]
    assert [(one["name"], one["scope"]) for one in listed] == [("ann", "admin"), ("bob", "viewer")]
    assert text not in (await client.get("/v1/tokens")).text
    revoked = (await client.delete(f"/v1/tokens/{made['token']['id']}")).json()
    assert revoked["revoked_at"] is not None


async def test_the_text_of_a_token_is_kept_nowhere(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """4.14: not even as the answer to a call that came with an idempotency key."""
    made = (await client.post("/v1/tokens", json={"name": "bob"}, headers={"idempotency-key": "k"})).json()
    secret = made["text"].rpartition("_")[2]
    files = [path for path in tw.store.path.parent.iterdir() if path.is_file()]  # type: ignore[attr-defined]
    assert files
    assert [path.name for path in files if secret.encode() in path.read_bytes()] == []


async def test_an_answer_is_forgotten_after_a_day(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """I9, I18: until then its key is answered by it; what is kept does not grow for ever."""
    keyed = {"idempotency-key": "k"}
    await client.post("/v1/queues", json={"name": "nightly"})
    await client.post("/v1/queues/nightly/pause", headers=keyed)
    assert (await client.post("/v1/queues/nightly/pause", headers=keyed)).headers["idempotency-replayed"] == "true"
    clock = HandClock(SystemClock().now_ms())
    clock.advance(2 * 86_400)
    await Bearers(tw.store, clock).step()
    assert "idempotency-replayed" not in (await client.post("/v1/queues/nightly/pause", headers=keyed)).headers
