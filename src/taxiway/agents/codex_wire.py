"""The wire of Codex's app-server: JSON-RPC without the word ``jsonrpc``, one object a line, read as a stranger's.

What the app-server says is a response to a request of ours, a request that waits for our answer, or a notification.
Only what is used is read, so that a newer Codex may say more.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from taxiway.core.limits import ERROR_CHARS_MAX

METHOD_NOT_FOUND: Final = -32601
THREAD_CHARS_MAX: Final = 500

T = TypeVar("T")
Id = int | str
#: It is handed back on a resume: one word.
Thread = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][!-~]*$", max_length=THREAD_CHARS_MAX)]
Tokens = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
Millis = Annotated[int, Meta(ge=0, le=253_402_300_799_000)]  #: to the end of the year 9999
Seconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]


class Response(msgspec.Struct, frozen=True):
    """An answer to a request of ours: a ``result``, or why there is none."""

    id: int
    result: Raw = Raw(b"null")
    error: str | None = None


class Request(msgspec.Struct, frozen=True):
    """A question that waits for our answer."""

    id: Id
    method: str
    params: Raw


class Notification(msgspec.Struct, frozen=True):
    """Something happened, at that time of the agent's clock (milliseconds since 1970 UTC)."""

    method: str
    params: Raw
    at: int | None


class Unreadable(msgspec.Struct, frozen=True):
    """A line that is no message, and why."""

    why: str


class Record(msgspec.Struct, frozen=True, rename="camel"):
    """What a message carries: fields that are not known are passed over."""


class TurnError(Record, frozen=True):
    """Why a turn failed, or stumbles."""

    message: str = ""
    codex_error_info: Any = None
    additional_details: str | None = None


class TurnInfo(Record, frozen=True):
    """A turn as a response or a notification shows it."""

    id: str
    status: str = ""
    error: TurnError | None = None
    completed_at: Seconds | None = None


class TurnTold(Record, frozen=True):
    """``turn/started`` and ``turn/completed``."""

    thread_id: str
    turn: TurnInfo


class TurnTaken(Record, frozen=True):
    """The result of ``turn/start``."""

    turn: TurnInfo


class Greeted(Record, frozen=True):
    """The result of ``initialize``."""

    user_agent: str = ""


class ThreadInfo(Record, frozen=True):
    """A conversation."""

    id: Thread


class ThreadOpened(Record, frozen=True):
    """The result of ``thread/start``, ``thread/resume`` and ``thread/fork``: what holds there."""

    thread: ThreadInfo
    model: str | None = None
    model_provider: str | None = None
    approval_policy: Any = None
    sandbox: Any = None


class Delta(Record, frozen=True):
    """A piece of what an item becomes."""

    thread_id: str
    turn_id: str
    item_id: str
    delta: str
    summary_index: int | None = None
    content_index: int | None = None


class ItemTold(Record, frozen=True):
    """``item/started`` and ``item/completed``."""

    thread_id: str
    turn_id: str
    item: Raw


class Counts(Record, frozen=True):
    """Tokens."""

    total_tokens: Tokens = 0
    input_tokens: Tokens = 0
    cached_input_tokens: Tokens = 0
    output_tokens: Tokens = 0


class Consumption(Record, frozen=True):
    """``total``: of the whole conversation, also of what earlier processes took of it; ``last``: of one call."""

    total: Counts
    last: Counts
    model_context_window: Annotated[int, Meta(ge=1, le=(1 << 53) - 1)] | None = None


class UsageTold(Record, frozen=True):
    """``thread/tokenUsage/updated``."""

    thread_id: str
    turn_id: str
    token_usage: Consumption


class Window(Record, frozen=True):
    """How much of one window of an account is used."""

    used_percent: Annotated[float, Meta(ge=0, le=1_000_000)]
    window_duration_mins: Annotated[int, Meta(ge=1, le=5_256_000)] | None = None
    resets_at: Seconds | None = None


