"""One connection: uvicorn's, within bounds of time and size, and refusing in our words (rows 38-40, I18).

Uvicorn reads requests with httptools, which takes heads of any size, for as long as somebody sends.
"""

from __future__ import annotations

import asyncio
import binascii
from typing import Any, Final

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from taxiway.core.errors import Error, Malformed, Unavailable
from taxiway.server.bounds import Bounds, Door
from taxiway.server.problem import STATUS_LINES, problem_reply

UNLOGGED: Final = "none"  #: the id of a call that never was one
CHUNK_BYTES: Final = 32  #: what a chunk costs beside what is in it
LISTENED_BYTES_MAX: Final = 64 << 10  #: of a WebSocket's reader, to whom nobody listens
LINE_BYTES_MAX: Final = 8_000  #: of a header of a WebSocket's handshake


class HeadTooLarge(Malformed):
    """More before the body of a request, or around it, than any call of ours needs."""

    code = "head_too_large"
    http_status = 431


class TooSlow(Malformed):
    """A request that was begun and did not come in time."""

    code = "too_slow"
    http_status = 408


class Crowded(Unavailable):
    """There are as many connections as there may be, of one address or of all."""

    code = "crowded"


class Listening(uvicorn.Config):
    """What uvicorn is told, and what its connections need beside."""

    def __init__(self, app: ASGIApp, bounds: Bounds, **told: Any) -> None:
        super().__init__(app, http=Connection, ws=Socket, ws_max_size=LISTENED_BYTES_MAX, **told)
        self.bounds = bounds
        self.door = Door(bounds)


class Socket(WebSocketsSansIOProtocol):
    """A connection that has become a WebSocket: it keeps its place until it ends."""

    config: Listening

    def connection_lost(self, exc: Exception | None) -> None:
        """It gives its place back."""
        self.config.door.leave(_address(self.client))
        super().connection_lost(exc)

    def send_receive_event_to_app(self) -> None:
        """What a reader says is thrown away."""
        self.frames = []


