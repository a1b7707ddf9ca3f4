"""The wire of Claude Code's stream-json in both directions: one JSON object a line, read as what a stranger wrote.

Only what is used is named. The program's versions follow each other fast, so lines and fields that are not known are
passed over; a known field of the wrong kind makes its line unreadable.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
Dollars = Annotated[float, Meta(ge=0, le=1e9)]


class Tokens(msgspec.Struct, frozen=True):
    """What one request to the model, or a whole turn, consumed; ``input_tokens`` without what came from a cache."""

    input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    output_tokens: Count | None = None

    @property
    def read(self) -> int:
        """Everything that the model read."""
        cached = (self.cache_creation_input_tokens or 0) + (self.cache_read_input_tokens or 0)
        return (self.input_tokens or 0) + cached


class ModelTokens(msgspec.Struct, frozen=True, rename="camel"):
    """What one model consumed."""

    input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_input_tokens: Count = 0
    cache_creation_input_tokens: Count = 0
    cost_usd: Annotated[float, Meta(ge=0, le=1e9)] = msgspec.field(name="costUSD", default=0.0)
    context_window: Count | None = None


class Block(msgspec.Struct, frozen=True):
    """A part of a message: text, thinking, a use of a tool, its result, and kinds that are not known."""

    type: str
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None
    tool_use_id: str | None = None
    content: Any = None
    is_error: bool | None = None


class Message(msgspec.Struct, frozen=True):
    """A message of the model, or one that answers it."""

    content: list[Block] | str = ""
    id: str = ""
    usage: Tokens | None = None


class Assistant(msgspec.Struct, frozen=True):
    """What the model said, block by block. ``error``: the program said it in the model's place."""

    message: Message
    parent_tool_use_id: str | None = None
    error: str | None = None
    is_api_error_message: bool = False


class User(msgspec.Struct, frozen=True):
    """What the model was told: results of tools. ``tool_use_result`` is the same in the tool's own terms."""

    message: Message
    parent_tool_use_id: str | None = None
    tool_use_result: Any = None


class Delta(msgspec.Struct, frozen=True):
    """A piece of a block."""

    type: str = ""
    text: str = ""
    thinking: str = ""


class Part(msgspec.Struct, frozen=True):
    """One event of the model's own stream."""

    type: str
    message: Message | None = None
    content_block: Block | None = None
    delta: Delta = Delta()
    usage: Tokens | None = None


class Stream(msgspec.Struct, frozen=True):
    """A message while it is being said."""

    event: Part
    parent_tool_use_id: str | None = None


class Began(msgspec.Struct, frozen=True):
    """``system/init``: a turn begins, under these conditions."""

    session_id: str = ""
    model: str = ""
    cwd: str = ""
    permission_mode: str = msgspec.field(name="permissionMode", default="")
    version: str = msgspec.field(name="claude_code_version", default="")
    tools: Any = ()
    mcp_servers: Any = ()


class Retried(msgspec.Struct, frozen=True):
    """``system/api_retry``: the provider failed, and is asked again."""

    attempt: int = 0
    max_retries: int = 0
    retry_delay_ms: float = 0
    error_status: int | None = None
    error: str | None = None


class Task(msgspec.Struct, frozen=True):
    """Something that goes on in the background."""

    task_id: str


class TasksChanged(msgspec.Struct, frozen=True):
    """``system/background_tasks_changed``: all of them."""

    tasks: list[Task]


class Notice(msgspec.Struct, frozen=True):
    """Another ``system`` line that a reader wants to see."""

    subtype: str = ""
    tool_name: str | None = None
    message: Any = None


class Window(msgspec.Struct, frozen=True):
    """How full one of the account's windows is, and when it is empty again (seconds since 1970)."""

    status: str
    resets_at: Annotated[float, Meta(ge=0, le=1e11)] | None = msgspec.field(name="resetsAt", default=None)
    window: str | None = msgspec.field(name="rateLimitType", default=None)
    utilization: Annotated[float, Meta(ge=0, le=1e6)] | None = None
    paid_beyond: bool = msgspec.field(name="isUsingOverage", default=False)


class RateLimit(msgspec.Struct, frozen=True):
    """``rate_limit_event``."""

    info: Window = msgspec.field(name="rate_limit_info")


class Lifecycle(msgspec.Struct, frozen=True):
    """What became of a message that we sent: queued, started, completed, cancelled, discarded, refused."""

    command_uuid: str
    state: str


class Result(msgspec.Struct, frozen=True):
    """A turn has ended. Neither ``subtype`` nor the exit status says how: ``is_error`` and ``terminal_reason`` do."""

    is_error: bool
    subtype: str = ""
    terminal_reason: str | None = None
    result: str | None = None
    errors: list[str] = []
    structured_output: Any = None
    session_id: str = ""
    api_error_status: int | None = None
    api_error: str | None = None
    api_error_type: str | None = None
    origin: Any = None
    user_message_uuid: str | None = None
    user_message_uuids: list[str] = []
    usage: Tokens | None = None
    total_cost_usd: Dollars | None = None
    models: dict[str, ModelTokens] | None = msgspec.field(name="modelUsage", default=None)
    models_since: dict[str, ModelTokens] | None = msgspec.field(name="model_usage_since_last_result", default=None)


