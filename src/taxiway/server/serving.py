"""From a request to an endpoint's handler, and from its reply, or whatever it raises, to a response."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from taxiway.core.errors import Error, Forbidden, Invalid, Malformed
from taxiway.core.runtoken import Holder
from taxiway.core.token import Principal
from taxiway.observe.observer import Moment, Observer
from taxiway.server.bodies import Bodies
from taxiway.server.body import lists_of, read_fields, read_json
from taxiway.server.endpoint import Call, Endpoint, Reply
from taxiway.server.problem import problem_reply
from taxiway.server.reach import ASKING, bounds_of, check_open, reached, without_token
from taxiway.server.runnerdesk import RunnerDesk
from taxiway.server.versions import demanded, seen_versions
from taxiway.store.protocol import REQUEST, Guard, Store
from taxiway.store.protocol import Reply as Kept
from taxiway.verbs import Speaking, Taxiway

JSON: Final = "application/json"
KEPT_BYTES_MAX: Final = 64 << 10  #: of an answer; of a longer one only what it did is kept, and it is written anew
_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
REPLAYED: Final = {"idempotency-replayed": "true"}

_encode = msgspec.json.Encoder(enc_hook=str).encode
_canonical = msgspec.json.Encoder(order="deterministic").encode

VerbsOf = Callable[[Speaking], Taxiway]


class Defect(Error):
    """The server met something that it should not have; its log says what, under the request's id."""

    code = "internal"


class Server:
    """What endpoints stand on: the verbs in a caller's name, and the store that remembers what was answered."""

    def __init__(
        self, verbs_of: VerbsOf, store: Store, observer: Observer, desk: RunnerDesk, open_max: int | None = None
    ) -> None:
        """``open_max`` is how many tasks of a tenant may be open when a call has made some."""
        self._verbs_of = verbs_of
        self._store = store
        self._observer = observer
        self._desk = desk
        self._bodies = Bodies()
        self._open_max = open_max
        self._within = Guard(open_max=open_max)

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
        holder = principal.holder
        if holder is not None:
            check_open(endpoint.reach)
        elif not principal.may(endpoint.scope):
            raise Forbidden(
                f"this needs the scope {endpoint.scope}; the token '{principal.name}' has {principal.scope}"
            )
        query = read_fields(endpoint.query, _query(endpoint, request), what="the query", strict=False)
        who = Speaking(actor=principal.name, tenant=principal.tenant, project=getattr(query, "project", None))
        path = {name: unquote(text) for name, text in request.path_params.items()}
        if holder is not None:
            who, path = await self._of_run(endpoint, holder, who, path)
        body = _body(endpoint, request, await self._bodies.read(request, endpoint.large))
        call = Call(
            principal=principal,
            tw=self._verbs_of(who),
            path=path,
            query=query,
            body=body if holder is None else without_token(body, _shown(request)),
            desk=self._desk,
            key=_key(request, holder) if endpoint.mutates else None,
            accept=_headers(request).get("accept", ""),
        )
        if not endpoint.mutates:
            return _response(endpoint, await endpoint.handler(call))
        seen = seen_versions(_headers(request).get("if-match"), endpoint)
        if (call.key is None or _is_keyed(endpoint, call)) and seen is None:
            if endpoint.admits:
                tw = self._verbs_of(msgspec.structs.replace(who, guard=self._within))
                call = msgspec.structs.replace(call, tw=tw)
            return _response(endpoint, await endpoint.handler(call))
        return await self._guarded(endpoint, call, who, seen, request)

    async def _of_run(
        self, endpoint: Endpoint, holder: Holder, who: Speaking, path: dict[str, str]
    ) -> tuple[Speaking, dict[str, str]]:
        """A run speaks in its own project, of what it may know, and asks within its bounds (4.5)."""
        store = self._verbs_of(who).store
        path = await reached(store, holder, endpoint.reach, path)
        if who.project not in (None, holder.project):
            raise Forbidden("a run asks for work in its own project, and in no other")
        bounds = await bounds_of(store, holder) if endpoint.mutates and endpoint.reach in ASKING else None
        return msgspec.structs.replace(who, project=holder.project, bounds=bounds), path

    async def _guarded(
        self, endpoint: Endpoint, call: Call, who: Speaking, seen: frozenset[int] | None, request: Request
    ) -> Response:
        """A change that is made once under its key, and to what its caller has seen (I9).

        What it did is kept in the transaction that did it, so an equal call does it no second time: not after it, nor
        beside it, nor when the server was killed before it had kept its answer.
        """
        store, key = call.tw.store, call.key
        hash = _hash_of(endpoint, call, request)
        known = None if key is None else await store.reply(key, hash)
        if known is not None and known.status is not None:
            return Response(known.body or b"", known.status, REPLAYED, JSON)
        expected, done = None, known is not None and known.done
        if seen is not None and endpoint.versioned is not None and not done:
            call, expected = await demanded(call, endpoint.versioned, seen)
        guard = Guard(key, hash, expected, done, self._open_max if endpoint.admits else None)
        tw = self._verbs_of(msgspec.structs.replace(who, guard=guard))
        call = msgspec.structs.replace(call, tw=tw, guard=guard, done=done)
        try:
            response = _response(endpoint, await endpoint.handler(call))
        except Error:
            if key is not None and known is None and await store.reply(key, hash) is not None:
                return await self._guarded(endpoint, call, who, None, request)  # an equal call has done it meanwhile
            raise
        if guard.replayed or done:
            response.headers.update(REPLAYED)
        kept = not (endpoint.secret or endpoint.keyed) and len(response.body) <= KEPT_BYTES_MAX
        if key is not None and kept:
            await store.settle_reply(key, hash, Kept(response.status_code, bytes(response.body)))
        return response


