"""The lines of Claude Code's stream-json, with the fields that the real one (2.1.330) gives them."""

from __future__ import annotations

import json
import time
from typing import Any, Final, NamedTuple

from .ids import random_uuid

VERSION: Final = "2.1.330"
MODEL: Final = "claude-opus-5-5"
WINDOW: Final = 1_000_000  #: tokens of a context
MAX_OUTPUT: Final = 128_000
SHELL: Final = "Bash"
WRITE: Final = "Write"
STRUCTURED: Final = "StructuredOutput"
TOOLS: Final = ("Task", "AskUserQuestion", SHELL, "Edit", "NotebookEdit", "Read", "WebFetch", "WebSearch", WRITE)
#: Dollars for a token that was read, read from a cache, and written, as the real one counts this model.
PRICES: Final = (4e-6, 2e-7, 2e-5)
SIGNATURE: Final = "ZmFrZQ=="
REJECTED: Final = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the "
    "new_string was NOT written to the file). STOP what you are doing and wait for the user to tell you how to proceed."
)
DENIED: Final = "Permission to use {tool} has been denied because Claude Code is running in don't ask mode."
CREATED: Final = (
    "File created successfully at: {path} (file state is current in your context — no need to Read it back)"
)
INTERRUPTED: Final = "[Request interrupted by user]"
INTERRUPTED_TOOL: Final = "[Request interrupted by user for tool use]"


class Tokens(NamedTuple):
    """What was consumed. ``read`` is everything that the model read, ``cached`` what of it came from a cache."""

    read: int = 0
    cached: int = 0
    written: int = 0

    def plus(self, other: Tokens) -> Tokens:
        """The sum."""
        return Tokens(self.read + other.read, self.cached + other.cached, self.written + other.written)

    def minus(self, other: Tokens) -> Tokens:
        """What has come to it."""
        return Tokens(*(max(0, mine - its) for mine, its in zip(self, other, strict=True)))

    @property
    def usd(self) -> float:
        """What that costs."""
        fresh, cached, written = PRICES
        return (self.read - self.cached) * fresh + self.cached * cached + self.written * written


class Failure(NamedTuple):
    """How a failed call is told: ``status`` of the provider's answer, and three names of the program's for it.
    ``tried``: what it is called while the call is made again; empty: it is not."""

    status: int | None
    error: str
    type: str | None = None
    name: str | None = None
    tried: str = ""


_FAILURES: Final = {
    "quota": Failure(429, "rate_limit", "rate_limit_error", "usage_limit_reached"),
    "rate_limit": Failure(429, "rate_limit", "rate_limit_error", tried="rate_limit"),
    "auth": Failure(401, "authentication_failed", "authentication_error", tried="authentication_failed"),
    "overload": Failure(529, "server_error", "overloaded_error", tried="overloaded"),
    "provider": Failure(500, "server_error", "api_error", tried="server_error"),
    "cut": Failure(None, "server_error", name="connection_failed", tried="unknown"),
}
#: Ends that are none of the provider's: ``subtype`` and ``terminal_reason`` of the result.
GAVE_UP: Final = {
    "budget": ("error_max_budget_usd", "budget_exhausted"),
    "gave_up": ("error_max_turns", "max_turns"),
}


def failure_of(reason: str) -> Failure:
    """How a reason is told; one that the program has no word for is a request that was wrong."""
    return _FAILURES.get(reason, Failure(400, "unknown", "invalid_request_error"))


def usage_of(tokens: Tokens) -> dict[str, Any]:
    """What one call to the model consumed."""
    return {
        "input_tokens": max(0, tokens.read - tokens.cached),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.written,
    }


def turn_usage_of(tokens: Tokens) -> dict[str, Any]:
    """What a whole turn consumed."""
    nothing = {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0}
    return {
        **usage_of(tokens),
        "output_tokens_details": {"thinking_tokens": 0},
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        "service_tier": "standard",
        "cache_creation": nothing,
        "inference_geo": "",
        "iterations": [],
        "speed": "standard",
        "fallback_credit": None,
    }


def models_of(model: str, tokens: Tokens, usd: float, window: int) -> dict[str, Any]:
    """The same by model, with its price."""
    found = {
        "inputTokens": max(0, tokens.read - tokens.cached),
        "outputTokens": tokens.written,
        "cacheReadInputTokens": tokens.cached,
        **dict.fromkeys(("cacheCreationInputTokens", "webSearchRequests"), 0),
        "costUSD": usd,
        "contextWindow": window,
        "maxOutputTokens": MAX_OUTPUT,
        **dict.fromkeys(("thinkingTokens", "cacheCreationEphemeral5mInputTokens"), 0),
        "cacheCreationEphemeral1hInputTokens": 0,
        "canonicalModel": model,
        "provider": "firstParty",
        "costBasis": "list",
    }
    return {model: found}


