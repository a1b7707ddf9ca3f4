"""Cuts what a program writes into lines, and holds no more of one than a bound."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

LINE_BYTES_MAX: Final = 2 << 20  #: one line of an agent; a longer one is skipped, and that is told


#: An escaped backslash, a whole pair of escapes, or half of one, which is the group.
_ESCAPES: Final = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def without_halves(line: bytes) -> bytes:
    """A line of JSON without halves of characters, which are no text: programs that count in UTF-16 write them where
    they cut a text in the middle of an emoji. Each becomes U+FFFD."""
    if b"\\ud" not in line and b"\\uD" not in line:
        return line
    return _ESCAPES.sub(lambda found: b"\\ufffd" if found[1] else found[0], line)


class TooLong(msgspec.Struct, frozen=True):
    """A line of more bytes than are kept of one."""

    size: int


class LineCutter:
    """Cuts a stream of bytes into lines, and never holds more of one than ``size_max`` bytes."""

    def __init__(self, size_max: int = LINE_BYTES_MAX) -> None:
        self._size_max = size_max
        self._begun = bytearray()
        self._skipped = 0

    def feed(self, data: bytes) -> Iterator[bytes | TooLong]:
        """The lines that are whole now, without their ends."""
        *whole, rest = data.split(b"\n")
        for part in whole:
            self._take(part)
            yield self._cut()
        self._take(rest)

    def flush(self) -> Iterator[bytes | TooLong]:
        """What is left at the end of the stream, if anything is."""
        if self._begun or self._skipped:
            yield self._cut()

    def _take(self, part: bytes) -> None:
        if self._skipped or len(self._begun) + len(part) > self._size_max:
            self._skipped += len(self._begun) + len(part)
            self._begun.clear()
        else:
            self._begun += part

    def _cut(self) -> bytes | TooLong:
        found = TooLong(self._skipped) if self._skipped else bytes(self._begun)
        self._skipped = 0
        self._begun.clear()
        return found
