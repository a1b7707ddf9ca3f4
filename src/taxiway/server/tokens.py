"""Tokens: made, listed and revoked by an administrator; the text of one is told once."""

from __future__ import annotations

from http import HTTPMethod
from typing import Annotated, Final

import msgspec

from taxiway.core.errors import Conflict
from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Reply, object_of, page_of, ref
from taxiway.wire.documents import token_document


class NewToken(msgspec.Struct, frozen=True):
    """Whose it is, what it may, and for how many seconds (none: until it is revoked)."""

    name: str
    scope: TokenScope = TokenScope.OPERATOR
    expires_s: Annotated[float, msgspec.Meta(gt=0)] | None = None


async def make(call: Call) -> Reply:
    """Make a token."""
    asked: NewToken = call.body
    return await made(call, asked.name, asked.scope, asked.expires_s)


async def made(call: Call, name: str, scope: TokenScope, expires_s: float | None) -> Reply:
    """A new token with its text, which is told once: whoever asks again under the same key is told that."""
    token, text = await call.tw.make_token(name, scope, expires_s)
    if call.replayed:
        raise Conflict("a token was made under this key, and its text is told once: make another", id=token.id)
    return Reply({"token": token_document(token), "text": text}, 201)


async def every(call: Call) -> Reply:
    """Every token, without what it opens."""
    return Reply({"items": [token_document(token) for token in await call.tw.tokens()], "cursor": None})


async def revoke(call: Call) -> Reply:
    """It opens nothing any more, at any server of the store, after two seconds at the latest."""
    return Reply(token_document(await call.tw.revoke_token(call.path["token"])))


ENDPOINTS: Final = (
    Endpoint(
        method=HTTPMethod.POST,
        path="/tokens",
        scope=TokenScope.ADMIN,
        handler=make,
        summary="Make a token",
        body=NewToken,
        answer=object_of(token=ref("Token"), text={"type": "string"}),
        status=201,
        secret=True,
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/tokens",
        scope=TokenScope.ADMIN,
        handler=every,
        summary="List tokens",
        answer=page_of("Token"),
    ),
    Endpoint(
        method=HTTPMethod.DELETE,
        path="/tokens/{token}",
        scope=TokenScope.ADMIN,
        handler=revoke,
        summary="Revoke a token",
        answer=ref("Token"),
    ),
)
