"""Who works, and on what: configured agents, runners, and how the store is."""

from __future__ import annotations

from http import HTTPMethod
from typing import Any, Final

from taxiway.core.errors import Error
from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Reply, object_of, page_of
from taxiway.wire.documents import agent_document, runner_document

_TEXT: Final = {"type": "string"}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_MAYBE_WHOLE: Final = {"type": ["integer", "null"]}
_YES_OR_NO: Final = {"type": "boolean"}
HEALTH: Final = object_of(
    adapter=_TEXT,
    ready=_YES_OR_NO,
    reachable=_YES_OR_NO,
    migration=_MAYBE_WHOLE,
    migration_known=_MAYBE_WHOLE,
    migrated=_YES_OR_NO,
    version=_MAYBE_WHOLE,
    code=_MAYBE_TEXT,
    message=_MAYBE_TEXT,
    values_printed=_YES_OR_NO,
)


async def agents(call: Call) -> Reply:
    """The agents that the server's configuration has, with what each can do: claimed by its adapter, or tried here."""
    return Reply({"items": [agent_document(one) for one in await call.tw.agents()], "cursor": None})


async def runners(call: Call) -> Reply:
    """Runners that are not gone, with when each was heard of last: the tenant's own, and those that work for all."""
    found = await call.desk.runners(call.tw.store, call.principal)
    return Reply({"items": [runner_document(one) for one in found], "cursor": None})


async def health(call: Call) -> Reply:
    """How the store is. It answers also when the store does not; nothing in it is a secret."""
    facts: dict[str, Any] = {"adapter": "sqlite", "values_printed": False}
    try:
        migration, known = await call.tw.store.schema()
        version = await call.tw.store.last_version()
    except Error as error:
        nothing = dict.fromkeys(("migration", "migration_known", "version"))
        told = {"ready": False, "reachable": False, "migrated": False, "code": error.code, "message": error.message}
        return Reply(facts | nothing | told)
    fits = migration == known
    fine = {"migration": migration, "migration_known": known, "version": version, "code": None, "message": None}
    return Reply(facts | fine | {"ready": fits, "reachable": True, "migrated": fits})


ENDPOINTS: Final = (
    Endpoint(
        method=HTTPMethod.GET,
        path="/agents",
        scope=TokenScope.VIEWER,
        handler=agents,
        summary="List agents",
        answer=page_of("AgentReport"),
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/runners",
        scope=TokenScope.VIEWER,
        handler=runners,
        summary="List runners",
        answer=page_of("Runner"),
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/health",
        scope=TokenScope.VIEWER,
        handler=health,
        summary="How the store is",
        answer=HEALTH,
    ),
)
