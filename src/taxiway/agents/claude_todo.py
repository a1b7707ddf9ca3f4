"""The agent's own plan, however this version of Claude Code and its model keep it: one list that is written anew
(``TodoWrite``), or tasks that are made and changed one by one (``TaskCreate``, ``TaskUpdate``, ``TaskList``)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from taxiway.agents.dialogue import Said
from taxiway.core.event import EventType

ITEMS_MAX: Final = 1_000
TEXT_CHARS_MAX: Final = 1_000
COMPLETED: Final = "completed"
DELETED: Final = "deleted"


class _Item(msgspec.Struct):
    text: str
    done: bool = False


class Todo:
    """The plan of one process. What it knows is told whole after each change."""

    def __init__(self) -> None:
        self._items: dict[str, _Item] = {}
        self._changes: dict[str, dict[str, Any]] = {}  # what uses of a tool ask for, by their ids

    def used(self, name: str, use: str | None, input: Any) -> Said | None:
        """A tool is used: a list that is written anew counts at once, a change once it was made."""
        if not isinstance(input, dict):
            return None
        if name == "TodoWrite":
            return _written(input)
        if name == "TaskUpdate" and use is not None and len(self._changes) < ITEMS_MAX:
            self._changes[use] = input
        return None

    def done(self, name: str | None, use: str | None, result: Any, failed: bool) -> Said | None:
        """A tool has given its result: the list, if that changed it."""
        asked = self._changes.pop(use or "", {})
        if failed or not isinstance(result, dict):
            return None
        match name:
            case "TaskCreate":
                changed = self._take(result.get("task"))
            case "TaskUpdate":
                changed = self._change(result, asked)
            case "TaskList":
                changed = self._replace(result.get("tasks"))
            case _:
                changed = False
        if not changed:
            return None
        return Said(EventType.TODO, {"items": [msgspec.to_builtins(item) for item in self._items.values()]})

    def _take(self, task: Any) -> bool:
        if not isinstance(task, dict) or not isinstance(task.get("id"), str) or len(self._items) >= ITEMS_MAX:
            return False
        text = task.get("subject")
        if not isinstance(text, str):
            return False
        self._items[task["id"][:TEXT_CHARS_MAX]] = _Item(text[:TEXT_CHARS_MAX], task.get("status") == COMPLETED)
        return True

    def _change(self, result: dict[str, Any], asked: dict[str, Any]) -> bool:
        """A task that is not known, as it was made in an earlier process, is told of when the list is read."""
        task = result.get("taskId")
        item = self._items.get(task) if isinstance(task, str) else None
        if item is None or result.get("success") is False:
            return False
        status, text = asked.get("status"), asked.get("subject")
        if status == DELETED:
            del self._items[str(task)]
            return True
        item.done = item.done if status is None else status == COMPLETED
        item.text = text[:TEXT_CHARS_MAX] if isinstance(text, str) else item.text
        return True

    def _replace(self, tasks: Any) -> bool:
        if not isinstance(tasks, list):
            return False
        before, self._items = self._items, {}
        for task in tasks:
            self._take(task)
        return before != self._items


def _written(input: dict[str, Any]) -> Said | None:
    todos = input.get("todos")
    if not isinstance(todos, list):
        return None
    found = [todo for todo in todos if isinstance(todo, dict) and isinstance(todo.get("content"), str)]
    items = [{"text": todo["content"], "done": todo.get("status") == COMPLETED} for todo in found]
    return Said(EventType.TODO, {"items": items})