class Windows(Record, frozen=True):
    """An account's windows."""

    limit_id: str | None = None
    limit_name: str | None = None
    primary: Window | None = None
    secondary: Window | None = None
    rate_limit_reached_type: Any = None


class WindowsTold(Record, frozen=True):
    """``account/rateLimits/updated``."""

    rate_limits: Windows


class Trouble(Record, frozen=True):
    """``error``: the turn stumbles (``will_retry``), or fails and its end follows."""

    error: TurnError
    thread_id: str = ""
    turn_id: str = ""
    will_retry: bool = False


class PlanStep(Record, frozen=True):
    """One line of a plan."""

    step: str
    status: str = ""


class PlanTold(Record, frozen=True):
    """``turn/plan/updated``: the agent's own plan, whole."""

    thread_id: str
    turn_id: str
    plan: list[PlanStep]


class Warned(Record, frozen=True):
    """``warning``, ``configWarning``, ``deprecationNotice`` and their like."""

    message: str = ""
    summary: str = ""


class Rerouted(Record, frozen=True):
    """``model/rerouted``."""

    from_model: str
    to_model: str


class ServerTold(Record, frozen=True):
    """``mcpServer/startupStatus/updated``."""

    name: str
    status: str
    error: str | None = None


class Resolved(Record, frozen=True):
    """``serverRequest/resolved``: an answer is not wanted any more, or has been taken."""

    request_id: Id


class _Line(msgspec.Struct, frozen=True):
    id: Id | None = None
    method: str | None = None
    params: Raw = Raw(b"null")
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET
    at: Any = msgspec.field(name="emittedAtMs", default=None)


class _Error(msgspec.Struct, frozen=True):
    message: str = ""


_LINE: Final = msgspec.json.Decoder(_Line)
_ENCODE: Final = msgspec.json.Encoder().encode


def request_line(id: int, method: str, params: dict[str, Any]) -> bytes:
    """Ask for something; a response with this ``id`` comes back."""
    return _ENCODE({"id": id, "method": method, "params": params}) + b"\n"


def notification_line(method: str) -> bytes:
    """Say something that is not answered."""
    return _ENCODE({"method": method}) + b"\n"


def result_line(id: Id, result: dict[str, Any]) -> bytes:
    """Answer a request of the app-server."""
    return _ENCODE({"id": id, "result": result}) + b"\n"


def refusal_line(id: Id, method: str) -> bytes:
    """Answer one that is not known here, so that nobody waits for it."""
    message = f"{method[:100]} is not answered here"
    return _ENCODE({"id": id, "error": {"code": METHOD_NOT_FOUND, "message": message}}) + b"\n"


def read_line(line: bytes) -> Response | Request | Notification | Unreadable:
    """What the app-server said with a line."""
    try:
        found = _LINE.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Unreadable(str(error))
    except RecursionError:
        return Unreadable("it is nested too deeply")
    if found.method is not None:
        if found.id is not None:
            return Request(found.id, found.method, found.params)
        at = found.at if isinstance(found.at, int) and 0 <= found.at <= 253_402_300_799_000 else None
        return Notification(found.method, found.params, at)
    if isinstance(found.id, int) and isinstance(found.error, Raw):
        return Response(found.id, error=_sentence(found.error))
    if isinstance(found.id, int) and isinstance(found.result, Raw):
        return Response(found.id, found.result)
    return Unreadable("it is neither a notification, nor a request, nor the response to one of ours")


def read(raw: Raw, kind: type[T]) -> T:
    """What a message carries. Raises ``msgspec.DecodeError``, also for what is no JSON that can be held."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.ValidationError(str(error)) from None


def _sentence(error: Raw) -> str:
    try:
        return read(error, _Error).message[:ERROR_CHARS_MAX] or "it says no more"
    except msgspec.DecodeError:
        return bytes(error)[:ERROR_CHARS_MAX].decode("utf-8", "replace")
