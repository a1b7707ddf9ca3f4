"""The half of a store that runners use, spoken over HTTP: suites of every store, with that half through a server.

Everything else that a suite does goes to the store itself, as people and caretakers do beside a runner.
"""

from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any, cast

import httpx

import taxiway.testing  # noqa: F401  so that pytest explains the suites' assertions
from taxiway.client.connection import Connection
from taxiway.client.outbox import Outbox
from taxiway.client.remote_store import RemoteStore
from taxiway.clock import Ids, SystemClock, new_secret, system_chance
from taxiway.core.token import TokenScope, secret_hash, token_text
from taxiway.observe.log import log_moment
from taxiway.server.app import Guard, make_app
from taxiway.server.bearers import Bearers
from taxiway.server.login import Login
from taxiway.server.mint import Mint
from taxiway.server.runnerdesk import RunnerDesk
from taxiway.server.serving import Server
from taxiway.server.stream import Streams
from taxiway.store.protocol import ExecutionStore, NewToken
from taxiway.store.sqlite.opening import OpenStore, Seams, open_sqlite
from taxiway.testing.conformance import (
    Abandoning,
    Approving,
    Ending,
    Fencing,
    Inquiring,
    Ordering,
    Scoping,
    Surroundings,
    Telling,
)
from tests.server.conftest import BASE, FREE

SECRET = "A" * 43
HALF = {name for name in vars(ExecutionStore) if not name.startswith("_")}
LOOKS = {"runs", "session"}  # suites look as a person does, also at what has ended; a runner may do so at its own only


class HalfRemote:
    """A store of which runners' verbs go through a server, and all others to the file."""

    def __init__(self, opened: OpenStore, remote: RemoteStore, stack: AsyncExitStack) -> None:
        self._opened = opened
        self._remote = remote
        self._stack = stack

    @property
    def store(self) -> Any:
        return self

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._remote if verb in HALF - LOOKS else self._opened.store, verb)

    async def close(self) -> None:
        await self._stack.aclose()
        await self._opened.close()


class Remote:
    """A real file in a folder of its own, and a server before it."""

    async def open_store(self, around: Surroundings) -> HalfRemote:
        clock = around.clock
        seams = Seams(clock.now_ms, clock.elapsed_s, clock.pause, lambda: 0.5, around.new_id)
        opened = await open_sqlite(around.folder / "store.db", seams, "test", around.main_size)
        ids = Ids(SystemClock(), system_chance())
        id = ids.new("tok")
        new = NewToken(id=id, name="box", scope=TokenScope.RUNNER, hash=secret_hash(SECRET))
        await opened.store.make_token(new, "test")
        verbs: Any = SimpleNamespace(store=opened.store)
        mint = Mint(opened.store, new_secret)
        bearers = Bearers(opened.store, clock, mint)
        server = Server(lambda _: verbs, opened.store, log_moment, RunnerDesk(opened.wakes, mint))
        streams = Streams(lambda _: verbs, bearers, cast("Any", None))
        login = Login(opened.store, clock, ids, new_secret)
        app = make_app(server, streams, login, Guard(bearers=bearers, clock=clock, ids=ids, rates=FREE))
        stack = AsyncExitStack()
        headers = {"authorization": f"Bearer {token_text(id, SECRET)}"}
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50_000))
        http = httpx.AsyncClient(transport=transport, base_url=BASE + "/v1", headers=headers)
        client = await stack.enter_async_context(http)
        letters = around.folder / "letters"
        letters.mkdir()
        connection = Connection(client, lambda: ids.new("key"), lambda: 0.5)
        return HalfRemote(opened, RemoteStore(connection, Outbox(letters)), stack)


for suite in (Fencing, Ending, Telling, Approving, Abandoning, Inquiring, Ordering, Scoping):
    globals()[f"Test{suite.__name__}"] = type(f"Test{suite.__name__}", (Remote, suite), {})


async def test_the_remote_store_speaks_the_whole_half() -> None:
    """What the engine asks of a store while it runs things, a server can be asked."""
    assert {"claim", "record", "finish", "resume"} <= HALF
    assert [verb for verb in sorted(HALF) if not callable(getattr(RemoteStore, verb, None))] == []
