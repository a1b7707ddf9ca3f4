"""The ways to write ``after``: a name, a list of names, or names with the ending that each must have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taxiway.core import fieldtypes
from taxiway.core.fieldtypes import Bad, Parts
from taxiway.core.nearest import suggestion
from taxiway.core.task import Condition, Dependency


def dependencies(value: Any) -> tuple[Dependency, ...]:
    """Edges from ``lint``, ``[lint, build]``, ``{lint: failed}`` or a mixture in a list; each task once."""
    parts = Parts()
    edges: dict[str, Dependency] = {}
    for steps, task, condition in _written(value):
        edge = parts.read(steps, _edge, task, condition, edges)
        if edge is not None:
            edges[edge.task] = edge
    parts.close()
    return tuple(edges.values())


def _edge(task: Any, condition: Any, seen: Mapping[str, Dependency]) -> Dependency:
    name = fieldtypes.name(task)
    if name in seen:
        raise Bad(f"names '{name}' twice; one condition holds for a task")
    return Dependency(name, _condition(condition))


def _written(value: Any) -> list[tuple[tuple[str | int, ...], Any, Any]]:
    match value:
        case str():
            return [((), value, Condition.COMPLETED)]
        case Mapping():
            return [((name,), name, condition) for name, condition in fieldtypes.table(value).items()]
        case list() | tuple():
            return [edge for place, item in enumerate(value) for edge in _item(place, item)]
        case _:
            kind = fieldtypes.kind_of(value)
            raise Bad(f"must be a list of task names, or a table of names and conditions, not {kind}")


def _item(place: int, item: Any) -> list[tuple[tuple[str | int, ...], Any, Any]]:
    if not isinstance(item, Mapping):
        return [((place,), item, Condition.COMPLETED)]
    if "task" in item and set(item) <= {"task", "on"}:
        return [((place,), item["task"], item.get("on", Condition.COMPLETED))]
    return [((place, name), name, condition) for name, condition in fieldtypes.table(item).items()]


def _condition(condition: Any) -> Condition:
    if condition is None:
        return Condition.COMPLETED
    if not isinstance(condition, str) or condition not in frozenset(Condition):
        shown = f"'{condition}'" if isinstance(condition, str) else fieldtypes.kind_of(condition)
        hint = suggestion(condition, list(Condition)) if isinstance(condition, str) else ""
        raise Bad(f"{shown} is no condition", hint or "completed, failed or finished")
    return Condition(condition)
