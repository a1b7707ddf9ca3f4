"""What all dialects have in common: a request with its history and tools, and the reply to it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.stub_model.script import Failure, Turn, Window

Json = dict[str, Any]
PIECES_MAX = 2_000  #: a huge text comes in longer pieces, not in more of them


@dataclass(frozen=True)
class Offer:
    """A tool that the client offers; ``free``: it takes text, not arguments."""

    name: str
    schema: Json = field(default_factory=dict)
    free: bool = False


@dataclass(frozen=True)
class Message:
    """One entry of the history: who (user, assistant, tool, system), and the text in it."""

    role: str
    text: str = ""


@dataclass(frozen=True)
class Request:
    """What a client asks."""

    dialect: str
    model: str
    stream: bool
    offers: tuple[Offer, ...]
    messages: tuple[Message, ...]
    schema: Json | None  #: the client wants JSON of this shape
    size: int = 0  #: bytes of its body


@dataclass(frozen=True)
class Call:
    """A call of one of the client's tools."""

    id: str
    name: str
    arguments: Json | str

    @property
    def text(self) -> str:
        """The arguments as the dialects that send text send them."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True)
class Usage:
    """Tokens of one exchange; ``cached`` are part of ``taken``."""

    taken: int
    given: int
    cached: int = 0


@dataclass(frozen=True)
class Reply:
    """What the stub answers, in no dialect yet."""

    id: str
    model: str
    turn: Turn
    text: str
    calls: tuple[Call, ...]
    usage: Usage


@dataclass(frozen=True)
class Refusal:
    """An error to answer with, in no dialect yet; ``begun``: the answer in which it comes."""

    failure: Failure
    headers: dict[str, str]
    begun: Reply | None = None


class Dialect(Protocol):
    """How one provider's interface writes requests, replies and errors. ``now`` is the wall clock, in seconds."""

    name: str

    def read(self, path: str, body: Json) -> Request:
        """The request in a body. May raise KeyError, TypeError, AttributeError on what is none."""

    def whole(self, reply: Reply, now: float) -> Json:
        """The reply in one piece."""

    def stream(self, reply: Reply, now: float) -> Iterator[bytes]:
        """The reply as server-sent events."""

    def error(self, failure: Failure, now: float) -> tuple[dict[str, str], Json]:
        """Headers and body of an error."""

    def broken(self, failure: Failure, now: float) -> bytes:
        """The event that says that the answer fails here."""

    def window(self, window: Window, now: float) -> dict[str, str]:
        """Headers that say how full the account's window is."""


def event(data: Json, name: str | None = None) -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def pieces(text: str) -> Iterator[str]:
    """A text in words, or in longer pieces where there would be too many of them; nothing for an empty text."""
    words = text.split(" ")
    step = len(words) // PIECES_MAX + 1
    for begin in range(0, len(words) if text else 0, step):
        yield ("" if begin == 0 else " ") + " ".join(words[begin : begin + step])


def text_of(content: object) -> str:
    """The plain text in a string or in a list of parts; what a tool gave back is not the user's text."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return ""


def message_of(failure: Failure) -> str:
    """The sentence of an error."""
    return failure.message or f"the stub fails with {failure.status}"