class Connection(HttpToolsProtocol):
    """A connection on which requests come."""

    config: Listening

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody comes; where there is no room he is told, and goes."""
        super().connection_made(transport)
        self._bounds = self.config.bounds
        self._over: Error | None = None  # why nothing more is listened to
        self._deadline_s: float | None = None  # when what is awaited must be there
        self._timer: asyncio.TimerHandle | None = None  # looks at it then, or earlier
        self._in_head = True
        self._chunks = self._around_bytes = self._head_bytes = 0
        self._inside = self.config.door.enter(_address(self.client))
        if self._inside:
            self._expect(self._bounds.head_s)
        else:
            self._refuse(Crowded("there are too many connections; close some that you do not use, or wait"))

    def connection_lost(self, exc: Exception | None) -> None:
        """He is gone."""
        if self._inside:
            self.config.door.leave(_address(self.client))
        self._expect(None)
        self._set_timer(None)
        super().connection_lost(exc)

    # -- what comes ---------------------------------------------------------------------------------------------------
    def data_received(self, data: bytes) -> None:
        """Some bytes of a request, or of several."""
        if self._over is not None:
            return
        self._unset_keepalive_if_required()
        if self._deadline_s is None:
            self._expect(self._bounds.head_s)
        self._around_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            else:
                self._over = Malformed("nothing but WebSockets is spoken here beside HTTP")
                self.cycle.keep_alive = False
            return
        except httptools.HttpParserError:
            self._refuse(self._why())
            return
        if self._around_bytes - self._chunks * CHUNK_BYTES > self._bounds.head_bytes:
            self._refuse(self._too_large())

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Its address, or some of it."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers, or what stands behind its body and nobody reads."""
        self._count_head(len(name) + len(value))
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Its head is there."""
        if len(self.pipeline) >= self._bounds.pipelined:
            self._over = Malformed(f"more than {self._bounds.pipelined} requests wait behind one")
            raise self._over
        self._around_bytes = self._chunks = 0
        super().on_headers_complete()
        self._in_head = False
        self._expect(self._bounds.body_s)

    def on_chunk_header(self) -> None:
        """A piece of its body begins."""
        self._chunks += 1

    def on_body(self, body: bytes) -> None:
        """Some of its body."""
        self._around_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._around_bytes = self._chunks = 0
        self._expect(None)
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """From here on it is a WebSocket's."""
        wrong = self._wrong_with_handshake()
        if wrong is not None:
            self._refuse(Malformed(f"this is no handshake of a WebSocket: {wrong}"))
            return
        self._expect(None)
        self._inside = False  # its place goes with it
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """The server leaves. What is being answered is waited for, but for a stream, which has no end: its reader goes
        on elsewhere from its cursor."""
        asked: RequestResponseCycle | None = self.cycle
        if asked is not None and asked.response_started and not asked.response_complete:
            asked.disconnected = True
            asked.message_event.set()
            self.transport.close()
        else:
            super().shutdown()

    # -- what is refused ----------------------------------------------------------------------------------------------
    def _wrong_with_handshake(self) -> str | None:
        """What its own reader would refuse, or stumble over (RFC 6455, 4.2.1)."""
        keys = [value for name, value in self.headers if name == b"sec-websocket-key"]
        versions = [value for name, value in self.headers if name == b"sec-websocket-version"]
        if self.scope["method"] != "GET" or self.parser.get_http_version() != "1.1":
            return "it begins with a GET of HTTP/1.1"
        if not self.url.isascii() or any(len(name) + len(value) > LINE_BYTES_MAX for name, value in self.headers):
            return f"its address is ASCII, and no header has more than {LINE_BYTES_MAX:,} bytes"
        if versions != [b"13"]:
            return "Sec-WebSocket-Version is 13"
        if len(keys) != 1 or not _is_key(keys[0]):
            return "there is one Sec-WebSocket-Key, 16 bytes in base64"
        return None

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self._bounds.head_bytes or len(self.headers) >= self._bounds.headers:
            self._over = self._too_large()
            raise self._over

    def _why(self) -> Error:
        return self._over or Malformed("this is no request of HTTP/1.1")

    def _too_large(self) -> Error:
        bounds = self._bounds
        return HeadTooLarge(f"a request's head has at most {bounds.head_bytes:,} bytes and {bounds.headers} headers")

    def _expect(self, within_s: float | None) -> None:
        """What is awaited comes within so many seconds; ``None``: nothing is. A timer that is set for earlier stays:
        when it rings it is set anew. So a request that comes in time sets none."""
        self._deadline_s = None if within_s is None else self.loop.time() + within_s
        if self._deadline_s is not None and (self._timer is None or self._timer.when() > self._deadline_s):
            self._set_timer(self.loop.call_at(self._deadline_s, self._ring))

    def _set_timer(self, timer: asyncio.TimerHandle | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = timer

    def _ring(self) -> None:
        self._timer = None
        if self._deadline_s is None:
            return
        if self._deadline_s > self.loop.time():
            self._timer = self.loop.call_at(self._deadline_s, self._ring)
        else:
            self._run_out()

    def _run_out(self) -> None:
        nothing_came = self._in_head and not self._around_bytes
        bounds = self._bounds
        what, most_s = ("head", bounds.head_s) if self._in_head else ("body", bounds.body_s)
        if nothing_came:
            self._end()
        else:
            self._refuse(TooSlow(f"the {what} of a request comes within {most_s:g} s"))

    def _refuse(self, error: Error) -> None:
        """Say why, where that is an answer to what was asked; then hear nothing more."""
        self._over = error
        self._expect(None)
        asked: RequestResponseCycle | None = self.cycle
        if asked is not None and not asked.response_complete:
            if self.pipeline or self._in_head or asked.response_started:
                self._end()
                return
            asked.disconnected = True
            asked.message_event.set()
        status, body, headers = problem_reply(error, UNLOGGED)
        headers |= {"content-length": str(len(body)), "connection": "close"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(f"{STATUS_LINES[status]}\r\n{lines}\r\n".encode("latin-1") + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._set_timer(self.loop.call_later(self._bounds.linger_s, self._end))

    def _end(self) -> None:
        self._over = self._over or Malformed("over")
        self.transport.close()


def _address(client: tuple[str, int] | None) -> str:
    return "" if client is None else client[0].removeprefix("::ffff:")


def _is_key(key: bytes) -> bool:
    try:
        return len(binascii.a2b_base64(key.strip(), strict_mode=True)) == 16
    except (binascii.Error, ValueError):
        return False
