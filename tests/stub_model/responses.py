"""OpenAI Responses: ``POST …/responses``."""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from tests.stub_model.chat import Chat
from tests.stub_model.conversation import Call, Json, Message, Offer, Reply, Request, event, message_of, pieces, text_of
from tests.stub_model.script import Failure, Window

WINDOW_MINUTES = 300


class Responses:
    """The interface of Codex."""

    name = "responses"

    def read(self, path: str, body: Json) -> Request:
        """The input is a text, or items: messages, calls, what calls gave, reasoning."""
        items = body["input"]
        if isinstance(items, str):
            items = [{"role": "user", "content": items}]
        tools = list(body.get("tools") or [])
        for item in items:
            tools += item.get("tools") or [] if item.get("type") == "additional_tools" else []
        wanted = (body.get("text") or {}).get("format") or {}
        return Request(
            dialect=self.name,
            model=body["model"],
            stream=bool(body.get("stream")),
            offers=tuple(offers(tools)),
            messages=tuple(messages(items)),
            schema=wanted.get("schema"),
        )

    def whole(self, reply: Reply, now: float) -> Json:
        """A completed response."""
        return response(reply, "completed", now) | {
            "output": items_of(reply),
            "usage": {
                "input_tokens": reply.usage.taken,
                "input_tokens_details": {"cached_tokens": reply.usage.cached},
                "output_tokens": reply.usage.given,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": reply.usage.taken + reply.usage.given,
            },
        }

    def stream(self, reply: Reply, now: float) -> Iterator[bytes]:
        """Numbered events: created, each item as added, deltas and done, completed."""
        numbers = count()

        def send(kind: str, **data: Any) -> bytes:
            return event({"type": kind, "sequence_number": next(numbers), **data}, kind)

        begun = response(reply, "in_progress", now)
        yield send("response.created", response=begun)
        yield send("response.in_progress", response=begun)
        for index, item in enumerate(items_of(reply)):
            for kind, data in unfold(item):
                yield send(f"response.{kind}", output_index=index, **data)
        yield send("response.completed", response=self.whole(reply, now))

    def error(self, failure: Failure, now: float) -> tuple[dict[str, str], Json]:
        """As in Chat Completions; a plan that is used up tells when it is there again."""
        headers, body = Chat().error(failure, now)
        if failure.plan:
            reset_s = int(failure.reset_s or 0)
            body["error"] = {
                "type": failure.kind or "usage_limit_reached",
                "message": message_of(failure),
                "plan_type": "pro",
                "resets_at": int(now) + reset_s,
                "resets_in_seconds": reset_s,
            }
            headers |= self.window(Window(100, reset_s), now)
        return headers, body

    def broken(self, failure: Failure, now: float) -> bytes:
        """A response that failed."""
        error = self.error(failure, now)[1]["error"]
        failed = {"code": error.get("code") or error["type"], "message": error["message"]}
        whole = {"id": "resp_failed", "object": "response", "status": "failed", "output": [], "error": failed}
        return event({"type": "response.failed", "response": whole}, "response.failed")

    def window(self, window: Window, now: float) -> dict[str, str]:
        """The first window of a plan, as Codex reads it."""
        return {
            "x-codex-primary-used-percent": f"{window.used_percent:g}",
            "x-codex-primary-window-minutes": str(WINDOW_MINUTES),
            "x-codex-primary-reset-at": str(int(now + window.reset_s)),
        }


def offers(tools: Iterable[Json]) -> Iterator[Offer]:
    """Functions, tools of free text, and both inside a namespace."""
    for tool in tools:
        match tool.get("type"):
            case "function":
                yield Offer(tool["name"], tool.get("parameters") or {})
            case "custom":
                yield Offer(tool["name"], free=True)
            case "namespace":
                yield from offers(tool.get("tools") or [])
            case _:  # what the provider itself would run
                continue


def messages(items: Iterable[Json]) -> Iterator[Message]:
    """The history; a call is a word of the model, and reasoning none."""
    for item in items:
        kind = item.get("type", "message")
        if kind == "message":
            yield Message(item.get("role", "user"), text_of(item.get("content")))
        elif kind.endswith("_call"):
            yield Message("assistant")
        elif kind.endswith("_output"):
            yield Message("tool")


def response(reply: Reply, status: str, now: float) -> Json:
    """What all forms of a response have."""
    return {
        "id": f"resp_{reply.id}",
        "object": "response",
        "created_at": int(now),
        "status": status,
        "model": reply.model,
        "output": [],
        "error": None,
        "incomplete_details": None,
    }


def items_of(reply: Reply) -> list[Json]:
    """Reasoning, text, calls."""
    found: list[Json] = []
    if reply.turn.thinking:
        summary = [{"type": "summary_text", "text": reply.turn.thinking}]
        found.append({"type": "reasoning", "id": f"rs_{reply.id}", "summary": summary, "encrypted_content": "c3R1Yg=="})
    if reply.text:
        part = {"type": "output_text", "text": reply.text, "annotations": []}
        head = {"type": "message", "id": f"msg_{reply.id}", "role": "assistant", "status": "completed"}
        found.append(head | {"content": [part]})
    return found + [call_item(call) for call in reply.calls]


def call_item(call: Call) -> Json:
    """A call of a function, or of a tool that takes free text."""
    head = {"id": f"fc_{call.id}", "call_id": call.id, "name": call.name, "status": "completed"}
    if isinstance(call.arguments, str):
        return {"type": "custom_tool_call", "input": call.arguments, **head}
    return {"type": "function_call", "arguments": call.text, **head}


def unfold(item: Json) -> Iterator[tuple[str, Json]]:
    """The events that build one item."""
    where = {"item_id": item["id"]}
    match item["type"]:
        case "message":
            yield "output_item.added", {"item": item | {"status": "in_progress", "content": []}}
            yield from unfold_text(item["content"][0], where | {"content_index": 0})
        case "reasoning":
            yield "output_item.added", {"item": item | {"summary": []}}
            for piece in pieces(item["summary"][0]["text"]):
                yield "reasoning_summary_text.delta", where | {"summary_index": 0, "delta": piece}
        case "function_call":
            yield "output_item.added", {"item": item | {"status": "in_progress", "arguments": ""}}
            yield "function_call_arguments.delta", where | {"delta": item["arguments"]}
            yield "function_call_arguments.done", where | {"arguments": item["arguments"]}
        case _:
            yield "output_item.added", {"item": item | {"status": "in_progress", "input": ""}}
            yield "custom_tool_call_input.delta", where | {"delta": item["input"]}
            yield "custom_tool_call_input.done", where | {"input": item["input"]}
    yield "output_item.done", {"item": item}


def unfold_text(part: Json, where: Json) -> Iterator[tuple[str, Json]]:
    """The events that build one text."""
    yield "content_part.added", where | {"part": part | {"text": ""}}
    for piece in pieces(part["text"]):
        yield "output_text.delta", where | {"delta": piece}
    yield "output_text.done", where | {"text": part["text"]}
    yield "content_part.done", where | {"part": part}
