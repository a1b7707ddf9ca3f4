"""``/login``: a browser shows the code of a link, once and soon, and gets a cookie for it (4.2).

The code stands behind the ``#`` of the link, which no browser sends and no server logs. The page is the same for
everybody: a form, which a few lines of its own send off; without scripts the code is pasted into it.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from html import escape
from http import HTTPMethod
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from taxiway.clock import Clock, Ids
from taxiway.core.errors import Error, Malformed, TooLarge, Unauthorized
from taxiway.core.token import Token, read_token, secret_hash, token_text
from taxiway.server.cookies import set_cookie
from taxiway.server.routing import answering
from taxiway.server.serving import refusal
from taxiway.store.protocol import NewToken, Store

PATH: Final = "/login"
FORM: Final = "application/x-www-form-urlencoded"
BODY_BYTES_MAX: Final = 2_000
BODY_S_MAX: Final = 10.0
NO_CODE: Final = "this is no code of a link; one begins with txw_"

_SCRIPT: Final = (
    "function take() { const code = location.hash.slice(1); history.replaceState(null, '', location.pathname);"
    " if (code) { const form = document.forms[0]; form.code.value = code; form.submit(); } }"
    " addEventListener('hashchange', take); take();"  # a link that is opened where the page is loads nothing
)
_HASH: Final = b64encode(sha256(_SCRIPT.encode()).digest()).decode()
_HEAD: Final = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Taxiway</title><h1>Taxiway</h1>'
_FORM: Final = (
    f'<form method="post" action="{PATH}"><label>The code of your link '
    '<input name="code" type="password" autocomplete="off" required></label> <button>Sign in</button></form>'
    f"<script>{_SCRIPT}</script></html>"
)
_PAGE: Final = _HEAD + _FORM
HEADERS: Final = {
    "content-security-policy": (
        f"default-src 'none'; script-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


class Login:
    """Signs browsers in."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, make_secret: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._make_secret = make_secret

    def route(self) -> Route:
        """The page, and where its form goes."""
        return answering(PATH, {HTTPMethod.GET: self._page, HTTPMethod.POST: self._sign_in})

    async def _page(self, request: Request) -> Response:  # noqa: ARG002  (Starlette's)
        return Response(_PAGE, headers=HEADERS, media_type="text/html")

    async def _sign_in(self, request: Request) -> Response:
        try:
            claim = read_token(await _code(request))
            if claim is None:
                raise Unauthorized(NO_CODE)
            id, secret = self._ids.new("tok"), self._make_secret()
            new = NewToken(id=id, hash=secret_hash(secret))
            made = await self._store.sign_in(*claim, new)
        except Error as error:
            return _refused(request, error)
        return self._signed_in(request, made, token_text(id, secret))

    def _signed_in(self, request: Request, made: Token, text: str) -> Response:
        host = request.headers["host"]
        https = request.url.scheme == "https" or urlsplit(request.headers.get("origin", "")).scheme == "https"
        age_s = ((made.expires_at or 0) - self._clock.now_ms()) // 1000
        cookie = set_cookie(host, urlsplit(f"//{host}").hostname or "", https, text, age_s)
        page = f"{_HEAD}<p>You are signed in as {escape(made.name)}, with the scope {made.scope}.</p></html>"
        return Response(page, headers={**HEADERS, "set-cookie": cookie}, media_type="text/html")


def _refused(request: Request, error: Error) -> Response:
    """A sentence and the form for whoever looks at it in a browser, a problem document for programs."""
    refused = refusal(error, request)
    if "text/html" not in request.headers.get("accept", ""):
        return refused
    page = f"{_HEAD}<p>{escape(error.message)}</p>{_FORM}"
    return Response(page, refused.status_code, HEADERS, media_type="text/html")


async def _code(request: Request) -> str:
    """The code in a form. Raises ``Malformed``."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Malformed(f"this takes a form ({FORM})")
    body = b""
    try:
        async with asyncio.timeout(BODY_S_MAX):
            async for piece in request.stream():
                body += piece
                if len(body) > BODY_BYTES_MAX:
                    raise TooLarge(f"the form has more than {BODY_BYTES_MAX} bytes")
    except TimeoutError:
        raise Malformed(f"the form did not come within {BODY_S_MAX:g} s") from None
    except ClientDisconnect:
        raise Malformed("the form was cut off") from None
    codes = parse_qs(body.decode("latin-1"), max_num_fields=10).get("code", [])
    return codes[0].strip() if len(codes) == 1 else ""
