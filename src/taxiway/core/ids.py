"""Ids: prefixed, sortable by time, short enough to read aloud.

An id is a prefix, an underscore and 26 characters of Crockford's base 32: 48 bits of milliseconds, then 80 bits of
chance (the layout of a ULID). Ids made in one process never go backwards.
"""

from __future__ import annotations

from typing import Final

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
SHORT_CHARS: Final = 6
_PAIRS: Final = tuple(a + b for a in ALPHABET for b in ALPHABET)


def make_id(prefix: str, now_ms: int, chance: int) -> str:
    """Build ``prefix_…`` from milliseconds since 1970 (UTC) and a random number of 80 bits."""
    value = ((now_ms & 0xFFFF_FFFF_FFFF) << 80) | (chance & 0xFFFF_FFFF_FFFF_FFFF_FFFF)
    pairs = _PAIRS
    text = "".join([pairs[(value >> shift) & 0x3FF] for shift in range(120, -1, -10)])
    return f"{prefix}_{text}"


def short_id(full: str) -> str:
    """The last six characters: what people see."""
    return full[-SHORT_CHARS:]


def is_full_id(text: str, prefix: str) -> bool:
    """Whether ``text`` looks like a whole id with this prefix."""
    head, _, tail = text.partition("_")
    return head == prefix and len(tail) == 26 and all(char in ALPHABET for char in tail)
