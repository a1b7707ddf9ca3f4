"""Whatever bytes a stranger sends to a listening server: 4xx with a problem where an answer is possible, never a 500,
bounded memory, and the server answers others meanwhile and afterwards (reliability rows 38-40, I18)."""

import asyncio
import socket
from collections.abc import AsyncIterator
from itertools import product

import psutil
import pytest

import taxiway
from taxiway.server.bounds import Bounds
from taxiway.server.listening import bind
from tests.server.strangers import Place, it_answers, refused, serving
from tests.server.wire import Wire, head, posted

BRIEF = Bounds(head_s=0.3, body_s=0.3, idle_s=0.3, linger_s=0.2)
MEMORY_BYTES_MAX = 64 << 20  #: how much the corpus may make the process grow
CHUNKED = "transfer-encoding: chunked"
GROWN = b"x" * (256 << 10)


@pytest.fixture
async def place(tw: taxiway.Taxiway, token: str) -> AsyncIterator[Place]:
    """A server as `taxiway up` starts it."""
    async with serving(tw, token, Bounds()) as found:
        yield found


@pytest.fixture
async def brief(tw: taxiway.Taxiway, token: str) -> AsyncIterator[Place]:
    """One that waits for nobody."""
    async with serving(tw, token, BRIEF) as found:
        yield found


NO_REQUESTS = {
    "noise": b"\x00\xff\x16\x03\x01 hello\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + b"\x00" * 190,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an unknown method": b"FETCH / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
    "a method in small letters": b"get / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "a version of tomorrow": b"GET / HTTP/9.9\r\nhost: 127.0.0.1\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nhost\r\n\r\n",
    "a header's name with a space": b"GET / HTTP/1.1\r\nho st: x\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nhost: a\x00b\r\n\r\n",
    "two lengths": b"POST /v1/tasks HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "a length and chunks": b"POST / HTTP/1.1\r\ncontent-length: 1\r\n" + CHUNKED.encode() + b"\r\n\r\n0\r\n\r\n",
    "a length that is none": b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    "a length beyond all numbers": b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: " + b"9" * 40 + b"\r\n\r\n",
    "a chunk without a size": b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "no ASCII in the path": b"GET /\xff\xfe HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
    "an address that is none": b"GET http://[ HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
}


async def test_what_is_no_request_is_refused_with_a_problem(place: Place) -> None:
    """Row 38: in the words of every other refusal, and the connection ends."""
    for name, sent in NO_REQUESTS.items():
        await refused(place, sent, name)


