"""The stub model: a server on 127.0.0.1 that plays the scripts that prompts carry, in four dialects."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

from tests.stub_model.anthropic import Anthropic
from tests.stub_model.chat import Chat
from tests.stub_model.conversation import Dialect, Refusal, Reply, Request
from tests.stub_model.fault import Scope
from tests.stub_model.gemini import Gemini
from tests.stub_model.play import CHARACTERS_PER_TOKEN, Player
from tests.stub_model.record import PROMPT_LENGTH_MAX, Exchange, Outcome
from tests.stub_model.responses import Responses
from tests.stub_model.script import ScriptError
from tests.stub_model.wire import HEAD_SIZE_MAX, Asked, ClientGone, NotHttp, Wire

ADDRESS = "127.0.0.1"
ENDINGS: tuple[tuple[str, Dialect], ...] = (
    ("/chat/completions", Chat()),
    ("/responses", Responses()),
    ("/messages", Anthropic()),
    (":generateContent", Gemini()),
    (":streamGenerateContent", Gemini()),
)
COUNTERS = ("/count_tokens", ":countTokens")
SECRETS = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie")
BEGUN_EVENTS = 2  #: of a stream that hangs in its body
SEEN_S_MAX = 30.0
LOOK_S = 0.01


@dataclass(frozen=True)
class Scene:
    """One exchange while it is played."""

    wire: Wire
    dialect: Dialect
    request: Request
    exchange: Exchange


class StubModel:
    """``async with StubModel() as stub:`` serves on ``stub.url`` until the block ends."""

    def __init__(self, port: int = 0, default: str = "say ok", log: Callable[[Exchange], None] | None = None) -> None:
        self.requests: list[Exchange] = []
        self._port = port
        self._player = Player(default)
        self._log = log
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._server = await asyncio.start_server(
            self._serve, ADDRESS, self._port, limit=HEAD_SIZE_MAX, backlog=512, reuse_address=True
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, the base of all dialects."""
        return f"http://{ADDRESS}:{self._port}"

    def impose(self, script: str, **scope: Any) -> None:
        """Answer with one turn (``err 529``, ``hang``, ``limit reset=60``, …) whatever prompts ask for.

        ``scope`` as in ``Scope``: for so many ``seconds`` or ``requests``, or until ``lift``; for one ``dialect``, for
        one ``account``; only ``above`` so many requests of an account at once. Raises ScriptError, TypeError.
        """
        self._player.faults.impose(script, Scope(**scope))

    def lift(self) -> None:
        """Impose nothing any more."""
        self._player.faults.lift()

    def forget(self) -> None:
        """Forget requests, faults, and what has failed already."""
        self.requests.clear()
        self._player = Player(self._player.default)

    async def seen(self, holds: Callable[[Exchange], bool], seconds: float = SEEN_S_MAX) -> Exchange:
        """The first exchange for which something holds, as soon as there is one. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while (found := next(filter(holds, self.requests), None)) is None:
                await asyncio.sleep(LOOK_S)
        return found

    def wait(self, holds: Callable[[Exchange], bool], seconds: float = SEEN_S_MAX) -> Exchange:
        """The same for a caller in another thread, which blocks."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(self.seen(holds, seconds), self._loop).result()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)
        wire = Wire(reader, writer)
        # A cancelled connection ends here: asyncio's streams would log it as an error.
        with contextlib.suppress(ClientGone, NotHttp, asyncio.CancelledError):
            try:
                while (asked := await wire.request()) is not None and await self._answer(wire, asked):
                    pass
            finally:
                await wire.close()

    async def _answer(self, wire: Wire, asked: Asked) -> bool:
        """Answer one request; whether the connection may go on."""
        if asked.path.startswith("/_stub"):
            status, data = self._control(asked)
            await wire.whole(status, data, {})
            return True
        if asked.method == "HEAD":
            wire.head(200, {"content-length": "0"})
            return True
        if asked.method == "GET" and asked.path.endswith("/models"):
            await wire.whole(200, {"object": "list", "data": [], "models": []}, {})
            return True
        if asked.path.endswith(COUNTERS):
            count = len(asked.body) // CHARACTERS_PER_TOKEN
            await wire.whole(200, {"input_tokens": count, "totalTokens": count}, {})
            return True
        return await self._complete(wire, asked)

    def _control(self, asked: Asked) -> tuple[int, Any]:
        """``GET /_stub/requests``, ``POST /_stub/faults``, ``DELETE /_stub/faults``, ``DELETE /_stub``."""
        match asked.method, asked.path:
            case "GET", "/_stub/requests":
                return 200, [exchange.as_json() for exchange in self.requests]
            case "POST", "/_stub/faults":
                try:
                    self.impose(**json.loads(asked.body))
                except (ValueError, TypeError) as error:
                    return 400, {"error": str(error)}
            case "DELETE", "/_stub/faults":
                self.lift()
            case "DELETE", "/_stub":
                self.forget()
            case _:
                return 404, {"error": f"the stub has no {asked.method} {asked.path}"}
        return 200, {}

    async def _complete(self, wire: Wire, asked: Asked) -> bool:
        exchange = self._open(asked)
        try:
            await self._play(wire, asked, exchange)
        except ClientGone:
            exchange.settle(Outcome.CLIENT_GONE)
        except asyncio.CancelledError:
            if exchange.outcome is Outcome.OPEN:
                exchange.settle(Outcome.STOPPED)
            raise
        finally:
            if self._log is not None:
                self._log(exchange)
        return exchange.outcome not in (Outcome.CLIENT_GONE, Outcome.CUT)

    def _others(self, exchange: Exchange) -> int:
        """How many other requests of the same account are being answered."""
        same = (one for one in self.requests if one.account == exchange.account and one is not exchange)
        return sum(one.outcome is Outcome.OPEN for one in same)

    def _open(self, asked: Asked) -> Exchange:
        """The entry of a request in the record, before anything is known of it."""
        headers = asked.headers
        shown = headers.get("x-api-key") or headers.get("x-goog-api-key") or headers.get("authorization", "")
        exchange = Exchange(
            number=len(self.requests),
            at=time.time(),
            path=asked.path,
            account=shown.removeprefix("Bearer ") or asked.query("key"),
            headers={name: value for name, value in headers.items() if name not in SECRETS},
        )
        self.requests.append(exchange)
        return exchange

    async def _play(self, wire: Wire, asked: Asked, exchange: Exchange) -> None:
        dialect = next((dialect for ending, dialect in ENDINGS if asked.path.endswith(ending)), None)
        if dialect is None or asked.method != "POST":
            await refuse(wire, exchange, 404, Outcome.NO_ROUTE, f"no {asked.method} {asked.path}")
            return
        try:
            request = replace(dialect.read(asked.path, json.loads(asked.body)), size=len(asked.body))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            await refuse(wire, exchange, 400, Outcome.BAD_REQUEST, f"no request of {dialect.name}: {error!r}")
            return
        describe(exchange, request)
        try:
            played = self._player.play(request, exchange.account, self._others(exchange))
        except ScriptError as error:
            await refuse(wire, exchange, 400, Outcome.BAD_SCRIPT, str(error))
            return
        exchange.why = played.why
        scene = Scene(wire, dialect, request, exchange)
        match played.answer:
            case Refusal() as refusal:
                await fail(scene, refusal)
            case Reply() as reply:
                used = reply.usage
                exchange.taken, exchange.given, exchange.cached = used.taken, used.given, used.cached
                await wire.while_there(speak(scene, reply))


