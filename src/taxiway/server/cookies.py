"""The cookie of a signed-in browser: how it is called, found, and set.

Over https its name begins with ``__Host-``, which no other host and no plain http can set. Loopback has no https, and
its cookies are not kept apart by port: there the name holds the port.
"""

from __future__ import annotations

from typing import Final

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
SECURE: Final = "__Host-taxiway"
DEFAULT_PORT: Final = "80"


def cookie_names(host: str, name: str) -> tuple[str, ...]:
    """What it may be called in a request to this ``Host``, whose ``name`` is without the port."""
    return (SECURE, _plain(host)) if name in LOOPBACK else (SECURE,)


def shown_cookie(header: str | None, names: tuple[str, ...]) -> str | None:
    """The value of the first of these names in a ``Cookie`` header; one that stands there twice is nobody's."""
    found: dict[str, list[str]] = {}
    for part in (header or "").split(";"):
        key, _, value = part.strip().partition("=")
        found.setdefault(key, []).append(value)
    return next((found[name][0] for name in names if len(found.get(name, ())) == 1), None)


def set_cookie(host: str, name: str, https: bool, value: str, age_s: int) -> str:
    """The ``Set-Cookie`` header: for this host alone, for no script, and for no other site's page."""
    secure = https or name not in LOOPBACK
    kept = f"{SECURE if secure else _plain(host)}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict"
    return kept + ("; Secure" if secure else "")


def _plain(host: str) -> str:
    port = host.rpartition(":")[2]
    return f"taxiway-{port if port.isdecimal() else DEFAULT_PORT}"
