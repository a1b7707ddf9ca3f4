"""Texts that an agent says in pieces: scrubbed as the whole that they are, wherever it cuts them (I11)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from taxiway.core.event import EventType
from taxiway.core.redact import ScrubbedStream, Scrubber

OPEN_MAX: Final = 64  #: texts that go on at once, as those of an agent's helpers do; of one more the oldest is closed
_TEXTS: Final = frozenset({EventType.MESSAGE, EventType.THOUGHT})

Told = tuple[EventType, dict[str, Any]]


class Spoken:
    """What one turn says. The end of a text that may be the beginning of a secret waits for the next piece, or for the
    end of the text: nothing that stands in between gives it away."""

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        self._open: dict[tuple[EventType, str], _Text] = {}

    def take(self, type: EventType, data: dict[str, Any]) -> Iterator[Told]:
        """What may be stored by now, in order."""
        text = data.get("text")
        if type not in _TEXTS or not isinstance(text, str) or not self._scrubber.active:
            yield type, self._scrubber.value(data)
            return
        key = type, str(data.get("parent"))
        begun = self._open.get(key)
        around = self._scrubber.value({name: value for name, value in data.items() if name not in ("text", "delta")})
        if begun is None or not data.get("delta"):
            if begun is not None:
                yield from begun.end(type)
            elif len(self._open) >= OPEN_MAX:
                oldest = next(iter(self._open))
                yield from self._open.pop(oldest).end(oldest[0])
            begun = self._open[key] = _Text(self._scrubber.stream(), around, bool(data.get("delta")))
        yield from begun.take(type, text, around)

    def end(self) -> list[Told]:
        """What has waited, at the end of the turn."""
        left = [told for (type, _), text in self._open.items() for told in text.end(type)]
        self._open.clear()
        return left


class _Text:
    """One text: its stream, what else was said of it, and whether its first piece is told (others are deltas)."""

    def __init__(self, stream: ScrubbedStream, around: dict[str, Any], told: bool) -> None:
        self._stream = stream
        self._around = around
        self._told = told

    def take(self, type: EventType, text: str, around: dict[str, Any]) -> Iterator[Told]:
        self._around = around
        return self._tell(type, self._stream.feed(text.encode("utf-8", "replace")))

    def end(self, type: EventType) -> Iterator[Told]:
        return self._tell(type, self._stream.flush())

    def _tell(self, type: EventType, data: bytes) -> Iterator[Told]:
        if data:
            piece = {"text": data.decode("utf-8", "replace"), **self._around}
            yield type, piece | {"delta": True} if self._told else piece
            self._told = True
