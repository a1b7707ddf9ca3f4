"""The records of Codex's app-server, with the fields that the real one (0.163.0) gives them."""

from __future__ import annotations

import json
import shlex
import time
from typing import Any, Final, NamedTuple

VERSION: Final = "0.163.0"
MODEL: Final = "gpt-5.5"
PROVIDER: Final = "fake"
WINDOW: Final = 258_400  #: tokens of a context
SHELL: Final = ("/bin/bash", "-lc")
PATCH: Final = "apply_patch"
SANDBOXES: Final[dict[str, dict[str, Any]]] = {
    "read-only": {"type": "readOnly", "networkAccess": False},
    "workspace-write": {
        "type": "workspaceWrite",
        "writableRoots": [],
        "networkAccess": False,
        "excludeTmpdirEnvVar": False,
        "excludeSlashTmp": False,
    },
    "danger-full-access": {"type": "dangerFullAccess"},
}
POLICIES: Final = ("untrusted", "on-request", "granular", "never")
NEVER: Final = "never"
COUNTS: Final = ("inputTokens", "cachedInputTokens", "cacheWriteInputTokens", "outputTokens", "reasoningOutputTokens")
WINDOW_MINUTES: Final = 300


class Settings(NamedTuple):
    """What holds in a conversation."""

    cwd: str
    model: str
    sandbox: str = "workspace-write"
    policy: str = "on-request"


class Failure(NamedTuple):
    """How a failure is told: its class, and the status with which it was tried again (``NOT_TRIED``: it was not)."""

    info: Any
    tried: int | None = None


NOT_TRIED: Final = -1
LIMITED: Final = 429
OVERLOADED: Final = 503
_FAILURES: Final = {
    "quota": Failure("usageLimitExceeded", NOT_TRIED),
    "rate_limit": Failure({"responseTooManyFailedAttempts": {"httpStatusCode": LIMITED}}, LIMITED),
    "auth": Failure({"httpConnectionFailed": {"httpStatusCode": 401}}, 401),
    "overload": Failure({"httpConnectionFailed": {"httpStatusCode": OVERLOADED}}, OVERLOADED),
    "provider": Failure("internalServerError"),
    "cut": Failure("other"),
}


def failure_of(reason: str) -> Failure:
    """How a reason is told; one that the program has no word for is a request that was wrong."""
    return _FAILURES.get(reason, Failure("other", NOT_TRIED))


def error_of(message: str, info: Any, details: str | None = None) -> dict[str, Any]:
    """Why a turn failed, or stumbles."""
    return {"message": message, "codexErrorInfo": info, "additionalDetails": details, "misalignment": None}


def stumble_of(attempt: int, of: int, status: int | None, why: str) -> dict[str, Any]:
    """A call that is made again."""
    return error_of(f"Reconnecting... {attempt}/{of}", {"responseStreamDisconnected": {"httpStatusCode": status}}, why)


def thread_of(id: str, settings: Settings, preview: str, forked_from: str | None, path: str) -> dict[str, Any]:
    """A conversation."""
    now = int(time.time())
    environment = {"environmentId": "local", "cwd": settings.cwd, "runtimeWorkspaceRoots": [settings.cwd]}
    nothing = dict.fromkeys(("section", "sectionEnteredAt", "projectId"))
    nobody = dict.fromkeys(("threadSource", "agentNickname", "agentRole", "gitInfo", "name", "daybreakEnabled"))
    return {
        "id": id,
        "environments": [environment],
        "extra": None,
        "sessionId": id,
        "forkedFromId": forked_from,
        "parentThreadId": None,
        "preview": preview,
        "ephemeral": False,
        **nothing,
        "historyMode": "paginated",
        "modelProvider": PROVIDER,
        "model": settings.model,
        "reasoningEffort": None,
        **dict.fromkeys(("createdAt", "updatedAt", "recencyAt"), now),
        "status": {"type": "idle"},
        "path": path,
        "cwd": settings.cwd,
        "cliVersion": VERSION,
        "originator": "fake-agent",
        "source": "vscode",
        "canAcceptDirectInput": True,
        **nobody,
        "turns": [],
    }


