"""How the store is doing: one document, for people and for programs that keep no series of their own."""

from __future__ import annotations

from http import HTTPMethod
from typing import Final

from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Reply, ref
from taxiway.wire.documents import summary_document


async def summary(call: Call) -> Reply:
    """The summary; it is a few seconds old at most."""
    return Reply(summary_document(await call.tw.metrics_summary()))


ENDPOINTS: Final = (
    Endpoint(
        method=HTTPMethod.GET,
        path="/metrics-summary",
        scope=TokenScope.VIEWER,
        handler=summary,
        summary="How the store is doing",
        answer=ref("Summary"),
    ),
)
