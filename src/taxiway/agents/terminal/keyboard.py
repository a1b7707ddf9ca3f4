"""How a text is typed or pasted into a program, so that it is taken as one input and can give no commands."""

from __future__ import annotations

import re
from typing import Final

PASTE_BEGIN: Final = b"\x1b[200~"
PASTE_END: Final = b"\x1b[201~"
ENTER: Final = b"\r"
TYPED_TAB: Final = "    "  #: a tab key would complete something
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LINE_ENDS: Final = re.compile(r"\r\n?")


def pasted(text: str) -> bytes:
    """As one paste, for a program that has asked to be told where pasted text begins and ends."""
    return PASTE_BEGIN + _plain(text).encode("utf-8", "replace") + PASTE_END


def typed(text: str) -> bytes:
    """As keys. A line end is the line-feed key, which most full-screen programs take as a new line in their input; one
    that reads line by line takes each line as it comes, and there is no way to have it wait."""
    return _plain(text).replace("\t", TYPED_TAB).encode("utf-8", "replace")


def _plain(text: str) -> str:
    """Without control characters: none of them can be a key, or end the paste."""
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))
