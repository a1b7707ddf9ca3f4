"""Where a server is, and what is shown to it: addresses as people write them, and tokens."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from taxiway.core.errors import Invalid

PREFIX = "/v1"


def base_of(url: str) -> str:
    """The address that every path goes behind. Raises ``Invalid`` with what would be right: a token in an address
    would stand in logs, and what is behind a ``?`` would be lost."""
    text = url.strip()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Invalid(
            f"'{text[:200]}' is no address: {error}; write http://127.0.0.1:8787, or http://[::1]:8787"
        ) from None
    if parts.scheme not in ("http", "https") or not host:
        raise Invalid(f"'{text[:200]}' is no address of a server; write http://HOST:PORT or https://HOST")
    if parts.username is not None or parts.password is not None:
        raise Invalid("an address has no name or password in it; a token is given by itself")
    if parts.query or parts.fragment:
        raise Invalid(f"'{text[:200]}' has more behind it than an address; leave out everything from ? or # on")
    if not text.isascii() or any(sign.isspace() for sign in text):
        raise Invalid(f"'{text[:200]}' is no address: it has signs in it that none has")
    return f"{parts.scheme}://{shown_host(host)}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}{PREFIX}"


def login_link(url: str, code: str) -> str:
    """What a browser is signed in with. The code stands where no browser sends it, and no server logs it."""
    return f"{url.rstrip('/')}/login#{code}"


def shown_host(host: str) -> str:
    """A host as an address has it."""
    return f"[{host}]" if ":" in host else host


def is_loopback(url: str) -> bool:
    """Whether an address is one of this machine, that nobody else can answer at."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def checked_token(token: str) -> str:
    """A token as it can be sent; what goes around it in a file is cut off. Raises ``Invalid``, without the token."""
    text = token.strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise Invalid("this is no token: one is a word as in txw_…; 'taxiway token create NAME' makes one")
    return text
