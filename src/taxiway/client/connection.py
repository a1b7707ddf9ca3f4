"""Calls to a server: sent again where that is safe, refused as the same errors as in process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import msgspec

from taxiway.client.problems import error_of
from taxiway.core.errors import Error, RateLimited, Unavailable

TRIES: Final = 5
WAIT_S: Final = 0.2  #: before the second try; it doubles, and is stretched by chance
WAIT_S_MAX: Final = 5.0
TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
SILENCE_S: Final = 20.0  #: a live stream that says nothing for so long, not even that it lives, is opened anew
PASSING: Final = frozenset({502, 503, 504})

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Connection:
    """A server, by its address and a token. ``new_key`` makes idempotency keys, ``chance`` is uniform in [0, 1)."""

    def __init__(self, client: httpx.AsyncClient, new_key: Callable[[], str], chance: Callable[[], float]) -> None:
        self._client = client
        self._new_key = new_key
        self._chance = chance

    async def get(self, path: str, **query: Any) -> Any:
        """What is there."""
        return await self._call("GET", path, query, None)

    async def change(self, method: str, path: str, body: Any = None, key: str | None = None, **query: Any) -> Any:
        """Have something changed. It carries an idempotency key, so it may be sent again until it is answered."""
        return await self._call(method, path, query, body, key or self._new_key())

    async def _call(self, method: str, path: str, query: Mapping[str, Any], body: Any, key: str | None = None) -> Any:
        content = None if body is None else _encode(body)
        headers = {} if key is None else {"idempotency-key": key}
        if content is not None:
            headers["content-type"] = "application/json"
        parameters = {name: _word(value) for name, value in query.items() if value is not None}
        for tried in range(1, TRIES + 1):
            try:
                answer = await self._client.request(method, path, params=parameters, content=content, headers=headers)
            except httpx.TransportError as error:
                failure: Error = self._silent(error)
                wait_s = None
            else:
                if answer.is_success:
                    return json.loads(answer.content) if answer.content else None
                failure = error_of(answer.status_code, _document(answer))
                wait_s = _retry_after(answer)
                if answer.status_code not in PASSING and not isinstance(failure, RateLimited):
                    raise failure
            if tried == TRIES:
                raise failure
            await asyncio.sleep(wait_s or self._backoff(tried))
        raise AssertionError("the last try returns or raises")

    @asynccontextmanager
    async def stream(self, path: str, **query: Any) -> AsyncIterator[AsyncIterator[tuple[str, str, str | None]]]:
        """Server-sent events: their names, data and ids. It ends when the server ends it, or is silent for too long."""
        parameters = {name: _word(value) for name, value in query.items() if value is not None}
        timeout = httpx.Timeout(SILENCE_S, connect=10.0)
        try:
            async with self._client.stream("GET", path, params=parameters, timeout=timeout) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise error_of(answer.status_code, _document(answer))
                yield _events(answer.aiter_lines())
        except httpx.TransportError as error:
            raise self._silent(error) from None

    async def close(self) -> None:
        """Let go of every connection."""
        await self._client.aclose()

    def _silent(self, error: httpx.TransportError) -> Unavailable:
        return Unavailable(f"{self._client.base_url} does not answer: {str(error) or type(error).__name__}")

    def _backoff(self, tried: int) -> float:
        wait_s: float = min(WAIT_S * 2 ** (tried - 1), WAIT_S_MAX)
        return wait_s * (0.5 + self._chance())

    async def rest(self, tried: int) -> None:
        """Wait before a further try."""
        await asyncio.sleep(self._backoff(tried))


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, str, str | None]]:
    """Events as they are complete (at an empty line); comments are signs of life."""
    fields: dict[str, str] = {}
    async for line in lines:
        if not line:
            if "data" in fields:
                yield fields.get("event", "message"), fields["data"], fields.get("id")
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")


def _document(answer: httpx.Response) -> Any:
    try:
        return json.loads(answer.content)
    except ValueError:
        return None


def _retry_after(answer: httpx.Response) -> float | None:
    text = answer.headers.get("retry-after", "")
    return min(float(text), WAIT_S_MAX) if text.isdigit() else None


def _word(value: Any) -> str | list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
