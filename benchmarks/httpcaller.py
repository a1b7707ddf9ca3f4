"""An HTTP client that costs next to nothing, so that on a shared machine the server is what is measured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LINE_BYTES_MAX = 64 << 20


class Caller:
    """One connection that stays open; one call after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        self._reader = reader
        self._writer = writer
        self._common = f"host: 127.0.0.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n"

    async def call(self, method: str, path: str, body: bytes = b"", key: str = "") -> bytes:
        """The body of the answer; raises ``RuntimeError`` for one that is no success."""
        keyed = f"idempotency-key: {key}\r\n" if key else ""
        head = f"{method} {path} HTTP/1.1\r\n{self._common}{keyed}content-length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        status, length = await self._head()
        answer = await self._reader.readexactly(length)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {answer[:500]!r}")
        return answer

    async def open_stream(self, path: str) -> asyncio.StreamReader:
        """What an endless answer brings, behind its head."""
        self._writer.write(f"GET {path} HTTP/1.1\r\n{self._common}\r\n".encode())
        status, _ = await self._head()
        if status != 200:
            raise RuntimeError(f"{path}: {status}")
        return self._reader

    async def open_socket(self, path: str) -> asyncio.StreamReader:
        """The frames of a WebSocket, as they come."""
        upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        head = f"GET {path} HTTP/1.1\r\n{self._common}{upgrade}sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        self._writer.write(head.encode())
        status, _ = await self._head()
        if status != 101:
            raise RuntimeError(f"{path}: {status}")
        return self._reader

    async def _head(self) -> tuple[int, int]:
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        at = head.lower().find(b"content-length:")
        return status, 0 if at < 0 else int(head[at + 15 : head.index(b"\r", at)])

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


@asynccontextmanager
async def caller(port: int, token: str) -> AsyncIterator[Caller]:
    """A connection to a server on this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LINE_BYTES_MAX)
    found = Caller(reader, writer, token)
    try:
        yield found
    finally:
        found.close()
