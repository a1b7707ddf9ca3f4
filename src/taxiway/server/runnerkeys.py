"""Keys of runners: an invitation makes one, and a revocation takes it, with all that its runners run (4.14, I2)."""

from __future__ import annotations

from http import HTTPMethod
from typing import Annotated, Final

import msgspec

from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Reply, object_of, ref
from taxiway.server.tokens import made
from taxiway.store.protocol import NewToken
from taxiway.wire.documents import token_document

INVITE_S: Final = 600.0


class Invite(msgspec.Struct, frozen=True):
    """What the new runner's key is called, and for how many seconds the invitation holds."""

    name: str
    expires_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = INVITE_S


class Redeem(msgspec.Struct, frozen=True):
    """The key that the runner made for itself: its id, and the SHA-256 of its secret (in hexadecimal)."""

    id: Annotated[str, msgspec.Meta(pattern="^tok_[0-9a-hjkmnp-tv-z]{26}$")]
    hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


async def invite(call: Call) -> Reply:
    """An invitation: whoever shows it first becomes a runner. It is told once."""
    asked: Invite = call.body
    return await made(call, asked.name, TokenScope.INVITE, asked.expires_s)


async def redeem(call: Call) -> Reply:
    """A key of its own for an invitation, which opens nothing from then on."""
    asked: Redeem = call.body
    new = NewToken(id=asked.id, name=call.principal.name, scope=TokenScope.RUNNER, hash=bytes.fromhex(asked.hash))
    return Reply(token_document(await call.tw.store.redeem_invite(call.principal.token, new, call.principal.name)), 201)


async def revoke(call: Call) -> Reply:
    """Its key opens nothing any more, and all runs of all runners with that key are fenced."""
    return Reply(token_document(await call.tw.revoke_runner(call.path["runner"])))


ENDPOINTS: Final = (
    Endpoint(
        method=HTTPMethod.POST,
        path="/runners/invites",
        scope=TokenScope.ADMIN,
        handler=invite,
        summary="Invite a runner",
        body=Invite,
        answer=object_of(token=ref("Token"), text={"type": "string"}),
        status=201,
        secret=True,
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/runners/keys",
        scope=TokenScope.INVITE,
        handler=redeem,
        summary="Become a runner",
        body=Redeem,
        answer=ref("Token"),
        status=201,
    ),
    Endpoint(
        method=HTTPMethod.DELETE,
        path="/runners/{runner}",
        scope=TokenScope.ADMIN,
        handler=revoke,
        summary="Revoke a runner's key",
        answer=ref("Token"),
    ),
)
