"""Tokens of runs: what one run may show a server while it lives. Nothing of one is stored: it is computed anew.

A token is the run's id and a code over it and its fence, made with a key that only the store knows. It opens something
as long as that run is live under that fence, so it dies with the fence, at once and everywhere, and costs no write.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from typing import Final

import msgspec

_TEXT: Final = re.compile(r"txr_(?P<id>[0-9a-hjkmnp-tv-z]{26})_(?P<code>[A-Za-z0-9_-]{43})")


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A live run, as far as its token needs to know: its fence, its task, and the session (by its id) of which it is a
    turn."""

    run: str
    fence: int
    task: str
    tenant: str
    project: str
    session: str | None = None


def run_token(key: bytes, run: str, fence: int) -> str:
    """The token of a run under a fence; ``key`` are 32 random bytes."""
    return f"txr_{run.removeprefix('run_')}_{_code(key, run, fence)}"


def read_run_token(text: str) -> str | None:
    """The id of the run whose token a text claims to be; ``None`` where it is none at all."""
    found = _TEXT.fullmatch(text)
    return None if found is None else f"run_{found['id']}"


def is_token_of(text: str, key: bytes, holder: Holder) -> bool:
    """Whether it is the token of this run under the fence that it has now."""
    return hmac.compare_digest(text.encode(), run_token(key, holder.run, holder.fence).encode())


def _code(key: bytes, run: str, fence: int) -> str:
    digest = hmac.digest(key, f"run-token\0{run}\0{fence}".encode(), hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
