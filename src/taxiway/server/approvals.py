"""Approvals: what agents ask of a person, and the answers."""

from __future__ import annotations

from http import HTTPMethod
from typing import Annotated, Final

import msgspec

from taxiway.core.limits import LIST_PAGE_DEFAULT, LIST_PAGE_MAX
from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Reply, page_of, ref
from taxiway.wire.documents import approval_document


class ApprovalsQuery(msgspec.Struct, frozen=True):
    """Those in a state (``all``: in any), of one task or of all."""

    state: str = "pending"
    task: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=LIST_PAGE_MAX)] = LIST_PAGE_DEFAULT
    cursor: str | None = None


class Decision(msgspec.Struct, frozen=True):
    """Why; the agent is told."""

    reason: str | None = None


async def page(call: Call) -> Reply:
    """A page in the order in which they were asked."""
    asked: ApprovalsQuery = call.query
    found = await call.tw.approvals(state=asked.state, task=asked.task, limit=asked.limit, cursor=asked.cursor)
    return Reply({"items": [approval_document(one) for one in found.items], "cursor": found.cursor})


async def get(call: Call) -> Reply:
    """One approval."""
    return Reply(approval_document(await call.tw.approval(call.path["approval"])))


async def allow(call: Call) -> Reply:
    """Allow what an agent asks; the first answer stands."""
    return Reply(approval_document(await call.tw.allow(call.path["approval"], call.body.reason)))


async def deny(call: Call) -> Reply:
    """Deny it."""
    return Reply(approval_document(await call.tw.deny(call.path["approval"], call.body.reason)))


ENDPOINTS: Final = (
    Endpoint(
        method=HTTPMethod.GET,
        path="/approvals",
        scope=TokenScope.VIEWER,
        handler=page,
        summary="List approvals",
        query=ApprovalsQuery,
        answer=page_of("Approval"),
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/approvals/{approval}",
        scope=TokenScope.VIEWER,
        handler=get,
        summary="One approval",
        answer=ref("Approval"),
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/approvals/{approval}/allow",
        scope=TokenScope.OPERATOR,
        handler=allow,
        summary="Allow what an agent asks",
        body=Decision,
        answer=ref("Approval"),
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/approvals/{approval}/deny",
        scope=TokenScope.OPERATOR,
        handler=deny,
        summary="Deny what an agent asks",
        body=Decision,
        answer=ref("Approval"),
    ),
)
