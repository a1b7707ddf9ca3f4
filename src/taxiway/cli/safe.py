"""Text of users and programs, made safe for a terminal: it can be read there, and can do nothing there.

Escape sequences are taken out whole (colours too), control characters but line end and tab are dropped, a lone carriage
return becomes a line end, and what would reorder or hide text is shown by its number. Source: CWE-150, CWE-1007.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import Final

#: ESC, or its one-character C1 form, and what follows: strings (OSC, DCS, SOS, PM, APC), CSI, two-character ones.
_STRING: Final = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
_CSI: Final = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
_SHORT: Final = r"\x1b[ -/]*[0-~]?"
_ESCAPES: Final = re.compile(f"{_STRING}|{_CSI}|{_SHORT}")
_UNFINISHED: Final = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*\x1b?\Z|(?:\x1b\[|\x9b)[0-?]*[ -/]*\Z|\x1b[ -/]*\Z|\r\Z"
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
#: Bidirectional controls, line and paragraph separators, invisible operators, tag characters, lone surrogates.
_DECEIVING: Final = re.compile(
    "[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff\ud800-\udfff]"
)
HELD_CHARS_MAX: Final = 4_096  #: an escape sequence that does not end is let go of after so many characters


def safe(text: str) -> str:
    """A text of several lines that a terminal can be given."""
    plain = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _DECEIVING.sub(_numbered, _CONTROLS.sub("", plain))


def safe_line(text: str) -> str:
    """The same as one line: whatever parts lines or columns becomes a space."""
    return " ".join(safe(text).split())


def safe_json(text: str) -> str:
    """JSON text in which what a terminal could act on, or hide, is escaped; its meaning stays the same."""
    return _DECEIVING.sub(_escaped, re.sub(r"[\x7f-\x9f]", _escaped, text))


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


def _numbered(match: re.Match[str]) -> str:
    return f"<U+{ord(match[0]):04X}>"


def _escaped(match: re.Match[str]) -> str:
    number = ord(match[0])
    if number > 0xFFFF:
        number -= 0x10000
        return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"
    return f"\\u{number:04x}"
