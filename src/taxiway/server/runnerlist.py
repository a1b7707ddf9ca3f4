"""Runners: who executes runs of this store."""

from __future__ import annotations

from http import HTTPMethod
from typing import Final

from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Reply, Schema, object_of
from taxiway.wire.moments import rfc3339

_TEXT: Final[Schema] = {"type": "string"}
_WHOLE: Final[Schema] = {"type": "integer"}
RUNNER: Final = object_of(id=_TEXT, host=_TEXT, pid=_WHOLE, slots=_WHOLE, state=_TEXT, started_at=_TEXT, seen_at=_TEXT)


async def every(call: Call) -> Reply:
    """Runners that are not gone, as the store knows them: ``live``, ``draining`` or ``lost``."""
    items = [
        {
            "id": one.id,
            "host": one.host,
            "pid": one.pid,
            "slots": one.slots,
            "state": one.state,
            "started_at": rfc3339(one.started_at),
            "seen_at": rfc3339(one.seen_at),
        }
        for one in await call.tw.runners()
    ]
    return Reply({"items": items, "cursor": None})


ENDPOINTS: Final = (
    Endpoint(
        method=HTTPMethod.GET,
        path="/runners",
        scope=TokenScope.VIEWER,
        handler=every,
        summary="List runners",
        answer=object_of(items={"type": "array", "items": RUNNER}, cursor={"type": ["string", "null"]}),
    ),
)
