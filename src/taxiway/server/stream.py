"""``/v1/stream`` and ``/v1/ws``: live streams as server-sent events and over a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from http import HTTPMethod
from typing import Final

import msgspec
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from taxiway.core.errors import Error, Forbidden, Invalid
from taxiway.core.token import Principal, TokenScope
from taxiway.server.bearers import Bearers
from taxiway.server.cursor import RUNS_MAX, Cursor, read_cursor
from taxiway.server.live import Batch, Live
from taxiway.server.problem import problem_document
from taxiway.server.routing import AnyRoute, answering
from taxiway.server.serving import VerbsOf, refusal
from taxiway.verbs import Speaking

SEND_S_MAX: Final = 20.0  #: a reader that has not taken a batch for so long is cut
HEADERS: Final = {"content-type": "text/event-stream", "x-accel-buffering": "no"}
NUMBER_DIGITS_MAX: Final = 18
CUT: Final = 4_000  #: WebSocket close codes: cut for being slow, and refused
REFUSED: Final = 4_001

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Streams:
    """The endpoints of live streams."""

    def __init__(self, verbs_of: VerbsOf, bearers: Bearers, live: Live) -> None:
        self._verbs_of = verbs_of
        self._bearers = bearers
        self._live = live

    def routes(self, prefix: str) -> list[AnyRoute]:
        """What answers live."""
        return [
            answering(f"{prefix}/stream", {HTTPMethod.GET: self._sse}),
            WebSocketRoute(f"{prefix}/ws", self._socket),
        ]

    async def _sse(self, request: Request) -> Response:
        """Server-sent events; ``Last-Event-ID`` (or ``after``) is where to go on."""
        try:
            batches, principal = await self._batches(request, request.headers.get("last-event-id"))
            with ExitStack() as place:
                place.enter_context(self._live.counted(principal))
                return _EventStream(batches, place.pop_all(), request.state.request)
        except Error as error:
            return refusal(error, request)

    async def _socket(self, socket: WebSocket) -> None:
        """The same over a WebSocket: a text frame a batch. What the reader says is not listened to."""
        try:
            batches, principal = await self._batches(socket, None)
            with self._live.counted(principal):
                await socket.accept()
                await _until_gone(socket, batches)
        except Error as error:
            await socket.accept()
            await _say_problem(socket, error)

    async def _batches(self, connection: HTTPConnection, last: str | None) -> tuple[AsyncIterator[Batch], Principal]:
        """What is asked for: everything of the caller's behind a cursor, and the logs of some runs."""
        principal: Principal = connection.state.principal
        if not principal.may(TokenScope.VIEWER):
            raise Forbidden(f"this needs the scope viewer; the token '{principal.name}' has {principal.scope}")
        asked = connection.query_params
        unknown = set(asked) - {"after", "run"}
        if unknown:
            raise Invalid(f"the query cannot be used: {min(unknown)[:80]} is not known; there are after and run")
        store = self._verbs_of(Speaking(actor=principal.name, tenant=principal.tenant)).store
        after = last or asked.get("after")
        cursor = Cursor(await store.last_version()) if after is None else read_cursor(after)
        runs = dict(cursor.runs)
        for wanted in asked.getlist("run"):
            ref, _, number = wanted.partition(":")
            runs.setdefault((await store.run(await store.find_run(ref))).id, _number(number))
        if len(runs) > RUNS_MAX:
            raise Invalid(f"a stream follows at most {RUNS_MAX} runs")

        async def still() -> None:
            await self._bearers.still(principal)

        return self._live.follow(store, principal, Cursor(cursor.version, runs), still), principal


def _number(text: str) -> int:
    """``run=ID`` is its whole log, ``run=ID:NUMBER`` what is behind that number."""
    if not text:
        return 0
    if not text.isdecimal() or len(text) > NUMBER_DIGITS_MAX:
        raise Invalid(f"'{text[:40]}' is no number of an event")
    return int(text)


class _EventStream(Response):
    """Batches as server-sent events, until the reader leaves, is too slow, or may not go on."""

    def __init__(self, batches: AsyncIterator[Batch], place: ExitStack, request: str) -> None:
        """``place`` is what it takes among the streams; it is given back at the end."""
        super().__init__(headers=HEADERS)
        self._batches = batches
        self._place = place
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI's)
        """Send until somebody leaves."""
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        with self._place:
            await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(self._send(send), name="sse")
                leaving = group.create_task(_gone(receive), name="sse-gone")
                await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
                sending.cancel()
                leaving.cancel()

    async def _send(self, send: Send) -> None:
        try:
            await _put(send, b": open\n\n")
            async for batch in self._batches:
                await _put(send, _frames(batch))
        except TimeoutError:
            return  # it does not take what it is sent; it has its cursor
        except Error as error:
            document = _encode(problem_document(error, self._request))
            await _put(send, b"event: problem\ndata: " + document + b"\n\n")
        await send({"type": "http.response.body", "body": b""})


def _frames(batch: Batch) -> bytes:
    """The lines as events. Only the last has an id: a reader that is cut within goes on before the batch."""
    if not batch.lines:
        return b": beat\n\n"
    name = b"change" if batch.run is None else b"event"
    body = b"".join(b"event: %s\ndata: %s\n\n" % (name, line.document) for line in batch.lines[:-1])
    last = b"event: %s\nid: %s\ndata: %s\n\n" % (name, str(batch.cursor).encode(), batch.lines[-1].document)
    return body + last


async def _put(send: Send, body: bytes) -> None:
    async with asyncio.timeout(SEND_S_MAX):
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _until_gone(socket: WebSocket, batches: AsyncIterator[Batch]) -> None:
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(_send_frames(socket, batches), name="ws")
        leaving = group.create_task(_hung_up(socket), name="ws-gone")
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if not sending.done():
            sending.cancel()


async def _send_frames(socket: WebSocket, batches: AsyncIterator[Batch]) -> None:
    try:
        async for batch in batches:
            kind = "changes" if batch.run is None else "events"
            items = b",".join(line.document for line in batch.lines)
            head = _encode({"type": kind if batch.lines else "beat", "cursor": str(batch.cursor)})
            frame = head[:-1] + b',"items":[' + items + b"]}"
            async with asyncio.timeout(SEND_S_MAX):
                await socket.send_text(frame.decode())
    except TimeoutError:
        await socket.close(CUT, "too slow; go on from your cursor")
    except WebSocketDisconnect:
        return  # it left while it was being told
    except Error as error:
        await _say_problem(socket, error)


async def _say_problem(socket: WebSocket, error: Error) -> None:
    """Why it ends, as its last frame."""
    document = problem_document(error, socket.state.request)
    await socket.send_text(_encode({"type": "problem", **document}).decode())
    await socket.close(REFUSED, error.code)


async def _hung_up(socket: WebSocket) -> None:
    """Until it has; what it says is not listened to."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
