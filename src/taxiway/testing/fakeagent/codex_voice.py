"""Speaks the protocol of Codex's app-server: the same script, said as the real one would say it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from . import codex_words as words
from .codex_turn import CodexTurn
from .ids import timed_uuid
from .memory import Memory, NoSuchThread
from .voice import Heard, LineVoice, line_of

INVALID: Final = -32600
ALLOWED: Final = ("accept", "acceptForSession")
OPENERS: Final = ("thread/start", "thread/resume", "thread/fork")
METHODS: Final = ("initialize", *OPENERS, "turn/start", "turn/steer", "turn/interrupt", "config/read")


class Asked(NamedTuple):
    """A question of ours: the script's name for it, and the item that waits for the answer."""

    id: str
    item: dict[str, Any]


class Wrong(Exception):
    """A request that is refused, in a sentence."""


class CodexVoice(LineVoice):
    """Speaks the app-server's protocol on standard input and output, about one conversation."""

    renames = False

    def __init__(self, memory: Memory, model: str) -> None:
        """``memory`` is where conversations are found and kept; ``model`` is what answers unless another is asked."""
        super().__init__()
        self._memory = memory
        self._settings = words.Settings(os.getcwd(), model or words.MODEL)
        self._greeted = False
        self._thread = ""
        self._turn: CodexTurn | None = None
        self._interrupts: list[Any] = []  # requests that wait for the end of the turn
        self._steers: dict[str, tuple[Any, str, str | None]] = {}  # by signal: request, text, its name over there
        self._asked: dict[int, Asked] = {}
        self._questions = 0
        self._wanted: Any = None  # the schema of the next turn's answer

    # -- what the script says ---------------------------------------------------------------------------------------
    def tell(self, kind: str, /, **fields: Any) -> None:
        """Say one thing that a script says in the words of `lines`."""
        turn = self._turn
        if kind == "steered":
            self._steered(fields["signal"], fields["applied"], fields.get("why"))
        elif turn is None:
            pass  # outside of a turn the protocol has no word for it
        elif kind == "approval.requested":
            self._ask(turn, fields)
        elif kind == "approval.withdrawn":
            for number in [number for number, asked in self._asked.items() if asked.id == fields["id"]]:
                self._resolve(number)
        elif kind == "done":
            self._end(turn, fields)
        else:
            turn.tell(kind, fields)

    def began(self) -> None:
        """The conversation is kept by now, so that it can be gone on with."""
        turn = self._turn
        if turn is not None:
            self._memory.kept |= {"turn": turn.id, "preview": self._memory.kept.get("preview", turn.text)}
            self._memory.save()
            turn.begin()

    def piece(self, text: str) -> str:
        """A piece of a message."""
        turn = self._turn.id if self._turn is not None else ""
        params = {"threadId": self._thread, "turnId": turn, "itemId": "msg_piece", "delta": text}
        return line_of({"method": "item/agentMessage/delta", "params": params, "emittedAtMs": int(time.time() * 1_000)})

    # -- what is said to it ------------------------------------------------------------------------------------------
    def _meant(self, message: dict[str, Any]) -> Iterable[Heard]:
        method, id = message.get("method"), message.get("id")
        if method is None:
            return self._answered(message)
        if id is None:
            return ()  # `initialized`
        try:
            return self._demanded(method, message.get("params") or {}, id)
        except KeyError as missing:
            self._refuse(id, f"Invalid request: missing field `{missing.args[0]}`")
        except (Wrong, NoSuchThread) as wrong:
            self._refuse(id, str(wrong))
        return ()

    def _demanded(self, method: str, params: dict[str, Any], id: Any) -> Iterable[Heard]:
        """What a request means to the agent. Raises ``Wrong`` and ``KeyError``."""
        if not self._greeted and method != "initialize":
            raise Wrong("Not initialized")
        match method:
            case "initialize":
                self._greet(id, params["clientInfo"])
            case "thread/start" | "thread/resume" | "thread/fork":
                return self._open(id, method, params)
            case "config/read":
                config = {"model": self._settings.model, "model_provider": words.PROVIDER}
                self._answer(id, {"config": {**config, "approval_policy": None, "sandbox_mode": None}, "origins": {}})
            case "turn/start":
                return self._start(id, params)
            case "turn/steer":
                return self._steer(id, params)
            case "turn/interrupt":
                self._active(params, "turnId", "interrupt")
                self._interrupts.append(id)
                return (Heard("interrupt"),)
            case _:
                known = ", ".join(f"`{name}`" for name in METHODS)
                raise Wrong(f"Invalid request: unknown variant `{method}`, expected one of {known}")
        return ()

    def _greet(self, id: Any, client: dict[str, Any]) -> None:
        if self._greeted:
            raise Wrong("Already initialized")
        self._greeted = True
        agent = f"{client['name']}/{words.VERSION} (fake; {os.uname().machine}) dumb"
        home = os.environ.get("CODEX_HOME") or os.path.expanduser("~/.codex")
        platform = {"platformFamily": "unix", "platformOs": "linux"}
        user_agent = f"{agent} ({client['name']}; {client.get('version')})"
        self._answer(id, {"userAgent": user_agent, "codexHome": home, **platform})

    def _open(self, id: Any, method: str, params: dict[str, Any]) -> Iterable[Heard]:
        """Begin a conversation, go on with one, or begin one as a copy."""
        settings = self._settled(params)
        origin = None if method == "thread/start" else str(params["threadId"])
        if origin is None:
            self._memory.begin(timed_uuid(), kept=False)
        else:
            try:
                self._memory.go_on(origin)
            except NoSuchThread:
                raise Wrong(f"no rollout found for thread id {origin}") from None
        forked = origin if method == "thread/fork" else None
        if forked is not None:
            self._memory.fork(timed_uuid())
        self._settings, self._thread = settings, self._memory.thread
        self.writes = settings.sandbox != "read-only"
        preview = self._memory.kept.get("preview", "") if method == "thread/resume" else ""
        thread = words.thread_of(self._thread, settings, preview, forked, self._memory.path)
        self._answer(id, words.opened_of(thread, settings))
        if method != "thread/resume":
            self._note("thread/started", thread=thread)
        elif "tokens" in self._memory.kept:  # under the number of an old turn
            self._note(
                "thread/tokenUsage/updated",
                threadId=self._thread,
                turnId=self._memory.kept["turn"],
                tokenUsage=self._memory.kept["tokens"],
            )
        return (Heard("opened", id=self._thread),)

    def _settled(self, params: dict[str, Any]) -> words.Settings:
        """The settings that were asked for. Raises ``Wrong``."""
        own = words.Settings(os.getcwd(), self._settings.model)
        sandbox, policy = params.get("sandbox") or own.sandbox, params.get("approvalPolicy") or own.policy
        for value, legal in ((sandbox, tuple(words.SANDBOXES)), (policy, words.POLICIES)):
            if value not in legal:
                expected = ", ".join(f"`{name}`" for name in legal)
                raise Wrong(f"Invalid request: unknown variant `{value}`, expected one of {expected}")
        return words.Settings(params.get("cwd") or own.cwd, params.get("model") or own.model, sandbox, policy)

    def _start(self, id: Any, params: dict[str, Any]) -> Iterable[Heard]:
        text = _text(params["input"])
        if params["threadId"] != self._thread:
            raise Wrong(f"thread not found: {params['threadId']}")
        if self._turn is not None:  # it goes into the open turn, which is what the answer names
            self._answer(id, {"turn": words.turn_of(self._turn.id)})
            return self._steering(None, text, None)
        self._turn = CodexTurn(self._memory, self._settings, self._note, text, params.get("outputSchema") is not None)
        self._answer(id, {"turn": words.turn_of(self._turn.id)})
        return (Heard("turn", text),)

    def _steer(self, id: Any, params: dict[str, Any]) -> Iterable[Heard]:
        text = _text(params["input"])
        self._active(params, "expectedTurnId", "steer")
        if not params["input"]:
            raise Wrong("input must not be empty")
        return self._steering(id, text, params.get("clientUserMessageId"))

    def _steering(self, id: Any, text: str, name: str | None) -> Iterable[Heard]:
        signal = name or timed_uuid()
        self._steers[signal] = (id, text, name)
        return (Heard("steer", text, signal=signal),)

    def _active(self, params: dict[str, Any], field: str, what: str) -> None:
        """Whether the turn that is meant is the open one. Raises ``Wrong``."""
        meant, thread = params[field], params["threadId"]
        if thread != self._thread:
            raise Wrong(f"thread not found: {thread}")
        if self._turn is None:
            raise Wrong(f"no active turn to {what}")
        if meant != self._turn.id:
            quote = "`" if what == "steer" else ""
            raise Wrong(f"expected active turn id {quote}{meant}{quote} but found {quote}{self._turn.id}{quote}")

    def _answered(self, message: dict[str, Any]) -> Iterable[Heard]:
        """What an answer to a question of ours means; its item goes on, or is declined."""
        number = message.get("id")
        asked = self._asked.get(number) if isinstance(number, int) else None
        if asked is None or not isinstance(number, int):
            return ()
        decision = (message.get("result") or {}).get("decision")
        allow = decision in ALLOWED or isinstance(decision, dict)
        self._resolve(number)
        if self._turn is not None:
            self._turn.decided(asked.item, allow)
        return (Heard("answer", id=asked.id, allow=allow),)

    # -- questions, steers, the end ----------------------------------------------------------------------------------
    def _ask(self, turn: CodexTurn, fields: dict[str, Any]) -> None:
        if self._settings.policy == words.NEVER:  # what would need one does not happen, and nobody is told
            self._heard.append(Heard("answer", id=fields["id"], allow=False))
            return
        item, method, params = turn.ask(fields)
        self._write({"method": method, "id": self._questions, "params": params})
        self._asked[self._questions] = Asked(fields["id"], item)
        self._questions += 1

    def _resolve(self, number: int) -> None:
        del self._asked[number]
        self._note("serverRequest/resolved", threadId=self._thread, requestId=number)

    def _steered(self, signal: str, applied: bool, why: str | None) -> None:
        request, text, name = self._steers.pop(signal)
        if not applied:
            self._refuse(request, why or "it was declined")
        elif self._turn is not None:
            self._taken(request, self._turn)
            self._turn.hears(text, name)

    def _taken(self, request: Any, turn: CodexTurn) -> None:
        """A steer was taken; it goes to the model with its next call."""
        if request is not None:
            self._answer(request, {"turnId": turn.id})

    def _end(self, turn: CodexTurn, fields: dict[str, Any]) -> None:
        interrupted = bool(fields.get("interrupted"))
        turn.settle(fields)
        if interrupted:
            for request, _, _ in self._steers.values():
                self._taken(request, turn)
        for id in self._interrupts:
            if interrupted:
                self._answer(id, {})
            else:
                self._refuse(id, "no active turn to interrupt")
        turn.end(fields)
        self._turn = None
        self._interrupts.clear()
        self._steers.clear()
        for number in list(self._asked):
            self._resolve(number)

    # -- writing -----------------------------------------------------------------------------------------------------
    def _note(self, method: str, /, **params: Any) -> None:
        self._write({"method": method, "params": params, "emittedAtMs": int(time.time() * 1_000)})

    def _answer(self, id: Any, result: dict[str, Any]) -> None:
        self._write({"id": id, "result": result})

    def _refuse(self, id: Any, message: str) -> None:
        self._write({"error": {"code": INVALID, "message": message}, "id": id})


def _text(input: list[dict[str, Any]]) -> str:
    return "".join(part.get("text", "") for part in input)
