"""Turns what Claude Code says into events of a run; a text that came in pieces is not said again as a whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from taxiway.agents.claude_todo import Todo
from taxiway.agents.claude_wire import Assistant, Began, Block, Notice, Retried, Stream, User
from taxiway.agents.dialogue import Said
from taxiway.agents.lines_events import pieces_of
from taxiway.core.event import EventType
from taxiway.core.limits import ERROR_CHARS_MAX

OUTPUT_CHARS_MAX: Final = 30_000  #: of a tool's result; of a longer one the beginning and the end are kept
TOOLS_KEPT_MAX: Final = 1_000  #: uses of tools whose name is remembered for their results
BLOCKS_KEPT_MAX: Final = 1_000  #: blocks of one message that were said in pieces
STREAMS_MAX: Final = 100  #: sub-agents whose messages are being said at the same time
FILES_MAX: Final = 100  #: changed files of one use of a tool
NAME_CHARS_MAX: Final = 200


class _Spoken(msgspec.Struct):
    """A message while it is said in pieces: its id, and of each block its kind and how many characters were said."""

    id: str
    blocks: deque[tuple[str, int]] = msgspec.field(default_factory=lambda: deque(maxlen=BLOCKS_KEPT_MAX))


class Telling:
    """What is told of one process: remembers what was said in pieces, and which tool a result belongs to."""

    def __init__(self) -> None:
        self._spoken: dict[str | None, _Spoken] = {}
        self._tools: dict[str, str] = {}
        self._todo = Todo()

    def stream(self, line: Stream) -> Iterator[Said]:
        """A piece of a message."""
        part, parent = line.event, line.parent_tool_use_id
        if part.type == "message_start" and part.message is not None:
            self._spoken.pop(parent, None)
            self._spoken[parent] = _Spoken(part.message.id)
            _forget(self._spoken, STREAMS_MAX)
        spoken = self._spoken.get(parent)
        if spoken is None:
            return
        if part.type == "content_block_start" and part.content_block is not None:
            spoken.blocks.append((part.content_block.type, 0))
        elif part.type == "content_block_delta" and spoken.blocks:
            kind, before = spoken.blocks[-1]
            text = {"text_delta": part.delta.text, "thinking_delta": part.delta.thinking}.get(part.delta.type, "")
            spoken.blocks[-1] = (kind, before + len(text))
            yield from _words(kind, text, parent, goes_on=before > 0)

    def assistant(self, line: Assistant) -> Iterator[Said]:
        """Blocks of a message, whole."""
        blocks = _blocks(line.message.content)
        if line.error is not None or line.is_api_error_message:
            yield from (Said(EventType.ERROR, {"text": block.text[:ERROR_CHARS_MAX]}) for block in blocks if block.text)
            return
        for block in blocks:
            if block.type == "tool_use":
                yield from self._tool_call(block, line.parent_tool_use_id)
            else:
                yield from self._rest(block, line)

    def user(self, line: User) -> Iterator[Said]:
        """Results of tools, and what they changed."""
        results = [block for block in _blocks(line.message.content) if block.type == "tool_result"]
        for block in results:
            name = self._tools.pop(block.tool_use_id or "", None)
            told = {"id": block.tool_use_id, "name": name, "output": _output(block.content)}
            more = {"failed": block.is_error or None, "parent": line.parent_tool_use_id}
            yield Said(EventType.TOOL_RESULT, _known(told | more))
            if len(results) == 1:
                plan = self._todo.done(name, block.tool_use_id, line.tool_use_result, bool(block.is_error))
                yield from () if plan is None else (plan,)
        if len(results) == 1 and not results[0].is_error:
            yield from _diffs(line.tool_use_result)

    def _tool_call(self, block: Block, parent: str | None) -> Iterator[Said]:
        if block.id and block.name:
            self._tools[block.id] = block.name
            _forget(self._tools, TOOLS_KEPT_MAX)
        data = {"name": block.name or "", "id": block.id, "input": block.input, "parent": parent}
        yield Said(EventType.TOOL_CALL, _known(data))
        plan = self._todo.used(block.name or "", block.id, block.input)
        yield from () if plan is None else (plan,)

    def _rest(self, block: Block, line: Assistant) -> Iterator[Said]:
        """What of a block was not said in pieces already."""
        text, said = block.text or block.thinking or "", 0
        spoken = self._spoken.get(line.parent_tool_use_id)
        if spoken is not None and spoken.id == line.message.id:
            found = next((place for place, (kind, _) in enumerate(spoken.blocks) if kind == block.type), None)
            if found is not None:
                said = spoken.blocks[found][1]
                del spoken.blocks[found]
        yield from _words(block.type, text[said:], line.parent_tool_use_id, goes_on=said > 0)


def told_of_conditions(line: Began) -> Said:
    """What really applies to the turn."""
    servers = line.mcp_servers if isinstance(line.mcp_servers, list) else []
    data = {
        "phase": "agent",
        "permission_mode": line.permission_mode[:NAME_CHARS_MAX],
        "model": line.model[:NAME_CHARS_MAX],
        "version": line.version[:NAME_CHARS_MAX],
        "tools": len(line.tools) if isinstance(line.tools, list) else None,
        "mcp_servers": len(servers) or None,
        "cwd": line.cwd[:ERROR_CHARS_MAX],
        "thread": line.session_id[:NAME_CHARS_MAX],
    }
    return Said(EventType.STATUS, _known(data))


def told_of_retry(line: Retried) -> Said:
    """The provider failed, and is asked again by the agent itself."""
    status = "" if line.error_status is None else f" (status {line.error_status})"
    what = f"the provider failed: {(line.error or 'unknown')[:NAME_CHARS_MAX]}{status}"
    again = f"asked again in {line.retry_delay_ms / 1000:.1f} s, attempt {line.attempt} of {line.max_retries}"
    return Said(EventType.ERROR, {"text": f"{what}; {again}"})


def told_of_notice(line: Notice) -> Said:
    """Something that a reader wants to know of."""
    text = line.message[:ERROR_CHARS_MAX] if isinstance(line.message, str) else None
    return Said(EventType.STATUS, _known({"phase": line.subtype, "tool": line.tool_name, "text": text}))


def _words(kind: str, text: str, parent: str | None, goes_on: bool) -> Iterator[Said]:
    """Text for the reader, or reasoning; what a sub-agent says to itself is reasoning too."""
    if not text or kind not in ("text", "thinking"):
        return
    type = EventType.MESSAGE if kind == "text" and parent is None else EventType.THOUGHT
    for number, piece in enumerate(pieces_of(text)):
        yield Said(type, _known({"text": piece, "delta": (goes_on or number > 0) or None, "parent": parent}))


def _output(content: Any) -> str | None:
    """What a tool gave, as text."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict)]
        texts = [part["text"] if isinstance(part.get("text"), str) else f"[{part.get('type')}]" for part in parts]
        content = "\n".join(texts)
    if not isinstance(content, str) or len(content) <= OUTPUT_CHARS_MAX:
        return content if isinstance(content, str) else None
    half = OUTPUT_CHARS_MAX // 2
    return f"{content[:half]}\n[{len(content) - 2 * half} characters left out]\n{content[-half:]}"


