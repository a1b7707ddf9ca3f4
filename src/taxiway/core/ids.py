"""Ids: prefixed, sortable by time, short enough to read aloud.

An id is a prefix, an underscore and 26 characters of Crockford's base 32: 48 bits of milliseconds, then 80 bits of
chance (the layout of a ULID). Ids made in one process never go backwards.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
SHORT_CHARS: Final = 6
_PAIRS: Final = tuple(a + b for a in ALPHABET for b in ALPHABET)


def make_id(prefix: str, now_ms: int, chance: int) -> str:
    """Build ``prefix_…`` from milliseconds since 1970 (UTC) and a random number of 80 bits."""
    high, low = (chance >> 40) & 0xFF_FFFF_FFFF, chance & 0xFF_FFFF_FFFF
    pairs = _PAIRS
    return (
        f"{prefix}_{_time_part(now_ms & 0xFFFF_FFFF_FFFF)}"
        f"{pairs[high >> 30]}{pairs[high >> 20 & 0x3FF]}{pairs[high >> 10 & 0x3FF]}{pairs[high & 0x3FF]}"
        f"{pairs[low >> 30]}{pairs[low >> 20 & 0x3FF]}{pairs[low >> 10 & 0x3FF]}{pairs[low & 0x3FF]}"
    )


@lru_cache(maxsize=8)
def _time_part(now_ms: int) -> str:
    """The first ten characters, which all ids of one millisecond share."""
    return "".join([_PAIRS[now_ms >> shift & 0x3FF] for shift in range(40, -1, -10)])


def short_id(full: str) -> str:
    """The last six characters: what people see."""
    return full[-SHORT_CHARS:]


def is_full_id(text: str, prefix: str) -> bool:
    """Whether ``text`` looks like a whole id with this prefix."""
    head, _, tail = text.partition("_")
    return head == prefix and len(tail) == 26 and all(char in ALPHABET for char in tail)
