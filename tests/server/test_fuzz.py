"""Requests that nobody would write: bytes like HTTP, and values like JSON for every route. Never a 5xx, never a mistake
of ours in the log, and the server goes on (rows 38-40)."""

import asyncio
import json
import logging
import os
import re
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import taxiway
from taxiway.core.token import TokenScope
from taxiway.observe.observer import Moment
from taxiway.server.app import ENDPOINTS
from taxiway.server.bounds import Bounds
from taxiway.server.endpoint import Endpoint
from taxiway.server.listening import bind, listening
from taxiway.up import application
from tests.server.conftest import FREE
from tests.server.test_contract import WHOLE

EXAMPLES, EXAMPLES_OF_THE_PROOF = 50, 4_000
STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
BRIEF = Bounds(head_s=0.05, body_s=0.05, idle_s=0.05, linger_s=0.05)


class Place(NamedTuple):
    """A server with a few things, a token of each scope, and what the server said of its own mistakes."""

    port: int
    tokens: dict[TokenScope, str]
    known: dict[str, str]
    defects: list[dict[str, Any]]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """One for many examples."""
    defects: list[dict[str, Any]] = []

    def observe(moment: Moment, **facts: Any) -> None:
        if moment is Moment.REQUEST_FAILED:
            defects.append(facts)

    async with taxiway.open(tmp_path / "s.db", slots=0, project="p") as tw:
        tokens = {scope: (await tw.make_token(scope, scope))[1] for scope in TokenScope}
        task = await tw.submit(**WHOLE)
        await tw.make_queue("nightly", 2)
        await tw.park_account("work")
        listener = bind("127.0.0.1", 0)
        port: int = listener.getsockname()[1]
        async with application(tw, rates=FREE, observer=observe) as app, listening(app, listener, BRIEF):
            known = {"task": task.id, "queue": "nightly", "session": "box", "lane": "main", "account": "work"}
            yield Place(port, tokens, known, defects)


