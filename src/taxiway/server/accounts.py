"""Accounts, and what agents used: what providers let through, and what it came to."""

from __future__ import annotations

from http import HTTPMethod
from typing import Annotated, Final

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.errors import Invalid
from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Reply, page_of, ref
from taxiway.wire.documents import account_document, usage_document
from taxiway.wire.moments import milliseconds


class Park(msgspec.Struct, frozen=True):
    """Until when (RFC 3339), for how many seconds, or, with neither, until it is released."""

    until: str | None = None
    for_s: Annotated[float, msgspec.Meta(gt=0)] | None = None
    why: str = ""


class AccountChange(msgspec.Struct, frozen=True):
    """How many of its runs may go at once at most; null is unlimited."""

    limit: Annotated[int, msgspec.Meta(ge=1)] | None


class UsageQuery(msgspec.Struct, frozen=True):
    """How to group, and what of: runs that were claimed from ``since`` to before ``until`` (RFC 3339)."""

    by: str = "agent"
    since: str | None = None
    until: str | None = None


async def every(call: Call) -> Reply:
    """Every account."""
    return Reply({"items": [account_document(one) for one in await call.tw.accounts()], "cursor": None})


async def get(call: Call) -> Reply:
    """One account."""
    return Reply(account_document(await call.tw.account(call.path["account"])))


async def park(call: Call) -> Reply:
    """Start nothing of it; what runs goes on to its end."""
    asked: Park = call.body
    until = _moment("until", asked.until)
    return Reply(
        account_document(
            await call.tw.park_account(call.path["account"], until=until, for_s=asked.for_s, why=asked.why)
        )
    )


async def release(call: Call) -> Reply:
    """Wait no longer for its reset; where its provider had refused, one run goes first."""
    return Reply(account_document(await call.tw.release_account(call.path["account"])))


async def change(call: Call) -> Reply:
    """Resize it."""
    return Reply(account_document(await call.tw.limit_account(call.path["account"], call.body.limit)))


async def usage(call: Call) -> Reply:
    """Tokens and dollars, as agents reported them."""
    asked: UsageQuery = call.query
    since, until = _moment("since", asked.since), _moment("until", asked.until)
    lines = await call.tw.usage(asked.by, since=since, until=until)
    return Reply({"items": [usage_document(line) for line in lines], "cursor": None})


def _moment(field: str, text: str | None) -> int | None:
    try:
        return milliseconds(text)
    except (ValueError, OverflowError):
        raise Invalid(f"{field}: '{str(text)[:80]}' is no time; write it as 2026-01-31T12:00:00Z") from None


ENDPOINTS: Final = (
    Endpoint(
        method=HTTPMethod.GET,
        path="/accounts",
        scope=TokenScope.VIEWER,
        handler=every,
        summary="List accounts",
        answer=page_of("Account"),
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/accounts/{account}",
        scope=TokenScope.VIEWER,
        handler=get,
        summary="One account",
        answer=ref("Account"),
        versioned=ChangeKind.ACCOUNT,
    ),
    Endpoint(
        method=HTTPMethod.PATCH,
        path="/accounts/{account}",
        scope=TokenScope.ADMIN,
        handler=change,
        summary="Resize an account",
        body=AccountChange,
        answer=ref("Account"),
        versioned=ChangeKind.ACCOUNT,
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/accounts/{account}/park",
        scope=TokenScope.ADMIN,
        handler=park,
        summary="Park an account",
        body=Park,
        answer=ref("Account"),
        versioned=ChangeKind.ACCOUNT,
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/accounts/{account}/release",
        scope=TokenScope.ADMIN,
        handler=release,
        summary="Release an account",
        answer=ref("Account"),
        versioned=ChangeKind.ACCOUNT,
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/usage",
        scope=TokenScope.VIEWER,
        handler=usage,
        summary="What agents used",
        query=UsageQuery,
        answer=page_of("UsageLine"),
    ),
)
