"""Turns the items of a turn of Codex into events: texts as they grow, tools with what they gave, diffs, plans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Raw

from taxiway.agents import codex_wire as wire
from taxiway.agents.dialogue import Said
from taxiway.agents.lines_events import pieces_of
from taxiway.core.event import EventType
from taxiway.core.limits import ERROR_CHARS_MAX

OUTPUT_CHARS_MAX: Final = 16_000  #: of what a tool was given or gave: its beginning and its end
NAME_CHARS_MAX: Final = 200
CHANGES_MAX: Final = 200  #: files of one patch that are told
STEPS_MAX: Final = 200  #: lines of a plan that are told
OPEN_ITEMS_MAX: Final = 1_000  #: items that are remembered while they grow
SIGN_OF_LIFE_MS: Final = 1_000  #: a command that prints is told of this often
SHELL: Final = "shell"
PATCH: Final = "apply_patch"


class Item(wire.Record, frozen=True):
    """Any item. The types that are known have a record of their own."""

    type: str
    id: str = ""


class Text(Item, frozen=True):
    """``agentMessage``."""

    text: str = ""


class UserText(Item, frozen=True):
    """``userMessage``; ``client_id`` is what we called it."""

    client_id: str | None = None


class Reasoning(Item, frozen=True):
    """``reasoning``."""

    summary: tuple[str, ...] = ()
    content: tuple[str, ...] = ()


class Command(Item, frozen=True):
    """``commandExecution``."""

    command: str = ""
    cwd: str = ""
    status: str = ""
    aggregated_output: str | None = None
    exit_code: int | None = None


class Change(wire.Record, frozen=True):
    """What becomes of one file."""

    path: str
    diff: str = ""


class FileChange(Item, frozen=True):
    """``fileChange``."""

    changes: tuple[Change, ...] = ()
    status: str = ""


class McpCall(Item, frozen=True):
    """``mcpToolCall``."""

    server: str = ""
    tool: str = ""
    arguments: Any = None
    status: str = ""
    result: Any = None
    error: Any = None


class DynamicCall(Item, frozen=True):
    """``dynamicToolCall``."""

    tool: str = ""
    arguments: Any = None
    status: str = ""
    content_items: Any = None


_KINDS: Final[dict[str, type[Item]]] = {
    "agentMessage": Text,
    "userMessage": UserText,
    "reasoning": Reasoning,
    "commandExecution": Command,
    "fileChange": FileChange,
    "mcpToolCall": McpCall,
    "dynamicToolCall": DynamicCall,
}
#: Items that are no tools; what they say is told elsewhere, or is nothing.
_SILENT: Final = frozenset({"userMessage", "hookPrompt", "functionCallOutput", "plan", "subAgentActivity"})
_FAILED: Final = frozenset({"failed", "declined"})


def item_of(raw: Raw) -> Item:
    """An item by its type. Raises ``msgspec.DecodeError``."""
    return wire.read(raw, _KINDS.get(wire.read(raw, Item).type, Item))


class ItemTeller:
    """Tells what becomes of one turn's items; remembers how much of a text has been told already."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}  # characters of an item's text, by its id (and part)
        self._signs: dict[str, int] = {}  # when a command was last told to print
        self.final: str | None = None  #: the last message that is whole

    def grew(self, delta: wire.Delta, kind: EventType) -> Iterator[Said]:
        """A message or a thought goes on."""
        begun = self._told.get(delta.item_id, 0)
        part = f"{delta.item_id} {delta.summary_index} {delta.content_index}"
        goes_on = part in self._told
        self._remember(part, 1)
        self._remember(delta.item_id, begun + len(delta.delta))
        if delta.delta:
            yield from _texts(kind, delta.delta, goes_on)

    def printed(self, delta: wire.Delta, at: int | None) -> Iterator[Said]:
        """A command printed: a sign of life now and then, for what it printed comes with its result."""
        if at is None or at - self._signs.get(delta.item_id, 0) >= SIGN_OF_LIFE_MS:
            _bounded(self._signs, delta.item_id, at or 0)
            yield Said(EventType.STATUS, {"phase": "tool", "id": delta.item_id[:NAME_CHARS_MAX]})

    def started(self, item: Item) -> Iterator[Said]:
        """An item begins: what is no text is the use of a tool."""
        if item.type in _SILENT or isinstance(item, Text | Reasoning):
            return
        if item.type != "contextCompaction":
            yield Said(
                EventType.TOOL_CALL, {"name": _name(item), "id": item.id[:NAME_CHARS_MAX], "input": _input(item)}
            )

    def completed(self, item: Item) -> Iterator[Said]:
        """An item is whole."""
        match item:
            case Text(text=text):
                self.final = text
                yield from self._rest(item.id, text, EventType.MESSAGE)
            case Reasoning():
                yield from self._rest(
                    item.id, "\n\n".join(item.summary or item.content), EventType.THOUGHT, whole=False
                )
            case FileChange(changes=changes):
                yield _result(item)
                if item.status not in _FAILED:
                    yield from _diffs(changes)
            case _:
                yield from _other(item)

    def _rest(self, id: str, text: str, kind: EventType, whole: bool = True) -> Iterator[Said]:
        """What of a text has not been told yet. Not ``whole``: only where nothing of it has."""
        told = self._told.pop(id, 0)
        if text[told:] and (whole or not told):
            yield from _texts(kind, text[told:], goes_on=told > 0)

    def _remember(self, key: str, value: int) -> None:
        _bounded(self._told, key, value)


