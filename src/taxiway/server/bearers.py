"""Who calls: tokens are looked up, compared, and remembered for a moment."""

from __future__ import annotations

from typing import Final, NamedTuple

from taxiway.clock import Clock
from taxiway.core.errors import NotFound, Unauthorized
from taxiway.core.runtoken import read_run_token
from taxiway.core.token import Browser, Principal, Token, TokenScope, read_token, same_hash
from taxiway.server.mint import Mint
from taxiway.store.protocol import Store, Topic

REMEMBERED_S: Final = 2.0  #: so late at most a token that was revoked in another process is refused here
REMEMBERED_MAX: Final = 10_000
USED_EVERY_S: Final = 60.0  #: how often the store is told when tokens were used
REFUSED: Final = "there is no such token, or it opens nothing any more; ask for one with 'taxiway token create'"
OVER: Final = "this is no token of a run that lives: it opened something as long as its run did"
MISSING: Final = "a token is needed, as in: Authorization: Bearer txw_…"


class _Known(NamedTuple):
    token: Token
    hash: bytes
    at_s: float


class Bearers:
    """Tells who a token belongs to. As a service it notes when tokens were used last."""

    name: Final = "bearers"
    topics: Final = Topic.NOTHING

    def __init__(self, store: Store, clock: Clock, mint: Mint) -> None:
        self._store = store
        self._mint = mint
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._used: dict[str, int] = {}

    async def principal(self, authorization: str | None) -> Principal:
        """Whoever shows this ``Authorization`` header. Raises ``Unauthorized``, for every cause in the same words."""
        if authorization is None:
            raise Unauthorized(MISSING)
        scheme, _, text = authorization.partition(" ")
        shown = text.strip() if scheme.lower() == "bearer" else ""
        if read_run_token(shown) is not None:
            return await self._of_run(shown)
        claim = read_token(shown)
        if claim is None:
            raise Unauthorized(REFUSED if scheme.lower() == "bearer" else MISSING)
        return await self._of_token(*claim, None)

    async def visitor(self, cookie: str) -> Principal:
        """Whoever's browser shows this cookie. Raises ``Unauthorized``."""
        claim = read_token(cookie)
        if claim is None:
            raise Unauthorized(REFUSED)
        return await self._of_token(*claim, Browser.SESSION)

    async def still(self, principal: Principal) -> None:
        """Raises ``Unauthorized`` where a token that was shown opens nothing any more."""
        known = await self._look_up(principal.token)
        if known is None or not known.token.holds(self._clock.now_ms()):
            raise Unauthorized(REFUSED)

    async def _of_token(self, id: str, hash: bytes, browser: Browser | None) -> Principal:
        """The bearer, if what is shown is of this kind: a cookie is no token, a token no cookie, a link neither."""
        known = await self._look_up(id)
        now = self._clock.now_ms()
        if known is None or not same_hash(known.hash, hash) or not known.token.holds(now):
            raise Unauthorized(REFUSED)
        if known.token.browser is not browser:
            raise Unauthorized(REFUSED)
        self._used[id] = now
        token = known.token
        return Principal(token=token.id, name=token.name, scope=token.scope, tenant=token.tenant, browser=browser)

    async def _of_run(self, shown: str) -> Principal:
        """A run, as long as it lives."""
        holder = await self._mint.holder(shown)
        if holder is None:
            raise Unauthorized(OVER)
        name = f"run:{holder.run}"
        return Principal(token=holder.run, name=name, scope=TokenScope.RUN, tenant=holder.tenant, holder=holder)

    async def step(self) -> float:
        """Note when tokens were used."""
        used, self._used = self._used, {}
        if used:
            await self._store.tokens_used(used)
        return USED_EVERY_S

    async def _look_up(self, id: str) -> _Known | None:
        known = self._known.get(id)
        now_s = self._clock.elapsed_s()
        if known is not None and now_s - known.at_s < REMEMBERED_S:
            return known
        try:
            token, hash = await self._store.token(id)
        except NotFound:
            return None
        if len(self._known) >= REMEMBERED_MAX:
            self._known.clear()
        self._known[id] = found = _Known(token, hash, now_s)
        return found