def opened_of(thread: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The answer to who has opened a conversation."""
    return {
        "thread": thread,
        "model": settings.model,
        "modelProvider": PROVIDER,
        "serviceTier": None,
        "disabledPluginIds": [],
        "cwd": settings.cwd,
        "runtimeWorkspaceRoots": [settings.cwd],
        "instructionSources": [],
        "approvalPolicy": settings.policy,
        "approvalsReviewer": "user",
        "sandbox": SANDBOXES[settings.sandbox],
        "activePermissionProfile": None,
        "reasoningEffort": None,
        "multiAgentMode": "explicitRequestOnly",
    }


def turn_of(id: str, status: str = "inProgress", **known: Any) -> dict[str, Any]:
    """A turn."""
    nothing: dict[str, Any] = {"items": [], "itemsView": "notLoaded", "status": status, "error": None}
    times = dict.fromkeys(("startedAt", "completedAt", "durationMs"))
    return {"id": id, "rootTurnId": id, **nothing, **times, **known}


def user_item(id: str, text: str, client: str | None) -> dict[str, Any]:
    """What the model is told; ``client`` is what who sent it calls it."""
    content = [{"type": "text", "text": text, "text_elements": []}]
    return {"type": "userMessage", "id": id, "clientId": client, "content": content}


def message_item(id: str, text: str) -> dict[str, Any]:
    """What the model says."""
    return {
        "type": "agentMessage",
        "id": id,
        "text": text,
        **dict.fromkeys(("phase", "memoryCitation", "delivery", "questions")),
    }


def tool_item(id: str, name: str, input: Any, cwd: str, process: str | None) -> dict[str, Any]:
    """The use of a tool: a patch, or a command; a command without a ``process`` waits for a permission."""
    fields = input if isinstance(input, dict) else {}
    if name == PATCH:
        return {"type": "fileChange", "id": id, "changes": _changes(fields), "status": "inProgress"}
    given = fields.get("command")
    if isinstance(given, list):
        given = shlex.join(map(str, given))
    command = given if isinstance(given, str) else f"{name} {json.dumps(input)}" if input else name
    return {
        "type": "commandExecution",
        "id": id,
        "pluginId": None,
        "scriptPath": None,
        "command": shlex.join([*SHELL, command]),
        "cwd": cwd,
        "processId": process,
        "source": "agent" if process is None else "unifiedExecStartup",
        "status": "inProgress",
        "commandActions": [{"type": "unknown", "command": command}],
        "aggregatedOutput": None,
        "exitCode": None,
        "durationMs": None,
    }


def finished(item: dict[str, Any], status: str, output: Any = None, took_ms: int | None = None) -> dict[str, Any]:
    """The same, whole: ``completed``, ``failed`` or ``declined``."""
    if item["type"] == "fileChange" or status == "declined":
        return {**item, "status": status}
    text = output if isinstance(output, str) or output is None else json.dumps(output)
    code = 1 if status == "failed" else 0
    return {**item, "status": status, "aggregatedOutput": text or None, "exitCode": code, "durationMs": took_ms}


def consumption_of(total: dict[str, int], last: dict[str, int], context: int | None, window: int) -> dict[str, Any]:
    """What a conversation and its last call have consumed; ``context``: tokens that it holds by now."""
    said = {"totalTokens": tokens_of(last) if context is None else context, **last}
    return {"total": {"totalTokens": tokens_of(total), **total}, "last": said, "modelContextWindow": window}


def tokens_of(counts: dict[str, int]) -> int:
    """All of them; what came from a cache is part of the input, and what was reasoned part of the output."""
    return counts["inputTokens"] + counts["outputTokens"]


def windows_of(used: int | None, resets_at: int | None) -> dict[str, Any]:
    """An account's windows: how much of one is used, in percent, or nothing of them."""
    window = {"usedPercent": used, "windowDurationMins": WINDOW_MINUTES, "resetsAt": resets_at}
    return {
        "limitId": "codex",
        "limitName": None,
        "normalModelSlug": None,
        "primary": None if used is None else window,
        **dict.fromkeys(("secondary", "credits", "individualLimit", "spendControlReached", "planType")),
        "rateLimitReachedType": None,
    }


def _changes(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """The files of a patch, as ``changes: [{path, diff}]`` or ``path`` and ``diff``."""
    given = fields.get("changes", [fields])
    files = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    return [
        {"path": str(one.get("path", "")), "kind": {"type": one.get("kind", "add")}, "diff": str(one.get("diff", ""))}
        for one in files
    ]
