"""Turns what an agent says into events of a run; a long text becomes several, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from taxiway.agents import lines_wire as wire
from taxiway.agents.dialogue import Said
from taxiway.core.event import EventType

PIECE_CHARS_MAX: Final = 10_000  #: a character takes at most six bytes of JSON, so a piece always fits in an event
BREAK_CHARS_MAX: Final = 1_000  #: how far back a piece may end, so that it ends between words

_TYPES: Final = {
    wire.Message: EventType.MESSAGE,
    wire.Thought: EventType.THOUGHT,
    wire.ToolCall: EventType.TOOL_CALL,
    wire.ToolResult: EventType.TOOL_RESULT,
    wire.Diff: EventType.DIFF,
    wire.Todo: EventType.TODO,
    wire.ApprovalRequested: EventType.APPROVAL_REQUESTED,
    wire.Trouble: EventType.ERROR,
}


def said_of(message: wire.Event) -> Iterator[Said]:
    """The events that a message becomes: their data is what was said, without what was not."""
    kind = _TYPES[type(message)]
    if isinstance(message, wire.Message | wire.Thought):
        for number, piece in enumerate(pieces_of(message.text)):
            yield Said(kind, {"text": piece, "delta": True} if number or message.delta else {"text": piece})
    else:
        known = msgspec.to_builtins(message).items()
        yield Said(kind, {name: value for name, value in known if value is not None and name != "type"})


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
