"""The server's routes and who guards them, as explicit lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Final

import msgspec
from starlette.routing import Route
from starlette.types import ASGIApp as ASGIApp
from starlette.types import Receive, Scope, Send

from taxiway.clock import Clock, Ids
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
from taxiway.server.doorkeeper import OPEN_PATHS, Doorkeeper, Rates
from taxiway.server.endpoint import Endpoint
from taxiway.server.health import health_routes
from taxiway.server.login import Login
from taxiway.server.openapi import openapi_route
from taxiway.server.routing import AnyRoute, Routing, answering
from taxiway.server.serving import Server
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
    routes: list[AnyRoute] = [
        *health_routes(server),
        *others,
        login.route(),
        openapi_route(PREFIX, ENDPOINTS),
        *streams.routes(PREFIX),
        *(_route(server, path, list(on)) for path, on in groupby(sorted(ENDPOINTS, key=_path), key=_path)),
    ]
    inner = Routing(routes)
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


def _route(server: Server, path: str, on: list[Endpoint]) -> Route:
    return answering(PREFIX + path, {one.method: server.serve(one) for one in on})
