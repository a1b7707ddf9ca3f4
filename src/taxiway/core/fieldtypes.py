"""Readers of single values: what a person may write for a text, a number, a list, and the sentence when it is not."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, TypeVar

from taxiway.core.duration import parse_duration
from taxiway.core.errors import Invalid
from taxiway.core.limits import ARGV_ITEMS_MAX, NAME_CHARS_MAX
from taxiway.core.nearest import suggestion

Read = TypeVar("Read")
Choice = TypeVar("Choice", bound=StrEnum)

JSON_DEPTH_MAX: Final = 100  #: levels of lists and tables inside one value
NAME_PATTERN: Final = r"[A-Za-z0-9_][A-Za-z0-9._/-]*"
SESSION_KEY_PATTERN: Final = r"[A-Za-z0-9_][A-Za-z0-9._/:@+=#~-]*"

_NAME: Final = re.compile(NAME_PATTERN + r"\Z")
_SESSION_KEY: Final = re.compile(SESSION_KEY_PATTERN + r"\Z")
_ENV_NAME: Final = re.compile(r"[^=\0]+\Z")


class Bad(Exception):
    """A value that cannot be taken: the sentence, what would be right, and the steps to it inside the field."""

    def __init__(self, message: str, hint: str = "", *path: str | int, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.path = path
        self.code = code
        self.others: tuple[Bad, ...] = ()  #: further values of the same field that cannot be taken

    @property
    def placed(self) -> str:
        """The sentence, with the place inside the field before it where that has names."""
        named = any(isinstance(step, str) for step in self.path)
        return f"{'.'.join(map(str, self.path))}: {self.message}" if named else self.message

    def below(self, *steps: str | int) -> Bad:
        """The same, seen from further up."""
        seen = Bad(self.message, self.hint, *steps, *self.path, code=self.code)
        seen.others = tuple(other.below(*steps) for other in self.others)
        return seen


class Parts:
    """Reads the parts of one field and goes on after a bad one, so that all of them are reported."""

    def __init__(self) -> None:
        self._bad: list[Bad] = []

    def read(self, steps: tuple[str | int, ...], reader: Callable[..., Read], *arguments: Any) -> Read | None:
        """What the reader makes of its arguments, or ``None`` when it cannot."""
        try:
            return reader(*arguments)
        except Bad as bad:
            self._bad.append(bad.below(*steps))
            return None

    def close(self) -> None:
        """Raise what was wrong, if anything was."""
        if self._bad:
            first, *others = (one for bad in self._bad for one in (bad, *bad.others))
            first.others = tuple(others)
            raise first


class Written(float):
    """A number from a file that remembers how it was written, so that ``1.10`` in an environment stays ``1.10``."""

    text: str

    def __new__(cls, text: str) -> Written:
        """The number that ``text`` means."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def kind_of(value: object) -> str:
    """What a value is, in the words of a plan file."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case Mapping():
            return "a table"
        case list() | tuple():
            return "a list"
        case _:
            return f"a {type(value).__name__}"


def text(value: object) -> str:
    """A text that can be encoded (a lone surrogate cannot)."""
    if not isinstance(value, str):
        raise Bad(f"must be a text, not {kind_of(value)}", _quote_hint(value))
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Bad("holds half a character (a lone surrogate), which no file or program can take") from None
    return value


def argument(value: object) -> str:
    """A text for a program: no NUL; a number stands for the text that was written."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return written(value)
    if "\0" in (found := text(value)):
        raise Bad("holds a NUL, which no program can be given")
    return found


def work(value: object) -> str:
    """A text that is not empty and holds no NUL."""
    if not isinstance(value, str):
        raise Bad(f"must be a text, not {kind_of(value)}")
    if not value.strip():
        raise Bad("is empty")
    return argument(value)


def written(value: float) -> str:
    """A number as it was written, where that is known."""
    return value.text if isinstance(value, Written) else str(value)


def name(value: object) -> str:
    """A name of a task, queue or lane: letters, digits and ``._-/``, beginning with a letter, a digit or ``_``."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Bad(f"must be a name, not {kind_of(value)}", _quote_hint(value))
    if not value:
        raise Bad("is empty; a name has at least one character")
    if len(value) > NAME_CHARS_MAX:
        raise Bad(f"is {len(value)} characters long; a name has at most {NAME_CHARS_MAX}")
    if not _NAME.match(value):
        legal = re.sub(r"[^A-Za-z0-9._/-]+", "-", value).lstrip("._/-")
        hint = f"'{legal}' would do" if legal else ""
        shown = value if value.isprintable() else ascii(value)[1:-1]
        raise Bad(f"'{shown}' is no name: letters, digits and ._-/ make one, beginning with a letter or digit", hint)
    return value


def session_key(value: object) -> str:
    """The key of a session: what a name may hold, and ``:@+=#~`` (``telegram:direct:4711``)."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Bad(f"must be a key, not {kind_of(value)}", _quote_hint(value))
    if len(value) > NAME_CHARS_MAX:
        raise Bad(f"is {len(value)} characters long; a session's key has at most {NAME_CHARS_MAX}")
    if not _SESSION_KEY.match(value):
        shown = value if value.isprintable() else ascii(value)[1:-1]
        raise Bad(f"'{shown}' is no key: letters, digits and ._-/:@+=#~ make one, beginning with a letter or digit")
    return value