def todo_of(plan: wire.PlanTold) -> Said:
    """The agent's own plan."""
    steps = [{"text": step.step[:ERROR_CHARS_MAX], "done": step.status == "completed"} for step in plan.plan]
    return Said(EventType.TODO, {"items": steps[:STEPS_MAX]})


def paths_of(item: FileChange) -> list[str]:
    """The files that a patch changes."""
    return [change.path[:ERROR_CHARS_MAX] for change in item.changes[:CHANGES_MAX]]


def cut(text: str) -> str:
    """The beginning and the end of a text that is too long."""
    if len(text) <= OUTPUT_CHARS_MAX:
        return text
    half = OUTPUT_CHARS_MAX // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"


def bounded_value(value: Any) -> Any:
    """A JSON value, or the beginning and the end of its text where it is too long."""
    if isinstance(value, str):
        return cut(value)
    try:
        text = msgspec.json.encode(value).decode()
    except (RecursionError, ValueError, msgspec.MsgspecError):
        return None
    return value if len(text) <= OUTPUT_CHARS_MAX else cut(text)


def _texts(kind: EventType, text: str, goes_on: bool) -> Iterator[Said]:
    for number, piece in enumerate(pieces_of(text)):
        yield Said(kind, {"text": piece, "delta": True} if number or goes_on else {"text": piece})


def _name(item: Item) -> str:
    match item:
        case Command():
            return SHELL
        case FileChange():
            return PATCH
        case McpCall():
            return f"{item.server}.{item.tool}"[:NAME_CHARS_MAX]
        case DynamicCall():
            return item.tool[:NAME_CHARS_MAX]
        case _:
            return item.type[:NAME_CHARS_MAX]


def _input(item: Item) -> Any:
    match item:
        case Command():
            return {"command": cut(item.command), "cwd": item.cwd[:ERROR_CHARS_MAX]}
        case FileChange():
            return {"paths": paths_of(item)}
        case McpCall() | DynamicCall():
            return bounded_value(item.arguments)
        case _:
            return None


def _result(item: Item) -> Said:
    found: dict[str, Any] = {"id": item.id[:NAME_CHARS_MAX], "name": _name(item)}
    match item:
        case Command():
            found |= {"output": cut(item.aggregated_output or ""), "exit_code": item.exit_code}
            found["failed"] = item.status in _FAILED or item.exit_code not in (0, None)
        case FileChange():
            found["failed"] = item.status in _FAILED
        case McpCall():
            found["output"] = bounded_value(item.error if item.error is not None else item.result)
            found["failed"] = item.status in _FAILED
        case DynamicCall():
            found |= {"output": bounded_value(item.content_items), "failed": item.status in _FAILED}
        case _:
            pass
    if getattr(item, "status", None) == "declined":
        found["declined"] = True
    return Said(EventType.TOOL_RESULT, found)


def _other(item: Item) -> Iterator[Said]:
    if item.type == "contextCompaction":
        yield Said(EventType.STATUS, {"phase": "agent", "text": "it has made room in its context"})
    elif item.type not in _SILENT:
        yield _result(item)


def _diffs(changes: tuple[Change, ...]) -> Iterator[Said]:
    for change in changes[:CHANGES_MAX]:
        for piece in pieces_of(change.diff):
            yield Said(EventType.DIFF, {"path": change.path[:ERROR_CHARS_MAX], "text": piece})


def _bounded(known: dict[str, int], key: str, value: int) -> None:
    """Remember, and forget the oldest where there are too many."""
    known[key] = value
    if len(known) > OPEN_ITEMS_MAX:
        del known[next(iter(known))]
