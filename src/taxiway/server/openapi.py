"""The description of every endpoint (OpenAPI 3.1), made from the endpoints themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPMethod, HTTPStatus
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from taxiway import __version__
from taxiway.server.endpoint import Endpoint, NoQuery, Schema, ref
from taxiway.server.routing import answering
from taxiway.wire.schemas import schemas

_REFUSED: Final = "What was wrong, and what would be right"
_PARAMETER: Final = re.compile(r"{(\w+)}")
_TAG: Final = re.compile(r"/(\w+)")


_KEY: Final[Schema] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key again, within a day, is answered as the first time, and nothing is done twice.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,200}$"},
}
_IF_MATCH: Final[Schema] = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of what was read: it is changed only if it still is that (else 412). `*` is any.",
    "schema": {"type": "string", "pattern": '^(\\*|"[0-9]{1,18}")$'},
}


def openapi_route(prefix: str, endpoints: Sequence[Endpoint]) -> Route:
    """Where it is told, to whoever has a token."""
    text = msgspec.json.encode(openapi(prefix, endpoints))

    async def tell(request: Request) -> Response:  # noqa: ARG001  (Starlette's)
        return Response(text, media_type="application/json")

    return answering(f"{prefix}/openapi.json", {HTTPMethod.GET: tell})


def openapi(prefix: str, endpoints: Sequence[Endpoint]) -> Schema:
    """The whole document."""
    paths: dict[str, dict[str, Schema]] = {}
    for one in endpoints:
        paths.setdefault(prefix + one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Taxiway", "version": __version__, "description": "Durable scheduling of AI agent runs."},
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": {**_records(endpoints), **schemas()},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "txw_…"}},
        },
    }


def _operation(one: Endpoint) -> Schema:
    tag = _TAG.match(one.path)
    found: Schema = {
        "operationId": _operation_id(one),
        "summary": one.summary,
        "description": f"{one.handler.__doc__ or one.summary} Needs the scope `{one.scope}`.",
        "tags": [tag[1] if tag else "server"],
        "parameters": [*_in_path(one), *_in_query(one), *_in_headers(one)],
        "responses": {
            **{str(status): _answer(one) for status in (one.status, *one.also)},
            **{str(status): _refusal(status) for status in _refusals(one)},
        },
    }
    if one.body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": _body(one.body)}}}
    return found


def _refusals(one: Endpoint) -> list[int]:
    """The statuses of what it may be refused with."""
    anywhere = {400, 401, 403, 413, 421, 422, 429, 500, 503}
    some = {404: bool(_PARAMETER.search(one.path)) or one.body is not None or one.query is not NoQuery}
    some |= {409: one.mutates, 410: one.path == "/changes", 412: one.conditional}
    return sorted(anywhere | {status for status, may in some.items() if may})


def _refusal(status: int) -> Schema:
    found: Schema = {
        "description": f"{HTTPStatus(status).phrase}: {_REFUSED}",
        "content": {"application/problem+json": {"schema": ref("Problem")}},
    }
    if status in (429, 503):
        found["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 0}}}
    return found


def _operation_id(one: Endpoint) -> str:
    words = [word for word in re.split(r"[/{}\-]+", one.path) if word]
    return "_".join([one.method.lower(), *words])


def _in_path(one: Endpoint) -> list[Schema]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PARAMETER.findall(one.path)
    ]


def _in_query(one: Endpoint) -> list[Schema]:
    properties: dict[str, Any] = _body(one.query).get("properties", {})
    return [
        {"name": name, "in": "query", "required": False, "schema": _given(schema)}
        for name, schema in properties.items()
    ]


def _given(schema: Schema) -> Schema:
    """The schema of a parameter that is there: nothing is said by leaving it out."""
    kept = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if not kept:
        return schema
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    return rest | (kept[0] if len(kept) == 1 else {"anyOf": kept})


def _in_headers(one: Endpoint) -> list[Schema]:
    if not one.mutates:
        return []
    return [_KEY, _IF_MATCH] if one.conditional else [_KEY]


def _records(endpoints: Sequence[Endpoint]) -> Schema:
    """What bodies and answers are made of that are no documents, as they are."""
    found: Schema = {}
    for one in endpoints:
        kinds = (*one.records, one.body) if isinstance(one.body, type) else one.records
        _, inner = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
        own = one.body.__name__ if isinstance(one.body, type) else None
        found |= {name: schema for name, schema in inner.items() if name != own}
    return found


def _body(kind: type[msgspec.Struct] | Schema) -> Schema:
    """A record's schema, whole: with nothing else than what it names."""
    if isinstance(kind, dict):
        return kind
    _, found = msgspec.json.schema_components((kind,), ref_template="#/components/schemas/{name}")
    schema = dict(found[kind.__name__])
    schema.pop("title", None)
    return {**schema, "additionalProperties": False}


def _answer(one: Endpoint) -> Schema:
    content: Schema = {"application/json": {"schema": one.answer or {}}}
    if one.media is not None:
        content[one.media] = {"schema": {"type": "string"}}
    headers: Schema = {}
    if one.versioned is not None:
        headers["ETag"] = {"description": "The version of what it is about.", "schema": {"type": "string"}}
    if one.mutates:
        told = "Whether an equal call had been answered before."
        headers["Idempotency-Replayed"] = {"description": told, "schema": {"type": "string", "enum": ["true"]}}
    return {"description": one.summary, "headers": headers, "content": content}
