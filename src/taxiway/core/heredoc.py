"""Here-documents of a shell's text: the delimiter as it is written, and where the body ends."""

from __future__ import annotations

from typing import Final

import msgspec

ENDS_WORD: Final = frozenset(" \t\n;&|()<>")


class HereDocument(msgspec.Struct, frozen=True):
    """``<<EOF``: ``tabs`` for ``<<-``, ``quoted`` where the delimiter was, so that nothing in the body is expanded.
    ``end`` is the offset behind the delimiter; ``doubt`` says what shells may read differently."""

    delimiter: str
    tabs: bool
    quoted: bool
    end: int
    doubt: str = ""


class Body(msgspec.Struct, frozen=True):
    """Where a body ends and where the text goes on after its closing line."""

    end: int
    resume: int
    doubt: str = ""


def read_delimiter(text: str, at: int, tabs: bool) -> HereDocument:
    """The here-document whose operator ends before ``at``."""
    while text[at : at + 1] in (" ", "\t"):
        at += 1
    word, quoted, doubt = "", False, ""
    while at < len(text) and (character := text[at]) not in ENDS_WORD:
        end = at + 1
        if character in "$`" or text.startswith("\\\n", at):
            doubt = "an expansion in a here-document's delimiter"
        if character == "\\":
            piece, end, quoted = text[end : end + 1], end + 1, True
        elif character in "'\"":
            close = text.find(character, end)
            close = len(text) if close < 0 else close
            piece, end, quoted = text[end:close], close + 1, True
            if "\\" in piece or "\n" in piece:
                doubt = "an escape in a here-document's delimiter"
        else:
            piece = character
        word, at = word + piece, min(end, len(text))
    return HereDocument(word, tabs, quoted, at, doubt)


def find_body(text: str, start: int, document: HereDocument) -> Body:
    """The body that begins at ``start``. One that is never closed reaches to the text's end, with a doubt."""
    position, continued = start, False
    while position < len(text):
        newline = text.find("\n", position)
        stop = len(text) if newline < 0 else newline
        line = text[position:stop]
        if (line.lstrip("\t") if document.tabs else line) == document.delimiter:
            doubt = "a here-document's end after a continued line" if continued else ""
            return Body(position, min(stop + 1, len(text)), doubt)
        slashes = len(line) - len(line.rstrip("\\"))
        continued = not document.quoted and slashes % 2 == 1
        position = stop + 1
    return Body(len(text), len(text), "a here-document without an end")
