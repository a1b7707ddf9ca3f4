"""Anthropic Messages: ``POST …/messages``."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tests.stub_model.conversation import Json, Message, Offer, Reply, Request, event, message_of, pieces, text_of
from tests.stub_model.script import Failure, Window

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
REQUEST_ID = "req_stub"
SIGNATURE = "c3R1Yg=="
FULL = 100.0


class Anthropic:
    """The interface of Claude Code and of whatever speaks Messages."""

    name = "anthropic"

    def read(self, path: str, body: Json) -> Request:
        """Roles are user and assistant; what a tool gave back stands in a user's message, beside text that steers."""
        wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
        return Request(
            dialect=self.name,
            model=body["model"],
            stream=bool(body.get("stream")),
            offers=tuple(Offer(tool["name"], tool.get("input_schema") or {}) for tool in body.get("tools") or []),
            messages=tuple(Message(one["role"], text_of(one.get("content"))) for one in body["messages"]),
            schema=wanted.get("schema"),
        )

    def whole(self, reply: Reply, now: float) -> Json:
        """A message."""
        return {
            "id": f"msg_{reply.id}",
            "type": "message",
            "role": "assistant",
            "model": reply.model,
            "content": blocks(reply),
            "stop_reason": "tool_use" if reply.calls else "end_turn",
            "stop_sequence": None,
            "usage": usage(reply),
        }

    def stream(self, reply: Reply, now: float) -> Iterator[bytes]:
        """message_start, then each block as start, deltas and stop, then message_delta and message_stop."""
        whole = self.whole(reply, now)
        begun = whole | {"content": [], "stop_reason": None, "usage": usage(reply) | {"output_tokens": 1}}
        yield named({"type": "message_start", "message": begun})
        yield named({"type": "ping"})
        for index, block in enumerate(whole["content"]):
            empty, deltas = unfold(block, reply)
            yield named({"type": "content_block_start", "index": index, "content_block": empty})
            for delta in deltas:
                yield named({"type": "content_block_delta", "index": index, "delta": delta})
            yield named({"type": "content_block_stop", "index": index})
        ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
        yield named({"type": "message_delta", "delta": ended, "usage": usage(reply)})
        yield named({"type": "message_stop"})

    def error(self, failure: Failure, now: float) -> tuple[dict[str, str], Json]:
        """``retry-after``, when the limit is reset, and whether the plan is used up."""
        headers = {"request-id": REQUEST_ID}
        if failure.retry_s is not None:
            headers["retry-after"] = f"{failure.retry_s:g}"
        if failure.plan:
            headers |= self.window(Window(FULL, failure.reset_s or 0), now)
            headers["anthropic-ratelimit-unified-status"] = "rejected"
        elif failure.reset_s is not None:
            headers["anthropic-ratelimit-requests-remaining"] = "0"
            headers["anthropic-ratelimit-requests-reset"] = instant(now + failure.reset_s)
        kind = failure.kind or KINDS.get(failure.status, "api_error")
        error = {"type": kind, "message": message_of(failure)}
        return headers, {"type": "error", "error": error, "request_id": REQUEST_ID}

    def broken(self, failure: Failure, now: float) -> bytes:
        """An event of the type ``error``."""
        return named(self.error(failure, now)[1])

    def window(self, window: Window, now: float) -> dict[str, str]:
        """The five-hour window of a subscription; a warning from 90 percent."""
        prefix, reset = "anthropic-ratelimit-unified", str(int(now + window.reset_s))
        return {
            f"{prefix}-status": "allowed_warning" if window.used_percent >= 90 else "allowed",
            f"{prefix}-reset": reset,
            f"{prefix}-representative-claim": "five_hour",
            f"{prefix}-5h-status": "allowed_warning" if window.used_percent >= 90 else "allowed",
            f"{prefix}-5h-utilization": f"{window.used_percent / 100:g}",
            f"{prefix}-5h-reset": reset,
        }


def named(data: Json) -> bytes:
    """An event under the name of its type."""
    return event(data, data["type"])


def instant(at: float) -> str:
    """A point in time as the headers write it."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def usage(reply: Reply) -> Json:
    """What comes out of the cache does not count as input here."""
    return {
        "input_tokens": reply.usage.taken - reply.usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": reply.usage.cached,
        "output_tokens": reply.usage.given,
    }


def blocks(reply: Reply) -> list[Json]:
    """Reasoning, text, calls."""
    found: list[Json] = []
    if reply.turn.thinking:
        found.append({"type": "thinking", "thinking": reply.turn.thinking, "signature": SIGNATURE})
    if reply.text:
        found.append({"type": "text", "text": reply.text})
    calls = [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments} for call in reply.calls]
    return found + calls


def unfold(block: Json, reply: Reply) -> tuple[Json, list[dict[str, Any]]]:
    """A block as it begins, and the deltas that fill it."""
    match block["type"]:
        case "text":
            return block | {"text": ""}, [{"type": "text_delta", "text": one} for one in pieces(block["text"])]
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": one} for one in pieces(block["thinking"])]
            signature = {"type": "signature_delta", "signature": SIGNATURE}
            return block | {"thinking": "", "signature": ""}, [*deltas, signature]
        case _:
            call = next(call for call in reply.calls if call.id == block["id"])
            return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": call.text}]
