"""Which path leads where: by the words that it begins with, and then one route after the other, as Starlette does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPMethod
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from taxiway.core.errors import Malformed, NotFound
from taxiway.server.doorkeeper import refuse
from taxiway.server.serving import refusal

Respond = Callable[[Request], Awaitable[Response]]
AnyRoute = Route | WebSocketRoute
_WORDS: Final = 2  #: of a path, by which routes are told apart at once: ``/v1/tasks``


class MethodNotAllowed(Malformed):
    """The path is known, and the method is not; ``Allow`` names those that are."""

    code = "method_not_allowed"
    http_status = 405


def answering(path: str, by_method: Mapping[HTTPMethod, Respond]) -> Route:
    """A path with all its methods. Where ``GET`` is, ``HEAD`` is too."""
    head = {"HEAD": by_method[HTTPMethod.GET]} if HTTPMethod.GET in by_method else {}
    return Route(path, _Answering({**head, **{str(method): respond for method, respond in by_method.items()}}))


class Routing:
    """An application of all routes. Eighty of them tried one after the other cost more than what most of them do."""

    def __init__(self, routes: Sequence[AnyRoute]) -> None:
        beginning: dict[str, list[AnyRoute]] = {}
        for route in routes:
            beginning.setdefault(_beginning(route.path), []).append(route)
        self._by_beginning = {words: _router(found) for words, found in beginning.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say that there is nothing."""
        await self._by_beginning.get(_beginning(scope["path"]), _nowhere)(scope, receive, send)


class _Answering:
    """What answers on one path: an application, because around a function Starlette puts two of its own."""

    def __init__(self, by_method: Mapping[str, Respond]) -> None:
        self._by_method = by_method

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        respond = self._by_method.get(request.method, self._refuse)
        response = await respond(request)
        await response(scope, receive, send)

    async def _refuse(self, request: Request) -> Response:
        allowed = ", ".join(sorted(self._by_method))
        text = f"{request.method[:20]} is not for {request.url.path[:200]}; it takes {allowed}"
        response = refusal(MethodNotAllowed(text), request)
        response.headers["allow"] = allowed
        return response


def _beginning(path: str) -> str:
    return "/".join(path.split("/", _WORDS + 1)[: _WORDS + 1])


def _router(routes: Sequence[AnyRoute]) -> ASGIApp:
    """Those that name nothing go first: a name is never one of their words."""
    ordered = sorted(routes, key=lambda route: "{" in route.path)
    return Router(ordered, redirect_slashes=False, default=_nowhere)


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """What no route is for, neither for calls nor for WebSockets."""
    error = NotFound(f"there is nothing at {scope['path'][:200]}")
    await refuse(error, scope["state"]["request"], scope, receive, send)
