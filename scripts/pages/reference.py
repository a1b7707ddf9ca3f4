"""Parts of the reference: events, errors, bounds, settings and the fields of a plan, from the code that uses them."""

import io
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec

from scripts.pages.markdown import code, first_sentence, table
from scripts.pages.words import BOUNDS, COMPUTED_DEFAULTS, EVENTS, SETTINGS
from taxiway import config
from taxiway.agents.prices import list_prices
from taxiway.core import errors, limits
from taxiway.core.duration import format_duration
from taxiway.core.event import EventType
from taxiway.core.ladder import words_of
from taxiway.core.planschema import plan_schema


def events() -> str:
    """Every event type: today's, then those that come with agents."""
    rows = []
    for kind in sorted(EventType, key=lambda one: not EVENTS[one][2]):
        meaning, data, today = EVENTS[kind]
        rows.append([code(kind), meaning, data or "-", "yes" if today else "with agents"])
    return table(["type", "meaning", "data", "written today"], rows)


def error_codes() -> str:
    """The tree of errors with their codes and statuses."""
    rows = []
    for kind, depth in _tree(errors.Error, 0):
        name = "&nbsp;" * 4 * depth + code(kind.__name__)
        meaning = first_sentence(kind.__doc__)
        rows.append([name, code(kind.code), str(kind.exit_status), str(kind.http_status), meaning])
    return table(["error", "code", "exit status", "HTTP", "meaning"], rows)


def bounds() -> str:
    """Every bound of ``core/limits.py`` with its value and its comment there."""
    said = dict(_comments(Path(limits.__file__).read_text("utf-8")))
    names = [name for name in vars(limits) if name.isupper()]
    return table(
        ["bound", "value", "of"], [[code(name), _amount(name), said.get(name) or BOUNDS[name]] for name in names]
    )


def settings() -> str:
    """Every setting with its variable, its default and its meaning."""
    rows = []
    for name, default in _fields(config.Config, ""):
        fixed = "NAME" not in name and name != "lanes"
        variable = "TAXIWAY_STORE" if name == "store.path" else "TAXIWAY_" + name.replace(".", "_").upper()
        shown = COMPUTED_DEFAULTS.get(name) or _shown(name, default)
        rows.append([code(name), code(variable) if fixed else "-", shown, SETTINGS[name]])
    return table(["setting", "variable", "default", "meaning"], rows)


def prices() -> str:
    """The list prices that come along, by model."""
    rows = []
    for model, price in list_prices().items():
        cached = "as read" if price.cached is None else f"{price.cached:g}"
        rows.append([code(model), f"{price.input:g}", cached, f"{price.output:g}", f"[{price.date}]({price.source})"])
    return table(["model", "read", "read from a cache", "written", "list"], rows)


def plan_fields() -> str:
    """What may stand at the top of a plan file."""
    return _schema_fields(plan_schema()["properties"])


def task_fields() -> str:
    """What may stand in a task of a plan."""
    return _schema_fields(plan_schema()["$defs"]["task"]["properties"])


def _tree(kind: type[errors.Error], depth: int) -> Iterator[tuple[type[errors.Error], int]]:
    yield kind, depth
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _tree(child, depth + 1)


def _comments(text: str) -> Iterator[tuple[str, str]]:
    """The ``#:`` comment beside each assignment."""
    name = ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and token.start[1] == 0:
            name = token.string
        elif token.type == tokenize.COMMENT and token.string.startswith("#: "):
            yield name, token.string.removeprefix("#: ").replace("``", "`")


def _amount(name: str) -> str:
    value = getattr(limits, name)
    words = name.split("_")
    if "S" in words:
        return format_duration(value)
    if "BYTES" in words:
        unit, size = ("MiB", 1 << 20) if value >= 1 << 20 else ("KiB", 1 << 10)
        return f"{value // size} {unit}"
    return f"{value:,}"


def _fields(record: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """The fields of a record and of the records in it; a mapping of records has ``NAME`` for its key."""
    for field in msgspec.structs.fields(record):
        name = f"{prefix}{field.encode_name}"
        kinds = [one for one in (field.type, *get_args(field.type)) if isinstance(one, type)]
        inner = [one for one in kinds if issubclass(one, msgspec.Struct)]
        if not inner or isinstance(field.default, tuple):
            yield name, field.default
            continue
        for one in inner:
            yield from _fields(one, f"{name}." if one is field.type else f"{name}.NAME.")


def _shown(name: str, default: Any) -> str:
    if default in (None, msgspec.NODEFAULT) or "." not in name:
        return "none"
    if isinstance(default, tuple):
        return words_of(default)
    if name.endswith("bytes"):
        return f"{default >> 20} MiB"
    return format_duration(default) if isinstance(default, float) else str(default)


def _schema_fields(fields: dict[str, Any]) -> str:
    rows = [[code(name), _description(schema)] for name, schema in fields.items()]
    return table(["field", "meaning"], rows)


def _description(schema: dict[str, Any]) -> str:
    """What a schema says of itself, or what it refers to says."""
    if "description" in schema:
        return str(schema["description"])
    for inner in (schema, *schema.get("anyOf", ())):
        if "$ref" in inner:
            found = plan_schema()["$defs"][inner["$ref"].rpartition("/")[2]]
            return str(found.get("description", "A name."))
    return ""
