"""Links that sign a browser in, asked for by whoever shall be signed in; and the end of that."""

from __future__ import annotations

from http import HTTPMethod
from typing import Final

from taxiway.core.errors import Conflict
from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Reply, object_of, ref
from taxiway.wire.documents import token_document


async def make(call: Call) -> Reply:
    """A code that signs a browser in as you, once and within a minute: open `/login#CODE`."""
    link, text = await call.tw.make_link(call.principal.token)
    if call.replayed:
        raise Conflict("a link was made under this key, and its code is told once: make another", id=link.id)
    document = token_document(link)
    return Reply({"code": text, "expires_at": document["expires_at"]}, 201)


async def sign_out(call: Call) -> Reply:
    """The cookie that you show opens nothing any more. A token is revoked as a token."""
    if call.principal.browser is None:
        raise Conflict("you show a token, and no browser's cookie; a token is revoked: taxiway token revoke")
    return Reply(token_document(await call.tw.sign_out(call.principal.token)))


ENDPOINTS: Final = (
    Endpoint(
        method=HTTPMethod.POST,
        path="/links",
        scope=TokenScope.VIEWER,
        handler=make,
        summary="Sign a browser in",
        answer=object_of(code={"type": "string"}, expires_at={"type": "string", "format": "date-time"}),
        status=201,
        secret=True,
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/sign-out",
        scope=TokenScope.VIEWER,
        handler=sign_out,
        summary="Sign a browser out",
        answer=ref("Token"),
    ),
)
