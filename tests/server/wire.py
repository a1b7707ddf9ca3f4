"""Bytes to a server as a stranger sends them: a socket, and what comes back on it."""

import asyncio
import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

WITHIN_S = 20.0
END = b"\r\n\r\n"


class Answer(NamedTuple):
    """One answer: its status, its headers by their names, and its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """What it says was wrong."""
        assert self.headers["content-type"] == "application/problem+json", self
        found: dict[str, Any] = json.loads(self.body)
        assert found["status"] == self.status
        assert found["detail"]
        return found


class Wire:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, *pieces: bytes) -> None:
        """Send bytes; what the other side no longer takes is not sent."""
        try:
            for piece in pieces:
                self._writer.write(piece)
                await asyncio.wait_for(self._writer.drain(), WITHIN_S)
        except OSError:
            return

    async def hear(self) -> Answer | None:
        """The next answer; ``None`` where the connection ends without one."""
        async with asyncio.timeout(WITHIN_S):
            try:
                head = await self._reader.readuntil(END)
                lines = head.decode("latin-1").split("\r\n")
                fields = (line.partition(": ") for line in lines[1:] if line)
                headers = {name.lower(): value for name, _, value in fields}
                body = await self._reader.readexactly(int(headers.get("content-length", "0")))
            except (asyncio.IncompleteReadError, OSError):
                return None
        return Answer(int(lines[0].split()[1]), headers, body)

    async def hears(self, text: bytes) -> bytes:
        """Everything until these bytes have come."""
        async with asyncio.timeout(WITHIN_S):
            return await self._reader.readuntil(text)

    async def frame(self) -> bytes:
        """What stands in the next frame of a WebSocket."""
        async with asyncio.timeout(WITHIN_S):
            _, short = await self._reader.readexactly(2)
            size = short if short < 126 else int.from_bytes(await self._reader.readexactly(2 if short == 126 else 8))
            return await self._reader.readexactly(size)

    async def rest(self) -> bytes:
        """Everything until the other side ends the connection."""
        async with asyncio.timeout(WITHIN_S):
            try:
                return await self._reader.read()
            except OSError:
                return b""

    def stop_reading(self) -> None:
        """Take nothing more of what comes."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def end(self) -> None:
        """Nothing more comes from here."""
        self._writer.write_eof()

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


async def connect(port: int, address: str = "127.0.0.1") -> Wire:
    """A connection from an address of loopback."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0), limit=1 << 24)
    return Wire(reader, writer)


def head(method: str, path: str, token: str | None = None, fields: Iterable[str] = ()) -> bytes:
    """The head of a request."""
    shown = () if token is None else (f"authorization: Bearer {token}",)
    lines = (f"{method} {path} HTTP/1.1", "host: 127.0.0.1", *shown, *fields)
    return "\r\n".join(lines).encode("latin-1") + END


def posted(path: str, token: str, body: bytes, fields: Iterable[str] = ()) -> bytes:
    """A whole request with JSON in it."""
    kind = ("content-type: application/json", f"content-length: {len(body)}")
    return head("POST", path, token, (*kind, *fields)) + body