def _diffs(result: Any) -> Iterator[Said]:
    """The changes of files that a tool's result names: an edit's own, and those of a command."""
    if not isinstance(result, dict):
        return
    files: list[Any] = [result | {"hunks": result.get("structuredPatch"), "created": result.get("type") == "create"}]
    shell = result.get("bashEditDiff")
    if isinstance(shell, dict) and isinstance(shell.get("files"), list):
        files += shell["files"][:FILES_MAX]
    for file in files:
        path = file.get("filePath") if isinstance(file, dict) else None
        text = _unified(path, file) if isinstance(path, str) else ""
        if text:
            yield Said(EventType.DIFF, {"path": path, "text": text})


def _unified(path: str, file: dict[str, Any]) -> str:
    """A unified diff of one file; empty when there is none to show."""
    created, content = file.get("created") is True, file.get("content")
    hunks = file.get("hunks")
    if created and not hunks and isinstance(content, str):
        lines = content.splitlines()
        hunks = [
            {"oldStart": 0, "oldLines": 0, "newStart": 1, "newLines": len(lines), "lines": ["+" + x for x in lines]}
        ]
    shown: list[str] = []
    for hunk in hunks if isinstance(hunks, list) else []:
        if isinstance(hunk, dict) and isinstance(hunk.get("lines"), list):
            numbers = [hunk.get(name) for name in ("oldStart", "oldLines", "newStart", "newLines")]
            if all(isinstance(number, int) for number in numbers):
                shown.append("@@ -{},{} +{},{} @@".format(*numbers))
                shown += [line for line in hunk["lines"] if isinstance(line, str)]
    head = ["--- /dev/null" if created else f"--- {path}", f"+++ {path}"]
    return "\n".join([*head, *shown]) + "\n" if shown else ""


def _blocks(content: list[Block] | str) -> list[Block]:
    return [] if isinstance(content, str) else content


def _known(data: dict[str, Any]) -> dict[str, Any]:
    """Without what was not said."""
    return {name: value for name, value in data.items() if value is not None}


def _forget(found: dict[Any, Any], kept: int) -> None:
    """Drop the oldest beyond a bound."""
    while len(found) > kept:
        del found[next(iter(found))]
