"""The wire of ACP: JSON-RPC 2.0, one object a line, its payloads read and made by the official SDK's models.

Read as what a stranger wrote: whatever does not fit makes a line unreadable, and nothing here raises.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec
from acp.schema import ClientCapabilities, FileSystemCapabilities, Implementation, InitializeRequest
from msgspec import UNSET, Raw, UnsetType
from pydantic import BaseModel, ValidationError

Id = int | str
VERSION: Final = 1  #: of the protocol
METHOD_NOT_FOUND: Final = -32601
AUTH_REQUIRED: Final = -32000
INTERNAL_ERROR: Final = -32603
WHY_CHARS_MAX: Final = 300

Model = TypeVar("Model", bound=BaseModel)


class Asking(msgspec.Struct, frozen=True):
    """The agent asks something of us, and waits for the response."""

    id: Id
    method: str
    params: Raw


class Noticed(msgspec.Struct, frozen=True):
    """The agent tells something."""

    method: str
    params: Raw


class Fault(msgspec.Struct, frozen=True):
    """An error of JSON-RPC; ``data`` is anything."""

    code: int
    message: str
    data: Any = None


class Responded(msgspec.Struct, frozen=True):
    """The answer to a request of ours: its raw result, or a fault."""

    id: Id | None
    result: Raw | Fault


class Unreadable(msgspec.Struct, frozen=True):
    """What cannot be read, and why."""

    why: str


class _Envelope(msgspec.Struct, frozen=True):
    id: Id | UnsetType | None = UNSET
    method: str | UnsetType = UNSET
    params: Raw = Raw(b"{}")
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_ANYTHING: Final = msgspec.json.Decoder()
_ENCODE: Final = msgspec.json.Encoder().encode


def read_line(line: bytes) -> Asking | Noticed | Responded | Unreadable:
    """What an agent said with a line."""
    try:
        found = _ENVELOPE.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Unreadable(str(error))
    except RecursionError:
        return Unreadable("it is nested too deeply")
    if isinstance(found.method, str):
        if isinstance(found.id, int | str):
            return Asking(found.id, found.method, found.params)
        return Noticed(found.method, found.params)
    if isinstance(found.error, Raw) and bytes(found.error) != b"null":
        return Responded(_id(found.id), _fault(found.error))
    if isinstance(found.result, Raw):
        return Responded(_id(found.id), found.result)
    return Unreadable("it is neither a request nor a response")


def read_as(model: type[Model], raw: Raw) -> Model | Unreadable:
    """A payload as one of the SDK's models."""
    try:
        return model.model_validate_json(bytes(raw))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return Unreadable(f"{model.__name__} {where}: {first['msg']}"[:WHY_CHARS_MAX])
    except (RecursionError, ValueError) as error:
        return Unreadable(f"{model.__name__}: {error}"[:WHY_CHARS_MAX])


def builtin_of(raw: Raw) -> Any:
    """A payload as it is; ``None`` where it cannot be read."""
    try:
        return _ANYTHING.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def request(id: int, method: str, params: BaseModel) -> bytes:
    """A request of ours."""
    return _line({"id": id, "method": method, "params": _plain(params)})


def notification(method: str, params: BaseModel) -> bytes:
    """A notification of ours."""
    return _line({"method": method, "params": _plain(params)})


def response(id: Id, result: BaseModel) -> bytes:
    """What the agent asked for."""
    return _line({"id": id, "result": _plain(result)})


def refusal(id: Id, code: int, message: str) -> bytes:
    """What the agent asked for is not to be had."""
    return _line({"id": id, "error": {"code": code, "message": message}})


def greeting(version: str) -> InitializeRequest:
    """Who we are, and that we lend neither files nor terminals: an agent has its own."""
    return InitializeRequest(
        protocol_version=VERSION,
        client_capabilities=ClientCapabilities(
            fs=FileSystemCapabilities(read_text_file=False, write_text_file=False), terminal=False
        ),
        client_info=Implementation(name="taxiway", title="Taxiway", version=version),
    )


def _line(message: dict[str, Any]) -> bytes:
    return _ENCODE({"jsonrpc": "2.0", **message}) + b"\n"


def _plain(model: BaseModel) -> Any:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def _id(id: Id | UnsetType | None) -> Id | None:
    return None if isinstance(id, UnsetType) else id


def _fault(raw: Raw) -> Fault:
    """An error, also one that is not of the form that an error has."""
    error = builtin_of(raw)
    if not isinstance(error, dict):
        return Fault(INTERNAL_ERROR, str(error)[:WHY_CHARS_MAX])
    code, message = error.get("code"), error.get("message")
    return Fault(
        code if isinstance(code, int) and not isinstance(code, bool) else INTERNAL_ERROR,
        message if isinstance(message, str) and message else "an error without a message",
        error.get("data"),
    )
