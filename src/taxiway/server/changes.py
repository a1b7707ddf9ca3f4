"""The change log: whatever changed behind a version, in version order."""

from __future__ import annotations

from http import HTTPMethod
from typing import Annotated, Final

import msgspec

from taxiway.core.limits import CHANGES_PAGE_MAX
from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Reply, object_of, ref
from taxiway.wire.documents import change_document


class ChangesQuery(msgspec.Struct, frozen=True):
    """What has a higher version than ``after``."""

    after: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=CHANGES_PAGE_MAX)] = CHANGES_PAGE_MAX


async def page(call: Call) -> Reply:
    """A page of the log, and the newest version that there is. Where some of it was forgotten it is refused with
    ``gap``."""
    asked: ChangesQuery = call.query
    newest = await call.tw.store.last_version()
    found = await call.tw.store.changes(asked.after, asked.limit)
    cursor = found[-1].version if found else asked.after
    return Reply({"items": [change_document(change) for change in found], "cursor": cursor, "newest": newest})


ENDPOINTS: Final = (
    Endpoint(
        method=HTTPMethod.GET,
        path="/changes",
        scope=TokenScope.VIEWER,
        handler=page,
        summary="What changed behind a version",
        query=ChangesQuery,
        answer=object_of(
            items={"type": "array", "items": ref("Change")}, cursor={"type": "integer"}, newest={"type": "integer"}
        ),
    ),
)
