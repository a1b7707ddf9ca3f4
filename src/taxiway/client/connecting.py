"""``taxiway.connect``: the verbs of a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import httpx

from taxiway.client.blocking import Blocking
from taxiway.client.connection import TIMEOUT, Connection
from taxiway.client.handle import TaskHandle
from taxiway.client.remote import RemoteTaxiway
from taxiway.client.session import Sent, SessionHandle
from taxiway.clock import Ids, SystemClock, system_chance


def connect(url: str, *, token: str) -> AbstractAsyncContextManager[RemoteTaxiway]:
    """The server at ``url``, for the bearer of ``token``; use it with ``async with``.

    Every verb raises the same errors as in process, and ``Unavailable`` when the server does not answer for long. A
    call that changes something carries a key, so it is sent again without being done twice.
    """
    return _connected(url, token)


def connect_sync(url: str, *, token: str) -> Blocking[RemoteTaxiway]:
    """The same verbs without ``await``; use it with ``with``."""
    return Blocking(connect(url, token=token), (TaskHandle, SessionHandle, Sent))


@asynccontextmanager
async def _connected(url: str, token: str) -> AsyncIterator[RemoteTaxiway]:
    async with connected(url, token) as connection:
        yield RemoteTaxiway(connection)


@asynccontextmanager
async def connected(url: str, token: str) -> AsyncIterator[Connection]:
    """Calls to the server at ``url`` in the name of whoever has ``token``."""
    chance = system_chance()
    new_key = partial(Ids(SystemClock(), chance).new, "key")
    base = url.rstrip("/") + "/v1"
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=TIMEOUT, trust_env=False) as client:
        yield Connection(client, new_key, chance.random)
