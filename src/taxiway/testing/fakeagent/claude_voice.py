"""Speaks Claude Code's stream-json in both directions: the same script, said as the real one would say it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Final

from . import claude_words as words
from .claude_flags import Flags
from .claude_model import Conditions
from .claude_turn import Ask, ClaudeTurn, Ledger
from .ids import UUID, random_uuid
from .memory import Memory, NoSuchThread
from .voice import Heard, LineVoice, Refused, line_of

TITLES: Final = "Usage: claude -p --resume <session-id|title>"


class ClaudeVoice(LineVoice):
    """Speaks stream-json on standard input and output, about the conversation that its flags name."""

    renames = False

    def __init__(self, memory: Memory, model: str, flags: Flags) -> None:
        """``memory`` is where conversations are found and kept. Raises ``Refused``, after it has said why."""
        super().__init__()
        session = self._open(memory, flags)
        self.writes = flags.writes
        self._conditions = Conditions(session, os.getcwd(), model or words.MODEL, flags)
        self._ledger = Ledger()
        self._turn: ClaudeTurn | None = None
        self._queue: dict[str, str] = {}  # messages that wait, by their id
        self._asked: dict[str, Ask] = {}
        self._interrupts: list[tuple[str, bool]] = []  # requests, and whether what waits is to be forgotten

    # -- what the script says ---------------------------------------------------------------------------------------
    def tell(self, kind: str, /, **fields: Any) -> None:
        """Say one thing that a script says in the words of `lines`."""
        turn = self._turn
        if turn is None:
            pass  # outside of a turn the protocol has no word for it
        elif kind == "steered":
            self._queue.pop(fields["signal"], None)
            if fields["applied"]:
                turn.takes(fields["signal"])
            else:
                turn.lifecycle(fields["signal"], "cancelled")
        elif kind == "approval.requested":
            self._ask(turn, fields)
        elif kind == "approval.withdrawn":
            for request in [request for request, asked in self._asked.items() if asked.id == fields["id"]]:
                self._withdraw(request)
                turn.decided(self._asked.pop(request), allow=False, why=words.REJECTED)
        elif kind == "done":
            self._end(turn, fields)
        else:
            turn.tell(kind, fields)

    def began(self) -> None:
        """The conversation is kept by now, so that it can be gone on with."""
        if self._turn is not None:
            self._turn.begin()

    def piece(self, text: str) -> str:
        """A piece of a message."""
        return "" if self._turn is None else line_of(self._turn.piece(text))

    # -- what is said to it -------------------------------------------------------------------------------------------
    def _meant(self, message: dict[str, Any]) -> Iterable[Heard]:
        match message.get("type"):
            case "user":
                return self._told(message)
            case "control_request":
                return self._demanded(message["request_id"], message["request"])
            case "control_response":
                return self._answered(message["response"])
            case _:
                return ()

    def _unreadable(self, line: bytes) -> Iterable[Heard]:
        text = f"Error parsing streaming input line (type=unknown, {len(line)} chars): SyntaxError"
        raise Refused(text)

    def _told(self, message: dict[str, Any]) -> Iterable[Heard]:
        """A turn, or text that waits for the next safe point of the open one."""
        content, id = message["message"]["content"], message.get("uuid") or random_uuid()
        text = content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
        lifecycle = {"type": "command_lifecycle", "command_uuid": id, "state": "queued"}
        self._write(words.stamped(lifecycle, self._conditions.session, parent=False))
        if self._turn is not None:
            self._queue[id] = text
            return (Heard("steer", text, signal=id),)
        return (self._begin(id, text),)

    def _begin(self, id: str, text: str) -> Heard:
        self._turn = ClaudeTurn(id, self._conditions, self._ledger, self._write)
        return Heard("turn", text)

    def _demanded(self, id: str, request: dict[str, Any]) -> Iterable[Heard]:
        """What a control request means to the agent."""
        match request["subtype"]:
            case "initialize":
                self._conditions = self._conditions._replace(structured=request.get("jsonSchema") is not None)
                self._reply(id, words.greeting_of(os.getpid(), self._conditions.flags.mode))
            case "interrupt":
                self._interrupts.append((id, bool(request.get("cancel_queued"))))
                if self._turn is not None:
                    return (Heard("interrupt"),)
                self._settle_interrupts(None)
            case "stop_task":
                self._reply(id, {})
            case subtype:
                error = f"Unsupported control request subtype: {subtype}"
                refusal = {"subtype": "error", "request_id": id, "error": error, "error_code": "unsupported_request"}
                self._write({"type": "control_response", "response": refusal})
        return ()

    def _answered(self, response: dict[str, Any]) -> Iterable[Heard]:
        """What an answer to a question of ours means; the tool is used, or not."""
        asked = self._asked.pop(response["request_id"], None)
        if asked is None:
            return ()
        answer = response.get("response") or {}
        allow, why = answer.get("behavior") == "allow", str(answer.get("message") or "")
        if self._turn is not None:
            self._turn.decided(asked, allow, why)
        return (Heard("answer", why, id=asked.id, allow=allow),)

    # -- questions, the end -------------------------------------------------------------------------------------------
    def _ask(self, turn: ClaudeTurn, fields: dict[str, Any]) -> None:
        ask, decided = turn.ask(fields)
        if decided is not None:
            turn.decided(ask, decided, words.DENIED.format(tool=ask.tool))
            self._heard.append(Heard("answer", id=ask.id, allow=decided))
            return
        id = random_uuid()
        self._asked[id] = ask
        wish = {"subtype": "can_use_tool", "tool_name": ask.tool, "display_name": ask.tool, "input": ask.input}
        request = {**wish, "description": fields["text"], "tool_use_id": ask.call}
        self._write({"type": "control_request", "request_id": id, "request": request})

    def _withdraw(self, request: str) -> None:
        self._write({"type": "control_cancel_request", "request_id": request})

    def _end(self, turn: ClaudeTurn, fields: dict[str, Any]) -> None:
        """Say how it ended; what still waits becomes a turn of its own."""
        for request in self._asked:
            self._withdraw(request)
        self._asked.clear()
        if fields.get("interrupted"):
            self._settle_interrupts(turn)
        turn.end(fields)
        self._settle_interrupts(turn)
        self._turn = None
        if self._queue:
            id = next(iter(self._queue))
            self._heard.appendleft(self._begin(id, self._queue.pop(id)))

    def _settle_interrupts(self, turn: ClaudeTurn | None) -> None:
        """Answer them, with what has been forgotten by that."""
        for id, forgets in self._interrupts:
            gone = list(self._queue) if forgets else []
            for message in gone:
                del self._queue[message]
                if turn is not None:
                    turn.lifecycle(message, "cancelled")
            cancelled = {"cancelled": gone} if forgets else {}
            self._reply(id, {"still_queued": list(self._queue), **cancelled})
        self._interrupts.clear()

    def _reply(self, id: str, response: dict[str, Any]) -> None:
        told = {"subtype": "success", "request_id": id, "response": response}
        self._write({"type": "control_response", "response": told})

    # -- the conversation ---------------------------------------------------------------------------------------------
    def _open(self, memory: Memory, flags: Flags) -> str:
        """Begin a conversation, go on with one, or begin one as a copy; its id. Raises ``Refused``."""
        session = flags.session or random_uuid()
        if flags.session is not None and memory.has(session) and session != flags.resume:
            raise Refused(f"Error: Session ID {session} is already in use.")
        if flags.resume is None:
            memory.begin(session, kept=False)
            return session
        self._go_on(memory, flags.resume)
        if flags.fork:
            memory.fork(session)
        return memory.thread

    def _go_on(self, memory: Memory, thread: str) -> None:
        why = f"No conversation found with session ID: {thread}"
        if not UUID.match(thread):
            wants = "--resume requires a valid session ID or session title when used with --print."
            value = f'Provided value "{thread}" is not a UUID and does not match any session title.'
            why = f"Error: {wants} {TITLES}. {value}"
        else:
            try:
                memory.go_on(thread)
                return
            except NoSuchThread:
                pass
        how = {"subtype": "error_during_execution", **dict.fromkeys(("duration_ms", "duration_api_ms"), 0)}
        ends = {"is_error": True, "num_turns": 0, "stop_reason": None, "total_cost_usd": 0}
        usage = {"usage": words.turn_usage_of(words.Tokens()), "modelUsage": {}, "permission_denials": []}
        result = {"type": "result", **how, **ends, **usage, "errors": [why], "result_index": 0}
        self._write(words.stamped(result, thread, parent=False))
        raise Refused(why)
