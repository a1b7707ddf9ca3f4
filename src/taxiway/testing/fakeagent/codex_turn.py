"""One turn of the imitated Codex: its items as they begin and end, what they consume, and how it ends."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Final, Protocol

from . import codex_words as words
from .ids import timed_uuid
from .memory import Memory

RETRIES: Final = 2  #: how often a call is made again before its turn fails
USED_UP, NEARLY = 100, 92  #: percent


class Note(Protocol):
    """Writes a notification."""

    def __call__(self, method: str, /, **params: Any) -> None:
        """With these parameters."""
        ...


class CodexTurn:
    """From the request that starts it to its end."""

    def __init__(self, memory: Memory, settings: words.Settings, note: Note, text: str, structured: bool) -> None:
        """``text`` is what it was asked; ``structured``: its answer is to follow a schema."""
        self.id = timed_uuid()
        self.text = text
        self._memory = memory
        self._thread = memory.thread
        self._settings = settings
        self._note = note
        self._structured = structured
        self._began = time.time()
        self._message: dict[str, Any] | None = None  # that is being said
        self._last: dict[str, Any] | None = None  # that was said last
        self._open: dict[str, tuple[dict[str, Any], float]] = {}  # tools in use, and since when
        self._told: dict[str, int] = dict.fromkeys(words.COUNTS, 0)  # what the turn has consumed
        self._limit: str | None = None
        self._stumbles = 0
        self._error: dict[str, Any] | None = None  # it fails of this

    def begin(self) -> None:
        """It is open."""
        self._status("active", activeFlags=[])
        self._note("turn/started", threadId=self._thread, turn=words.turn_of(self.id, startedAt=int(self._began)))
        self.hears(self.text, None)

    def hears(self, text: str, client: str | None) -> None:
        """The model is told something."""
        self._quiet()
        item = words.user_item(timed_uuid(), text, client)
        self._started(item)
        self._completed(item)

    def tell(self, kind: str, fields: dict[str, Any]) -> None:
        """Say one thing; what there is no word for is left out."""
        match kind:
            case "message":
                self._say(fields["text"], bool(fields.get("delta")))
            case "thought":
                self._think(fields["text"])
            case "tool.call":
                self._quiet()
                item = words.tool_item(
                    fields["id"], fields["name"], fields.get("input"), self._settings.cwd, str(os.getpid())
                )
                self._open[fields["id"]] = item, time.time()
                self._started(item)
            case "tool.result":
                item, since = self._open.pop(fields["id"])
                status = "failed" if fields.get("failed") else "completed"
                took = round((time.time() - since) * 1_000)
                self._completed(words.finished(item, status, fields.get("output"), took))
            case "usage":
                self._use(fields)
            case "rate_limit":
                self._limited(fields["kind"], fields.get("text") or "", fields.get("resets_in_s"))
            case _:
                pass

    def ask(self, fields: dict[str, Any]) -> tuple[dict[str, Any], str, dict[str, Any]]:
        """An item that waits for a permission, and the request that asks for it."""
        self._quiet()
        self._status("active", activeFlags=["waitingOnApproval"])
        text, tool = fields["text"], fields.get("tool")
        named = isinstance(fields.get("input"), dict) and (tool == words.PATCH or "command" in fields["input"])
        item = words.tool_item(
            f"call_{os.urandom(4).hex()}", tool or "shell", fields["input"] if named else {"command": text},
            self._settings.cwd, None,
        )  # fmt: skip
        self._started(item)
        where = {"threadId": self._thread, "turnId": self.id, "itemId": item["id"], "startedAtMs": _now_ms()}
        reason = text if named else None
        if item["type"] == "fileChange":
            return item, "item/fileChange/requestApproval", {**where, "reason": None, "grantRoot": None}
        actions = item["commandActions"]
        amendment = [*words.SHELL, actions[0]["command"]]
        choices = ["accept", {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": amendment}}, "cancel"]
        asked = {"environmentId": "local", "reason": reason, "command": item["command"], "cwd": item["cwd"]}
        more = {"commandActions": actions, "proposedExecpolicyAmendment": amendment, "availableDecisions": choices}
        return item, "item/commandExecution/requestApproval", {"kind": "command", **where, **asked, **more}

    def decided(self, item: dict[str, Any], allow: bool) -> None:
        """A permission was given or refused."""
        if allow:
            self._status("active", activeFlags=[])
            ran = {**item, "processId": str(os.getpid()), "source": "unifiedExecStartup"} if "source" in item else item
            self._completed(words.finished(ran, "completed", None, 0))
        else:
            self._completed(words.finished(item, "declined"))
            self._status("active", activeFlags=[])

    def settle(self, fields: dict[str, Any]) -> None:
        """Say what is to be said before its end: a message that is the answer, or why it fails."""
        failed = fields.get("failed")
        if fields.get("interrupted"):
            self._message = None
        elif failed is not None:
            self._fail("cut" if failed == "provider" and self._message is not None else failed, fields)
        else:
            self._quiet()
            result = fields.get("result")
            answer = json.dumps(result) if self._structured and result is not None else fields.get("text")
            if answer is not None and (self._last is None or self._last["text"] != answer):
                self._say(answer, delta=False)

    def end(self, fields: dict[str, Any]) -> None:
        """It is over."""
        self._status("idle")
        known: dict[str, Any] = {"status": "completed"}
        if fields.get("interrupted"):
            known = {"status": "interrupted"}
        elif self._error is not None:
            known = {"status": "failed", "error": self._error}
        elif self._last is not None:
            known |= {"items": [self._last], "itemsView": "summary"}
        now = time.time()
        known |= {"startedAt": int(self._began), "completedAt": int(now)}
        turn = words.turn_of(self.id, **known, durationMs=round((now - self._began) * 1_000))
        self._note("turn/completed", threadId=self._thread, turn=turn)

    def _say(self, text: str, delta: bool) -> None:
        """A message that is whole, or one more piece of one."""
        if self._message is None or not delta:
            self._quiet()
            self._message = words.message_item(f"msg_{os.urandom(4).hex()}", "")
            self._started(self._message)
        self._message = {**self._message, "text": self._message["text"] + text}
        if text:
            self._item("item/agentMessage/delta", itemId=self._message["id"], delta=text)
        if not delta:
            self._quiet()

    def _quiet(self) -> None:
        """The message that is being said is whole."""
        if self._message is not None:
            self._last, self._message = self._message, None
            self._completed(self._last)

    def _think(self, text: str) -> None:
        self._quiet()
        item = {"type": "reasoning", "id": f"rs_{os.urandom(4).hex()}", "summary": [], "content": []}
        self._started(item)
        self._item("item/reasoning/summaryTextDelta", itemId=item["id"], delta=text, summaryIndex=0)
        self._completed({**item, "summary": [text]})

    def _use(self, fields: dict[str, Any]) -> None:
        """Tell the whole conversation's total, and what has come to it."""
        self._quiet()
        names = {"input_tokens": "inputTokens", "output_tokens": "outputTokens", "cached_tokens": "cachedInputTokens"}
        told = self._told | {names[name]: fields[name] for name in names if fields.get(name) is not None}
        last = {name: max(0, told[name] - self._told[name]) for name in words.COUNTS}
        before = self._memory.kept.get("tokens", {}).get("total") or dict.fromkeys(words.COUNTS, 0)
        total = {name: before[name] + last[name] for name in words.COUNTS}
        self._told = told
        window = fields.get("context_window") or words.WINDOW
        tokens = words.consumption_of(total, last, fields.get("context_tokens"), window)
        self._memory.kept["tokens"] = tokens
        self._memory.save()
        self._note("thread/tokenUsage/updated", threadId=self._thread, turnId=self.id, tokenUsage=tokens)
        self._note("account/rateLimits/updated", rateLimits=words.windows_of(None, None))

    def _limited(self, kind: str, text: str, resets_in: float | None) -> None:
        """A limit is met: a window that is full or nearly so, or a call that is made again."""
        self._limit = kind
        if kind in ("quota", "warning"):
            resets_at = None if resets_in is None else int(time.time() + resets_in)
            used = USED_UP if kind == "quota" else NEARLY
            self._note("account/rateLimits/updated", rateLimits=words.windows_of(used, resets_at))
        else:
            self._stumble(words.LIMITED if kind == "rate" else words.OVERLOADED, text)

    def _stumble(self, status: int | None, why: str) -> None:
        self._stumbles += 1
        self._trouble(words.stumble_of(self._stumbles, RETRIES, status, why), again=True)

    def _fail(self, reason: str, fields: dict[str, Any]) -> None:
        """The calls that are made again, and the error that stays."""
        if reason == "provider" and self._limit == "overload":
            reason = "overload"
        failure, why = words.failure_of(reason), fields.get("error") or "it failed"
        while failure.tried != words.NOT_TRIED and self._stumbles < RETRIES:
            self._stumble(failure.tried, why)
        self._error = words.error_of(why, failure.info)
        self._trouble(self._error, again=False)

    def _trouble(self, error: dict[str, Any], again: bool) -> None:
        self._note("error", error=error, willRetry=again, threadId=self._thread, turnId=self.id)

    def _status(self, type: str, **more: Any) -> None:
        self._note("thread/status/changed", threadId=self._thread, status={"type": type, **more})

    def _started(self, item: dict[str, Any]) -> None:
        where = {"threadId": self._thread, "turnId": self.id}
        self._note("item/started", item=item, **where, startedAtMs=_now_ms())

    def _completed(self, item: dict[str, Any]) -> None:
        where = {"threadId": self._thread, "turnId": self.id}
        self._note("item/completed", item=item, **where, completedAtMs=_now_ms())

    def _item(self, method: str, /, **fields: Any) -> None:
        self._note(method, threadId=self._thread, turnId=self.id, **fields)


def _now_ms() -> int:
    return int(time.time() * 1_000)
