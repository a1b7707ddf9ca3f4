"""Who comes in: every request passes here before anybody looks at what it wants, and nothing gets past (4.2, 4.14).

A page in a browser may send requests here without its user knowing. What gives it away is the host that it named
(DNS rebinding) and the origin that the browser tells.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taxiway.clock import Clock, Ids
from taxiway.core.errors import Error, Forbidden, Misdirected, RateLimited
from taxiway.core.token import TokenScope
from taxiway.server.bearers import Bearers
from taxiway.server.bucket import Buckets
from taxiway.server.cookies import LOOPBACK, cookie_names, shown_cookie
from taxiway.server.problem import problem_reply

OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})  #: what is answered without a token: nothing but "ok"
LOGIN: Final = "/login"  #: where a browser gets one: a page that is the same for everybody, and a form
STREAMS: Final = frozenset({"/v1/stream", "/v1/ws"})
PAGES_OWN: Final = "x-taxiway"  #: a header that no form can send, and no other site's page may
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
HOSTS_KEPT: Final = 100  #: spellings of hosts that are known without reading them again
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
SAFE_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class Rates(msgspec.Struct, frozen=True):
    """Calls a second, and at once: of one token, of all tokens of one tenant, of a runner's (it makes some for each
    run), and of one address that shows none."""

    per_s: float = 100.0
    burst: float = 200.0
    tenant_per_s: float = 500.0
    tenant_burst: float = 1_000.0
    runner_per_s: float = 1_000.0
    runner_burst: float = 2_000.0
    refused_per_s: float = 5.0
    refused_burst: float = 20.0


class Doorkeeper:
    """An ASGI application around another one: decides who is let in, and tells it who that is."""

    def __init__(
        self,
        inner: ASGIApp,
        bearers: Bearers,
        clock: Clock,
        ids: Ids,
        hosts: Collection[str],
        rates: Rates,
        open_paths: Collection[str] = OPEN_PATHS,
    ) -> None:
        """``hosts`` are the names that this server answers to, beside those of loopback; ``open_paths`` are answered
        without a token."""
        self._inner = inner
        self._bearers = bearers
        self._ids = ids
        self._open_paths = frozenset(open_paths)
        self._hosts = LOOPBACK | {host.lower() for host in hosts}
        self._rates = Buckets(clock.elapsed_s, rates.per_s, rates.burst)
        self._tenant_rates = Buckets(clock.elapsed_s, rates.tenant_per_s, rates.tenant_burst)
        self._runner_rates = Buckets(clock.elapsed_s, rates.runner_per_s, rates.runner_burst)
        self._refusals = Buckets(clock.elapsed_s, rates.refused_per_s, rates.refused_burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it in, or say why not."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = self._request_id(headers)
        safe = _with_headers(send, request)
        try:
            self._check_where(headers, scope)
            scope["state"] = {**scope.get("state", {}), "request": request, "headers": headers}
            if scope["path"] == LOGIN:
                self._check_login(headers, scope)
            elif scope["path"] not in self._open_paths:
                scope["state"]["principal"] = await self._who(headers, scope)
        except Error as error:
            await refuse(error, request, scope, receive, safe)
            return
        await self._inner(scope, receive, safe)

    def _check_where(self, headers: dict[str, str], scope: Scope) -> None:
        """The host that it names is ours, and so is the page that sends it."""
        host = headers.get("host", "")
        if _host_of(host) not in self._hosts:
            raise Misdirected(
                f"this server does not answer to the host '{host[:100]}'; [server] hosts names those it does"
            )
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        hidden = origin == "null" and site == "same-origin"  # a form of a page that tells no referrer
        if origin is not None and not hidden and _place_of(origin) != host.lower():
            raise Forbidden(f"a page of '{origin[:100]}' may not use this server")
        unsafe = scope["type"] == "websocket" or scope.get("method") not in SAFE_METHODS
        if unsafe and site not in ("same-origin", "none"):
            raise Forbidden("another site's page may not change anything here")

    async def _who(self, headers: dict[str, str], scope: Scope) -> object:
        shown = headers.get("authorization")
        cookie = None if shown is not None else _cookie(headers)
        try:
            if cookie is None:
                principal = await self._bearers.principal(shown)
            else:
                principal = await self._bearers.visitor(cookie)
        except Error:
            self._slow_down(self._refusals, _address(scope))
            raise
        if cookie is not None:
            _check_page(headers, scope)
        if principal.scope is TokenScope.RUNNER:
            self._slow_down(self._runner_rates, principal.token)
        else:
            self._slow_down(self._rates, principal.token)
            self._slow_down(self._tenant_rates, principal.tenant)
        return principal

    def _check_login(self, headers: dict[str, str], scope: Scope) -> None:
        """A form comes from our own page, and not too often from one address."""
        if scope.get("method") not in SAFE_METHODS:
            self._slow_down(self._refusals, _address(scope))
            if not _is_told(headers):
                raise Forbidden("a browser is signed in by this server's own page alone")

    def _slow_down(self, buckets: Buckets, caller: str) -> None:
        wait_s = buckets.take(caller)
        if wait_s is not None:
            raise RateLimited("too many calls in too short a time; wait a moment", retry_after_s=max(1, round(wait_s)))

    def _request_id(self, headers: dict[str, str]) -> str:
        given = headers.get("x-request-id", "")
        return given if _REQUEST_ID.fullmatch(given) else self._ids.new("req")


def _address(scope: Scope) -> str:
    address: str = (scope.get("client") or ("unknown", 0))[0]
    return address.removeprefix("::ffff:")


def _cookie(headers: dict[str, str]) -> str | None:
    host = headers.get("host", "")
    return shown_cookie(headers.get("cookie"), cookie_names(host, _host_of(host)))


def _is_told(headers: dict[str, str]) -> bool:
    """Whether the browser says that our own page sends it; where it says another one's, it has not come so far."""
    return headers.get("sec-fetch-site") == "same-origin" or headers.get("origin", "null") != "null"


