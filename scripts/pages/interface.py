"""Parts of the Python page: what ``import taxiway`` offers, with signatures and docstrings as they are."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

import taxiway
from scripts.pages.markdown import code, first_sentence, readable, table


def names() -> str:
    """Everything public, with the first sentence of its docstring."""
    rows = [[code(f"taxiway.{name}"), first_sentence(inspect.getdoc(value))] for name, value in _public()]
    return table(["name", "what it is"], rows)


def functions() -> str:
    """The functions, with signatures."""
    return "\n\n".join(_entry(f"taxiway.{name}", value) for name, value in _public() if inspect.isfunction(value))


def store_verbs() -> str:
    """The verbs of an opened store."""
    return _methods("tw", taxiway.Taxiway)


def task_verbs() -> str:
    """The verbs of a task's handle."""
    return _methods("task", taxiway.TaskHandle)


def session_verbs() -> str:
    """The verbs of a session."""
    return _methods("box", taxiway.SessionHandle)


def records() -> str:
    """The fields of the records that verbs give and take."""
    kinds = [
        (name, value) for name, value in _public() if isinstance(value, type) and issubclass(value, msgspec.Struct)
    ]
    return "\n\n".join(_record(name, kind) for name, kind in kinds)


def _public() -> Iterator[tuple[str, Any]]:
    for names in taxiway.HOMES.values():
        for name in names:
            yield name, getattr(taxiway, name)


def _methods(receiver: str, kind: type) -> str:
    found = [
        (name, value)
        for part in kind.__mro__
        for name, value in vars(part).items()
        if not name.startswith("_") and inspect.isfunction(value)
    ]
    return "\n\n".join(_entry(f"{receiver}.{name}", value) for name, value in found)


def _entry(path: str, function: Callable[..., Any]) -> str:
    kind = (
        "await "
        if inspect.iscoroutinefunction(function)
        else "async for … in "
        if inspect.isasyncgenfunction(function)
        else ""
    )
    return f"**`{kind}{path}{_signature(function)}`**\n\n{readable(inspect.getdoc(function))}"


def _signature(function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    parameters = [one for one in signature.parameters.values() if one.name != "self"]
    text = str(signature.replace(parameters=parameters))
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)


def _record(name: str, kind: Any) -> str:
    rows = [[code(field.name), code(_type(field.type)), _default(field)] for field in msgspec.structs.fields(kind)]
    return f"### `{name}`\n\n{readable(inspect.getdoc(kind))}\n\n" + table(["field", "type", "default"], rows)


def _type(annotation: Any) -> str:
    text = (
        annotation.__name__ if isinstance(annotation, type) and not hasattr(annotation, "__args__") else str(annotation)
    )
    return re.sub(r"\b(?:taxiway|typing|collections\.abc|msgspec)(?:\.\w+)*\.(\w+)", r"\1", text)


def _default(field: Any) -> str:
    if field.default is not msgspec.NODEFAULT:
        return code(_type(repr(field.default)))
    return "required" if field.default_factory is msgspec.NODEFAULT else code(_type(repr(field.default_factory())))
