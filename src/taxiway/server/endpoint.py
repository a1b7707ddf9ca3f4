"""One endpoint: a method on a path, who may use it, what it takes, and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPMethod
from typing import Any

import msgspec

from taxiway.core.errors import Invalid
from taxiway.core.token import Principal, TokenScope
from taxiway.server.runnerdesk import RunnerDesk
from taxiway.verbs import Taxiway

Schema = dict[str, Any]


class NoQuery(msgspec.Struct, frozen=True):
    """An endpoint that takes no parameters."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler is given: who calls, the verbs in the caller's name, and what was sent. ``query`` and ``body`` are
    of the types that the endpoint names; ``key`` is the idempotency key; ``desk`` knows runners that work from
    elsewhere."""

    principal: Principal
    tw: Taxiway
    path: Mapping[str, str]
    query: Any
    body: Any
    key: str | None
    desk: RunnerDesk


class Reply(msgspec.Struct, frozen=True):
    """What is answered: a document, or nothing (204)."""

    document: Any
    status: int = 200
    headers: dict[str, str] = {}


Handler = Callable[[Call], Awaitable[Reply]]


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A method on a path below ``/v1``.

    ``query`` is a record of its parameters; ``body`` a record, a JSON Schema (the handler checks it by itself), or
    nothing; ``answer`` is the JSON Schema of what it answers with ``status`` (and with each of ``also``).
    ``records``: what the answer is made of beside documents (they are described as they are).
    ``keyed``: a repeated idempotency key is the handler's matter, and its answer is not kept.
    """

    method: HTTPMethod
    path: str
    scope: TokenScope
    handler: Handler
    summary: str
    query: type[msgspec.Struct] = NoQuery
    body: type[msgspec.Struct] | Schema | None = None
    answer: Schema | None = None
    records: tuple[type[msgspec.Struct], ...] = ()
    status: int = 200
    also: tuple[int, ...] = ()
    keyed: bool = False

    @property
    def mutates(self) -> bool:
        """Whether it changes anything."""
        return self.method is not HTTPMethod.GET


def ref(name: str) -> Schema:
    """The schema of a document by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def page_of(name: str) -> Schema:
    """The schema of a page of documents: ``items``, and ``cursor`` to go on with (null at the end)."""
    return {
        "type": "object",
        "required": ["items", "cursor"],
        "properties": {"items": {"type": "array", "items": ref(name)}, "cursor": {"type": ["string", "null"]}},
    }


def object_of(**properties: Schema) -> Schema:
    """The schema of an object that has all of these."""
    return {"type": "object", "required": list(properties), "properties": properties}


def object_in(value: Any, what: str) -> dict[str, Any]:
    """A value that must be an object."""
    if not isinstance(value, dict):
        raise Invalid(f"{what} must be an object")
    return value
