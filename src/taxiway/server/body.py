"""Reading what a stranger sent: JSON without tricks, and fields by their types with every fault named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar, get_origin, get_type_hints

import msgspec

from taxiway.core.errors import Invalid, Malformed, Problem
from taxiway.core.nearest import suggestion

DEPTH_MAX: Final = 64  #: levels of lists and tables
INTEGER_DIGITS_MAX: Final = 20  #: what is longer is no number of ours, and costs the square of its length to read

T = TypeVar("T", bound=msgspec.Struct)


def read_json(body: bytes) -> Any:
    """The value of a JSON text in UTF-8. Raises ``Malformed`` for anything else: no NaN, no key that stands twice, at
    most 64 levels."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is no UTF-8 (byte {error.start + 1})") from None
    try:
        value = json.loads(text, object_pairs_hook=_table, parse_constant=_no_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise Malformed(f"the body is no JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise Malformed(f"the body is nested deeper than {DEPTH_MAX} levels") from None
    _check_depth(value)
    if "\\ud" in text or "\\uD" in text:
        _check_whole(value)
    return value


def _check_whole(value: Any) -> None:
    """Half of a surrogate pair, which JSON can spell, is no text that anybody could store or tell of."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Malformed("the body holds half of a surrogate pair, which is no character") from None


def read_fields(kind: type[T], given: Any, *, what: str, strict: bool = True) -> T:
    """A record of a kind from fields by their names; text is read as the type that it stands for unless ``strict``.

    Raises ``Invalid`` with every fault: what is missing, unknown (with the nearest legal name) or of the wrong type.
    """
    if not isinstance(given, Mapping):
        raise Invalid(f"{what} must be an object, not {_kind_of(given)}")
    legal = _types(kind)
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in legal:
            problems.append(Problem("is not known", name, hint=suggestion(name, legal)))
            continue
        try:
            values[name] = msgspec.convert(value, legal[name], strict=strict)
        except msgspec.ValidationError as error:
            problems.append(Problem(_said(error), name))
    problems += [Problem("is missing", name) for name in _required(kind) if name not in given]
    if problems:
        raise Invalid(f"{what} cannot be used: {problems[0]}", problems)
    return kind(**values)


@lru_cache
def lists_of(kind: type[msgspec.Struct]) -> frozenset[str]:
    """The fields of a record that hold several values."""
    return frozenset(name for name, hint in get_type_hints(kind).items() if get_origin(hint) is tuple)


@lru_cache
def _types(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


@lru_cache
def _required(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    return tuple(field.name for field in msgspec.structs.fields(kind) if field.required)


def _said(error: msgspec.ValidationError) -> str:
    """The fault in our words: msgspec's are ``Expected `int`, got `str` - at `$.x```."""
    text = str(error).replace("`", "'")
    return text[:1].lower() + text[1:]


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Malformed(f"the key {json.dumps(twice[:80])} stands twice in one object")
    return table


def _integer(digits: str) -> int:
    if len(digits) > INTEGER_DIGITS_MAX:
        raise Malformed(f"a number of {len(digits)} digits is not taken")
    return int(digits)


def _no_constant(name: str) -> Any:
    raise Malformed(f"{name} is no JSON number")


def _check_depth(value: Any) -> None:
    """A walk without recursion: what is deeper than the limit is refused before anybody recurses into it."""
    level: list[Any] = [value]
    for _ in range(DEPTH_MAX + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise Malformed(f"the body is nested deeper than {DEPTH_MAX} levels")


def _kind_of(value: Any) -> str:
    names = {list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "nothing")
