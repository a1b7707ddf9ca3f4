"""``taxiway.connect``: the verbs of a server."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import httpx

from taxiway.client.address import base_of, checked_token
from taxiway.client.blocking import Blocking
from taxiway.client.connection import LIMITS, TIMEOUT, Connection
from taxiway.client.handle import TaskHandle
from taxiway.client.remote import RemoteTaxiway
from taxiway.client.session import Sent, SessionHandle
from taxiway.clock import Ids, SystemClock, system_chance
from taxiway.core.errors import Invalid


def connect(
    url: str, *, token: str, ca_file: str | Path | None = None, proxy: str | None = None
) -> AbstractAsyncContextManager[RemoteTaxiway]:
    """The server at ``url``, for the bearer of ``token``; use it with ``async with``.

    Every verb raises the same errors as in process, and ``Unavailable`` when the server does not answer for long. A
    call that changes something carries a key, so it is sent again without being done twice.

    ``https`` is checked against the system's authorities (``SSL_CERT_FILE`` names others), or against those in
    ``ca_file`` alone. A ``proxy`` is used only when it is named here: one that stands in the environment is meant for
    browsing, and would be shown the token. A redirect is never followed, for the same reason.
    """
    return _connected(base_of(url), checked_token(token), ca_file, proxy)


def connect_sync(
    url: str, *, token: str, ca_file: str | Path | None = None, proxy: str | None = None
) -> Blocking[RemoteTaxiway]:
    """The same verbs without ``await``; use it with ``with``."""
    return Blocking(connect(url, token=token, ca_file=ca_file, proxy=proxy), (TaskHandle, SessionHandle, Sent))


@asynccontextmanager
async def _connected(
    base: str, token: str, ca_file: str | Path | None, proxy: str | None
) -> AsyncIterator[RemoteTaxiway]:
    async with _calling(base, token, ca_file, proxy) as connection:
        yield RemoteTaxiway(connection)


def connected(url: str, token: str) -> AbstractAsyncContextManager[Connection]:
    """Calls to the server at ``url`` in the name of whoever has ``token``."""
    return _calling(base_of(url), checked_token(token), None, None)


@asynccontextmanager
async def _calling(base: str, token: str, ca_file: str | Path | None, proxy: str | None) -> AsyncIterator[Connection]:
    chance = system_chance()
    new_key = partial(Ids(SystemClock(), chance).new, "key")
    async with httpx.AsyncClient(
        base_url=base,
        headers={"authorization": f"Bearer {token}"},
        timeout=TIMEOUT,
        limits=LIMITS,
        verify=_authorities(ca_file) if base.startswith("https:") else False,
        proxy=proxy,
        trust_env=False,
        follow_redirects=False,
    ) as client:
        yield Connection(client, new_key, chance.random)


def _authorities(ca_file: str | Path | None) -> ssl.SSLContext:
    """Whom we believe who a server is."""
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except OSError as error:  # ssl.SSLError is one
        raise Invalid(f"{ca_file} cannot be read as certificates: {error.strerror or error}") from None
