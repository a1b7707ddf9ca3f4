"""A tenant: whose everything is. What belongs to one is not there for another (I10)."""

from __future__ import annotations

import re
from typing import Final

from taxiway.core.errors import Invalid, Problem

#: Whose everything is where nobody says. It also has what is the store's own: its runners and the shared accounts.
DEFAULT_TENANT: Final = "default"
TENANT_CHARS_MAX: Final = 64

_WORD: Final = re.compile(rf"[A-Za-z0-9_.-]{{1,{TENANT_CHARS_MAX}}}")


def check_tenant(name: str) -> str:
    """Return ``name`` if it can be a tenant's: letters, digits, ``-``, ``_`` and ``.``; else raise ``Invalid``."""
    if not _WORD.fullmatch(name):
        text = f"a tenant is a word of letters, digits, '-', '_' and '.', of 1 to {TENANT_CHARS_MAX} characters"
        raise Invalid(f"{text}; not {name[: 2 * TENANT_CHARS_MAX]!r}", [Problem(text, field="tenant")])
    return name
