"""Where the server listens: a socket of ours, and uvicorn on it, in the loop that is there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from taxiway.core.errors import Invalid, Unavailable
from taxiway.server.bounds import Bounds, within_open_files
from taxiway.server.connection import Listening

BACKLOG: Final = 512
BOUNDS: Final = Bounds()
GOODBYE_S: Final = 5  #: how long requests may take to end when the server leaves


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ``Unavailable`` with one sentence where the address cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise Invalid(f"'{host}' is no address of this machine: {error.strerror}") from None
    # asyncio turns Nagle's delay off only where it reads that this is TCP; with it every answer is 40 ms late.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise Unavailable(f"{host}:{port} cannot be listened on: {error.strerror}") from None
    return listener


class _Uvicorn(uvicorn.Server):
    """Without handlers of signals: whoever started us has his own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None."""
        yield


@asynccontextmanager
async def listening(app: ASGIApp, listener: socket.socket, bounds: Bounds = BOUNDS) -> AsyncIterator[None]:
    """Serve an application on a socket until the block is left; then what is being answered is ended in good order."""
    bounds = within_open_files(bounds)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(bounds.unread_s * 1000))
    config = Listening(
        app,
        bounds,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=bounds.idle_s,
        timeout_graceful_shutdown=GOODBYE_S,
    )
    server = _Uvicorn(config)
    with closing(listener):
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[listener]), name="http")
            try:
                yield
            finally:
                server.should_exit = True
