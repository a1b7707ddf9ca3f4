"""Cuts what a program writes on its terminal into text, control characters and control sequences, piece by piece."""

from __future__ import annotations

import codecs
import re
from typing import Final, NamedTuple

SEQUENCE_CHARS_MAX: Final = 256  #: of a control sequence; a longer one is dropped
STRING_CHARS_MAX: Final = 1_024  #: kept of a control string (titles, palettes, queries); more is read and forgotten
NUMBER_MAX: Final = 9_999


class Escape(NamedTuple):
    """ESC, intermediates, and the final character."""

    intermediates: str
    final: str


class Sequence(NamedTuple):
    """CSI: ``prefix`` is one of ``<=>?`` or empty; a number that was left out is None."""

    prefix: str
    numbers: tuple[int | None, ...]
    intermediates: str
    final: str


class String(NamedTuple):
    """A control string: ``kind`` is the character after ESC (``]`` OSC, ``P`` DCS, ``^`` PM, ``_`` APC, ``X`` SOS)."""

    kind: str
    text: str


#: A plain string is printable characters, or one control character (CR LF counts as one).
Token = str | Escape | Sequence | String

_TOKEN: Final = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|(?P<control>\r\n|[\x00-\x1a\x1c-\x1f])"
    r"|\x1b\[[0-9:;]{0,64}m"  # colours, which nothing here has
    r"|\x1b\[(?P<prefix>[<-?]?)(?P<numbers>[0-9:;]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|\x1b(?P<string>[\]PX^_])"
    r"|(?P<unfinished>\x1b(?:\[[0-?]*[ -/]*|[ -/]*)\Z)"
    r"|\x1b\[[0-?]*[ -/]*"  # a sequence that something else broke off
    r"|\x1b(?P<intermediates>[ -/]*)(?P<escape>[0-~])"
    r"|[\x1b\x7f-\x9f]"
)
#: What ends a control string: BEL and ST do, CAN, SUB and any other ESC break it off; a last ESC says nothing yet.
_STRING_END: Final = re.compile(r"(?P<end>\x07|\x1b\\)|(?P<broken>[\x18\x1a]|\x1b(?=[^\\]))|\x1b\Z")


class Tokenizer:
    """One stream. Characters and sequences may be split between pieces."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._kind: str | None = None
        self._string = ""

    def feed(self, data: bytes) -> list[Token]:
        """The tokens that are whole by now."""
        text = self._held + self._decoder.decode(data)
        self._held = ""
        found: list[Token] = []
        at = 0
        while at < len(text):
            at = self._plain(text, at, found) if self._kind is None else self._in_string(text, at, found)
        return found

    def _plain(self, text: str, at: int, found: list[Token]) -> int:
        """Tokens up to the end or to the begin of a control string; where that is."""
        for match in _TOKEN.finditer(text, at):
            match match.lastgroup:
                case "text" | "control":
                    found.append(match[0])
                case "final":
                    if match.end() - match.start() <= SEQUENCE_CHARS_MAX:
                        found.append(
                            Sequence(match["prefix"], _numbers(match["numbers"]), match["between"], match["final"])
                        )
                case "escape":
                    found.append(Escape(match["intermediates"], match["escape"]))
                case "string":
                    self._kind, self._string = match["string"], ""
                    return match.end()
                case "unfinished" if len(match[0]) <= SEQUENCE_CHARS_MAX:
                    self._held = match[0]
        return len(text)

    def _in_string(self, text: str, at: int, found: list[Token]) -> int:
        """Go on in a control string; where to go on after it."""
        match = _STRING_END.search(text, at)
        until = len(text) if match is None else match.start()
        self._string += text[at : min(until, at + STRING_CHARS_MAX - len(self._string))]
        if match is None:
            return until
        if match.lastgroup is None:
            self._held = match[0]
            return len(text)
        if match.lastgroup == "end":
            found.append(String(self._kind or "", self._string))
        self._kind = None
        return match.start() if match[0] == "\x1b" else match.end()


def _numbers(text: str) -> tuple[int | None, ...]:
    """What stands between semicolons; of a group with colons the first."""
    firsts = [part.partition(":")[0] for part in text.split(";")]
    return tuple(min(int(first[:6]), NUMBER_MAX) if first else None for first in firsts)
