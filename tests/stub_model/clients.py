"""Clients of the four dialects, as small as they can be: what they send, and what they read from an answer."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

Json = dict[str, Any]
RUN = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
KEY = "sk-test"


@dataclass(frozen=True)
class Answer:
    """What came back; ``complete``: with its end."""

    status: int
    headers: dict[str, str]
    body: bytes
    complete: bool = True

    @property
    def json(self) -> Any:
        """A body in JSON."""
        return json.loads(self.body)

    @property
    def events(self) -> Iterator[Json]:
        """The data of server-sent events."""
        for line in self.body.decode().splitlines():
            if line.startswith("data: ") and line != "data: [DONE]":
                yield json.loads(line.removeprefix("data: "))


@dataclass(frozen=True)
class Said:
    """What a client understood."""

    text: str
    calls: tuple[tuple[str, Any], ...]
    usage: tuple[int, int, int]  #: in (with what was cached), out, cached


class Client(Protocol):
    """One dialect from the client's side."""

    name: str

    def ask(self, prompt: str, stream: bool, tools: tuple[str, ...] = ("bash",), schema: Json | None = None) -> Json:
        """A body."""

    def path(self, stream: bool) -> str:
        """Where it goes."""

    def went_on(self, body: Json, said: Said) -> Json:
        """The same conversation after a turn of the model; its calls gave "done"."""

    def understand(self, answer: Answer, stream: bool) -> Said:
        """What an answer says."""


async def post(url: str, path: str, body: Json, headers: Json | None = None) -> Answer:
    """Send one request and read the answer to its end, or to where the connection ended."""
    reader, writer = await connect(url, path, body, headers)
    try:
        status, found = await read_head(reader)
        try:
            if found.get("transfer-encoding") == "chunked":
                return Answer(status, found, *await read_chunks(reader))
            return Answer(status, found, await reader.readexactly(int(found["content-length"])))
        except asyncio.IncompleteReadError as error:
            return Answer(status, found, error.partial, complete=False)
    finally:
        writer.close()
        await writer.wait_closed()


