"""Gemini: ``POST …/models/MODEL:generateContent`` and ``:streamGenerateContent``."""

import re
from collections.abc import Iterator

from tests.stub_model.conversation import Json, Message, Offer, Reply, Request, event, message_of, pieces, text_of
from tests.stub_model.script import Failure, Window

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
DAILY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
RPC = "type.googleapis.com/google.rpc."


class Gemini:
    """The interface of the Gemini CLI."""

    name = "gemini"

    def read(self, path: str, body: Json) -> Request:
        """The model stands in the path; the role of the assistant is ``model``."""
        named = re.search(r"/models/([^/:]+):", path)
        wanted = body.get("generationConfig") or {}
        declared = [one for tool in body.get("tools") or [] for one in tool.get("functionDeclarations") or []]
        return Request(
            dialect=self.name,
            model=named.group(1) if named else "",
            stream="streamGenerateContent" in path,
            offers=tuple(
                Offer(one["name"], one.get("parametersJsonSchema") or one.get("parameters") or {}) for one in declared
            ),
            messages=tuple(message(one) for one in body["contents"]),
            schema=wanted.get("responseJsonSchema") or wanted.get("responseSchema"),
        )

    def whole(self, reply: Reply, now: float) -> Json:
        """One candidate with all parts."""
        thought = [{"text": reply.turn.thinking, "thought": True}] if reply.turn.thinking else []
        text = [{"text": reply.text}] if reply.text else []
        return chunk(reply, [*thought, *text, *calls(reply)], "STOP")

    def stream(self, reply: Reply, now: float) -> Iterator[bytes]:
        """Candidates in pieces; calls come whole, in the last one."""
        if reply.turn.thinking:
            yield event(chunk(reply, [{"text": reply.turn.thinking, "thought": True}], None))
        for piece in pieces(reply.text):
            yield event(chunk(reply, [{"text": piece}], None))
        yield event(chunk(reply, calls(reply) or [{"text": ""}], "STOP"))

    def error(self, failure: Failure, now: float) -> tuple[dict[str, str], Json]:
        """When to come again stands in ``RetryInfo``; a quota of the day in ``QuotaFailure``."""
        headers: dict[str, str] = {}
        details: list[Json] = []
        quota = failure.kind or (DAILY if failure.plan else None)
        if quota is not None:
            violation = {"quotaMetric": "stub", "quotaId": quota}
            details.append({"@type": f"{RPC}QuotaFailure", "violations": [violation]})
        wait_s = failure.retry_s if failure.retry_s is not None else failure.reset_s
        if wait_s is not None:
            headers["retry-after"] = f"{wait_s:g}"
            details.append({"@type": f"{RPC}RetryInfo", "retryDelay": f"{wait_s:g}s"})
        status = STATUSES.get(failure.status, "UNKNOWN")
        error = {"code": failure.status, "message": message_of(failure), "status": status, "details": details}
        return headers, {"error": error}

    def broken(self, failure: Failure, now: float) -> bytes:
        """A chunk that is an error."""
        return event(self.error(failure, now)[1])

    def window(self, window: Window, now: float) -> dict[str, str]:
        """This provider tells nothing of the sort."""
        return {}


def message(content: Json) -> Message:
    """One entry of the history."""
    role = {"model": "assistant"}.get(content.get("role", "user"), "user")
    return Message(role, text_of(content.get("parts")))


def calls(reply: Reply) -> list[Json]:
    """Calls as parts."""
    return [{"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}} for call in reply.calls]


def chunk(reply: Reply, parts: list[Json], finish: str | None) -> Json:
    """One response, or one piece of it."""
    given = reply.usage.given if finish else 0
    candidate: Json = {"content": {"role": "model", "parts": parts}, "index": 0}
    return {
        "candidates": [candidate | ({"finishReason": finish} if finish else {})],
        "modelVersion": reply.model,
        "responseId": reply.id,
        "usageMetadata": {
            "promptTokenCount": reply.usage.taken,
            "candidatesTokenCount": given,
            "cachedContentTokenCount": reply.usage.cached,
            "totalTokenCount": reply.usage.taken + given,
        },
    }