def member(kind: type[Choice], what: str) -> Callable[[object], Choice]:
    """A reader of one word of a closed set."""

    def read(value: object) -> Choice:
        if not isinstance(value, str):
            raise Bad(f"must be one of {', '.join(kind)}, not {kind_of(value)}", _quote_hint(value))
        if value not in frozenset(kind):
            shown = value if value.isprintable() else ascii(value)[1:-1]
            raise Bad(f"'{shown}' is no {what}", suggestion(value, list(kind)) or f"one of {', '.join(kind)}")
        return kind(value)

    return read


def whole(low: int, high: int) -> Callable[[object], int]:
    """A reader of whole numbers from ``low`` to ``high``."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Bad(f"must be a whole number, not {_shown_number(value)}")
        if not low <= value <= high:
            raise Bad(f"must be from {low} to {high}, and {value} is not")
        return value

    return read


def number(low: float, high: float) -> Callable[[object], float]:
    """A reader of numbers from ``low`` to ``high``."""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Bad(f"must be a number, not {kind_of(value)}")
        if not low <= value <= high or not math.isfinite(value):
            raise Bad(f"must be from {low:g} to {high:g}, and {value} is not")
        return float(value)

    return read


def duration(value: object) -> float:
    """Seconds, 0 or more."""
    try:
        return parse_duration(value)
    except Invalid as error:
        raise Bad(error.message) from None


def clock(value: object) -> float:
    """Seconds that a clock may run: more than 0, or it would go off before anything could start."""
    seconds = duration(value)
    if seconds == 0:
        raise Bad("must be longer than 0, or nothing could ever start; leave it out for no limit of its own")
    return seconds


def truth(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Bad(f"must be true or false, not {kind_of(value)}", "YAML here knows only true and false, not yes or on")
    return value


def items(value: object, what: str) -> Sequence[Any]:
    """A list."""
    if not isinstance(value, list | tuple):
        raise Bad(f"must be a list of {what}, not {kind_of(value)}")
    return value


def argv(value: object) -> tuple[str, ...]:
    """A program and its arguments."""
    if isinstance(value, str):
        raise Bad("must be a list of texts, not one text", "write [program, argument, …], or use shell")
    given = items(value, "texts")
    if not given:
        raise Bad("is empty; its first item names the program")
    if len(given) > ARGV_ITEMS_MAX:
        raise Bad(f"has {len(given)} items; a command has at most {ARGV_ITEMS_MAX}")
    parts = Parts()
    found = [parts.read((place,), argument, item) for place, item in enumerate(given)]
    parts.close()
    if not found[0]:
        raise Bad("names no program: it is empty", "", 0)
    return tuple(item or "" for item in found)


def table(value: object) -> Mapping[Any, Any]:
    """A table (a mapping) of named values."""
    if not isinstance(value, Mapping):
        raise Bad(f"must be a table, not {kind_of(value)}")
    for key in value:
        if not isinstance(key, str):
            raise Bad(f"has the key {key!r}, and keys are texts", "put it in quotes")
    return value


def variable(value: object) -> str:
    """The name of an environment variable."""
    found = text(value)
    if not _ENV_NAME.match(found):
        raise Bad(f"{found!r} cannot name a variable: it is empty, or holds = or NUL")
    return found


def plain(value: object, depth: int = 0) -> Any:
    """A JSON value, free of anything that JSON does not have."""
    if depth > JSON_DEPTH_MAX:
        raise Bad(f"is nested deeper than {JSON_DEPTH_MAX} levels")
    match value:
        case None | bool():
            return value
        case str():
            return text(value)
        case Written():
            return plain(float(value))
        case int() | float():
            if isinstance(value, float) and not math.isfinite(value):
                raise Bad(f"{value} is no JSON number")
            if isinstance(value, int) and not -(2**63) <= value < 2**64:
                raise Bad("is a number beyond 64 bits; write it as a text")
            return value
        case Mapping():
            parts = Parts()
            found = {text(key): parts.read((key,), plain, item, depth + 1) for key, item in table(value).items()}
            parts.close()
            return found
        case list() | tuple():
            parts = Parts()
            listed = [parts.read((place,), plain, item, depth + 1) for place, item in enumerate(value)]
            parts.close()
            return listed
        case _:
            raise Bad(f"{kind_of(value)} is no JSON value", "write it as a text")


def _quote_hint(value: object) -> str:
    return "put it in quotes" if isinstance(value, bool | int | float) else ""


def _shown_number(value: object) -> str:
    return written(value) if isinstance(value, float) else kind_of(value)