class Wish(msgspec.Struct, frozen=True):
    """What a control request asks for."""

    subtype: str
    tool_name: str | None = None
    input: Any = None
    description: str | None = None
    decision_reason: str | None = None


class ControlRequest(msgspec.Struct, frozen=True):
    """The program waits for an answer under this id."""

    request_id: str
    request: Wish


class ControlCancel(msgspec.Struct, frozen=True):
    """It does not want to know any more."""

    request_id: str


class Reply(msgspec.Struct, frozen=True):
    """What it says to a control request of ours."""

    subtype: str
    request_id: str
    error: Any = None


class ControlResponse(msgspec.Struct, frozen=True):
    """An answer to a control request of ours."""

    response: Reply


class Unreadable(msgspec.Struct, frozen=True):
    """A line that is no message: why, and whether it is the end of a turn all the same."""

    why: str
    ends_turn: bool = False


Told = Assistant | User | Stream | Began | Retried | Notice | RateLimit
Incoming = Told | TasksChanged | Lifecycle | Result | ControlRequest | ControlCancel | ControlResponse


class _Head(msgspec.Struct):
    type: str
    subtype: Any = None


_HEAD: Final = msgspec.json.Decoder(_Head)
_NOTICE: Final[msgspec.json.Decoder[Incoming]] = msgspec.json.Decoder(Notice)
_DECODERS: Final[dict[str, msgspec.json.Decoder[Incoming]]] = {
    "assistant": msgspec.json.Decoder(Assistant),
    "user": msgspec.json.Decoder(User),
    "stream_event": msgspec.json.Decoder(Stream),
    "rate_limit_event": msgspec.json.Decoder(RateLimit),
    "command_lifecycle": msgspec.json.Decoder(Lifecycle),
    "result": msgspec.json.Decoder(Result),
    "control_request": msgspec.json.Decoder(ControlRequest),
    "control_cancel_request": msgspec.json.Decoder(ControlCancel),
    "control_response": msgspec.json.Decoder(ControlResponse),
}
_SYSTEM_DECODERS: Final[dict[str, msgspec.json.Decoder[Incoming]]] = {
    "init": msgspec.json.Decoder(Began),
    "api_retry": msgspec.json.Decoder(Retried),
    "background_tasks_changed": msgspec.json.Decoder(TasksChanged),
    "compact_boundary": _NOTICE,
    "model_fallback": _NOTICE,
    "permission_denied": _NOTICE,
}
_ENCODE: Final = msgspec.json.Encoder().encode

INITIALIZE: Final = "initialize"  #: the request that has to be answered before the first turn


def read_line(line: bytes) -> Incoming | Unreadable | None:
    """What the program said with a line; ``None``: nothing that is used."""
    head: _Head | None = None
    try:
        head = _HEAD.decode(line)
        decoders, key = (_SYSTEM_DECODERS, head.subtype) if head.type == "system" else (_DECODERS, head.type)
        decoder = decoders.get(key) if isinstance(key, str) else None
        return None if decoder is None else decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Unreadable(str(error), ends_turn=head is not None and head.type == "result")
    except RecursionError:
        return Unreadable("it is nested too deeply")


def initialize_line(schema: dict[str, Any] | None) -> bytes:
    """Begin the conversation with the program itself; results follow ``schema``."""
    request: dict[str, Any] = {"subtype": "initialize"}
    return _control(INITIALIZE, request if schema is None else request | {"jsonSchema": schema})


def user_line(uuid: str, text: str) -> bytes:
    """A turn, or text for the turn that is open. It is data: no ``/command`` is run, no ``@path`` read in."""
    message = {"role": "user", "content": text}
    fields = {"message": message, "parent_tool_use_id": None, "session_id": "", "uuid": uuid, "text_not_typed": True}
    return _ENCODE({"type": "user", **fields}) + b"\n"


def interrupt_line(request_id: str) -> bytes:
    """End the turn, and forget what waits behind it."""
    return _control(request_id, {"subtype": "interrupt", "cancel_queued": True})


def stop_task_line(request_id: str, task: str) -> bytes:
    """End what goes on in the background, without a turn that would be told of it."""
    return _control(request_id, {"subtype": "stop_task", "task_id": task})


def allow_line(request_id: str, tool_input: Any) -> bytes:
    """The tool may be used, with this input."""
    return _answer(request_id, {"behavior": "allow", "updatedInput": tool_input})


def deny_line(request_id: str, why: str) -> bytes:
    """The tool may not be used; the model is told why."""
    return _answer(request_id, {"behavior": "deny", "message": why})


def unsupported_line(request_id: str, subtype: str) -> bytes:
    """Nobody here answers such a request."""
    response = {"subtype": "error", "request_id": request_id, "error": f"{subtype} is not supported"}
    return _ENCODE({"type": "control_response", "response": response}) + b"\n"


def _control(request_id: str, request: dict[str, Any]) -> bytes:
    return _ENCODE({"type": "control_request", "request_id": request_id, "request": request}) + b"\n"


def _answer(request_id: str, answer: dict[str, Any]) -> bytes:
    response = {"subtype": "success", "request_id": request_id, "response": answer}
    return _ENCODE({"type": "control_response", "response": response}) + b"\n"
