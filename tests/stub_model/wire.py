"""HTTP/1.1 as far as a model's clients speak it; a client that leaves is noticed at once."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import SplitResult, parse_qs, urlsplit

HEAD_SIZE_MAX = 256 * 1024
BODY_SIZE_MAX = 64 * 1024 * 1024
CLOSE_S_MAX = 1.0  #: then what a client does not read is lost

T = TypeVar("T")


class ClientGone(Exception):
    """The client closed its side before the answer was complete."""


class NotHttp(Exception):
    """What came is no request that we read."""


@dataclass(frozen=True)
class Asked:
    """One request as it came; header names in lower case."""

    method: str
    address: SplitResult
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path without its query."""
        return self.address.path

    def query(self, name: str) -> str:
        """One value of the query, or nothing."""
        return parse_qs(self.address.query).get(name, [""])[0]


class Wire:
    """One connection; one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ahead = b""  #: what was read while we looked whether the client is still there

    async def request(self) -> Asked | None:
        """The next request; None when the client has no more. Raises NotHttp."""
        try:
            head = self._ahead + await self._reader.readuntil(b"\r\n\r\n")
            self._ahead = b""
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ", 2)
            pairs = (line.partition(":") for line in lines if line)
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            if headers.get("expect", "").lower() == "100-continue":
                self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return Asked(method, urlsplit(target), headers, await self._body(headers))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        except (ValueError, EOFError, zlib.error, asyncio.LimitOverrunError, OSError) as error:
            raise NotHttp(str(error)) from error

    async def _body(self, headers: Mapping[str, str]) -> bytes:
        if "chunked" in headers.get("transfer-encoding", ""):
            body = await self._chunks()
        else:
            size = int(headers.get("content-length", "0"))
            if size > BODY_SIZE_MAX:
                raise NotHttp(f"a body of {size} bytes")
            body = await self._reader.readexactly(size)
        return gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body

    async def _chunks(self) -> bytes:
        body = b""
        while size := int((await self._reader.readline()).split(b";")[0], 16):
            if len(body) + size > BODY_SIZE_MAX:
                raise NotHttp("a body without end")
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readline()
        return body

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin an answer."""
        lines = [f"HTTP/1.1 {status} {phrase(status)}", *(f"{name}: {value}" for name, value in headers.items())]
        self._writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def whole(self, status: int, data: Any, headers: Mapping[str, str]) -> None:
        """A whole answer in JSON."""
        body = json.dumps(data).encode()
        self.head(status, {"content-type": "application/json", "content-length": str(len(body)), **headers})
        self._writer.write(body)
        await self._drain()

    async def begin_stream(self, headers: Mapping[str, str]) -> None:
        """Begin a stream of events."""
        fixed = {"content-type": "text/event-stream", "cache-control": "no-cache", "transfer-encoding": "chunked"}
        self.head(HTTPStatus.OK, fixed | dict(headers))
        await self._drain()

    async def stream(self, frames: Iterable[bytes], drip_s: float) -> None:
        """Events of a stream, with a pause after each."""
        for frame in frames:
            self._writer.write(b"%x\r\n%s\r\n" % (len(frame), frame))
            await self._drain()
            if drip_s:
                await asyncio.sleep(drip_s)

    async def end_stream(self) -> None:
        """The end of a stream."""
        self._writer.write(b"0\r\n\r\n")
        await self._drain()

    async def while_there(self, work: Awaitable[T]) -> T:
        """Do something for as long as the client stays. Raises ClientGone as soon as it has closed its side."""
        working = asyncio.ensure_future(work)
        watching = asyncio.ensure_future(self._reader.read(1))
        try:
            await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done() and not self._stays(watching):
                raise ClientGone
            return await working
        finally:
            for task in (working, watching):
                task.cancel()
            await asyncio.wait({working, watching})
            self._stays(watching)

    def _stays(self, watching: asyncio.Future[bytes]) -> bool:
        """Whether the client is there after we looked; what it sent already belongs to its next request."""
        if watching.cancelled():
            return True
        if watching.exception() is not None:
            return False
        self._ahead = watching.result()
        return bool(self._ahead)

    async def _drain(self) -> None:
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise ClientGone from error

    async def close(self) -> None:
        """Send what is left and close; a stream that was begun ends here without its end."""
        self._writer.close()
        try:
            async with asyncio.timeout(CLOSE_S_MAX):
                await self._writer.wait_closed()
        except (ConnectionError, TimeoutError):
            self._writer.transport.abort()


def phrase(status: int) -> str:
    """The words beside a status; some providers have statuses of their own."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Overloaded" if status == 529 else "Unknown"
