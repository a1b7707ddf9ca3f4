"""One turn of the imitated Claude Code: what its model says, its tools, and its result."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Final, NamedTuple

from . import claude_words as words
from .claude_flags import BYPASS, WRITERS
from .claude_model import ClaudeModel, Conditions, Write

RETRIES: Final = 2  #: how often a call is made again before its turn fails
RETRY_MS: Final = 500


class Ledger:
    """What the whole process has consumed: the program's totals grow over its turns."""

    def __init__(self) -> None:
        self.tokens = words.Tokens()
        self.usd = 0.0
        self.window = words.WINDOW
        self.results = 0
        self.calls = 0  #: turns in which the model answered


class Ask(NamedTuple):
    """A tool that waits for a permission: the script's name for the question, the call, the tool, what it is given."""

    id: str
    call: str
    tool: str
    input: Any


class ClaudeTurn:
    """From the message that begins it to its result."""

    def __init__(self, message: str, conditions: Conditions, ledger: Ledger, write: Write) -> None:
        """``message`` is the id of what it was asked."""
        self._messages = [message]  # what was brought to it
        self._conditions = conditions
        self._ledger = ledger
        self._model = ClaudeModel(conditions, self._messages, write)
        self._began = time.monotonic()
        self._tools: dict[str, tuple[str, Any]] = {}  # in use: name and input
        self._denials: list[dict[str, Any]] = []
        self._usd: float | None = None
        self._limit = ""
        self._stumbles = 0

    # -- what happens in it -------------------------------------------------------------------------------------------
    def begin(self) -> None:
        """It is open."""
        held = self._conditions
        self.lifecycle(self._messages[0], "started")
        init = words.init_of(held.cwd, held.model, held.flags.mode, held.flags.denied)
        self._model.line({**init, "user_message_uuids": list(self._messages)}, parent=False)
        self._model.request()

    def takes(self, message: str) -> None:
        """More text goes into it."""
        self._model.close("end_turn")
        self._messages.append(message)
        self.lifecycle(message, "started")

    def tell(self, kind: str, fields: dict[str, Any]) -> None:
        """Say one thing; what there is no word for is left out."""
        match kind:
            case "message":
                self._model.say(fields["text"], bool(fields.get("delta")))
            case "thought":
                self._model.think(fields["text"])
            case "tool.call":
                self._use(fields["id"], fields["name"], fields.get("input"))
            case "tool.result":
                name, input = self._tools.pop(fields["id"])
                failed = bool(fields.get("failed"))
                self._gave(*words.result_block(fields["id"], name, input, fields.get("output"), failed))
            case "usage":
                self._consume(fields)
            case "rate_limit":
                self._limited(fields["kind"], fields.get("resets_in_s"))
            case _:
                pass

    def ask(self, fields: dict[str, Any]) -> tuple[Ask, bool | None]:
        """Use a tool that needs a permission; whether the mode it runs in has decided that already."""
        tool, mode = fields.get("tool") or words.SHELL, self._conditions.flags.mode
        input = {"command": fields["text"]} if fields.get("input") is None else fields["input"]
        ask = Ask(fields["id"], f"call_{os.urandom(4).hex()}", tool, input)
        self._use(ask.call, tool, input)
        if mode == BYPASS or (mode == "acceptEdits" and tool in WRITERS):
            return ask, True
        if mode != "dontAsk":
            return ask, None
        notice = {"type": "system", "subtype": "permission_denied", "tool_name": tool, "tool_use_id": ask.call}
        why = words.DENIED.format(tool=tool)
        self._model.line({**notice, "decision_reason_type": "mode", "message": why}, parent=False)
        return ask, False

    def decided(self, ask: Ask, allow: bool, why: str) -> None:
        """A permission was given, or refused."""
        name, input = self._tools.pop(ask.call)
        if allow:
            self._gave(*words.result_block(ask.call, name, input, None, failed=False))
        else:
            self._denials.append({"tool_name": ask.tool, "tool_use_id": ask.call, "tool_input": ask.input})
            self._gave(words.failed_block(ask.call, why), f"Error: {why}")

    def piece(self, text: str) -> dict[str, Any]:
        """The line that says a piece of a message."""
        return self._model.piece(text)

    def lifecycle(self, message: str, state: str) -> None:
        """What has become of a message."""
        told = {"type": "command_lifecycle", "command_uuid": message, "state": state}
        self._model.line(told, parent=False)

    # -- how it ends --------------------------------------------------------------------------------------------------
    def end(self, fields: dict[str, Any]) -> None:
        """Say the result, and what has become of everything that was brought to it."""
        failed, interrupted = fields.get("failed"), bool(fields.get("interrupted"))
        if interrupted:
            how = self._interrupted()
        elif failed is not None:
            how = self._failed(failed, fields.get("error") or "it failed")
        else:
            how = self._completed(fields)
        state = "cancelled" if interrupted or failed is not None else "completed"
        for message in self._messages[1:]:
            self.lifecycle(message, state)
        self._result(how)
        self.lifecycle(self._messages[0], state)

    def _completed(self, fields: dict[str, Any]) -> dict[str, Any]:
        how = {"terminal_reason": "completed", "is_error": False, "subtype": "success", "api_error_status": None}
        result = fields.get("result")
        if self._conditions.structured and result is not None:
            call = f"call_{os.urandom(4).hex()}"
            self._use(call, words.STRUCTURED, result)
            self._tools.pop(call)
            text = "Structured output provided successfully"
            self._gave({"tool_use_id": call, "type": "tool_result", "content": text}, text)
            answer = json.dumps(result, separators=(",", ":"))
            return {"stop_reason": "tool_use", **how, "result": answer, "structured_output": result}
        answer = fields.get("text") or ""
        if self._model.speaks:
            self._model.close("end_turn")
        if answer and answer != self._model.said:
            self._model.say(answer, delta=False)
        self._model.close("end_turn")
        return {"stop_reason": "end_turn", **how, "result": answer}

    def _interrupted(self) -> dict[str, Any]:
        how = {"is_error": True, "subtype": "error_during_execution"}
        told = "[ede_diagnostic] result_type=user last_content_type=n/a stop_reason="
        if not self._tools:
            self._model.abandon(aborted=True)
            self._user([{"type": "text", "text": words.INTERRUPTED}])
            return {"stop_reason": None, "terminal_reason": "aborted_streaming", **how, "errors": [f"{told}null"]}
        for call in self._tools:
            self._gave(words.failed_block(call, words.REJECTED), "User rejected tool use")
        self._user([{"type": "text", "text": words.INTERRUPTED_TOOL}])
        return {"stop_reason": "tool_use", "terminal_reason": "aborted_tools", **how, "errors": [f"{told}tool_use"]}

    def _failed(self, reason: str, why: str) -> dict[str, Any]:
        """The calls that are made again, what the program says in the model's place, and the result."""
        if reason == "provider":
            reason = "cut" if self._model.speaks else "overload" if self._limit == "overload" else reason
        if reason == "cut":
            self._model.abandon(aborted=False)
        self._model.close("end_turn")
        if reason in words.GAVE_UP:
            subtype, terminal = words.GAVE_UP[reason]
            how = {"stop_reason": "tool_use", "terminal_reason": terminal, "is_error": True, "subtype": subtype}
            return {**how, "errors": [why]}
        failure = words.failure_of(reason)
        while failure.tried and self._stumbles < RETRIES:
            self._stumble(failure)
        named = {"api_error_type": failure.type, "api_error": failure.name}
        known = {name: value for name, value in named.items() if value is not None}
        status = {} if failure.status is None else {"api_error_status": failure.status}
        said = {"type": "assistant", "message": words.synthetic_of(why), "timestamp": words.timestamp()}
        marks = {"user_message_uuid": self._messages[0], "user_message_uuids": list(self._messages)}
        told = {"error": failure.error, "is_api_error_message": True, **status, **known}
        self._model.line({**said, **told, **marks})
        how = {"stop_reason": "stop_sequence", "terminal_reason": "api_error", "is_error": True, "subtype": "success"}
        return {**how, "api_error_status": failure.status, **known, "result": why}

    def _result(self, how: dict[str, Any]) -> None:
        ledger, tokens = self._ledger, self._model.tokens
        usd = tokens.usd if self._usd is None else self._usd
        ledger.tokens, ledger.usd = ledger.tokens.plus(tokens), ledger.usd + usd
        calls = len(self._model.begun) or any(tokens) or usd
        ledger.calls += bool(calls)
        seen = words.Tokens() if how["terminal_reason"] == "aborted_streaming" else tokens
        took = round((time.monotonic() - self._began) * 1_000)
        model, window = self._conditions.model, ledger.window
        line = {
            "duration_api_ms": took,
            "total_cost_usd": ledger.usd,
            "usage": words.turn_usage_of(seen),
            "modelUsage": words.models_of(model, ledger.tokens, ledger.usd, window) if ledger.calls else {},
            "permission_denials": self._denials,
            "fast_mode_state": "off",
            "fast_mode_disabled_reason": "sdk_opt_in_required",
            "safety_stops": 0,
            "num_turns": max(1, len(self._model.begun)),
            **how,
            "type": "result",
            "duration_ms": took,
            "begun_message_ids": self._model.begun,
            "user_message_uuid": self._messages[0],
            "user_message_uuids": list(self._messages),
            "queued_turn_count": 0,
            "result_index": ledger.results,
            "model_usage_since_last_result": words.models_of(model, tokens, usd, window) if calls else {},
        }
        ledger.results += 1
        self._model.line(line, parent=False)

    # -- inside -------------------------------------------------------------------------------------------------------
    def _use(self, call: str, name: str, input: Any) -> None:
        self._tools[call] = name, input
        self._model.use(call, name, {} if input is None else input)

    def _gave(self, block: dict[str, Any], own: Any) -> None:
        """A tool gave something; ``own``: in its own terms."""
        decision = {"decision": "accept" if not block.get("is_error") else "reject", "source": "config"}
        meta = [{"id": block["tool_use_id"], "permission_decision": decision}]
        self._user([block], tool_use_result=own, tool_result_meta=meta)

    def _user(self, content: list[dict[str, Any]], **more: Any) -> None:
        message = {"role": "user", "content": content}
        self._model.line({"type": "user", "message": message, "timestamp": words.timestamp(), **more})

    def _consume(self, fields: dict[str, Any]) -> None:
        names = {"input_tokens": "read", "cached_tokens": "cached", "output_tokens": "written"}
        told = {names[name]: fields[name] for name in names if fields.get(name) is not None}
        self._model.tokens = self._model.tokens._replace(**told)
        if fields.get("usd") is not None:
            self._usd = fields["usd"]
        self._ledger.window = fields.get("context_window") or self._ledger.window

    def _limited(self, kind: str, resets_in: float | None) -> None:
        """A limit is met: a window that is full or nearly so, or a call that is made again."""
        self._limit = kind
        if kind in ("quota", "warning"):
            line = {"type": "rate_limit_event", "rate_limit_info": words.limit_of(kind, resets_in)}
            self._model.line(line, parent=False)
        else:
            self._stumble(words.failure_of("rate_limit" if kind == "rate" else kind))

    def _stumble(self, failure: words.Failure) -> None:
        self._stumbles += 1
        tries = {"attempt": self._stumbles, "max_retries": RETRIES, "retry_delay_ms": RETRY_MS * self._stumbles}
        why = {"error_status": failure.status, "error": failure.tried}
        self._model.line({"type": "system", "subtype": "api_retry", **tries, **why}, parent=False)
