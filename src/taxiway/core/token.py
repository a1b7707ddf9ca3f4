"""Tokens: who may ask a server for what. Of a token only a hash is stored; its text is shown once, when it is made."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from taxiway.core.runtoken import Holder

_TEXT: Final = re.compile(r"txw_(?P<id>[0-9a-hjkmnp-tv-z]{26})_(?P<secret>[A-Za-z0-9_-]{43})")


class TokenScope(StrEnum):
    """What the bearer may do: look; work with tasks and sessions too; settle limits, tokens and runners too; execute
    runs; what one run may do for itself; or become a runner, once."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    RUNNER = "runner"
    RUN = "run"
    INVITE = "invite"


class Browser(StrEnum):
    """What of a browser's a token is: the code of a link that signs one in, or the cookie of one that is signed in."""

    LINK = "link"
    SESSION = "session"


OWNER: Final = "owner"  #: who has the token that lies beside the store
LINK_S: Final = 60.0  #: how long a link works
BROWSER_S: Final = 12 * 3600.0  #: how long a browser stays signed in
#: Scopes of people, who have browsers.
PEOPLE: Final = frozenset({TokenScope.VIEWER, TokenScope.OPERATOR, TokenScope.ADMIN})

#: What each scope holds.
HOLDS: Final[Mapping[TokenScope, frozenset[TokenScope]]] = MappingProxyType(
    {
        TokenScope.VIEWER: frozenset({TokenScope.VIEWER}),
        TokenScope.OPERATOR: frozenset({TokenScope.VIEWER, TokenScope.OPERATOR}),
        TokenScope.ADMIN: frozenset({TokenScope.VIEWER, TokenScope.OPERATOR, TokenScope.ADMIN}),
        TokenScope.RUNNER: frozenset({TokenScope.RUNNER}),
        TokenScope.RUN: frozenset({TokenScope.RUN}),
        TokenScope.INVITE: frozenset({TokenScope.INVITE}),
    }
)


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token as stored. ``name`` is what its bearer is called in the change log; times are milliseconds since 1970 UTC
    (``used_at`` at most a minute behind). ``browser``: it belongs to one, for the bearer of the token ``parent``, and
    ends with that."""

    id: str
    name: str
    scope: TokenScope
    tenant: str = "default"
    created_at: int = 0
    expires_at: int | None = None
    used_at: int | None = None
    revoked_at: int | None = None
    version: int = 0
    browser: Browser | None = None
    parent: str | None = None

    def holds(self, now_ms: int) -> bool:
        """Whether it opens anything at this time."""
        return self.revoked_at is None and (self.expires_at is None or now_ms < self.expires_at)


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls: the bearer of a token, in one tenant; ``holder`` is the run whose own token it is,
    ``browser`` says that it is a browser's cookie."""

    token: str
    name: str
    scope: TokenScope
    tenant: str
    holder: Holder | None = None
    browser: Browser | None = None

    def may(self, wanted: TokenScope) -> bool:
        """Whether its scope holds this one."""
        return wanted in HOLDS[self.scope]


def token_text(id: str, secret: str) -> str:
    """What the bearer keeps; ``secret`` are 32 random bytes in URL-safe base 64, without padding."""
    return f"txw_{id.removeprefix('tok_')}_{secret}"


def read_token(text: str) -> tuple[str, bytes] | None:
    """The id of the token that a text claims to be, and the hash of its secret; ``None`` where it is none at all."""
    found = _TEXT.fullmatch(text)
    return None if found is None else (f"tok_{found['id']}", secret_hash(found["secret"]))


def secret_hash(secret: str) -> bytes:
    """What is stored of a secret. It has 256 random bits, so one round suffices."""
    return hashlib.sha256(secret.encode()).digest()


def same_hash(one: bytes, other: bytes) -> bool:
    """Whether two hashes are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)
