"""What a terminal is given: safe text (`taxiway.core.safe`), in pieces, in JSON, and by the columns that it takes."""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import Final

from taxiway.core.safe import DECEIVING, safe
from taxiway.core.safe import safe_line as safe_line

_UNFINISHED: Final = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*\x1b?\Z|(?:\x1b\[|\x9b)[0-?]*[ -/]*\Z|\x1b[ -/]*\Z|\r\Z"
)
HELD_CHARS_MAX: Final = 4_096  #: an escape sequence that does not end is let go of after so many characters


def safe_json(text: str) -> str:
    """JSON text in which what a terminal could act on, or hide, is escaped; its meaning stays the same."""
    return DECEIVING.sub(_escaped, re.sub(r"[\x7f-\x9f]", _escaped, text))


class SafeStream:
    """Makes one stream of bytes safe piece by piece: characters and escape sequences may be split between pieces."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def feed(self, piece: bytes, final: bool = False) -> str:
        """Take the next piece and give the text that is safe to show by now."""
        text = self._held + self._decoder.decode(piece, final)
        self._held = ""
        unfinished = None if final else _UNFINISHED.search(text)
        if unfinished is not None and len(text) - unfinished.start() <= HELD_CHARS_MAX:
            self._held = text[unfinished.start() :]
            text = text[: unfinished.start()]
        return safe(text)


def cells(text: str) -> int:
    """How many columns a safe text of one line takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def clipped(text: str, width: int) -> str:
    """The beginning of a line that fits into ``width`` columns, with an ellipsis where something was cut off."""
    if cells(text) <= width:
        return text
    taken, room = "", max(0, width - 1)
    for character in text:
        room -= _width(character)
        if room < 0:
            break
        taken += character
    return taken + "…" if width > 0 else ""


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _escaped(match: re.Match[str]) -> str:
    number = ord(match[0])
    if number > 0xFFFF:
        number -= 0x10000
        return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"
    return f"\\u{number:04x}"
