"""From a request to an endpoint's handler, and from its reply, or whatever it raises, to a response."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any, Final, get_origin
from urllib.parse import unquote

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from taxiway.core.errors import Error, Forbidden, Invalid, Malformed, TooLarge
from taxiway.core.token import Principal
from taxiway.observe.observer import Moment, Observer
from taxiway.server.body import read_fields, read_json
from taxiway.server.endpoint import Call, Endpoint, Reply
from taxiway.server.problem import problem_reply
from taxiway.server.runnerdesk import RunnerDesk
from taxiway.store.protocol import REQUEST, Store
from taxiway.store.protocol import Reply as Kept
from taxiway.verbs import Taxiway

BODY_BYTES_MAX: Final = 8 << 20  #: of a request: a list of a thousand tasks, or one with a megabyte of words
BODY_S_MAX: Final = 30.0  #: how long a body may take to come
KEY_CHARS_MAX: Final = 200
JSON: Final = "application/json"

_encode = msgspec.json.Encoder(enc_hook=str).encode
_canonical = msgspec.json.Encoder(order="deterministic").encode

VerbsOf = Callable[[Principal], Taxiway]


class Defect(Error):
    """The server met something that it should not have; its log says what, under the request's id."""

    code = "internal"


class Server:
    """What endpoints stand on: the verbs in a caller's name, and the store that remembers what was answered."""

    def __init__(self, verbs_of: VerbsOf, store: Store, observer: Observer, desk: RunnerDesk) -> None:
        self._verbs_of = verbs_of
        self._store = store
        self._observer = observer
        self._desk = desk

    async def ready(self) -> bool:
        """Whether the store answers."""
        try:
            await self._store.last_version()
        except Error:
            return False
        return True

    def serve(self, endpoint: Endpoint) -> Callable[[Request], Any]:
        """The endpoint as Starlette calls it."""

        async def respond(request: Request) -> Response:
            part_of = REQUEST.set(request.state.request)
            try:
                return await self._respond(endpoint, request)
            except Error as error:
                return refusal(error, request)
            except Exception as error:
                self._observer(
                    Moment.REQUEST_FAILED, path=endpoint.path, request=request.state.request, error=repr(error)
                )
                return refusal(Defect("the server met a defect of its own; its log says more"), request)
            finally:
                REQUEST.reset(part_of)

        return respond

    async def _respond(self, endpoint: Endpoint, request: Request) -> Response:
        principal: Principal = request.state.principal
        if not principal.may(endpoint.scope):
            raise Forbidden(
                f"this needs the scope {endpoint.scope}; the token '{principal.name}' has {principal.scope}"
            )
        query = read_fields(endpoint.query, _query(request, endpoint.query), what="the query", strict=False)
        body = await _body(endpoint, request)
        key = _key(request) if endpoint.mutates else None
        call = Call(
            principal=principal,
            tw=self._verbs_of(principal),
            path={name: unquote(text) for name, text in request.path_params.items()},
            query=query,
            body=body,
            key=key,
            desk=self._desk,
        )
        if key is None or endpoint.keyed:
            return _response(await endpoint.handler(call))
        return await self._once(endpoint, call, key, request)

    async def _once(self, endpoint: Endpoint, call: Call, key: str, request: Request) -> Response:
        """A mutation under a key: the second time it is answered as the first time, and nothing is done (I9).

        One that was begun and whose end nobody knows (the server was killed) is done again: each of these verbs asks
        for a state, so doing it twice comes to the same.
        """
        store = call.tw.store
        asked = hashlib.sha256(_canonical([endpoint.method, request.url.path, request.url.query, _plain(call.body)]))
        known = await store.begin_reply(key, asked.digest())
        if known is not None and known.status is not None:
            return _json_response(known.body or b"", known.status, {"idempotency-replayed": "true"})
        try:
            response = _response(await endpoint.handler(call))
        except Error:
            await store.settle_reply(key, None)  # nothing was stored, so it may be asked anew
            raise
        await store.settle_reply(key, Kept(response.status_code, bytes(response.body)))
        return response


def refusal(error: Error, request: Request) -> Response:
    """A problem document."""
    status, body, headers = problem_reply(error, request.state.request)
    return Response(body, status, headers)


def _query(request: Request, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The query's parameters, each of which stands once, unless it is a list."""
    found: dict[str, Any] = {
        field.name: [] for field in msgspec.structs.fields(kind) if get_origin(field.type) is tuple
    }
    for name, value in request.query_params.multi_items():
        if isinstance(found.get(name), list):
            found[name].append(value)
        elif name in found:
            raise Invalid(f"the parameter '{name[:80]}' stands twice")
        else:
            found[name] = value
    return found


async def _body(endpoint: Endpoint, request: Request) -> Any:
    """What was sent, as the endpoint takes it."""
    raw = await _read(request)
    if endpoint.body is None:
        if raw and raw != b"{}":
            raise Malformed("this takes no body")
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Malformed(f"the body must be {JSON}, not '{kind[:80]}'")
    value = read_json(raw)
    if isinstance(endpoint.body, type):
        return read_fields(endpoint.body, value, what="the body")
    return value


async def _read(request: Request) -> bytes:
    """The whole body, unless it is too large or comes too slowly."""
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > BODY_BYTES_MAX:
        raise TooLarge(f"the body has {length} bytes; {BODY_BYTES_MAX} are the most")
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_S_MAX):
            async for piece in request.stream():
                size += len(piece)
                if size > BODY_BYTES_MAX:
                    raise TooLarge(f"the body has more than {BODY_BYTES_MAX} bytes")
                pieces.append(piece)
    except TimeoutError:
        raise Malformed(f"the body did not come within {BODY_S_MAX:g} s") from None
    except ClientDisconnect:
        raise Malformed("the body was cut off") from None
    return b"".join(pieces)


def _key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= KEY_CHARS_MAX or not key.isprintable():
        raise Invalid(f"an Idempotency-Key has 1 to {KEY_CHARS_MAX} printable characters")
    return key


def _plain(body: Any) -> Any:
    return msgspec.to_builtins(body)


def _response(reply: Reply) -> Response:
    return _json_response(_encode(reply.document), reply.status, reply.headers)


def _json_response(body: bytes, status: int, headers: dict[str, str]) -> Response:
    return Response(body, status, headers, JSON)
