"""Browsers that are signed in: a link works once and soon, and what it makes ends with the token that it was for."""

from __future__ import annotations

import msgspec

from taxiway.core.errors import Forbidden, Unauthorized
from taxiway.core.token import BROWSER_S, LINK_S, PEOPLE, Browser, Token, same_hash
from taxiway.store.token_protocol import NewToken
from taxiway.store.tx import Tx
from taxiway.store.verbs import tokens

USED = "this link has been used, or it is too old; ask for another one: taxiway token link"


def make_link(tx: Tx, parent: str, new: NewToken, actor: str) -> Token:
    """A link for the bearer of a token. Those that are over are forgotten."""
    tx.run("forget_browsers", tenant=tx.tenant, now=tx.now)
    bearer = tokens.own(tx, parent)
    if bearer.browser is not None or bearer.scope not in PEOPLE or not bearer.holds(tx.now):
        raise Forbidden("a browser is signed in with the token of a person, as long as that opens something")
    return tokens.make(tx, _for(bearer, new, Browser.LINK, LINK_S, tx.now), actor)


def sign_in(tx: Tx, link: str, hash: bytes, new: NewToken) -> Token:
    """What a browser shows from now on, instead of a link, which opens nothing any more; decided here, once. Raises
    ``Unauthorized``, for every cause in the same words."""
    row = tx.one("token_row", name=link)
    found = None if row is None else tokens.found(tx, link)
    if found is None or not same_hash(found[1], hash):
        raise Unauthorized(USED)
    shown = found[0]
    if shown.browser is not Browser.LINK or not shown.holds(tx.now) or shown.parent is None:
        raise Unauthorized(USED)
    with tx.of(shown.tenant):
        if tx.one("token_row", name=shown.parent) is None:
            raise Unauthorized(USED)
        bearer = tokens.own(tx, shown.parent)
        if not bearer.holds(tx.now):
            raise Unauthorized(USED)
        tokens.revoke(tx, link, bearer.name)
        return tokens.make(tx, _for(bearer, new, Browser.SESSION, BROWSER_S, tx.now), bearer.name)


def _for(bearer: Token, new: NewToken, browser: Browser, most_s: float, now: int) -> NewToken:
    """The same bearer and scope, no longer than his own token."""
    left_s = most_s if bearer.expires_at is None else min(most_s, (bearer.expires_at - now) / 1000)
    who = {"name": bearer.name, "scope": bearer.scope, "parent": bearer.id}
    return msgspec.structs.replace(new, **who, browser=browser, expires_s=left_s)
