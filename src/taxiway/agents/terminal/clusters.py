"""One cell, one code: characters with marks that no single code point stands for get a code of our own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

MARKS_MAX: Final = 8  #: on one character; more are dropped
#: Decoded text never holds a lone surrogate, so these are free to stand for what does not fit into one code point.
_FIRST: Final = 0xD800
_CODES_MAX: Final = 0x800
_CODE: Final = re.compile("[\ud800-\udfff]")


class Clusters:
    """The clusters of one screen and their codes: at most 2,048 at a time."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._codes: dict[str, str] = {}

    def with_mark(self, cell: str, mark: str, rows: Iterable[str]) -> str:
        """The cell's new content, one code, when a mark comes upon it; ``rows`` is where codes are in use."""
        text = unicodedata.normalize("NFC", self._texts.get(cell, cell) + mark)
        if len(text) == 1:
            return text
        if len(text) > MARKS_MAX + 1:
            return cell
        if text not in self._codes:
            if len(self._codes) >= _CODES_MAX:
                self._forget_unused("".join(rows))
            free = next((chr(_FIRST + n) for n in range(_CODES_MAX) if chr(_FIRST + n) not in self._texts), None)
            if free is None:
                return cell
            self._codes[text], self._texts[free] = free, text
        return self._codes[text]

    def spelled(self, row: str) -> str:
        """A row with its codes written out."""
        return _CODE.sub(lambda match: self._texts[match[0]], row) if self._texts else row

    def _forget_unused(self, used: str) -> None:
        self._texts = {code: text for code, text in self._texts.items() if code in used}
        self._codes = {text: code for code, text in self._texts.items()}
