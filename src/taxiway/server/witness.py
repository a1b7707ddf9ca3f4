"""Tells the observer of every request, however it was answered: the access log, and the metrics of the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taxiway.clock import Clock
from taxiway.core.token import Principal
from taxiway.observe.observer import Moment, Observer, guarded

NO_ROUTE: Final = "other"
ABORTED: Final = 499  #: whoever asked was gone before there was an answer
SWITCHED: Final = 101  #: a WebSocket was opened


class Witness:
    """An ASGI application around another one. It names routes by their templates only: paths hold ids."""

    def __init__(self, inner: ASGIApp, templates: Mapping[Any, str], clock: Clock, observer: Observer) -> None:
        """``templates`` are those of the routes, by what answers them."""
        self._inner = inner
        self._templates = templates
        self._clock = clock
        self._observer = guarded(observer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it pass, and say how it went."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        begun_s = self._clock.elapsed_s()
        answered: dict[str, Any] = {"status": ABORTED, "request": None}

        async def listening(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                answered.update(status=message["status"], request=_request_of(message))
            elif message["type"] == "websocket.accept":
                answered["status"] = SWITCHED
            await send(message)

        try:
            await self._inner(scope, receive, listening)
        finally:
            self._tell(scope, answered, self._clock.elapsed_s() - begun_s)

    def _tell(self, scope: Scope, answered: Mapping[str, Any], seconds: float) -> None:
        state = scope.get("state", {})
        principal: Principal | None = state.get("principal")
        self._observer(
            Moment.REQUEST_SERVED,
            method="WEBSOCKET" if scope["type"] == "websocket" else scope["method"][:10],
            route=self._templates.get(scope.get("endpoint"), NO_ROUTE),
            status=answered["status"],
            seconds=seconds,
            actor=None if principal is None else principal.name,
            request=answered["request"] or state.get("request"),
            address=(scope.get("client") or (None, 0))[0],
        )


def _request_of(message: Message) -> str | None:
    """The request's id, as the answer tells it."""
    found = next((value for name, value in message.get("headers", ()) if name == b"x-request-id"), None)
    return None if found is None else found.decode("latin-1")
