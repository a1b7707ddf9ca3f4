"""Turns what an agent says into events that fit: long texts become several, other long values are cut and say so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from taxiway.agents import lines_wire as wire
from taxiway.agents.dialogue import Said
from taxiway.core.event import EventType
from taxiway.core.limits import EVENT_BYTES_MAX

PIECE_CHARS_MAX: Final = 10_000  #: a character takes at most six bytes of JSON, so a piece always fits in an event
BREAK_CHARS_MAX: Final = 1_000  #: how far back a piece may end, so that it ends between words
SMALL_BYTES: Final = 1_000  #: values that are never cut

_TYPES: Final = {
    wire.Message: EventType.MESSAGE,
    wire.Thought: EventType.THOUGHT,
    wire.ToolCall: EventType.TOOL_CALL,
    wire.ToolResult: EventType.TOOL_RESULT,
    wire.Diff: EventType.DIFF,
    wire.Todo: EventType.TODO,
    wire.RateLimit: EventType.RATE_LIMIT,
    wire.ApprovalRequested: EventType.APPROVAL_REQUESTED,
    wire.Trouble: EventType.ERROR,
}


def said_of(message: wire.Event) -> Iterator[Said]:
    """The events that a message becomes, each with data of at most `EVENT_BYTES_MAX` bytes as JSON."""
    data = {name: value for name, value in msgspec.to_builtins(message).items() if value is not None and name != "type"}
    if not data.get("delta", True):
        del data["delta"]
    if len(msgspec.json.encode(data)) <= EVENT_BYTES_MAX:
        yield Said(_TYPES[type(message)], data)
    elif isinstance(message, wire.Message | wire.Thought):
        for number, piece in enumerate(pieces_of(message.text)):
            goes_on = {"delta": True} if number or message.delta else {}
            yield Said(_TYPES[type(message)], {"text": piece, **goes_on})
    else:
        yield Said(_TYPES[type(message)], _cut(data))


def pieces_of(text: str) -> Iterator[str]:
    """The text in pieces of at most `PIECE_CHARS_MAX`, ending at a blank where there is one: a secret stays whole."""
    start = 0
    while len(text) - start > PIECE_CHARS_MAX:
        end = start + PIECE_CHARS_MAX
        blank = max(text.rfind(mark, end - BREAK_CHARS_MAX, end) for mark in " \n")
        end = blank + 1 if blank >= 0 else end
        yield text[start:end]
        start = end
    yield text[start:]


class LastText:
    """The end of what was said last: at most ``size`` bytes, however many pieces it came in."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._pieces: list[str] = []
        self._chars = 0

    def add(self, text: str, goes_on: bool) -> None:
        """A new text, or more of the one before."""
        if not goes_on:
            self._pieces, self._chars = [], 0
        self._pieces.append(text)
        self._chars += len(text)
        if self._chars > 2 * self._size:
            self._pieces = [tail_of("".join(self._pieces), self._size)]
            self._chars = len(self._pieces[0])

    @property
    def text(self) -> str | None:
        """The text, or ``None`` when there was none."""
        return tail_of("".join(self._pieces), self._size) or None


def tail_of(text: str, size: int) -> str:
    """The end of a text, of at most ``size`` bytes in UTF-8."""
    if len(text) * 4 <= size:
        return text
    return text[-size:].encode()[-size:].decode("utf-8", "ignore")


def _cut(data: dict[str, Any]) -> dict[str, Any]:
    """The same with its long values as the beginnings of their texts; ``cut_bytes`` is how long they were."""
    sizes = {name: len(msgspec.json.encode(value)) for name, value in data.items()}
    long = [name for name, size in sizes.items() if size > SMALL_BYTES]
    found = dict(data)
    for name in long:
        value = data[name]
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        found[name] = text[: PIECE_CHARS_MAX // len(long)]
    return {**found, "cut_bytes": sum(sizes[name] for name in long)}