# -- bytes ------------------------------------------------------------------------------------------------------------
WORDS = st.sampled_from(
    "content-length transfer-encoding connection upgrade expect host origin authorization content-type range te "
    "trailer sec-websocket-key sec-websocket-version idempotency-key if-match last-event-id x-request-id".split()
)
VALUES = st.sampled_from(
    "0 1 -1 7 99999999999999999999 chunked identity,chunked close upgrade websocket 100-continue 127.0.0.1 * 13 "
    'evil.example application/json dGhlIHNhbXBsZSBub25jZQ== "1" [::1 [::::] http://[ bytes=0-'.split()
)
LATIN = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=40)
FIELDS = st.lists(st.tuples(WORDS | LATIN, VALUES | LATIN), max_size=8)
METHODS = st.sampled_from("GET POST PUT PATCH DELETE HEAD OPTIONS CONNECT TRACE get FETCH".split()) | LATIN
TARGETS = (
    st.sampled_from([f"/v1{one.path}" for one in ENDPOINTS] + ["/", "*", "/v1/stream", "/v1/ws", "/healthz"]) | LATIN
)
BODIES = st.binary(max_size=200) | st.sampled_from(
    [b"{}", b'5\r\n{"a":\r\n', b"0\r\n\r\n", b"ffffffffffffffffff\r\n", b"[" * 5_000]
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, TokenScope | None]:
    """Something like a request or two, with a piece cut out or put in; and whose token stands in it."""
    who = draw(st.sampled_from([None, *TokenScope]))
    parts = []
    for _ in range(draw(st.integers(1, 2))):
        version = draw(st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", ""]))
        lines = [f"{draw(METHODS)} {draw(TARGETS)} {version}", "host: 127.0.0.1", *(["TOKEN"] if who else [])]
        lines += [f"{name}: {value}" for name, value in draw(FIELDS)]
        parts.append("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + draw(BODIES))
    whole = b"".join(parts)
    if draw(st.booleans()):
        start = draw(st.integers(0, len(whole)))
        whole = whole[:start] + draw(st.binary(max_size=8)) + whole[start + draw(st.integers(0, 30)) :]
    return whole, who


def send_bytes(place: Place, request: tuple[bytes, TokenScope | None]) -> None:
    """Whatever it is answered, if anything, is no fault of the server."""
    sent, who = request
    if who is not None:
        sent = sent.replace(b"TOKEN", f"authorization: Bearer {place.tokens[who]}".encode())
    heard = b""
    with socket.create_connection(("127.0.0.1", place.port), timeout=20) as wire:
        wire.settimeout(0.5)
        try:
            wire.sendall(sent)
            while piece := wire.recv(65_536):
                heard += piece
                if b"text/event-stream" in heard or b" 101 " in heard:
                    break
        except OSError:
            pass
    statuses = [int(found) for found in STATUS.findall(heard)]
    assert [status for status in statuses if status >= 500] == [], heard[:2_000]


# -- values -----------------------------------------------------------------------------------------------------------
NAMES = sorted({field for one in ENDPOINTS if isinstance(one.body, type) for field in one.body.__struct_fields__})
NAMES += (
    "shell command prompt name after queue lane session agent labels env delay retry timeout tasks key mailbox".split()
)
TEXTS = st.text(max_size=30) | st.sampled_from(
    ["", "\0", "\ud800", "../..", "secret://X", "${{ a.output }}", "-1", "1h"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES_OF_JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | TEXTS, inner, max_size=6),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.sampled_from(NAMES), VALUES_OF_JSON, max_size=8)
QUERIES = st.dictionaries(
    st.sampled_from("limit cursor after q label state order project reader".split()), TEXTS, max_size=3
)


@st.composite
def calls(draw: st.DrawFn) -> tuple[Endpoint, list[str | None], Any, dict[str, str], dict[str, str]]:
    """An endpoint, what stands in its path (``None``: what is there), its body, its query and some headers."""
    endpoint = draw(st.sampled_from(ENDPOINTS))
    names = [draw(st.none() | TEXTS) for _ in range(endpoint.path.count("{"))]
    body = draw(OBJECTS | VALUES_OF_JSON)
    headers = draw(st.dictionaries(st.sampled_from(["idempotency-key", "if-match", "accept"]), TEXTS, max_size=2))
    return endpoint, names, body, draw(QUERIES), headers


def send_value(place: Place, call: tuple[Endpoint, list[str | None], Any, dict[str, str], dict[str, str]]) -> None:
    """It is done, or refused with a problem."""
    endpoint, names, body, query, headers = call
    path = "/v1" + endpoint.path
    for parameter, given_ in zip(re.findall(r"{(\w+)}", endpoint.path), names, strict=True):
        shown = place.known.get(parameter, f"{parameter}_0") if given_ is None else given_
        path = path.replace(f"{{{parameter}}}", quote(shown, safe="", errors="surrogatepass"))
    own = endpoint.scope in (TokenScope.RUNNER, TokenScope.INVITE)
    given_headers = {name: value.encode("utf-8", "surrogatepass").hex() for name, value in headers.items()}
    given_headers["authorization"] = f"Bearer {place.tokens[endpoint.scope if own else TokenScope.ADMIN]}"
    if endpoint.mutates:
        given_headers["content-type"] = "application/json"
    params = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
    answer = httpx.request(
        endpoint.method,
        f"http://127.0.0.1:{place.port}{path}",
        params=params,
        content=json.dumps(body).encode() if endpoint.mutates else b"",
        headers=given_headers,
        timeout=30,
    )
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.json()["status"] == answer.status_code


@pytest.mark.parametrize("times", [EXAMPLES, pytest.param(EXAMPLES_OF_THE_PROOF, marks=pytest.mark.proof)])
@pytest.mark.parametrize(
    ("examples", "send"), [(requests(), send_bytes), (calls(), send_value)], ids=["bytes", "values"]
)
@pytest.mark.timeout(3600)
async def test_nothing_that_is_sent_is_a_fault_of_the_server(
    times: int,
    examples: st.SearchStrategy[Any],
    send: Callable[[Place, Any], None],
    place: Place,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Rows 38-40: 4xx at the worst."""

    @seed(int(os.environ.get("PROOF_SEED", "1")))
    @given(one=examples)
    @settings(
        max_examples=times,
        derandomize=False,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    def each(one: Any) -> None:
        send(place, one)
        assert place.defects == []

    with caplog.at_level(logging.ERROR):
        await asyncio.to_thread(each)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{place.port}/healthz")).status_code == 200
