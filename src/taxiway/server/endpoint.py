"""One endpoint: a method on a path, who may use it, what it takes, and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPMethod
from typing import Any

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.errors import Invalid
from taxiway.core.token import Principal, TokenScope
from taxiway.server.reach import Reach
from taxiway.server.runnerdesk import RunnerDesk
from taxiway.store.protocol import Guard
from taxiway.verbs import Taxiway

Schema = dict[str, Any]


class NoQuery(msgspec.Struct, frozen=True):
    """An endpoint that takes no parameters."""


class InProject(msgspec.Struct, frozen=True):
    """The project in which names are meant; without it that of the server."""

    project: str | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler is given: who calls, the verbs in the caller's name, and what was sent. ``query`` and ``body`` are
    of the types that the endpoint names; ``key`` is the idempotency key, and ``accept`` what the caller reads; ``desk``
    knows runners that work from elsewhere.

    ``guard`` holds the writes of the call to its key and to what its caller has seen; ``done``: an equal call under its
    key wrote something before, and nobody knows what it was answered."""

    principal: Principal
    tw: Taxiway
    path: Mapping[str, str]
    query: Any
    body: Any
    desk: RunnerDesk
    key: str | None = None
    accept: str = ""
    guard: Guard | None = None
    done: bool = False

    @property
    def replayed(self) -> bool:
        """Whether some of what this call would have done had been done before, by an equal one."""
        return self.guard is not None and self.guard.replayed


class Reply(msgspec.Struct, frozen=True):
    """What is answered: a document, or ``text`` of another kind (``media``)."""

    document: Any
    status: int = 200
    headers: dict[str, str] = {}
    text: bytes | None = None
    media: str = "application/json"


Handler = Callable[[Call], Awaitable[Reply]]


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A method on a path below ``/v1``.

    ``query`` is a record of its parameters; ``body`` a record, a JSON Schema (the handler checks it by itself), or
    nothing; ``answer`` is the JSON Schema of what it answers with ``status`` (and with each of ``also``), ``media``
    what else it may answer in. ``records``: what the answer is made of beside documents (they are described as they
    are). ``keyed``: admission itself makes one thing once under an idempotency key. ``versioned``: what it is about;
    its version is told as ``ETag``, and a change may demand one with ``If-Match``. ``secret``: what it answers is kept
    by nobody. ``reach``: what the token of a run may name here; without it such a token does not open it.
    ``large``: its body may hold a list, or a megabyte of words.
    ``admits``: it makes tasks, of which a tenant may have so many.
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
    media: str | None = None
    keyed: bool = False
    versioned: ChangeKind | None = None
    secret: bool = False
    reach: Reach | None = None
    large: bool = False
    admits: bool = False

    @property
    def mutates(self) -> bool:
        """Whether it changes anything."""
        return self.method is not HTTPMethod.GET

    @property
    def conditional(self) -> bool:
        """Whether it changes one thing that is there, and may be asked to do so only to what its caller has seen."""
        return self.mutates and self.versioned is not None and "{" in self.path


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
