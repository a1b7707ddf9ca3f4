"""Calls to a server: sent again where that is safe, refused as the same errors as in process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import httpx
import msgspec

from taxiway.client.problems import error_of, foreign
from taxiway.core.errors import Error, RateLimited, Unavailable

TRIES: Final = 5  #: of a server that has never answered
WAIT_S: Final = 0.2  #: before the second try; it doubles, and is stretched by chance
WAIT_S_MAX: Final = 5.0
PATIENCE_S: Final = 60.0  #: so long a server is waited for that has answered before
TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=20)  #: a stream keeps one to itself
SILENCE_S: Final = 20.0  #: a live stream that says nothing for so long, not even that it lives, is opened anew
UNTRUSTED: Final = "CERTIFICATE_VERIFY_FAILED"
PASSING: Final = frozenset({502, 503, 504})

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Answer(dict[str, Any]):
    """A document that was answered; whatever should stand in it and does not is the server's fault."""

    def __missing__(self, name: str) -> Any:
        raise Unavailable(f"what was answered has no '{name}' in it; is this a server of Taxiway?")


class StreamEvent(NamedTuple):
    """One event of a live stream."""

    name: str
    data: Answer


class Connection:
    """A server, by its address and a token. ``new_key`` makes idempotency keys, ``chance`` is uniform in [0, 1)."""

    def __init__(self, client: httpx.AsyncClient, new_key: Callable[[], str], chance: Callable[[], float]) -> None:
        self._client = client
        self._make_key = new_key
        self._chance = chance
        self._known = False  # it has answered: then it is waited for, as a server that is started anew is

    async def get(self, path: str, **query: Any) -> Answer:
        """What is there."""
        return await self._call("GET", path, query, None)

    async def change(self, method: str, path: str, body: Any = None, key: str | None = None, **query: Any) -> Answer:
        """Have something changed. It carries an idempotency key, so it may be sent again until it is answered."""
        return await self._call(method, path, query, body, key or self.new_key())

    async def _call(
        self, method: str, path: str, query: Mapping[str, Any], body: Any, key: str | None = None
    ) -> Answer:
        content = None if body is None else _encode(body)
        headers = {} if key is None else {"idempotency-key": key}
        if content is not None:
            headers["content-type"] = "application/json"
        parameters = _parameters(query)
        tried, until_s = 0, asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            tried += 1
            try:
                answer = await self._client.request(method, path, params=parameters, content=content, headers=headers)
            except httpx.RequestError as error:
                failure: Error = self._silent(error)
                if UNTRUSTED in str(error):  # it will be no other the next time
                    raise failure from None
                wait_s = None
            else:
                if answer.is_success:
                    document = _document(answer)
                    self._known = True
                    return document
                failure = _refusal(answer)
                wait_s = _retry_after(answer)
                if answer.status_code not in PASSING and not isinstance(failure, RateLimited):
                    raise failure
            if tried >= TRIES and not (self._known and asyncio.get_running_loop().time() < until_s):
                raise failure
            await asyncio.sleep(wait_s or self._backoff(tried))

    async def once(
        self, method: str, path: str, body: Any = None, *, timeout_s: float, key: str | None = None, **query: Any
    ) -> Any:
        """One call, sent once. Raises ``Unavailable`` where it is not answered in time."""
        content = b"" if body is None else _encode(body)
        headers = {} if body is None else {"content-type": "application/json"}
        if key is not None:
            headers["idempotency-key"] = key
        parameters = {name: _word(value) for name, value in query.items() if value is not None}
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._client.request(method, path, params=parameters, content=content, headers=headers)
        except httpx.TransportError as error:
            raise self._silent(error) from None
        except TimeoutError:
            raise Unavailable(f"{self._client.base_url} did not answer within {timeout_s:g} s") from None
        if answer.is_success:
            return json.loads(answer.content) if answer.content else None
        if answer.status_code in PASSING:
            raise Unavailable(f"{self._client.base_url} answered {answer.status_code}")
        raise _refusal(answer)

    def new_key(self) -> str:
        """An idempotency key."""
        return self._make_key()

    @asynccontextmanager
    async def stream(self, path: str, **query: Any) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        """Server-sent events, without end. Raises ``Unavailable`` when the server ends it or is silent for too long,
        and what it refuses to go on for."""
        timeout = httpx.Timeout(SILENCE_S, connect=10.0)
        try:
            async with self._client.stream("GET", path, params=_parameters(query), timeout=timeout) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise _refusal(answer)
                if not _is(answer, "text/event-stream"):
                    raise foreign(answer.status_code, answer.headers.get("content-type", ""))
                yield _events(answer.aiter_lines())
        except httpx.RequestError as error:
            raise self._silent(error) from None

    async def rest(self, tried: int) -> None:
        """Wait before a further try."""
        await asyncio.sleep(self._backoff(tried))

    async def close(self) -> None:
        """Let go of every connection."""
        await self._client.aclose()

    def _silent(self, error: httpx.RequestError) -> Unavailable:
        return Unavailable(f"{self._client.base_url} does not answer: {str(error) or type(error).__name__}")

    def _backoff(self, tried: int) -> float:
        wait_s: float = min(WAIT_S * 2 ** min(tried - 1, 10), WAIT_S_MAX)
        return wait_s * (0.5 + self._chance())


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[StreamEvent]:
    """Events as they are complete (at an empty line); comments are signs of life."""
    fields: dict[str, str] = {}
    async for line in lines:
        if line:
            if not line.startswith(":"):
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
            continue
        if "data" in fields:
            name, document = fields.get("event", "message"), _read(fields["data"])
            if name == "problem":
                raise error_of(int(document.get("status", 0)), document)
            yield StreamEvent(name, document)
        fields = {}
    raise Unavailable("the server has ended the stream")


def _refusal(answer: httpx.Response) -> Error:
    try:
        document = json.loads(answer.content)
    except ValueError:
        document = None
    if answer.is_redirect:
        return foreign(answer.status_code, f"a redirect to {answer.headers.get('location', '')}, which is not followed")
    return error_of(answer.status_code, document)


def _document(answer: httpx.Response) -> Answer:
    if not _is(answer, "application/json"):
        raise foreign(answer.status_code, answer.headers.get("content-type", ""))
    return _read(answer.content)


def _read(text: str | bytes) -> Answer:
    try:
        found = json.loads(text)
    except ValueError:
        raise Unavailable("what was answered is no JSON; something before the server has changed it") from None
    if not isinstance(found, dict):
        raise Unavailable("what was answered is no object; is this a server of Taxiway?")
    return Answer(found)


def _is(answer: httpx.Response, kind: str) -> bool:
    given: str = answer.headers.get("content-type", "")
    return given.partition(";")[0].strip().lower() == kind


def _retry_after(answer: httpx.Response) -> float | None:
    text = answer.headers.get("retry-after", "")
    return min(float(text), WAIT_S_MAX) if text.isdecimal() and text.isascii() else None


def _parameters(query: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What stands behind the ``?``: a list stands there once for each of its items."""
    listed = {name: value if isinstance(value, list) else [value] for name, value in query.items()}
    return tuple((name, _word(one)) for name, many in listed.items() for one in many if one is not None)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
