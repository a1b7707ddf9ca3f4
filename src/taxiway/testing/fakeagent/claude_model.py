"""What the model of the imitated Claude Code says in one turn: messages, block by block, in pieces and whole."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from . import claude_words as words
from .claude_flags import Flags

Write = Callable[[dict[str, Any]], None]

DISPLAY: Final = {"thinking_display": "updates"}


class Conditions(NamedTuple):
    """What holds in a conversation. ``structured``: results follow a schema."""

    session: str
    cwd: str
    model: str
    flags: Flags
    structured: bool = False


class ClaudeModel:
    """Speaks one message at a time; a use of a tool ends it."""

    def __init__(self, conditions: Conditions, messages: list[str], write: Write) -> None:
        """``messages`` are the ids of what was brought to the turn; they may become more."""
        self.tokens = words.Tokens()  #: what the turn has consumed by now
        self.said = ""  #: the last text that is whole
        self.begun: list[str] = []  #: the messages
        self._conditions = conditions
        self._messages = messages
        self._write = write
        self._counted = words.Tokens()  # of the tokens, those that a message has told
        self._requesting = False
        self._unmarked = {"stream", "assistant"}  # kinds of lines that have not told yet which messages they answer
        self._message: str | None = None
        self._block: dict[str, Any] | None = None
        self._index = 0

    @property
    def speaks(self) -> bool:
        """Whether a text is being said."""
        return self._block is not None

    def request(self) -> None:
        """It is called."""
        if not self._requesting:
            self._requesting = True
            status = {"type": "system", "subtype": "status", "status": "requesting"}
            self.line({**status, "user_message_uuids": list(self._messages)}, parent=False)

    def say(self, text: str, delta: bool) -> None:
        """A text that is whole, or one more piece of one."""
        if self._block is None or not delta:
            self._seal()
            self._begin({"type": "text", "text": ""})
        self._grow("text", text)
        if not delta:
            self._seal()

    def think(self, text: str) -> None:
        """Reasoning."""
        self._seal()
        self._begin({"type": "thinking", "thinking": "", "signature": ""})
        self._grow("thinking", text)
        self._event({"type": "content_block_delta", "index": self._index, "delta": {
            "type": "signature_delta", "signature": words.SIGNATURE}})  # fmt: skip
        if self._block is not None:
            self._block["signature"] = words.SIGNATURE
        self._seal()

    def use(self, call: str, name: str, input: Any) -> None:
        """Use a tool; that ends the message."""
        self._seal()
        self._begin({"type": "tool_use", "id": call, "name": name, "input": {}})
        delta = {"type": "input_json_delta", "partial_json": json.dumps(input)}
        self._event({"type": "content_block_delta", "index": self._index, "delta": delta})
        if self._block is not None:
            self._block["input"] = input
        self._seal()
        self.close("tool_use")

    def close(self, stop_reason: str) -> None:
        """The message, if there is one, is whole."""
        self._seal()
        if self._message is not None:
            ends = {"stop_reason": stop_reason, "stop_sequence": None}
            self._event({"type": "message_delta", "delta": ends, "usage": words.usage_of(self._uncounted())})
            self._counted = self.tokens
            self._event({"type": "message_stop"})
            self._message, self._requesting = None, False

    def abandon(self, aborted: bool) -> None:
        """The message ends in the middle; what was said of it is told where somebody ``aborted`` it."""
        block, self._block = self._block, None
        if self._message is None:
            return
        if block is not None and aborted:
            self._assistant(block, aborted=True)
        if block is not None:
            self._event({"type": "content_block_stop", "index": self._index})
        if aborted:
            ends = {"stop_reason": None, "stop_sequence": None}
            self._event({"type": "message_delta", "delta": ends, "usage": words.usage_of(self._uncounted())})
            self._counted = self.tokens
        left = {"api_message_id": self._message, "from_block_index": self._index + aborted}
        self._event({"type": "message_stop"}, abandoned_blocks=left)
        self._message, self._requesting = None, False

    def piece(self, text: str) -> dict[str, Any]:
        """The line that says a piece of a text."""
        if self._block is None:
            self._begin({"type": "text", "text": ""})
        return self._stream(self._delta("text", text))

    def line(self, message: dict[str, Any], parent: bool = True) -> None:
        """Write a line of this conversation."""
        self._write(words.stamped(message, self._conditions.session, parent))

    def _begin(self, block: dict[str, Any]) -> None:
        """A block begins, and a message where there is none."""
        if self._message is None:
            self.request()
            self._message, self._index = f"msg_{os.urandom(6).hex()}", -1
            self.begun.append(self._message)
            usage = {**words.usage_of(self._uncounted()), "output_tokens": 1}
            message = words.message_of(self._message, self._conditions.model, [], usage)
            self._event({"type": "message_start", "message": message}, **DISPLAY, ttft_ms=0, **self._marks("stream"))
        self._index += 1
        self._block = dict(block)
        shown = DISPLAY if block["type"] == "thinking" else {}
        self._event({"type": "content_block_start", "index": self._index, "content_block": block}, **shown)

    def _grow(self, kind: str, text: str) -> None:
        if self._block is not None:
            self._block[kind] += text
        self._event(self._delta(kind, text), **(DISPLAY if kind == "thinking" else {}))

    def _delta(self, kind: str, text: str) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": self._index, "delta": {"type": f"{kind}_delta", kind: text}}

    def _seal(self) -> None:
        """The block, if there is one, is whole."""
        if self._block is not None:
            block, self._block = self._block, None
            self.said = block.get("text", self.said)
            self._assistant(block)
            self._event({"type": "content_block_stop", "index": self._index})

    def _assistant(self, block: dict[str, Any], **more: Any) -> None:
        usage = {**words.usage_of(self._uncounted()), "output_tokens": 1}
        message = words.message_of(self._message or "", self._conditions.model, [block], usage)
        told = {"type": "assistant", "message": {**message, "context_management": None}}
        thought = {"thinking_duration_ms": 0, **DISPLAY} if block["type"] == "thinking" else {}
        self.line({**told, "timestamp": words.timestamp(), **thought, **more, **self._marks("assistant")})

    def _marks(self, kind: str) -> dict[str, Any]:
        """Which messages are answered; each kind of line says it once."""
        if kind not in self._unmarked:
            return {}
        self._unmarked.discard(kind)
        return {"user_message_uuid": self._messages[0], "user_message_uuids": list(self._messages)}

    def _uncounted(self) -> words.Tokens:
        return self.tokens.minus(self._counted)

    def _event(self, event: dict[str, Any], **more: Any) -> None:
        if self._conditions.flags.partial:
            self._write(self._stream(event, **more))

    def _stream(self, event: dict[str, Any], **more: Any) -> dict[str, Any]:
        line = words.stamped({"type": "stream_event", "event": event}, self._conditions.session)
        return {**line, "api_message_id": self._message, **more}
