"""Readers of single values of a script: what may be written for a text, a time, a signal, and the sentence if not."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from typing import Any, Final

Reader = Callable[[Any], Any]

_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?\Z")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


class Wrong(Exception):
    """A value that cannot be taken, in a sentence."""


def text(value: Any) -> str:
    """A text; a number stands for how it is written."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Wrong("must be a text")
    return str(value)


def truth(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Wrong("must be true or false")
    return value


def whole(value: Any) -> int:
    """A whole number, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Wrong("must be a whole number, 0 or more")
    return value


def number(value: Any) -> float:
    """A number, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise Wrong("must be a number, 0 or more")
    return float(value)


def seconds(value: Any) -> float:
    """``200ms``, ``2s``, ``5m``, ``1h``, or a number of seconds."""
    if isinstance(value, str):
        found = _DURATION.match(value.strip())
        if found is None:
            raise Wrong(f"'{value}' is no duration; write 200ms, 2s, 5m, 1h or a number of seconds")
        return float(found[1]) * _UNITS[found[2]]
    return number(value)


def forever(value: Any) -> float | None:
    """``true`` for ever, else a duration."""
    return None if value is True else seconds(value)


def signals(value: Any) -> tuple[int, ...]:
    """One name of a signal or a list of them: ``SIGTERM``."""
    names = value if isinstance(value, list) else [value]
    found = [getattr(signal.Signals, name, None) if isinstance(name, str) else None for name in names]
    if not names or None in found:
        raise Wrong("must be the name of a signal, such as SIGTERM, or a list of them")
    return tuple(int(one) for one in found if one is not None)


def table(value: Any) -> dict[str, Any]:
    """Named values."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise Wrong("must be a table")
    return value


def anything(value: Any) -> Any:
    """Any value of JSON."""
    return value


def one_of(*choices: str) -> Reader:
    """A reader of one of these words."""

    def read(value: Any) -> str:
        if value not in choices:
            raise Wrong(f"must be one of {', '.join(choices)}")
        return str(value)

    return read


def pattern(value: Any) -> re.Pattern[str]:
    """A regular expression; ``.`` matches line ends too."""
    try:
        return re.compile(text(value), re.DOTALL)
    except re.error as error:
        raise Wrong(f"is no regular expression: {error}") from None
