"""Scrubbing: the exact values of declared secrets never reach the store (I11)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote, quote_plus

MASK: Final = "[redacted]"
SECRET_CHARS_MIN: Final = 4  #: shorter values would mask half of every text

_MASK: Final = MASK.encode()
_PERCENT: Final = re.compile(r"%[0-9A-F]{2}")
_ESCAPE: Final = re.compile(r"\\u[0-9a-f]{4}")
_UNRESERVED: Final = ("", "/", "!'()*~", "!'()*~;/?:@&=+$,#")  #: RFC 3986, Python, and what browsers leave as it is


class Scrubber:
    """Replaces every declared value, also in base64 (three offsets), URL-encoded and JSON-escaped form.

    Looking for each form by itself is what is fast: the regular expression, which knows them all and which of two goes
    first, is asked only where one is there.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = {form for value in values if len(value) >= SECRET_CHARS_MIN for form in _forms(value)}
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._pattern = re.compile(b"|".join(re.escape(form) for form in self._forms)) if forms else None
        self._beginnings = _Beginnings(self._forms)

    @property
    def active(self) -> bool:
        """Whether there is anything to scrub."""
        return self._pattern is not None

    def data(self, data: bytes) -> bytes:
        """Scrub bytes that are whole."""
        for form in self._forms:
            if form in data:
                assert self._pattern is not None
                return self._pattern.sub(_MASK, data)
        return data

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
        return ScrubbedStream(self, self._pattern, self._beginnings)


class ScrubbedStream:
    """Holds back the end of a stream where that may be the beginning of a secret, so that none slips through a seam.

    What it gives is what scrubbing the whole at once would give, however the pieces are cut.
    """

    def __init__(self, scrubber: Scrubber, pattern: re.Pattern[bytes] | None, beginnings: _Beginnings) -> None:
        self._scrubber = scrubber
        self._pattern = pattern
        self._beginnings = beginnings
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """Take the next piece and give what is safe to store by now."""
        if self._pattern is None:
            return piece
        data = self._rest + piece if self._rest else piece
        end = self._safe_end(data)
        self._rest = data[end:]
        return self._scrubber.data(data[:end] if self._rest else data)

    def flush(self) -> bytes:
        """Give what was held back, at the end of the stream."""
        rest, self._rest = self._rest, b""
        return self._scrubber.data(rest)

    def _safe_end(self, data: bytes) -> int:
        """Where the first secret may begin whose end is not there yet. What begins within one that is whole is none."""
        at = self._beginnings.first(data, 0)
        while at < len(data):
            within = self._around(data, at)
            if within is None:
                break
            at = self._beginnings.first(data, within.end())
        return at

    def _around(self, data: bytes, at: int) -> re.Match[bytes] | None:
        """The secret that begins before a place and ends behind it."""
        near = data[max(0, at - self._beginnings.window) : at + self._beginnings.window]
        if self._pattern is None or self._scrubber.data(near) is near:
            return None
        return next((found for found in self._pattern.finditer(data) if found.start() < at < found.end()), None)


class _Beginnings:
    """Tells where at the end of some bytes a form begins that is not whole there."""

    def __init__(self, forms: tuple[bytes, ...]) -> None:
        self.window = len(forms[0]) - 1 if forms else 0
        self._by_first: dict[bytes, list[bytes]] = {}
        for form in forms:
            self._by_first.setdefault(form[:1], []).append(form)
        self._firsts = re.compile(b"[" + b"".join(map(re.escape, self._by_first)) + b"]" if forms else b"(?!)")

    def first(self, data: bytes, after: int) -> int:
        """The earliest such place from ``after`` on; the length of ``data`` where there is none."""
        for found in self._firsts.finditer(data, max(after, len(data) - self.window)):
            end = data[found.start() :]
            if any(len(form) > len(end) and form.startswith(end) for form in self._by_first[found.group()]):
                return found.start()
        return len(data)


def _forms(value: str) -> set[bytes]:
    """A value as programs write it."""
    raw = value.encode("utf-8", "surrogatepass")
    forms = {raw, raw.replace(b"\n", b"\r\n")}  # as it is, and as a terminal shows it
    forms.update(_url_encoded(raw))
    forms.update(form.encode("utf-8", "surrogatepass") for form in _json_escaped(value))
    forms.update(_in_base64(raw))
    return forms


def _url_encoded(raw: bytes) -> Iterator[bytes]:
    for safe in _UNRESERVED:
        for form in (quote(raw, safe=safe), quote_plus(raw, safe=safe)):
            yield form.encode()
            yield _PERCENT.sub(lambda found: found.group().lower(), form).encode()


def _json_escaped(value: str) -> Iterator[str]:
    """Escaped once, and once more where JSON is written into JSON; with what some writers escape besides."""
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        in_html = once.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        for form in (once, once.replace("/", "\\/"), in_html):
            yield form
            yield _ESCAPE.sub(lambda found: "\\u" + found.group()[2:].upper(), form)
            yield json.dumps(form, ensure_ascii=ascii_only)[1:-1]


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """In each of its three alignments, as far as its characters hold nothing but the value."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        mixed = (0, 3, 2)[(len(raw) + offset) % 3]  # at the end: characters that hold bits of what follows, or padding
        certain = encoded[(0, 2, 3)[offset] : len(encoded) - mixed]
        yield certain
        yield certain.replace(b"+", b"-").replace(b"/", b"_")