def init_of(cwd: str, model: str, mode: str, denied: frozenset[str]) -> dict[str, Any]:
    """A turn begins, under these conditions."""
    return {
        "type": "system",
        "subtype": "init",
        "cwd": cwd,
        "tools": [tool for tool in TOOLS if tool not in denied],
        "mcp_servers": [],
        "model": model,
        "permissionMode": mode,
        "slash_commands": [],
        "apiKeySource": "none",
        "claude_code_version": VERSION,
        "output_style": "default",
        "agents": [],
        "skills": [],
        "plugins": [],
        "capabilities": ["interrupt_receipt_v1", "interrupt_cancel_queued_v1", "msg_lifecycle_v1"],
    }


def greeting_of(pid: int, mode: str) -> dict[str, Any]:
    """The answer to ``initialize``."""
    return {
        **{name: [] for name in ("commands", "agents", "models")},
        "output_style": "default",
        "available_output_styles": ["default"],
        "account": {"tokenSource": "none", "apiKeySource": "none"},
        "pid": pid,
        "claude_code_version": VERSION,
        "current_permission_mode": mode,
    }


def message_of(id: str, model: str, content: list[dict[str, Any]], usage: dict[str, Any]) -> dict[str, Any]:
    """A message of the model."""
    ends = {"stop_reason": None, "stop_sequence": None}
    return {
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        **ends,
        "usage": usage,
    }


def synthetic_of(text: str) -> dict[str, Any]:
    """A message that the program says in the model's place."""
    unknown = ("output_tokens_details", "service_tier", "inference_geo", "iterations", "speed", "fallback_credit")
    usage = {**turn_usage_of(Tokens()), **dict.fromkeys(unknown)}
    message = message_of(random_uuid(), "<synthetic>", [{"type": "text", "text": text}], usage)
    nothing = dict.fromkeys(("diagnostics", "container", "stop_details", "context_management"))
    return {**message, **nothing, "stop_reason": "stop_sequence", "stop_sequence": ""}


def stamped(message: dict[str, Any], session: str, parent: bool = True) -> dict[str, Any]:
    """A line as it belongs to a conversation."""
    own = {"parent_tool_use_id": None} if parent else {}
    return {**message, **own, "session_id": session, "uuid": random_uuid()}


def timestamp() -> str:
    """Now."""
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1_000) % 1_000:03}Z"


def result_block(call: str, name: str, input: Any, output: Any, failed: bool) -> tuple[dict[str, Any], Any]:
    """The result of a tool as the model is told it, and in the tool's own terms."""
    text = output if isinstance(output, str) else "" if output is None else json.dumps(output)
    if failed:
        return failed_block(call, text), f"Error: {text}"
    told: dict[str, Any] = {"tool_use_id": call, "type": "tool_result", "content": text}
    fields = input if isinstance(input, dict) else {}
    if name == SHELL:
        shown = {"stdout": text, "stderr": "", "interrupted": False, "isImage": False, "noOutputExpected": False}
        return {**told, "content": text or f"({SHELL} completed with no output)", "is_error": False}, shown
    if name == WRITE and "file_path" in fields:
        path = str(fields["file_path"])
        created = {"type": "create", "filePath": path, "content": str(fields.get("content", ""))}
        rest: dict[str, Any] = {"structuredPatch": [], "originalFile": None, "userModified": False}
        return {**told, "content": CREATED.format(path=path)}, {**created, **rest}
    return told, text


def failed_block(call: str, text: str) -> dict[str, Any]:
    """The result of a tool that failed, or was not used."""
    return {"type": "tool_result", "content": text, "is_error": True, "tool_use_id": call}


def limit_of(kind: str, resets_in: float | None) -> dict[str, Any]:
    """How full the account's window is: used up (``quota``), or nearly so."""
    at = {} if resets_in is None else {"resetsAt": int(time.time() + resets_in)}
    if kind == "quota":
        return {"status": "rejected", **at, "rateLimitType": "five_hour", "isUsingOverage": False}
    return {
        "status": "allowed_warning",
        **at,
        "rateLimitType": "five_hour",
        "utilization": 0.91,
        "isUsingOverage": False,
    }
