"""The program that judges: started alone (`python -I` with this folder), it reads one question from its standard
input, as JSON, and writes the answer.

Here, and in no process that runs anything else, `jsonschema` is loaded: it takes a fifth of a second, and a schema may
hold an expression that searches for hours, or parts that refer to each other without an end. The limits on time and
memory are the process's own, so they hold also when whoever asked is gone.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.validators import Draft202012Validator, validator_for
from jsonschema_specifications import REGISTRY
from referencing.exceptions import Unresolvable
from referencing.jsonschema import specification_with

CPU_S_MAX: Final = 3
MEMORY_BYTES_MAX: Final = 1 << 30
DEPTH_MAX: Final = 64
MESSAGE_CHARS_MAX: Final = 400
ERRORS_LOOKED_AT: Final = 1_000  #: of a result; the one that says most of them is told

_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_DATA: Final = ("const", "enum", "default", "examples")  #: what stands there is no schema
_TOO_DEEP: Final = "is nested too deep, or refers to itself without an end"

Answer = dict[str, Any] | None


def main() -> None:
    """Answer ``{"schemas": [...]}`` with what is wrong with each, ``{"schema": …, "result": …}`` with what is wrong
    with the result; ``null`` is nothing."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    try:
        asked = json.load(sys.stdin.buffer)
        answer = [fault(one) for one in asked["schemas"]] if "schemas" in asked else broken(**asked)
    except RecursionError:
        answer = _said([], _TOO_DEEP)
    json.dump(answer, sys.stdout)


def fault(schema: dict[str, Any]) -> Answer:
    """What is wrong with a schema: what it says, or that it refers to what is not in it."""
    if _depth(schema) > DEPTH_MAX:
        return _said([], f"is nested deeper than {DEPTH_MAX} levels")
    if "$schema" in schema and validator_for(schema, default=None) is None:
        return _said(["$schema"], f"{_short(schema['$schema'])} is no dialect of JSON Schema that is known here")
    dialect = validator_for(schema, default=Draft202012Validator)
    try:
        dialect.check_schema(schema, format_checker=dialect.FORMAT_CHECKER)
    except SchemaError as error:
        told = next((one for one in error.context or () if one.validator == "enum"), error)
        return _said(list(error.absolute_path), told.message)
    except RecursionError:
        return _said([], _TOO_DEEP)
    return next((wrong for path, ref in _references(schema) if (wrong := _unheld(schema, path, ref))), None)


def broken(schema: dict[str, Any], result: Any) -> Answer:
    """What a result breaks of a schema. Nothing is ever fetched."""
    dialect = validator_for(schema, default=Draft202012Validator)
    try:
        error: ValidationError | None = best_match(
            islice(dialect(schema, registry=REGISTRY).iter_errors(result), ERRORS_LOOKED_AT)
        )
    except RecursionError:
        return _said([], _TOO_DEEP)
    except Unresolvable as unresolvable:
        return _said([], f"cannot be judged: the schema refers to {_short(unresolvable.ref)}, which is not in it")
    return None if error is None else _said(list(error.absolute_path), error.message)


def _unheld(schema: dict[str, Any], path: list[str | int], ref: str) -> Answer:
    if not ref.startswith("#"):
        return _said(path, f"{_short(ref)} is a schema elsewhere, and none is ever fetched: write it into $defs")
    if "$id" in json.dumps(schema):  # then what a reference starts from changes on the way
        return None
    default = specification_with(Draft202012Validator.META_SCHEMA["$id"])
    resource_ = specification_with(schema.get("$schema", ""), default=default).create_resource(schema)
    try:
        REGISTRY.with_resource("", resource_).resolver().lookup(ref)
    except Unresolvable:
        return _said(path, f"{_short(ref)} is not in the schema")
    return None


def _references(schema: dict[str, Any]) -> Iterator[tuple[list[str | int], str]]:
    left: list[tuple[list[str | int], Any]] = [([], schema)]
    while left:
        path, part = left.pop()
        items: list[tuple[str | int, Any]] = []
        if isinstance(part, dict):
            items = [(key, item) for key, item in part.items() if key not in _DATA]
        elif isinstance(part, list):
            items = list(enumerate(part))
        for key, item in items:
            if key in _REFERENCES and isinstance(item, str):
                yield [*path, key], item
            left.append(([*path, key], item))


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        inner = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list))
        level = [item for items in inner for item in items]
    return depth


def _said(path: list[str | int], message: str) -> Answer:
    return {"path": path, "message": message[:MESSAGE_CHARS_MAX] + ("…" if len(message) > MESSAGE_CHARS_MAX else "")}


def _short(value: Any) -> str:
    return repr(value)[:100]


if __name__ == "__main__":
    main()
