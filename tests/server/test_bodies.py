"""What strangers send is refused with a problem that says what was wrong, never with a 500 (reliability rows 38-40)."""

import json

import httpx
import pytest

import taxiway
from taxiway.up import application
from tests.server.conftest import FREE

HOSTILE = {
    "nothing": b"",
    "no JSON": b"{",
    "NaN": b'{"shell": "true", "priority": NaN}',
    "infinity": b'{"shell": "true", "priority": 1e999}',
    "a key twice": b'{"shell": "true", "shell": "false"}',
    "deep": b"[" * 100_000,
    "deep and whole": b"[" * 500 + b"]" * 500,
    "a long number": b'{"shell": "true", "priority": ' + b"9" * 5_000 + b"}",
    "no UTF-8": b'{"shell": "\xff"}',
    "a lone surrogate": b'{"shell": "\\ud800"}',
    "a lone surrogate in a name": b'{"shell": "true", "\\uD800": 1}',
    "a lone surrogate within": b'{"shell": "true", "labels": {"a": ["\\udfff"]}}',
    "NUL": b'{"shell": "a\\u0000b"}',
    "text": b'"shell"',
    "null": b"null",
    "a number": b"7",
    "a list of text": b'["shell"]',
    "an empty list": b"[]",
    "wrong types": b'{"shell": 7, "priority": "high", "labels": [1]}',
    "unknown fields": b'{"shell": "true", "sheell": 1, "x": {}}',
    "two kinds": b'{"shell": "true", "command": ["true"]}',
    "a list with one bad one": b'[{"shell": "true"}, {"shel": "true"}]',
}
JSON = {"content-type": "application/json"}
PATHS = ("/v1/tasks", "/v1/plans", "/v1/sessions", "/v1/queues", "/v1/tokens")
BAD_QUERIES = "limit=0 limit=x limit=1&limit=2 nothing=1 state=odd label=x cursor=%00 order=x".split()
BAD_IDS = ["../../etc/passwd", "%2e%2e%2f", "task_", "x" * 5_000, "%00", "a%0ab", "ü", "'; DROP TABLE task"]


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
async def test_what_cannot_be_taken_is_a_problem_and_stores_nothing(body: bytes, client: httpx.AsyncClient) -> None:
    """A51, A57: Rows 38-40: 4xx with a stable code and a sentence."""
    for path in PATHS:
        answer = await client.post(path, content=body, headers=JSON)
        if path == "/v1/tasks" and body == b"[]":
            assert answer.status_code == 200
            continue
        assert 400 <= answer.status_code < 500, (path, answer.text)
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["status"] == answer.status_code
        assert problem["code"] in ("malformed", "invalid", "too_large", "not_found")
        assert problem["detail"]
    tasks = (await client.get("/v1/tasks")).json()
    assert tasks["items"] == []


async def test_every_fault_is_told_with_its_path(client: httpx.AsyncClient) -> None:
    """Surface 6: not only the first; an unknown name with the nearest one."""
    answer = await client.post("/v1/queues", content=b'{"nam": "x", "slots": 0}', headers=JSON)
    faults = {problem["field"]: problem for problem in answer.json()["problems"]}
    assert faults.keys() == {"nam", "slots", "name"}
    assert "did you mean 'name'" in faults["nam"]["hint"]


async def test_a_body_of_another_kind_or_size_is_refused(client: httpx.AsyncClient) -> None:
    """4.2, 4.10: a form that a page could send without asking is none; and there is a bound."""
    form = await client.post("/v1/tasks", content=b'{"shell": "true"}', headers={"content-type": "text/plain"})
    assert (form.status_code, form.json()["code"]) == (400, "malformed")
    large = await client.post("/v1/tasks", content=json.dumps({"shell": "x" * (9 << 20)}), headers=JSON)
    assert (large.status_code, large.json()["code"]) == (413, "too_large")

    async def pieces():  # type: ignore[no-untyped-def]
        for _ in range(9):
            yield b" " * (1 << 20)

    streamed = await client.post("/v1/tasks", content=pieces(), headers=JSON)
    assert streamed.status_code == 413


@pytest.mark.parametrize("query", BAD_QUERIES)
async def test_a_query_that_means_nothing_is_refused(query: str, client: httpx.AsyncClient) -> None:
    """Surface 6: a typing slip is not passed over in silence."""
    answer = await client.get(f"/v1/tasks?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text


@pytest.mark.parametrize("id", BAD_IDS)
async def test_an_id_that_is_none_is_not_found_or_invalid(id: str, client: httpx.AsyncClient) -> None:
    """Row 39: also where it looks like a path or a statement."""
    for path in ("tasks", "runs", "sessions", "queues", "approvals", "accounts"):
        answer = await client.get(f"/v1/{path}/{id}")
        assert answer.status_code in (404, 422), answer.text


async def test_a_body_that_is_cut_off_is_no_defect_of_the_server(
    tw: taxiway.Taxiway, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Row 38: whoever goes away in the middle of a request stores nothing, and is not logged as a mistake of ours."""
    headers = [
        (b"host", b"127.0.0.1"),
        (b"authorization", f"Bearer {token}".encode()),
        (b"content-type", b"application/json"),
    ]
    scope = {"type": "http", "method": "POST", "path": "/v1/tasks", "query_string": b"", "headers": headers}
    heard = iter([{"type": "http.request", "body": b'{"she', "more_body": True}, {"type": "http.disconnect"}])
    said: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return next(heard)

    async def send(message: dict[str, object]) -> None:
        said.append(message)

    async with application(tw, rates=FREE) as app:
        await app(scope, receive, send)  # type: ignore[arg-type]
    assert said[0]["status"] == 400
    assert caplog.records == []
    assert (await tw.tasks()).items == []