def _check_page(headers: dict[str, str], scope: Scope) -> None:
    """A browser sends its cookie with whatever any page wants: it must be our own page that does (4.2)."""
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise Forbidden("another site's page may not look at anything here")
    if (scope["type"] == "websocket" or scope["path"] in STREAMS) and not _is_told(headers):
        raise Forbidden("a stream is opened by a page of this server; the browser does not say that it is one")
    changes = scope["type"] != "websocket" and scope.get("method") not in SAFE_METHODS
    if changes and (PAGES_OWN not in headers or not _is_told(headers)):
        raise Forbidden("with a cookie a change needs the header X-Taxiway: 1, and a page of this server")


@lru_cache(HOSTS_KEPT)
def _host_of(host: str) -> str:
    """Its name, without the port; nothing where it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "") if _sane(host) else ""
    except ValueError:  # [::::]
        return ""


def _place_of(origin: str) -> str:
    """The host, with its port, of a page."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _sane(host: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9A-Fa-f:]+\](:\d{1,5})?", host) is not None


def _with_headers(send: Send, request: str) -> Send:
    """Whatever is answered says what a browser may do with it, and under which id our log has it."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            known = {name for name, _ in message.get("headers", ())}
            more = [(name, value) for name, value in SAFE_HEADERS if name not in known]
            message = {**message, "headers": [*message.get("headers", ()), *more, (b"x-request-id", request.encode())]}
        await send(message)

    return send_with_headers


async def refuse(error: Error, request: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a call, or a handshake, with a problem document."""
    status, body, headers = problem_reply(error, request)
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    if scope["type"] == "websocket":
        await receive()  # the connect
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    fields.append((b"content-length", str(len(body)).encode()))
    await send({"type": f"{kind}.start", "status": status, "headers": fields})
    await send({"type": f"{kind}.body", "body": body})
