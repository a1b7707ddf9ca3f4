"""The verbs on tokens: make, list, revoke."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from taxiway.clock import Ids
from taxiway.core import fieldtypes
from taxiway.core.errors import Ambiguous, Conflict, Invalid, NotFound, Problem
from taxiway.core.fieldtypes import Bad
from taxiway.core.token import Token, TokenScope, secret_hash, token_text
from taxiway.store.protocol import NewToken, Store

EXPIRES_S_MAX: Final = 10 * 366 * 86_400.0


class TokenIntake:
    """The verbs, for one actor. ``make_secret`` gives 32 random bytes in URL-safe base 64."""

    def __init__(self, store: Store, ids: Ids, actor: str, make_secret: Callable[[], str]) -> None:
        self._store = store
        self._ids = ids
        self._actor = actor
        self._make_secret = make_secret

    async def make(self, name: str, scope: TokenScope, expires_s: float | None = None) -> tuple[Token, str]:
        """A new token, and its text, which nobody can tell again."""
        try:
            fieldtypes.name(name)
        except Bad as bad:
            raise Invalid(f"the token's name {bad.message}", [Problem(bad.message, "name", hint=bad.hint)]) from None
        if expires_s is not None and not 0 < expires_s <= EXPIRES_S_MAX:
            raise Invalid(
                f"a token expires after some seconds, at most {EXPIRES_S_MAX:.0f}", [Problem("", "expires_s")]
            )
        secret, id = self._make_secret(), self._ids.new("tok")
        new = NewToken(id=id, name=name, scope=scope, hash=secret_hash(secret), expires_s=expires_s)
        return await self._store.make_token(new, self._actor), token_text(id, secret)

    async def link(self, ref: str) -> tuple[Token, str]:
        """A link that signs a browser in as the bearer of a token, once and within a minute; and its code."""
        secret, id = self._make_secret(), self._ids.new("tok")
        parent = await self._meant(ref)
        return await self._store.make_link(parent, NewToken(id=id, hash=secret_hash(secret)), self._actor), token_text(
            id, secret
        )

    async def end(self, id: str) -> Token:
        """A token by its whole id opens nothing any more."""
        return await self._store.revoke_token(id, self._actor)

    async def every(self) -> list[Token]:
        """Every token, oldest first."""
        return await self._store.tokens()

    async def revoke(self, ref: str) -> Token:
        """It opens nothing from now on; by its id, a unique part of it, or the name of its only bearer. What a browser
        of his shows is no token of that name."""
        return await self._store.revoke_token(await self._meant(ref), self._actor)

    async def _meant(self, ref: str) -> str:
        found = [one for one in await self._store.tokens() if _is_called(one, ref)]
        live = [one for one in found if one.revoked_at is None] or found
        if len(live) > 1:
            candidates = [one.id for one in live]
            raise Invalid(f"'{ref}' means {len(live)} tokens: {', '.join(candidates)}", candidates=candidates)
        return live[0].id if live else ref

    async def revoke_runner(self, ref: str) -> Token:
        """The key that a runner works with opens nothing from now on; by the runner's id or a unique part of it."""
        own = {None, *(token.id for token in await self._store.tokens())}  # another tenant's is not there (I10)
        meant = [one for one in await self._store.runners() if ref == one.id or _part(ref, one.id)]
        found = [one for one in meant if one.token in own]
        if len(found) != 1:
            candidates = [one.id for one in found]
            text = f"'{ref}' means {len(found)} runners: {', '.join(candidates)}"
            raise Ambiguous(text, candidates=candidates) if found else NotFound(f"there is no runner '{ref}'", ref=ref)
        if found[0].token is None:
            raise Conflict(
                f"runner {found[0].id} has the store at hand and works without a key; stop it: taxiway runner drain",
                runner=found[0].id,
            )
        return await self._store.revoke_token(found[0].token, self._actor)


def _is_called(one: Token, ref: str) -> bool:
    return ref == one.id or (ref == one.name and one.browser is None) or _part(ref, one.id)


def _part(ref: str, id: str) -> bool:
    bare = id.partition("_")[2]
    return len(ref) >= 4 and (bare.startswith(ref) or bare.endswith(ref))
