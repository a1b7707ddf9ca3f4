"""A server on a store of its own, asked over HTTP without a socket between, by whoever a test wants to be."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import taxiway
from taxiway.clock import Clock, SystemClock
from taxiway.core.errors import Unavailable
from taxiway.core.token import TokenScope
from taxiway.server.doorkeeper import Rates
from taxiway.server.listening import bind, listening
from taxiway.up import application

BASE = "http://127.0.0.1:8787"
FREE = Rates(per_s=1e6, burst=1e6, tenant_per_s=1e6, tenant_burst=1e6, refused_per_s=1e6, refused_burst=1e6)

As = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def tw(tmp_path: Path) -> AsyncIterator[taxiway.Taxiway]:
    """A store without a runner: what is submitted stays where it is."""
    async with taxiway.open(tmp_path / "s.db", slots=0, project="p") as opened:
        yield opened


@asynccontextmanager
async def asked_by(
    tw: taxiway.Taxiway, token: str | None, rates: Rates = FREE, clock: Clock | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server on this store."""
    async with application(tw, rates=rates, clock=clock or SystemClock()) as app:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50_000))
        async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers) as client:
            yield client


@pytest.fixture
async def client_of(tw: taxiway.Taxiway) -> AsyncIterator[As]:
    """Makes a client with a token of this scope."""
    async with AsyncExitStack() as stack:

        async def make(scope: TokenScope = TokenScope.ADMIN, name: str = "ann") -> httpx.AsyncClient:
            _, text = await tw.make_token(name, scope)
            return await stack.enter_async_context(asked_by(tw, text))

        yield make


@pytest.fixture
async def client(client_of: As) -> httpx.AsyncClient:
    """One that may do everything."""
    return await client_of()


@pytest.fixture
async def token(tw: taxiway.Taxiway) -> str:
    """One that opens everything."""
    return (await tw.make_token("ann", TokenScope.ADMIN))[1]


@pytest.fixture
async def served(tw: taxiway.Taxiway) -> AsyncIterator[str]:
    """The server's address: it listens on a port of loopback."""
    listener = bind("127.0.0.1", 0)
    async with application(tw, rates=FREE) as app, listening(app, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def lost(tw: taxiway.Taxiway, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on the next answer is not kept."""
    settle: Callable[..., Awaitable[None]] = type(tw.store).settle_reply
    calls = 0

    async def fail_once(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Unavailable("killed")
        await settle(*args)

    return lambda: monkeypatch.setattr(type(tw.store), "settle_reply", fail_once)