def _is_keyed(endpoint: Endpoint, call: Call) -> bool:
    """Whether admission itself knows the key: of one thing, not of a list."""
    return endpoint.keyed and not isinstance(call.body, list)


def _hash_of(endpoint: Endpoint, call: Call, request: Request) -> bytes:
    """What is asked: two calls under one key must be equal in this."""
    asked = [endpoint.method, request.url.path, request.url.query, msgspec.to_builtins(call.body)]
    return hashlib.sha256(_canonical(asked)).digest()


def refusal(error: Error, request: Request) -> Response:
    """A problem document."""
    status, body, headers = problem_reply(error, request.state.request)
    return Response(body, status, headers)


def _headers(request: Request) -> dict[str, str]:
    """As the doorkeeper has read them."""
    headers: dict[str, str] = request.scope["state"]["headers"]
    return headers


def _query(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    """The query's parameters, each of which stands once, unless it is one of several by its type."""
    found: dict[str, Any] = {}
    if not request.scope["query_string"]:
        return found
    several = lists_of(endpoint.query)
    for name, value in request.query_params.multi_items():
        if name in several:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise Invalid(f"the parameter '{name[:80]}' stands twice")
        else:
            found[name] = value
    return found


def _body(endpoint: Endpoint, request: Request, raw: bytes) -> Any:
    """What was sent, as the endpoint takes it."""
    if endpoint.body is None:
        if raw and raw != b"{}":
            raise Malformed("this takes no body")
        return None
    kind = _headers(request).get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Malformed(f"the body must be {JSON}, not '{kind[:80]}'")
    value = read_json(raw)
    if isinstance(endpoint.body, type):
        return read_fields(endpoint.body, value, what="the body")
    return value


def _key(request: Request, holder: Holder | None) -> str | None:
    """The idempotency key. Those of runs are their task's own: another's key would lead to another's answer."""
    key = _headers(request).get("idempotency-key")
    if key is not None and _KEY.fullmatch(key) is None:
        raise Invalid("an Idempotency-Key has 1 to 200 printable characters of ASCII, and no spaces")
    return key if key is None or holder is None else f"{holder.task}:{key}"


def _shown(request: Request) -> str:
    """The token that the caller showed."""
    return str(_headers(request).get("authorization", "")).partition(" ")[2].strip()


def _response(endpoint: Endpoint, reply: Reply) -> Response:
    """The answer as it goes out, with the version of what it is about."""
    headers = dict(reply.headers)
    if endpoint.versioned is not None and isinstance(reply.document, dict) and "version" in reply.document:
        headers["etag"] = f'"{reply.document["version"]}"'
    body = _encode(reply.document) if reply.text is None else reply.text
    return Response(body, reply.status, headers, reply.media)
