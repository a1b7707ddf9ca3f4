"""Connections and WebSockets are bounded, of one address and of all; who is within them is served (rows 36-38, I18)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

import taxiway
from taxiway.core.token import TokenScope
from taxiway.server import live
from taxiway.server.bounds import Bounds
from tests.server.strangers import Place, it_answers, refused, serving
from tests.server.wire import Wire, head

SOCKET = (
    "connection: upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.fixture
async def place(tw: taxiway.Taxiway, token: str) -> AsyncIterator[Place]:
    """A server as `taxiway up` starts it."""
    async with serving(tw, token, Bounds()) as found:
        yield found


SOCKETS = {
    "no key": SOCKET[:-1],
    "a key that is none": (*SOCKET[:-1], "sec-websocket-key: abc"),
    "another version": (*SOCKET[:2], "sec-websocket-version: 8", SOCKET[3]),
    "no version": (*SOCKET[:2], SOCKET[3]),
    "two keys": (*SOCKET, SOCKET[3]),
    "a header longer than its reader takes": (*SOCKET, "x: " + "a" * 10_000),
}


async def test_a_handshake_that_is_none_is_refused_with_a_problem(place: Place) -> None:
    """RFC 6455, 4.2: like any other call; so is one where no stream is."""
    for name, fields in SOCKETS.items():
        await refused(place, head("GET", "/v1/ws", place.token, fields), name, 400)
    for path in ("/v1/tasks", "/v1/none", "/healthz", "/"):
        await refused(place, head("GET", path, place.token, SOCKET), path, 404)


FRAMES = {
    "no JSON": b"\x81\x83abcd" + bytes(x ^ y for x, y in zip(b"no!", b"abc", strict=True)),
    "bytes": b"\x82\x83\0\0\0\0abc",
    "no UTF-8": b"\x81\x82\0\0\0\0\xff\xfe",
    "without a mask": b"\x81\x03abc",
    "an unknown kind": b"\x83\x80\0\0\0\0",
    "too large": b"\x82\xff" + (1 << 40).to_bytes(8) + b"\0\0\0\0" + b"x" * 100_000,
    "a large control": b"\x89\xfe\x10\x00\0\0\0\0" + b"x" * 4_096,
    "a piece of nothing": b"\x80\x80\0\0\0\0",
    "half": b"\x81\xfe",
}


async def test_whatever_a_reader_of_a_stream_says_harms_nobody(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Row 37, 4.10: what it says is not listened to, and no mistake of its is one of ours."""
    for frame in FRAMES.values():
        wire = await place.connect()
        await wire.say(head("GET", "/v1/ws", place.token, SOCKET))
        answer = await wire.hear()
        assert answer is not None
        assert answer.status == 101
        await wire.say(*([frame] * 20))
        await wire.close()
        await it_answers(place)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_connections_of_one_address_are_bounded_and_others_are_served(tw: taxiway.Taxiway, token: str) -> None:
    """I18, 4.10: the n-th is served and the next is refused; another address still finds room."""
    async with serving(tw, token, Bounds(connections=8, of_address=5)) as place:
        idle = [await place.connect("127.0.0.2") for _ in range(4)]
        await it_answers(place, "127.0.0.2")
        idle.append(await place.connect("127.0.0.2"))
        late = await place.connect("127.0.0.2")
        answer = await late.hear()
        assert answer is not None
        assert (answer.status, answer.problem["code"]) == (503, "crowded")
        assert answer.headers["retry-after"]
        await late.rest()
        await it_answers(place)
        others = [await place.connect() for _ in range(3)]
        full = await (await place.connect("127.0.0.3")).hear()
        assert full is not None
        assert full.status == 503
        await others.pop().close()
        await asyncio.sleep(0.05)
        await it_answers(place, "127.0.0.3")
        for wire in (*idle, *others):
            await wire.close()


async def test_idle_connections_go_by_themselves(tw: taxiway.Taxiway, token: str) -> None:
    """I18: whoever fills the house and asks nothing has lost his place soon."""
    async with serving(tw, token, Bounds(connections=5, of_address=5, head_s=0.2)) as place:
        idle = [await place.connect() for _ in range(5)]
        for wire in idle:
            assert await wire.hear() is None
        await it_answers(place)


async def test_a_stream_keeps_its_place_and_gives_it_back(tw: taxiway.Taxiway, token: str) -> None:
    """I18: a WebSocket counts as the connection that it was."""
    async with serving(tw, token, Bounds(connections=2, of_address=1)) as place:
        for _ in range(3):
            wire = await place.connect()
            await wire.say(head("GET", "/v1/ws", place.token, SOCKET))
            answer = await wire.hear()
            assert answer is not None
            assert answer.status == 101
            late = await (await place.connect()).hear()
            assert late is not None
            assert late.status == 503
            await wire.close()
            await asyncio.sleep(0.05)


async def test_who_does_not_take_his_answer_is_cut(tw: taxiway.Taxiway, token: str) -> None:
    """I18: what was written for him does not stay in memory."""
    await tw.submit_many([{"shell": "x" * 60_000}] * 400)
    async with serving(tw, token, Bounds(connections=1, unread_s=1)) as place:
        wire = await place.connect()
        wire.stop_reading()
        await wire.say(head("GET", "/v1/tasks?limit=400", place.token))
        async with asyncio.timeout(20):
            while not await is_served(place):
                await asyncio.sleep(0.1)


async def is_served(place: Place) -> bool:
    """Whether there is room for one more."""
    wire = await place.connect()
    await wire.say(head("GET", "/healthz"))
    answer = await wire.hear()
    return answer is not None and answer.status == 200


async def test_streams_of_a_token_and_of_all_are_bounded(
    tw: taxiway.Taxiway, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4.10: the n-th is served, the next is refused with a problem; there is room again when one leaves."""
    monkeypatch.setattr(live, "OF_A_TOKEN_MAX", 2)
    monkeypatch.setattr(live, "STREAMS_MAX", 3)
    _, other = await tw.make_token("bob", TokenScope.VIEWER)
    ann, bob = place.token, other
    asked = [("/v1/stream", ann, ()), ("/v1/ws", ann, SOCKET), ("/v1/stream", bob, ())]
    open_ = [await followed(place, *one) for one in asked]
    assert [status for status, _ in open_] == [200, 101, 200]
    assert (await followed(place, "/v1/stream", ann, ()))[0] == 429
    assert (await followed(place, "/v1/stream", bob, ()))[0] == 429
    status, wire = await followed(place, "/v1/ws", bob, SOCKET)
    assert status == 101
    await wire.hears(b'"code":"queue_full"')
    await open_[1][1].close()
    async with asyncio.timeout(10):
        while (await followed(place, "/v1/stream", bob, ()))[0] == 429:
            await asyncio.sleep(0.02)


async def followed(place: Place, path: str, token: str, fields: tuple[str, ...]) -> tuple[int, Wire]:
    """What a stream is answered with."""
    wire = await place.connect()
    await wire.say(head("GET", path, token, fields))
    answer = await wire.hear()
    assert answer is not None
    return answer.status, wire


async def test_a_socket_is_told_why_it_ends(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """I4: a gap is said on a WebSocket as on a stream of events."""
    wire = await place.connect()
    await wire.say(head("GET", "/v1/ws?after=999999999", place.token, SOCKET))
    await wire.hears(b'"code":"gap"')
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
