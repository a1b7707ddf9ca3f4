"""The part of a store's contract that servers need: tokens, and what was answered under an idempotency key."""

from __future__ import annotations

from typing import Protocol, Self

import msgspec

from taxiway.core.token import Browser, Token, TokenScope
from taxiway.store.guard import Guard


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token to be made, with the SHA-256 of its secret; ``expires_s`` counts from now. Who signs a browser in tells
    its id and hash alone: the rest is the bearer's."""

    id: str
    hash: bytes
    name: str = ""
    scope: TokenScope = TokenScope.VIEWER
    expires_s: float | None = None
    browser: Browser | None = None
    parent: str | None = None


class Reply(msgspec.Struct, frozen=True):
    """What was answered under a key; ``status`` is ``None`` while, or when, nobody knows what. ``done``: something was
    written under it."""

    status: int | None
    body: bytes | None
    done: bool = False


class TokenStore(Protocol):
    """What a server needs of a store for itself."""

    async def make_token(self, new: NewToken, actor: str) -> Token:
        """Store a token."""
        ...

    async def tokens(self) -> list[Token]:
        """Every token, oldest first."""
        ...

    async def token(self, id: str) -> tuple[Token, bytes]:
        """A token of any tenant and the hash of its secret; raises ``NotFound``."""
        ...

    async def revoke_token(self, id: str, actor: str) -> Token:
        """It opens nothing from now on; revoking it again changes nothing. Raises ``NotFound``."""
        ...

    async def redeem_invite(self, invite: str, new: NewToken, actor: str) -> Token:
        """A runner's key for an invitation, which opens nothing from now on; for the same key again the same answer.
        Raises ``Unauthorized`` for one that has been used for another key, is revoked or expired."""
        ...

    async def make_link(self, parent: str, new: NewToken, actor: str) -> Token:
        """A link that signs a browser in, for the bearer of a token. Raises ``Forbidden`` for a token that is not a
        person's, and ``NotFound``."""
        ...

    async def sign_in(self, link: str, hash: bytes, new: NewToken) -> Token:
        """What a browser of any tenant's shows from now on, for a link with this hash of its secret, which opens
        nothing from now on. Raises ``Unauthorized`` for one that is unknown, used, revoked or expired."""
        ...

    async def tokens_used(self, used: dict[str, int]) -> None:
        """When tokens were used last (milliseconds since 1970 UTC), by their ids."""
        ...

    def guarded(self, guard: Guard) -> Self:
        """The same store for one call: what it writes is written once under its key, and to what it expected."""
        ...

    async def reply(self, key: str, hash: bytes) -> Reply | None:
        """What is known of a mutation under a key. Raises ``IdempotencyMismatch`` where something else was asked under
        that key (I9)."""
        ...

    async def settle_reply(self, key: str, hash: bytes, reply: Reply) -> None:
        """Keep what it was answered, unless an answer is kept already."""
        ...

    async def prune_replies(self, older_than_ms: int, limit: int) -> int:
        """Forget what was answered before a time; how many those were, at most ``limit``."""
        ...
