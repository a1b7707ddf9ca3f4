"""Speaks the Agent Client Protocol instead of `lines`: the same script, said as a real agent would say it over ACP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from .voice import Heard, LineVoice, line_of

OPTIONS: Final = (
    {"optionId": "once", "name": "Allow", "kind": "allow_once"},
    {"optionId": "always", "name": "Allow always", "kind": "allow_always"},
    {"optionId": "no", "name": "Reject", "kind": "reject_once"},
)
#: How a failure is told, by its reason: the codes that real agents use.
CODES: Final = {"rate_limit": 429, "quota": 402, "auth": -32000, "provider": 500}
INTERNAL_ERROR: Final = -32603
METHOD_NOT_FOUND: Final = -32601
WINDOW: Final = 100_000  #: where the script names a context without its size


class AcpVoice(LineVoice):
    """Speaks ACP on standard input and output. It has no steers; what the protocol cannot say is left out."""

    renames = False

    def __init__(self, resumed: bool) -> None:
        """``resumed``: its command named the conversation to go on with."""
        super().__init__()
        self._resumed = resumed
        self._thread = ""
        self._session: int | str | None = None  # the request that waits for a conversation
        self._ready = False
        self._prompt: int | str | None = None  # the request that waits for the turn's end
        self._asked: dict[str, str] = {}  # questions of ours, by the id of their request
        self._message = 0
        self._tokens: dict[str, int] = {}

    def tell(self, kind: str, /, **fields: Any) -> None:
        """Say one thing that a script says in the words of `lines`."""
        match kind:
            case "thread":
                self._thread = self._thread or str(fields["id"])
            case "ready":
                self._ready = True
                self._open()
            case "message" | "thought":
                self._talk(kind, fields)
            case "tool.call":
                call = {"toolCallId": fields["id"], "title": fields["name"], "rawInput": fields.get("input")}
                self._update("tool_call", kind="execute", status="in_progress", **call)
            case "tool.result":
                status = "failed" if fields.get("failed") else "completed"
                self._update("tool_call_update", toolCallId=fields["id"], status=status, rawOutput=fields.get("output"))
            case "todo":
                states = {True: "completed", False: "pending"}
                entries = [(item["text"], states[item.get("done", False)]) for item in fields["items"]]
                plan = [{"content": text, "priority": "medium", "status": status} for text, status in entries]
                self._update("plan", entries=plan)
            case "usage":
                self._use(fields)
            case "approval.requested":
                self._ask(fields)
            case "done":
                self._end(fields)
            case _:
                pass  # the protocol has no word for it

    def piece(self, text: str) -> str:
        """A piece of a message."""
        chunk = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}
        params = {"sessionId": self._thread, "update": chunk}
        return line_of({"jsonrpc": "2.0", "method": "session/update", "params": params})

    def _meant(self, message: dict[str, Any]) -> Iterable[Heard]:
        method = message.get("method")
        if method is None:
            return self._answered(message)
        return self._demanded(method, message.get("params") or {}, message.get("id"))

    def _demanded(self, method: str, params: dict[str, Any], id: int | str | None) -> Iterable[Heard]:
        """What a request or a notification means to the agent."""
        match method:
            case "initialize":
                able = {"loadSession": True, "sessionCapabilities": {"resume": {}}}
                info = {"name": "fake-agent", "version": "1"}
                self._answer(id, {"protocolVersion": 1, "agentCapabilities": able, "agentInfo": info})
            case "session/new" | "session/resume" | "session/load":
                self._session = id
                self._open()
            case "session/prompt":
                self._prompt, self._tokens = id, {}
                return (Heard("turn", "".join(block.get("text", "") for block in params["prompt"])),)
            case "session/cancel":
                return (Heard("interrupt"),)
            case _ if id is not None:
                self._send(id=id, error={"code": METHOD_NOT_FOUND, "message": f"Method not found: {method}"})
            case _:
                pass  # a notification of a later version
        return ()

    def _answered(self, message: dict[str, Any]) -> Iterable[Heard]:
        """What an answer to a question of ours means."""
        asked = self._asked.pop(str(message.get("id")), None)
        if asked is None:
            return ()
        outcome = (message.get("result") or {}).get("outcome") or {}
        return (Heard("answer", id=asked, allow=outcome.get("optionId") in ("once", "always")),)

    def _open(self) -> None:
        """Give the conversation to who asked for it, once the script is ready."""
        if self._ready and self._session is not None:
            session, self._session = self._session, None
            self._answer(session, {} if self._resumed else {"sessionId": self._thread})

    def _talk(self, kind: str, fields: dict[str, Any]) -> None:
        if not fields.get("delta"):
            self._message += 1
        chunk = "agent_message_chunk" if kind == "message" else "agent_thought_chunk"
        content = {"type": "text", "text": fields["text"]}
        self._update(chunk, content=content, messageId=f"message-{self._message}")

    def _use(self, fields: dict[str, Any]) -> None:
        names = {"input_tokens": "inputTokens", "output_tokens": "outputTokens", "cached_tokens": "cachedReadTokens"}
        self._tokens |= {names[name]: value for name, value in fields.items() if name in names and value is not None}
        cost = {} if fields.get("usd") is None else {"cost": {"amount": fields["usd"], "currency": "USD"}}
        if cost or fields.get("context_tokens") is not None:
            size = fields.get("context_window") or WINDOW
            self._update("usage_update", used=fields.get("context_tokens") or 0, size=size, **cost)

    def _ask(self, fields: dict[str, Any]) -> None:
        id = f"ask-{len(self._asked)}-{fields['id']}"
        self._asked[id] = fields["id"]
        call = {"toolCallId": f"call-{id}", "title": fields["text"], "kind": "execute", "rawInput": fields.get("input")}
        params = {"sessionId": self._thread, "toolCall": call, "options": OPTIONS}
        self._send(id=id, method="session/request_permission", params=params)

    def _end(self, fields: dict[str, Any]) -> None:
        prompt, self._prompt = self._prompt, None
        if fields.get("failed") is not None:
            error = {"code": CODES.get(fields["failed"], INTERNAL_ERROR), "message": fields.get("error") or "it failed"}
            self._send(id=prompt, error=error)
            return
        usage = {}
        if self._tokens:
            tokens = {"inputTokens": 0, "outputTokens": 0} | self._tokens
            usage = {"usage": tokens | {"totalTokens": tokens["inputTokens"] + tokens["outputTokens"]}}
        self._answer(prompt, {"stopReason": "cancelled" if fields.get("interrupted") else "end_turn", **usage})

    def _update(self, kind: str, /, **fields: Any) -> None:
        update = {"sessionUpdate": kind, **{name: value for name, value in fields.items() if value is not None}}
        self._send(method="session/update", params={"sessionId": self._thread, "update": update})

    def _answer(self, id: int | str | None, result: dict[str, Any]) -> None:
        self._send(id=id, result=result)

    def _send(self, **message: Any) -> None:
        self._write({"jsonrpc": "2.0", **message})
