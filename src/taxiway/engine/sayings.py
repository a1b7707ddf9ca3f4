"""What an agent says, as it may be stored: whole characters, and never more than one event takes (I18)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from taxiway.core.limits import EVENT_BYTES_MAX

DEPTH_MAX: Final = 50  #: lists within lists that anybody means; what lies deeper is left out
CUT_CHARS: Final = (60_000, 16_000, 4_000, 1_000, 200)  #: how long its texts may be, when it is too large as it is

_encode = msgspec.json.Encoder().encode


def fitting(data: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """The same, with its texts cut where it would be too large (``truncated`` says so); and its size in bytes."""
    whole = _cut(data, None, DEPTH_MAX)
    size = len(_encode(whole))
    for chars in CUT_CHARS:
        if size <= EVENT_BYTES_MAX:
            return whole, size
        whole = {**_cut(data, chars, DEPTH_MAX), "truncated": True}
        size = len(_encode(whole))
    if size <= EVENT_BYTES_MAX:
        return whole, size
    return {"truncated": True}, len(b'{"truncated":true}')


def _cut(value: Any, chars: int | None, depth: int) -> Any:
    """A copy with whole characters only, and texts of at most ``chars`` of them."""
    match value:
        case str():
            cut = value[:chars]
            return cut if cut.isascii() else cut.encode("utf-8", "replace").decode()
        case dict() if depth:
            return {_cut(str(key), chars, depth): _cut(item, chars, depth - 1) for key, item in value.items()}
        case list() | tuple() if depth:
            return [_cut(item, chars, depth - 1) for item in value]
        case dict() | list() | tuple():
            return None
        case _:
            return value
