"""Ids as the programs make them that are imitated."""

from __future__ import annotations

import os
import re
import time
from typing import Final

UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z")


def random_uuid() -> str:
    """A random UUID (version 4)."""
    return _uuid(os.urandom(16), 4)


def timed_uuid() -> str:
    """A UUID that begins with the time (version 7)."""
    return _uuid(int(time.time() * 1_000).to_bytes(6, "big") + os.urandom(10), 7)


def _uuid(data: bytes, version: int) -> str:
    digits = bytearray(data)
    digits[6] = digits[6] & 0x0F | version << 4
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
