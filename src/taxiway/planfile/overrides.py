"""``--set tasks.lint.timeout=5m``: values laid over a plan's file before it is checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from taxiway.core.errors import Invalid, Problem
from taxiway.core.fault import Path, dotted
from taxiway.core.nearest import suggestion
from taxiway.planfile.document import Array, Table
from taxiway.planfile.from_yaml import from_yaml

FLAG: Final = "--set"
_SHAPE: Final = "write --set tasks.NAME.FIELD=VALUE or --set defaults.FIELD=VALUE"


def override(value: Any, pairs: Sequence[str], problems: list[Problem]) -> tuple[Any, frozenset[Path]]:
    """A copy of a plan's value with each ``path=value`` put in, and the paths that were; what cannot be goes to
    ``problems``. A value reads as in YAML (``5m``, ``3``, ``[a, b]``, ``{main: 2}``)."""
    paths: set[Path] = set()
    for pair in pairs:
        left, equals, text = pair.partition("=")
        if not equals or not left.strip():
            problems.append(Problem(f"{FLAG} {pair}: there is no path=value in it", hint=_SHAPE))
            continue
        try:
            path = _resolve(value, _steps(left.strip()))
            value = _put(value, path, _value(text))
            paths.add(path)
        except Invalid as error:
            hint = str(error.details.get("hint", ""))
            problems.append(Problem(error.message, left.strip(), FLAG, hint=hint))
    return value, frozenset(paths)


def overridden(path: Path, paths: frozenset[Path]) -> bool:
    """Whether a path lies in what was overridden."""
    return bool(paths) and any(path[:length] in paths for length in range(len(path), 0, -1))


def _value(text: str) -> Any:
    try:
        document = from_yaml(text, FLAG)
    except Invalid:
        return text
    return text if document.problems else document.value


def _steps(left: str) -> list[str]:
    """``tasks."a.b".timeout`` in its steps; dots inside double quotes do not part them."""
    steps, quoted = [""], False
    for character in left:
        if character == '"':
            quoted = not quoted
        elif character == "." and not quoted:
            steps.append("")
        else:
            steps[-1] += character
    if quoted or not all(steps):
        raise Invalid("the path has an empty step or an open quote", hint=_SHAPE)
    return steps


def _resolve(value: Any, steps: list[str]) -> Path:
    """The steps as keys of the plan; a name that holds dots takes as many steps as it needs, the longest first."""
    if steps[0] != "tasks":
        return tuple(steps)
    tasks = value.get("tasks") if isinstance(value, dict) else None
    names = _names(tasks)
    for length in range(len(steps) - 1, 0, -1):
        name = ".".join(steps[1 : 1 + length])
        if name in names:
            if length + 1 == len(steps):
                raise Invalid("name a field of the task too", hint=_SHAPE)
            return ("tasks", names[name], *steps[1 + length :])
    wanted = ".".join(steps[1:-1]) or ".".join(steps[1:])
    raise Invalid(f"the plan has no task '{wanted}'", hint=suggestion(wanted, names))


def _names(tasks: Any) -> dict[str, str | int]:
    match tasks:
        case dict():
            return {name: name for name in tasks}
        case list():
            named = [(item.get("name"), place) for place, item in enumerate(tasks) if isinstance(item, dict)]
            return {name: place for name, place in named if isinstance(name, str)}
        case _:
            return {}


def _put(value: Any, path: Path, new: Any) -> Any:
    """A copy of ``value`` in which ``path`` holds ``new``; what lies on the path is copied, as aliases may share it."""
    if not path:
        return new
    step = path[0]
    if isinstance(step, int):
        listed = Array()
        listed.extend(value)
        listed.places = list(getattr(value, "places", ()))
        listed[step] = _put(value[step], path[1:], new)
        return listed
    if value is not None and not isinstance(value, dict):
        raise Invalid(f"'{dotted(path)}' lies below something that is no table", hint=_SHAPE)
    table = Table()
    table.update(value or {})
    table.places = dict(getattr(value, "places", {}))
    table[step] = _put(table.get(step), path[1:], new)
    return table
