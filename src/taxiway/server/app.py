"""The server's routes and who guards them, as explicit lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp as ASGIApp
from starlette.types import Receive, Scope, Send

from taxiway.clock import Clock, Ids
from taxiway.core.errors import Malformed, NotFound
from taxiway.observe.observer import Observer, nobody
from taxiway.server import (
    accounts,
    approvals,
    changes,
    execution,
    fleet,
    links,
    plans,
    queues,
    runnerkeys,
    runners,
    runs,
    sessions,
    signals,
    summary,
    tasks,
    tokens,
)
from taxiway.server.bearers import Bearers
from taxiway.server.doorkeeper import OPEN_PATHS, Doorkeeper, Rates, refuse
from taxiway.server.endpoint import Endpoint
from taxiway.server.health import health_routes
from taxiway.server.login import Login
from taxiway.server.openapi import openapi_route
from taxiway.server.serving import Server, refusal
from taxiway.server.stream import Streams
from taxiway.server.witness import Witness

PREFIX: Final = "/v1"

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *tasks.ENDPOINTS,
    *plans.ENDPOINTS,
    *runs.ENDPOINTS,
    *signals.ENDPOINTS,
    *changes.ENDPOINTS,
    *sessions.ENDPOINTS,
    *queues.ENDPOINTS,
    *approvals.ENDPOINTS,
    *accounts.ENDPOINTS,
    *tokens.ENDPOINTS,
    *links.ENDPOINTS,
    *fleet.ENDPOINTS,
    *runnerkeys.ENDPOINTS,
    *runners.ENDPOINTS,
    *execution.ENDPOINTS,
    *summary.ENDPOINTS,
)


class MethodNotAllowed(Malformed):
    """The path is known, and the method is not; ``Allow`` names those that are."""

    code = "method_not_allowed"
    http_status = 405


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """What the doorkeeper needs: who bearers are, the time, ids for requests, the hosts that are ours, rates, and what
    is open to everybody. ``observer`` hears of every request."""

    bearers: Bearers
    clock: Clock
    ids: Ids
    hosts: Collection[str] = ()
    rates: Rates = Rates()
    open_paths: frozenset[str] = OPEN_PATHS
    observer: Observer = nobody


def make_app(server: Server, streams: Streams, login: Login, guard: Guard, others: Sequence[Route] = ()) -> ASGIApp:
    """The whole application: nobody reaches a route but by the doorkeeper. ``others`` are routes outside ``/v1``."""
    routes: list[Route | WebSocketRoute] = [
        *health_routes(server),
        *others,
        *login.routes(),
        openapi_route(PREFIX, ENDPOINTS),
        *streams.routes(PREFIX),
        *(_route(server, path, list(on)) for path, on in groupby(sorted(ENDPOINTS, key=_turn), key=_path)),
    ]
    inner = Starlette(routes=routes, exception_handlers={HTTPException: _unrouted})
    inner.router.redirect_slashes = False
    inner.router.default = _nowhere
    keeper = Doorkeeper(inner, guard.bearers, guard.clock, guard.ids, guard.hosts, guard.rates, guard.open_paths)
    templates = {route.endpoint: route.path for route in routes}
    return _on_raw_paths(Witness(keeper, templates, guard.clock, guard.observer))


def _on_raw_paths(inner: ASGIApp) -> ASGIApp:
    """Everybody decides by the path as it was sent; what stands for a name in it is decoded by itself, so that it may
    hold a slash (``QUEUE%2FNAME``)."""

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path")
        await inner(scope if not raw else {**scope, "path": raw.decode("latin-1")}, receive, send)

    return respond


def _path(one: Endpoint) -> str:
    return one.path


def _turn(one: Endpoint) -> tuple[bool, str]:
    """Routes are tried one after the other: first those that name nothing, which are few and called most."""
    return "{" in one.path, one.path


def _route(server: Server, path: str, on: list[Endpoint]) -> Route:
    """A path with all its methods, so that a refusal names them all."""
    by_method = {str(one.method): server.serve(one) for one in on}

    async def respond(request: Request) -> Response:
        response: Response = await by_method["GET" if request.method == "HEAD" else request.method](request)
        return response

    return Route(PREFIX + path, respond, methods=list(by_method))


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """What no route is for, neither for calls nor for WebSockets."""
    error = NotFound(f"there is nothing at {scope['path'][:200]}")
    await refuse(error, scope["state"]["request"], scope, receive, send)


async def _unrouted(request: Request, raised: Exception) -> Response:
    """A method that its path does not take, as a problem document."""
    assert isinstance(raised, HTTPException)
    assert raised.status_code == 405
    allowed = (raised.headers or {}).get("Allow", "")
    error = MethodNotAllowed(f"{request.method[:20]} is not for {request.url.path[:200]}; it takes {allowed}")
    response = refusal(error, request)
    response.headers.update(raised.headers or {})
    return response