ODD_REQUESTS = {
    "HTTP/1.0 without a host": (b"GET /v1/tasks HTTP/1.0\r\n\r\n", 421),
    "HTTP/1.1 without a host": (b"GET /v1/tasks HTTP/1.1\r\n\r\n", 421),
    "a host that is no address": (b"GET / HTTP/1.1\r\nhost: [::::]\r\n\r\n", 421),
    "a host with brackets": (b"GET / HTTP/1.1\r\nhost: [1:2\r\n\r\n", 421),
    "an origin that is no address": (b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: http://[\r\n\r\n", 403),
    "an origin with a bad address": (b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: http://[::::]\r\n\r\n", 403),
    "a proxy's call": (b"GET http://evil.example/ HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", 401),
    "a tunnel": (b"CONNECT 127.0.0.1:80 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", None),
    "a star": (b"OPTIONS * HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", None),
    "another protocol": (b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", 401),
    "no ASCII in the token": (b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer \xff\r\n\r\n", 401),
}


async def test_an_odd_request_is_refused_with_a_problem(place: Place) -> None:
    """Row 38, 4.2."""
    for name, (sent, status) in ODD_REQUESTS.items():
        await refused(place, sent, name, status)


BODIES = {
    "deep": (b"[" * 100_000, 400),
    "deep and whole": (b"[" * 50_000 + b"]" * 50_000, 400),
    "deep objects": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400),
    "NaN": (b'{"shell": "true", "priority": NaN}', 400),
    "Infinity": (b'{"shell": "true", "priority": Infinity}', 400),
    "minus Infinity": (b'{"shell": "true", "priority": -Infinity}', 400),
    "2 to the 70th": (b'{"shell": "true", "priority": 1180591620717411303424}', 400),
    "a number of 5,000 digits": (b'{"shell": "true", "priority": ' + b"7" * 5_000 + b"}", 400),
    "a fraction of 5,000 digits": (b'{"shell": "true", "delay": 0.' + b"7" * 5_000 + b"e999999}", None),
    "a key twice": (b'{"shell": "true", "shell": "false"}', 400),
    "gzip": (bytes.fromhex("1f8b0800000000000003") + b"\x00" * 100, 400),
    "UTF-16": ('{"shell": "true"}'.encode("utf-16"), 400),
}


async def test_a_body_that_no_reader_should_take_is_refused(place: Place) -> None:
    """Row 39: 4xx, never a 500; nothing is unpacked."""
    for name, (body, status) in BODIES.items():
        await refused(place, posted("/v1/tasks", place.token, body), name, status)


async def test_a_packed_body_is_refused_before_it_is_read(place: Place) -> None:
    """Row 38: no request is unpacked, so no bomb goes off."""
    for coding in ("gzip", "deflate", "br", "gzip, gzip"):
        sent = posted("/v1/tasks", place.token, b'{"shell": "true"}', (f"content-encoding: {coding}",))
        answer = await refused(place, sent, coding, 400)
        assert "content-encoding" in answer.problem["detail"].lower()


async def test_a_body_is_bounded_with_and_without_a_length(place: Place) -> None:
    """Row 38: 413 at one byte more than a mebibyte, and the connection is of use again once it has come."""
    most = 1 << 20
    for size, status in ((most, 422), (most + 1, 413)):
        body = b'{"name": "' + b"x" * (size - 12) + b'"}'
        wire = await place.connect()
        await wire.say(posted("/v1/queues", place.token, body))
        answer = await wire.hear()
        assert answer is not None
        assert answer.status == status, answer.body[:300]
        chunked = head("POST", "/v1/queues", place.token, ("content-type: application/json", CHUNKED))
        await wire.say(chunked, b"%x\r\n" % len(body), body, b"\r\n0\r\n\r\n")
        answer = await wire.hear()
        assert answer is not None
        assert answer.status == status


async def test_a_body_without_an_end_is_refused_and_then_cut(brief: Place) -> None:
    """Row 38, I18: chunks for ever, to a call that lets nobody in or has had enough, grow nothing."""
    before = psutil.Process().memory_info().rss
    for token in (brief.token, "txw_nothing"):
        wire = await brief.connect()
        await wire.say(head("POST", "/v1/tasks", token, ("content-type: application/json", CHUNKED)))
        await wire.say(*([b"%x\r\n" % len(GROWN) + GROWN + b"\r\n"] * 200))
        answer = await wire.hear()
        assert answer is not None
        assert answer.status in (401, 413)
        await wire.rest()
    assert psutil.Process().memory_info().rss - before < MEMORY_BYTES_MAX
    await it_answers(brief)


FLOODS = {
    "a long address": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
    "a long header": b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: " + b"a" * 200_000 + b"\r\n\r\n",
    "a long name": b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n" + b"a" * 200_000 + b": b\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n" + b"x: y\r\n" * 5_000 + b"\r\n",
}


@pytest.mark.parametrize("piece", [1 << 20, 4_000])
async def test_a_head_is_bounded(piece: int, place: Place) -> None:
    """Row 38: whether it comes at once or in pieces."""
    for sent in FLOODS.values():
        pieces = [sent[at : at + piece] for at in range(0, len(sent), piece)]
        wire = await place.connect()
        await wire.say(*pieces)
        answer = await wire.hear()
        assert answer is not None
        assert (answer.status, answer.problem["code"]) == (431, "head_too_large")
        await wire.rest()
    await it_answers(place)


ENDLESS = {
    "an address": (b"GET /", b"a" * 4_000),
    "a header": (b"GET / HTTP/1.1\r\nx: ", b"a" * 4_000),
    "headers": (b"GET / HTTP/1.1\r\n", b"x: y\r\n" * 500),
    "empty lines": (b"", b"\r\n" * 2_000),
    "a trailer": (
        b"POST /v1/tasks HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ",
        b"a" * 4_000,
    ),
    "a chunk's extension": (
        b"POST /v1/tasks HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n5;x=",
        b"a" * 4_000,
    ),
}


async def test_what_never_ends_is_cut(place: Place) -> None:
    """Row 38, I18: by its size, before its time is over."""
    before = psutil.Process().memory_info().rss
    for begin, more in ENDLESS.values():
        wire = await place.connect()
        await wire.say(begin)
        async with asyncio.timeout(9):
            await wire.say(*[more] * 500)
            await wire.rest()
    assert psutil.Process().memory_info().rss - before < MEMORY_BYTES_MAX
    await it_answers(place)


async def test_a_head_that_comes_too_slowly_is_refused(brief: Place) -> None:
    """Row 38: slow-loris; each byte that still comes wins no time."""
    for begin in (b"", b"GET /v1/tasks HTTP/1.1\r\n", b"\r\n"):
        wire = await brief.connect()
        await wire.say(begin)
        trickle = asyncio.create_task(drip(wire, b"x: y\r\n" if begin.strip() else b"\r\n"))
        answer = await wire.hear()
        trickle.cancel()
        if begin.strip():
            assert answer is not None
            assert (answer.status, answer.problem["code"]) == (408, "too_slow")
        await wire.rest()
    await it_answers(brief)


async def test_a_body_that_comes_too_slowly_is_refused(brief: Place) -> None:
    """Row 38: also where nobody reads it, because its sender has been refused."""
    for token, status in ((brief.token, 408), ("txw_nothing", 401)):
        wire = await brief.connect()
        fields = ("content-type: application/json", "content-length: 1000")
        await wire.say(head("POST", "/v1/tasks", token, fields), b'{"shell"')
        trickle = asyncio.create_task(drip(wire, b" "))
        answer = await wire.hear()
        assert answer is not None
        assert answer.status == status
        await wire.rest()
        trickle.cancel()
    await it_answers(brief)


async def drip(wire: Wire, drop: bytes) -> None:
    """A byte now and then, for ever."""
    while True:
        await wire.say(drop)
        await asyncio.sleep(0.02)


async def test_a_connection_that_asks_nothing_more_is_ended(brief: Place) -> None:
    """4.10: after an answer, and before any call."""
    wire = await brief.connect()
    await wire.say(head("GET", "/v1/tasks", brief.token))
    assert await wire.hear() is not None
    assert await wire.rest() == b""


def test_answers_wait_for_no_acknowledgement() -> None:
    """40 ms each, where head and body go out one by one on a socket that gathers small writes: asyncio turns that off
    for what is called TCP."""
    with bind("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


async def test_half_a_request_costs_nothing(place: Place) -> None:
    """Row 38: whoever goes away within a request leaves nothing behind."""
    whole = posted("/v1/tasks", place.token, b'{"shell": "true"}')
    for cut in range(1, len(whole) - 1, 7):
        wire = await place.connect()
        await wire.say(whole[:cut])
        if cut % 2:
            wire.end()
        else:
            await wire.close()
    await it_answers(place)


async def test_requests_in_a_row_are_answered_in_their_order(place: Place) -> None:
    """HTTP/1.1, 9.3.2: and so many of them that nobody could mean it end the connection."""
    wire = await place.connect()
    await wire.say(head("GET", "/v1/tasks-count", place.token) * 5 + head("GET", "/v1/none", place.token))
    answers = [await wire.hear() for _ in range(6)]
    assert [answer and answer.status for answer in answers] == [200] * 5 + [404]
    flood = await place.connect()
    await flood.say(head("GET", "/healthz") * 5_000)
    await flood.rest()
    await it_answers(place)


IDS = [
    "../../etc/passwd",
    "%2e%2e%2f%2e%2e%2fetc",
    "..%5c..",
    "%00",
    "%0d%0aset-cookie:x",
    "%ff%fe",
    "%c3%bc",
    "%f0%9f",
]
IDS += ["%ed%a0%80", "a" * 5_000, "%" * 3, "%u0041", "%zz", ";", "*", "task_%00", "~"]
KINDS = ("tasks", "runs", "sessions", "queues", "lanes", "approvals", "accounts", "signals")


async def test_an_id_is_never_a_path(place: Place) -> None:
    """Row 40: traversal, NUL, what is no UTF-8, lone surrogates."""
    wire = await place.connect()
    for id, kind in product(IDS, KINDS):
        await wire.say(head("GET", f"/v1/{kind}/{id}", place.token))
        answer = await wire.hear()
        assert answer is not None
        assert 400 <= answer.status < 500, (kind, id, answer)
        assert answer.problem["code"]


async def test_a_method_that_is_not_for_it_is_refused(place: Place) -> None:
    """RFC 9110, 15.5.6: with those that are."""
    wire = await place.connect()
    methods = ("DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "M-SEARCH")
    for method, path in product(methods, ("/v1/changes", "/v1/stream", "/v1/openapi.json", "/healthz")):
        await wire.say(head(method, path, place.token))
        answer = await wire.hear()
        assert answer is not None
        assert (answer.status, answer.problem["code"]) == (405, "method_not_allowed")
        assert "GET" in answer.headers["allow"]