def describe(exchange: Exchange, request: Request) -> None:
    """Write into the record what was asked."""
    exchange.dialect, exchange.model, exchange.stream = request.dialect, request.model, request.stream
    exchange.tools = [offer.name for offer in request.offers]
    exchange.schema = request.schema is not None
    exchange.entries = len(request.messages)
    said = [message.text for message in request.messages if message.role != "assistant" and message.text]
    exchange.prompt = said[-1][-PROMPT_LENGTH_MAX:] if said else ""


async def refuse(wire: Wire, exchange: Exchange, status: int, outcome: Outcome, why: str) -> None:
    """Answer what the stub itself does not understand."""
    exchange.status, exchange.why = status, why
    exchange.settle(outcome)
    await wire.whole(status, {"error": {"message": f"stub: {why}", "type": "stub"}}, {})


async def fail(scene: Scene, refusal: Refusal) -> None:
    """Answer with an error, before anything or in the middle of a stream."""
    now = time.time()
    if refusal.begun is not None:
        scene.exchange.status = 200
        frames = list(scene.dialect.stream(refusal.begun, now))
        await scene.wire.begin_stream(refusal.headers)
        await scene.wire.stream(frames[: len(frames) // 2], 0)
        scene.exchange.settle(Outcome.FAILED)
        await scene.wire.stream([scene.dialect.broken(refusal.failure, now)], 0)
        await scene.wire.end_stream()
        return
    headers, body = scene.dialect.error(refusal.failure, now)
    scene.exchange.status = refusal.failure.status
    scene.exchange.settle(Outcome.FAILED)
    await scene.wire.whole(refusal.failure.status, body, headers | refusal.headers)


async def speak(scene: Scene, reply: Reply) -> None:
    """Answer with a turn: wait, hang, cut, whole or in a stream."""
    turn, now = reply.turn, time.time()
    await asyncio.sleep(turn.wait_s)
    if turn.hang == "head":
        await asyncio.Event().wait()
    scene.exchange.status = 200
    headers = turn.headers | (scene.dialect.window(turn.window, now) if turn.window else {})
    if scene.request.stream:
        await speak_in_pieces(scene, reply, headers, now)
    elif turn.hang or turn.cut:
        scene.wire.head(200, {"content-type": "application/json", "content-length": "1000", **headers})
        if turn.hang:
            await asyncio.Event().wait()
        scene.exchange.settle(Outcome.CUT)
    else:
        scene.exchange.settle(Outcome.ANSWERED)
        await scene.wire.whole(200, scene.dialect.whole(reply, now), headers)


async def speak_in_pieces(scene: Scene, reply: Reply, headers: dict[str, str], now: float) -> None:
    """Answer with a stream of events."""
    turn, wire = reply.turn, scene.wire
    frames = list(scene.dialect.stream(reply, now))
    await wire.begin_stream(headers)
    if turn.hang:
        await wire.stream(frames[:BEGUN_EVENTS], turn.drip_s)
        await asyncio.Event().wait()
    if turn.cut:
        await wire.stream(frames[: len(frames) // 2], turn.drip_s)
        scene.exchange.settle(Outcome.CUT)
        return
    await wire.stream(frames[:-1], turn.drip_s)
    scene.exchange.settle(Outcome.STREAMED)
    await wire.stream(frames[-1:], 0)
    await wire.end_stream()
