"""Readers of single settings: what a configuration may say, and the sentence when it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from taxiway.core.duration import parse_duration
from taxiway.core.errors import Invalid
from taxiway.core.fieldtypes import Bad
from taxiway.core.nearest import suggestion
from taxiway.core.tenant import check_tenant

UNLIMITED: Final = "unlimited"
SLOTS_MAX: Final = 10_000


class SecretSource(msgspec.Struct, frozen=True):
    """Where a secret's value comes from: exactly one of a variable, a file, or a command's standard output."""

    env: str | None = None
    file: str | None = None
    command: tuple[str, ...] | None = None


def text(value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise Bad("must be a text that is not empty")
    return value


def tenant(value: Any) -> str:
    """A name that a tenant can have."""
    try:
        return check_tenant(text(value))
    except Invalid as error:
        raise Bad(error.message) from None


def whole(low: int, high: int) -> Callable[[Any], int]:
    """A reader of whole numbers from ``low`` to ``high``; in a variable they are texts."""

    def read(value: Any) -> int:
        if isinstance(value, str) and value.strip().isdecimal():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Bad(f"must be a whole number from {low} to {high}")
        return value

    return read


def truth(value: Any) -> bool:
    """Yes or no; in a variable ``true`` or ``false``."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise Bad("must be true or false")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts; in a variable they stand behind one another, with commas."""
    many = value.split(",") if isinstance(value, str) else value
    if not isinstance(many, list | tuple) or not all(isinstance(one, str) and one.strip() for one in many):
        raise Bad("must be a list of texts")
    return tuple(one.strip() for one in many)


def duration(value: Any) -> float:
    """Seconds, 0 or more."""
    try:
        return parse_duration(value)
    except Invalid as error:
        raise Bad(error.message) from None


def clock(value: Any) -> float | None:
    """Seconds that a clock may run, or ``none``."""
    if value == "none":
        return None
    seconds = duration(value)
    if seconds == 0:
        raise Bad("must be longer than 0", 'write "none" for no limit')
    return seconds


def lane_size(value: Any) -> int | None:
    """The size of a lane, or ``unlimited``."""
    return None if value == UNLIMITED else _limited(value)


def _limited(value: Any) -> int:
    try:
        return whole(1, SLOTS_MAX)(value)
    except Bad:
        raise Bad(f'must be a whole number from 1 to {SLOTS_MAX}, or "{UNLIMITED}"') from None


def secret_source(value: Any) -> SecretSource:
    """Where a secret is: exactly one of its sources."""
    kinds = ("env", "file", "command")
    if not isinstance(value, Mapping):
        raise Bad(
            "must say where the secret is",
            'write {env = "NAME"}, {file = "PATH"} or {command = ["program", "argument"]}',
        )
    for key in value:
        if key not in kinds:
            raise Bad(f"'{key}' is no source of a secret", suggestion(key, kinds) or "env, file or command")
    if len(value) != 1:
        raise Bad("has more than one source, or none", "exactly one of env, file and command")
    match dict(value):
        case {"command": [*words]} if words and all(isinstance(word, str) and word for word in words[:1]):
            return SecretSource(command=tuple(str(word) for word in words))
        case {"command": _}:
            raise Bad("must be a list of texts", '{command = ["program", "argument"]}')
        case {"env": env}:
            return SecretSource(env=text(env))
        case {"file": file}:
            return SecretSource(file=text(file))
        case _:
            raise Bad("has no source", "exactly one of env, file and command")
