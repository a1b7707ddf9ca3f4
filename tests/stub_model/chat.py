"""OpenAI Chat Completions: ``POST …/chat/completions``."""

from collections.abc import Iterator
from typing import Any

from tests.stub_model.conversation import Json, Message, Offer, Reply, Request, event, message_of, pieces, text_of
from tests.stub_model.script import Failure, Window

KINDS = {400: "invalid_request_error", 401: "invalid_api_key", 429: "rate_limit_exceeded"}
DONE = b"data: [DONE]\n\n"


class Chat:
    """The interface of OpenCode and of very many others."""

    name = "chat"

    def read(self, path: str, body: Json) -> Request:
        """Tools are functions; a schema comes in ``response_format``."""
        tools = [tool["function"] for tool in body.get("tools") or [] if tool.get("type") == "function"]
        wanted = body.get("response_format") or {}
        bare = {"type": "object"} if wanted.get("type") == "json_object" else None
        return Request(
            dialect=self.name,
            model=body["model"],
            stream=bool(body.get("stream")),
            offers=tuple(Offer(tool["name"], tool.get("parameters") or {}) for tool in tools),
            messages=tuple(Message(one["role"], text_of(one.get("content"))) for one in body["messages"]),
            schema=(wanted.get("json_schema") or {}).get("schema") or bare,
        )

    def whole(self, reply: Reply, now: float) -> Json:
        """A completion with one choice."""
        message: Json = {"role": "assistant", "content": reply.text or None}
        if reply.calls:
            message["tool_calls"] = calls(reply)
        choice = {"index": 0, "message": message, "finish_reason": finish(reply)}
        head = {"id": reply.id, "object": "chat.completion", "created": int(now), "model": reply.model}
        return head | {"choices": [choice], "usage": usage(reply)}

    def stream(self, reply: Reply, now: float) -> Iterator[bytes]:
        """Chunks with a delta each; the last one has the usage."""
        head = {"id": reply.id, "object": "chat.completion.chunk", "created": int(now), "model": reply.model}

        def chunk(delta: Json, end: str | None = None, **more: Any) -> bytes:
            return event(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": end}]} | more)

        yield chunk({"role": "assistant", "content": ""})
        for piece in pieces(reply.turn.thinking):
            yield chunk({"reasoning_content": piece})
        for piece in pieces(reply.text):
            yield chunk({"content": piece})
        for index, call in enumerate(calls(reply)):
            yield chunk({"tool_calls": [{"index": index, **call}]})
        yield chunk({}, finish(reply), usage=usage(reply))
        yield DONE

    def error(self, failure: Failure, now: float) -> tuple[dict[str, str], Json]:
        """``retry-after`` in seconds and milliseconds, and how long until the limit is reset."""
        headers = {"x-request-id": "req_stub"}
        kind = failure.kind or ("insufficient_quota" if failure.plan else KINDS.get(failure.status, "server_error"))
        text = message_of(failure)
        if failure.retry_s is not None:
            headers |= {"retry-after": f"{failure.retry_s:g}", "retry-after-ms": str(int(failure.retry_s * 1000))}
            text += f". Please try again in {failure.retry_s:g}s." if failure.message is None else ""
        if failure.reset_s is not None:
            headers |= {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": f"{failure.reset_s:g}s"}
        return headers, {"error": {"message": text, "type": kind, "param": None, "code": kind}}

    def broken(self, failure: Failure, now: float) -> bytes:
        """A chunk that is an error."""
        return event(self.error(failure, now)[1])

    def window(self, window: Window, now: float) -> dict[str, str]:
        """Requests of a hundred that are left, and when there are a hundred again."""
        return {
            "x-ratelimit-limit-requests": "100",
            "x-ratelimit-remaining-requests": str(int(100 - window.used_percent)),
            "x-ratelimit-reset-requests": f"{window.reset_s:g}s",
        }


def finish(reply: Reply) -> str:
    """Why the model stopped."""
    return "tool_calls" if reply.calls else "stop"


def calls(reply: Reply) -> list[Json]:
    """Calls of functions, their arguments as text."""
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.text}}
        for call in reply.calls
    ]


def usage(reply: Reply) -> Json:
    """What comes out of the cache is part of the prompt's tokens here."""
    return {
        "prompt_tokens": reply.usage.taken,
        "completion_tokens": reply.usage.given,
        "total_tokens": reply.usage.taken + reply.usage.given,
        "prompt_tokens_details": {"cached_tokens": reply.usage.cached},
    }
