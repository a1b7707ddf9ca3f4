"""Tokens, and what was answered under an idempotency key."""

from __future__ import annotations

from typing import Final

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.errors import NotFound, Unauthorized
from taxiway.core.token import Browser, Token, TokenScope, same_hash
from taxiway.store.token_protocol import NewToken, Reply
from taxiway.store.tx import Row, Tx
from taxiway.store.verbs import runners
from taxiway.store.verbs.guarding import check_same

#: How an invitation is stored: its bearer may become a runner, and nothing else.
SINGLE_USE: Final = {TokenScope.INVITE: TokenScope.RUNNER}


# -- tokens --------------------------------------------------------------------------------------------------------
def make(tx: Tx, new: NewToken, actor: str) -> Token:
    """Store a token."""
    expires_at = None if new.expires_s is None else tx.now + int(new.expires_s * 1000)
    version = tx.change(ChangeKind.TOKEN, new.id, "made", None, actor, "make")
    tx.run(
        "insert_token",
        name=new.id,
        tenant=tx.tenant,
        bearer=new.name,
        scope=SINGLE_USE.get(new.scope, new.scope),
        single_use=int(new.scope in SINGLE_USE),
        hash=new.hash,
        now=tx.now,
        expires_at=expires_at,
        version=version,
        browser=new.browser,
        parent=new.parent,
    )
    return found(tx, new.id)[0]


def found(tx: Tx, id: str) -> tuple[Token, bytes]:
    """A token and the hash of its secret, whoever's it is."""
    row = tx.one("token_row", name=id)
    if row is None:
        raise NotFound(f"there is no token '{id}'", ref=id)
    return _token(row[:-1]), row[-1]


def own(tx: Tx, id: str) -> Token:
    """A token of the tenant; raises ``NotFound``."""
    token, _ = found(tx, id)
    if token.tenant != tx.tenant:
        raise NotFound(f"there is no token '{id}'", ref=id)
    return token


def every(tx: Tx) -> list[Token]:
    """Every token of the tenant."""
    return [_token(row) for row in tx.all("scan_tokens", tenant=tx.tenant)]


def redeem(tx: Tx, invite: str, new: NewToken, actor: str) -> Token:
    """A runner's key instead of an invitation, which opens nothing any more; the same key again is the same answer."""
    token, _ = found(tx, invite)
    if tx.one("token_row", name=new.id) is not None:
        made, hash = found(tx, new.id)
        same = (made.tenant, made.scope, made.name) == (token.tenant, new.scope, token.name)
        if same and same_hash(hash, new.hash):
            return made
        raise Unauthorized("this invitation has been used")
    if token.scope is not TokenScope.INVITE or not token.holds(tx.now):
        raise Unauthorized("this invitation has been used, or it is too old; ask for another one")
    revoke(tx, invite, actor)
    return make(tx, msgspec.structs.replace(new, name=token.name), actor)


def revoke(tx: Tx, id: str, actor: str) -> Token:
    """It opens nothing any more; runners that work with it lose their leases, and so what they run (I2), and browsers
    that were signed in for its bearer are so no longer."""
    token = own(tx, id)
    if token.revoked_at is not None:
        return token
    version = tx.change(ChangeKind.TOKEN, id, "revoked", None, actor, "revoke")
    tx.run("revoke_token", name=id, tenant=tx.tenant, now=tx.now, version=version)
    runners.lose_all_of(tx, id, actor)
    for (below,) in tx.all("tokens_below", parent=id, tenant=tx.tenant):
        revoke(tx, below, actor)
    return found(tx, id)[0]


def used(tx: Tx, moments: dict[str, int]) -> None:
    """When tokens were used last."""
    for id, at in moments.items():
        tx.run("use_token", name=id, at=at)


def _token(row: Row) -> Token:
    name, bearer, scope, tenant, created_at, expires_at, used_at, revoked_at, version, single_use, browser, parent = row
    return Token(
        id=name,
        name=bearer,
        scope=TokenScope.INVITE if single_use else TokenScope(scope),
        tenant=tenant,
        created_at=created_at,
        expires_at=expires_at,
        used_at=used_at,
        revoked_at=revoked_at,
        version=version,
        browser=None if browser is None else Browser(browser),
        parent=parent,
    )


# -- replies -------------------------------------------------------------------------------------------------------
def reply(tx: Tx, key: str, hash: bytes) -> Reply | None:
    """What is known of a mutation under a key (I9)."""
    row = tx.one("find_reply", tenant=tx.tenant, key=key)
    if row is None:
        return None
    check_same(key, row[0], hash)
    return Reply(row[1], row[2], row[3] is not None)


def settle_reply(tx: Tx, key: str, hash: bytes, reply: Reply) -> None:
    """Keep what was answered."""
    tx.run("settle_reply", tenant=tx.tenant, key=key, hash=hash, status=reply.status, body=reply.body, now=tx.now)


def prune_replies(tx: Tx, before: int, limit: int) -> int:
    """Forget what was answered before a time."""
    gone = tx.all("prune_replies", before=before, limit=limit)
    return len(gone)