async def connect(
    url: str, path: str, body: Json, headers: Json | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send one request."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    raw = json.dumps(body).encode()
    lines = {"host": "stub", "content-length": len(raw), "x-api-key": KEY, **(headers or {})}
    head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    writer.write(head.encode() + raw)
    await writer.drain()
    return reader, writer


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status and headers."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines)


async def read_chunks(reader: asyncio.StreamReader) -> tuple[bytes, bool]:
    """A chunked body, and whether it had its end."""
    chunks: list[bytes] = []
    try:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            chunks.append((await reader.readexactly(size + 2))[:-2])
        return b"".join(chunks), True
    except asyncio.IncompleteReadError:
        return b"".join(chunks), False


class AnthropicClient:
    """Messages."""

    name = "anthropic"

    def path(self, stream: bool) -> str:
        return "/v1/messages"

    def ask(self, prompt: str, stream: bool, tools: tuple[str, ...] = ("bash",), schema: Json | None = None) -> Json:
        body: Json = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": prompt}]}
        body["tools"] = [{"name": name, "input_schema": RUN} for name in tools]
        return body | ({"output_config": {"format": {"type": "json_schema", "schema": schema}}} if schema else {})

    def went_on(self, body: Json, said: Said) -> Json:
        uses = [
            {"type": "tool_use", "id": f"t{index}", "name": name, "input": value}
            for index, (name, value) in enumerate(said.calls)
        ]
        results = [{"type": "tool_result", "tool_use_id": use["id"], "content": "done"} for use in uses]
        text = [{"type": "text", "text": said.text}] if said.text else []
        after = [{"role": "assistant", "content": text + uses}, {"role": "user", "content": results or "continue"}]
        return body | {"messages": body["messages"] + after}

    def understand(self, answer: Answer, stream: bool) -> Said:
        if not stream:
            message = answer.json
            return self._said(message["content"], message["usage"])
        blocks: list[Json] = []
        usage: Json = {}
        for event in answer.events:
            match event["type"]:
                case "content_block_start":
                    blocks.append(dict(event["content_block"]) | {"raw": ""})
                case "content_block_delta":
                    add(blocks[event["index"]], event["delta"])
                case "message_delta":
                    usage = event["usage"]
                case _:
                    continue
        for block in blocks:
            block["input"] = json.loads(block["raw"]) if block["raw"] else None
        return self._said(blocks, usage)

    def _said(self, blocks: list[Json], usage: Json) -> Said:
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        calls = tuple((block["name"], block["input"]) for block in blocks if block["type"] == "tool_use")
        cached = usage["cache_read_input_tokens"]
        return Said(text, calls, (usage["input_tokens"] + cached, usage["output_tokens"], cached))


def add(block: Json, delta: Json) -> None:
    """A delta onto its block."""
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "input_json_delta":
            block["raw"] += delta["partial_json"]
        case _:
            return


class ChatClient:
    """Chat Completions."""

    name = "chat"

    def path(self, stream: bool) -> str:
        return "/v1/chat/completions"

    def ask(self, prompt: str, stream: bool, tools: tuple[str, ...] = ("bash",), schema: Json | None = None) -> Json:
        body: Json = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": prompt}]}
        body["tools"] = [{"type": "function", "function": {"name": name, "parameters": RUN}} for name in tools]
        wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
        return body | ({"response_format": wanted} if schema else {})

    def went_on(self, body: Json, said: Said) -> Json:
        calls = [
            {"id": f"t{index}", "type": "function", "function": {"name": name, "arguments": json.dumps(value)}}
            for index, (name, value) in enumerate(said.calls)
        ]
        results = [{"role": "tool", "tool_call_id": call["id"], "content": "done"} for call in calls]
        after = [{"role": "assistant", "content": said.text, "tool_calls": calls}]
        return body | {"messages": body["messages"] + after + (results or [{"role": "user", "content": "continue"}])}

    def understand(self, answer: Answer, stream: bool) -> Said:
        if stream:
            chunks = list(answer.events)
            deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
            usage = chunks[-1]["usage"]
        else:
            deltas, usage = [answer.json["choices"][0]["message"]], answer.json["usage"]
        text = "".join(delta.get("content") or "" for delta in deltas)
        functions = [call["function"] for delta in deltas for call in delta.get("tool_calls", [])]
        calls = tuple((one["name"], json.loads(one["arguments"])) for one in functions)
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        return Said(text, calls, (usage["prompt_tokens"], usage["completion_tokens"], cached))


class ResponsesClient:
    """Responses."""

    name = "responses"

    def path(self, stream: bool) -> str:
        return "/v1/responses"

    def ask(self, prompt: str, stream: bool, tools: tuple[str, ...] = ("bash",), schema: Json | None = None) -> Json:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": prompt}]}
        offered = [{"type": "function", "name": name, "parameters": RUN} for name in tools]
        body: Json = {"model": "m", "stream": stream, "input": [item], "tools": offered}
        return body | ({"text": {"format": {"type": "json_schema", "schema": schema}}} if schema else {})

    def went_on(self, body: Json, said: Said) -> Json:
        after: list[Json] = [{"type": "reasoning", "summary": []}]
        if said.text:
            after.append({"type": "message", "role": "assistant", "content": [{"text": said.text}]})
        for index, (name, value) in enumerate(said.calls):
            after.append({"type": "function_call", "call_id": f"t{index}", "name": name, "arguments": str(value)})
        results = [
            {"type": "function_call_output", "call_id": f"t{index}", "output": "done"}
            for index in range(len(said.calls))
        ]
        return body | {"input": body["input"] + after + (results or [{"role": "user", "content": "continue"}])}

    def understand(self, answer: Answer, stream: bool) -> Said:
        events = list(answer.events) if stream else []
        whole = events[-1]["response"] if stream else answer.json
        items = [event["item"] for event in events if event["type"] == "response.output_item.done"]
        items = items if stream else whole["output"]
        assert items == whole["output"]
        text = "".join(item["content"][0]["text"] for item in items if item["type"] == "message")
        if stream:
            told = "".join(one["delta"] for one in events if one["type"] == "response.output_text.delta")
            assert told == text
        calls = tuple((one["name"], json.loads(one["arguments"])) for one in items if one["type"] == "function_call")
        usage = whole["usage"]
        cached = usage["input_tokens_details"]["cached_tokens"]
        return Said(text, calls, (usage["input_tokens"], usage["output_tokens"], cached))


class GeminiClient:
    """Gemini."""

    name = "gemini"

    def path(self, stream: bool) -> str:
        return f"/v1beta/models/m:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}"

    def ask(self, prompt: str, stream: bool, tools: tuple[str, ...] = ("bash",), schema: Json | None = None) -> Json:
        declared = [{"name": name, "parametersJsonSchema": RUN} for name in tools]
        body: Json = {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}
        body["tools"] = [{"functionDeclarations": declared}] if declared else []
        return body | ({"generationConfig": {"responseJsonSchema": schema}} if schema else {})

    def went_on(self, body: Json, said: Said) -> Json:
        calls: list[Json] = [{"functionCall": {"name": name, "args": value}} for name, value in said.calls]
        results: list[Json] = [
            {"functionResponse": {"name": name, "response": {"output": "done"}}} for name, _ in said.calls
        ]
        text: list[Json] = [{"text": said.text}] if said.text else []
        asked: list[Json] = [*results] or [{"text": "continue"}]
        after = [{"role": "model", "parts": text + calls}, {"role": "user", "parts": asked}]
        return body | {"contents": body["contents"] + after}

    def understand(self, answer: Answer, stream: bool) -> Said:
        chunks = list(answer.events) if stream else [answer.json]
        parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
        assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"
        text = "".join(part.get("text", "") for part in parts if not part.get("thought"))
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        usage = chunks[-1]["usageMetadata"]
        counts = (usage["promptTokenCount"], usage["candidatesTokenCount"], usage["cachedContentTokenCount"])
        return Said(text, tuple((call["name"], call["args"]) for call in calls), counts)


CLIENTS: tuple[Client, ...] = (AnthropicClient(), ResponsesClient(), ChatClient(), GeminiClient())
