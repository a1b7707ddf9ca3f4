"""The wire of `lines`: one JSON object a line in both directions, read as what a stranger wrote.

To the agent: ``turn``, ``steer``, ``interrupt``, ``answer``, ``bye``. From it: the records of `Incoming`. Fields that
are not known are passed over, so that an agent may say more; everything else that does not fit makes the line
unreadable.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from taxiway.core.limits import DURATION_S_MAX
from taxiway.core.providerlimit import LimitKind

THREAD_CHARS_MAX: Final = 500  #: an agent's own id of a conversation

ASK_ID_CHARS_MAX: Final = 200  #: an agent's own id of a question

#: It is put into a command line later: one word, and never one that looks like an option.
Thread = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][!-~]*$", max_length=THREAD_CHARS_MAX)]
AskId = Annotated[str, Meta(min_length=1, max_length=ASK_ID_CHARS_MAX)]
Tokens = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]


class _Spoken(msgspec.Struct, frozen=True, tag_field="type"):
    pass


class Ready(_Spoken, frozen=True, tag="ready"):
    """The agent takes turns from now on."""


class ThreadNamed(_Spoken, frozen=True, tag="thread"):
    """The agent's own id of this conversation."""

    id: Thread


class Message(_Spoken, frozen=True, tag="message"):
    """Text for the reader. ``delta``: it goes on where the last one stopped."""

    text: str
    delta: bool = False


class Thought(_Spoken, frozen=True, tag="thought"):
    """Reasoning."""

    text: str
    delta: bool = False


class ToolCall(_Spoken, frozen=True, tag="tool.call"):
    """A tool is used."""

    name: str
    id: str | None = None
    input: Any = None


class ToolResult(_Spoken, frozen=True, tag="tool.result"):
    """What the tool gave."""

    id: str | None = None
    name: str | None = None
    output: Any = None
    failed: bool | None = None


class Diff(_Spoken, frozen=True, tag="diff"):
    """A change of a file, as a unified diff."""

    text: str
    path: str | None = None


class TodoItem(msgspec.Struct, frozen=True):
    """One line of the agent's plan."""

    text: str
    done: bool = False


class Todo(_Spoken, frozen=True, tag="todo"):
    """The agent's own plan, whole."""

    items: list[TodoItem]


class UsageTold(_Spoken, frozen=True, tag="usage"):
    """What the open turn has consumed so far, and how full the model's window is."""

    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    cached_tokens: Tokens | None = None
    usd: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    context_tokens: Tokens | None = None
    context_window: Annotated[int, Meta(ge=1, le=(1 << 53) - 1)] | None = None


class RateLimit(_Spoken, frozen=True, tag="rate_limit"):
    """A provider's limit was met; it resets at a time (RFC 3339) or in so many seconds; ``warning`` refuses nothing."""

    kind: LimitKind = LimitKind.RATE
    text: str | None = None
    resets_at: Annotated[datetime, Meta(tz=True)] | None = None
    resets_in_s: Annotated[float, Meta(ge=0, le=DURATION_S_MAX)] | None = None


class ApprovalRequested(_Spoken, frozen=True, tag="approval.requested"):
    """A person is asked. With an ``id`` the agent waits for the answer; without one it only says so. ``words``: it
    wants to be told something."""

    text: str
    id: AskId | None = None
    tool: str | None = None
    input: Any = None
    words: bool | None = None


class ApprovalWithdrawn(_Spoken, frozen=True, tag="approval.withdrawn"):
    """The agent does not want to know any more."""

    id: AskId


class Trouble(_Spoken, frozen=True, tag="error"):
    """Something went wrong; the turn goes on."""

    text: str


class Steered(_Spoken, frozen=True, tag="steered"):
    """Whether a steer went into the turn."""

    signal: str
    applied: bool
    why: str | None = None


class Done(_Spoken, frozen=True, tag="done"):
    """The turn has ended: with success, unless it ``failed`` (a reason) or was ``interrupted``. ``passing``: what it
    failed for may be gone the next time."""

    turn: int | None = None
    text: str | None = None
    result: Any = None
    failed: str | None = None
    error: str | None = None
    interrupted: bool = False
    passing: bool = False


Event = Message | Thought | ToolCall | ToolResult | Diff | Todo | ApprovalRequested | Trouble
Incoming = Ready | ThreadNamed | UsageTold | RateLimit | Steered | Done | ApprovalWithdrawn | Event


class Unreadable(msgspec.Struct, frozen=True):
    """A line that is no message: why, and whether it is the end of a turn all the same."""

    why: str
    ends_turn: bool = False


_INCOMING: Final = msgspec.json.Decoder(Incoming)
_ANYTHING: Final = msgspec.json.Decoder()
_ENCODE: Final = msgspec.json.Encoder().encode

BYE: Final = b'{"type":"bye"}\n'


def turn_line(turn: int, text: str, schema: dict[str, Any] | None = None) -> bytes:
    """Take a turn; ``turn`` counts within this process. Its result shall follow ``schema``, where there is one."""
    asked = {} if schema is None else {"schema": schema}
    return _ENCODE({"type": "turn", "turn": turn, "text": text, **asked}) + b"\n"


def steer_line(turn: int, signal: str, text: str) -> bytes:
    """Text for the open turn."""
    return _ENCODE({"type": "steer", "turn": turn, "signal": signal, "text": text}) + b"\n"


def interrupt_line(turn: int) -> bytes:
    """End the open turn."""
    return _ENCODE({"type": "interrupt", "turn": turn}) + b"\n"


def answer_line(id: str, allow: bool, text: str | None) -> bytes:
    """What was said to a question of the agent, and why."""
    told = {"type": "answer", "id": id, "allow": allow}
    return _ENCODE(told if text is None else {**told, "text": text}) + b"\n"


def read_line(line: bytes) -> Incoming | Unreadable:
    """What an agent said with a line."""
    try:
        found: Incoming = _INCOMING.decode(line)
    except msgspec.ValidationError as error:
        return Unreadable(str(error), _says_done(line))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Unreadable(str(error))
    except RecursionError:
        return Unreadable("it is nested too deeply")
    return found


def _says_done(line: bytes) -> bool:
    try:
        found = _ANYTHING.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("type") == "done"
