"""Scrubbing: the exact values of declared secrets never reach the store (I11)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

MASK: Final = "[redacted]"
SECRET_CHARS_MIN: Final = 4  #: shorter values would mask half of every text


class Scrubber:
    """Replaces every declared value, also in base64 (three offsets), URL-encoded and JSON-escaped form."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = {form for value in values if len(value) >= SECRET_CHARS_MIN for form in _forms(value)}
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._longest = len(ordered[0]) if ordered else 0
        self._pattern = re.compile(b"|".join(re.escape(form) for form in ordered)) if ordered else None

    @property
    def active(self) -> bool:
        """Whether there is anything to scrub."""
        return self._pattern is not None

    def data(self, data: bytes) -> bytes:
        """Scrub bytes that are whole."""
        return data if self._pattern is None else self._pattern.sub(MASK.encode(), data)

    def text(self, text: str) -> str:
        """Scrub a text that is whole."""
        if self._pattern is None:
            return text
        return self.data(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def value(self, value: Any) -> Any:
        """Scrub every string inside a JSON value."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def stream(self) -> ScrubbedStream:
        """A scrubber for one stream of pieces, which also finds what is split between two of them."""
        return ScrubbedStream(self._pattern, self._longest)


class ScrubbedStream:
    """Holds back the last ``longest - 1`` bytes of a stream, so that no secret slips through a seam."""

    def __init__(self, pattern: re.Pattern[bytes] | None, longest: int) -> None:
        self._pattern = pattern
        self._hold = max(0, longest - 1)
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """Take the next piece and give what is safe to store by now."""
        if self._pattern is None:
            return piece
        data = self._rest + piece
        safe_end = max(0, len(data) - self._hold)
        for match in self._pattern.finditer(data):
            if match.start() < safe_end < match.end():
                safe_end = match.start()
                break
        self._rest = data[safe_end:]
        return self._pattern.sub(MASK.encode(), data[:safe_end])

    def flush(self) -> bytes:
        """Give what was held back, at the end of the stream."""
        rest, self._rest = self._rest, b""
        return rest if self._pattern is None else self._pattern.sub(MASK.encode(), rest)


def _forms(value: str) -> set[bytes]:
    raw = value.encode("utf-8", "surrogatepass")
    forms = {raw, quote(raw, safe="").encode(), json.dumps(value)[1:-1].encode()}
    forms.add(json.dumps(value, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass"))
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        # The first and last group mix the value with its neighbours, so only the inner characters are certain.
        start = (0, 2, 3)[offset]
        end = len(encoded) - (4 if (len(raw) + offset) % 3 else 0)
        if end - start >= 8:
            forms.add(encoded[start:end])
            forms.add(encoded[start:end].replace(b"+", b"-").replace(b"/", b"_"))
    return forms
