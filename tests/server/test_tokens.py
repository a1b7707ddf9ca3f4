"""Tokens over HTTP: made once, listed without what they open, revoked."""

import httpx


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
