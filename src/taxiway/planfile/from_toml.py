"""TOML, read by the standard library; where its keys stand is found in the text when somebody asks."""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from typing import Any, Final

from taxiway.core.errors import Invalid, Problem
from taxiway.core.fault import Path
from taxiway.core.fieldtypes import Written
from taxiway.planfile.document import DEPTH_MAX, Document, Place, numbered, refused

_SPOT: Final = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)\Z")
_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)+")
_SPACE: Final = re.compile(r"[ \t]*")
_KEY: Final = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'([^'\n]*)'|([A-Za-z0-9_-]+)")
_VALUE: Final = re.compile(
    r"[0-9-]{10} [0-9:.]{5,}\S*|"
    r'"""(?:[^"\\]|\\.|"(?!""))*"""(?:"{1,2})?|' r"'''(?:[^']|'(?!''))*'''(?:'{1,2})?|"
    r'"(?:[^"\\\n]|\\.)*"|' r"'[^'\n]*'|[^\s\"'\[\]{},#]+",
    re.DOTALL,
)  # fmt: skip


def from_toml(text: str, file: str) -> Document:
    """The document's value, with places. Raises ``Invalid`` with a problem in ``file`` where it is no TOML."""
    try:
        value = tomllib.loads(text, parse_float=Written)
    except tomllib.TOMLDecodeError as error:
        raise _refused(file, str(error), text) from None
    except RecursionError:
        raise _refused(file, f"it is nested deeper than {DEPTH_MAX} levels", text) from None
    places = _Places(text)
    return Document(value, lambda path: places.locate(numbered(value, path)))


def _refused(file: str, said: str, text: str) -> Invalid:
    line: int | None = None
    column: int | None = None
    if (spot := _SPOT.search(said)) is not None:
        line = int(spot[1]) if spot[1] else text.count("\n") + 1
        column = int(spot[2]) if spot[2] else None
        said = said[: spot.start()]
    message = f"is no TOML: {said[:1].lower()}{said[1:]}"
    return refused(Problem(message, "", file, line, column))


class _Places:
    """The place of every key of a text that is known to be TOML."""

    def __init__(self, text: str) -> None:
        # The standard library reads line ends in this way too, so the lines agree.
        self._text = text.replace("\r\n", "\n")
        self._at = 0

    def locate(self, path: Path) -> Place | None:
        """The place of the deepest step of ``path`` that stands in the text."""
        for length in range(len(path), 0, -1):
            if (offset := self._offsets.get(path[:length])) is not None:
                line_start = self._text.rfind("\n", 0, offset) + 1
                return self._text.count("\n", 0, offset) + 1, offset - line_start + 1
        return None

    @cached_property
    def _offsets(self) -> dict[Path, int]:
        found: dict[Path, int] = {}
        lists: dict[Path, int] = {}
        table: Path = ()
        while self._more():
            if self._text.startswith("[", self._at):
                table = self._header(found, lists)
            else:
                self._entry(table, found)
        return found

    def _more(self) -> bool:
        self._skip(_BLANK)
        return self._at < len(self._text)

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return bool(match and match[0])

    def _header(self, found: dict[Path, int], lists: dict[Path, int]) -> Path:
        start = self._at
        double = self._text.startswith("[[", start)
        self._at += 2 if double else 1
        self._skip(_SPACE)
        path: Path = ()
        steps = self._key()
        for place, step in enumerate(steps):
            path = (*path, step)
            if path in lists and not (double and place == len(steps) - 1):
                path = (*path, lists[path])  # below a list of tables: its newest
        if double:
            found.setdefault(path, start)
            lists[path] = lists.get(path, -1) + 1
            path = (*path, lists[path])
        found.setdefault(path, start)
        self._at += 2 if double else 1
        return path

    def _key(self) -> list[str]:
        steps = []
        while (match := _KEY.match(self._text, self._at)) is not None:
            bare = match[3] if match[3] is not None else match[2]
            steps.append(bare if bare is not None else _unescaped(match[0]))
            self._at = match.end()
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                break
            self._at += 1
            self._skip(_SPACE)
        return steps

    def _entry(self, table: Path, found: dict[Path, int]) -> None:
        start = self._at
        path = table
        for step in self._key():
            path = (*path, step)
            found.setdefault(path, start)
        self._at += 1  # the =
        self._skip(_SPACE)
        self._value(path, found)

    def _value(self, path: Path, found: dict[Path, int]) -> None:
        opener = self._text[self._at : self._at + 1]
        if opener == "[":
            self._list(path, found)
        elif opener == "{":
            self._at += 1
            while self._more() and not self._text.startswith("}", self._at):
                if self._text.startswith(",", self._at):
                    self._at += 1
                else:
                    self._entry(path, found)
            self._at += 1
        elif not self._skip(_VALUE):
            self._at += 1

    def _list(self, path: Path, found: dict[Path, int]) -> None:
        self._at += 1
        place = 0
        while self._more() and not self._text.startswith("]", self._at):
            if self._text.startswith(",", self._at):
                self._at += 1
                place += 1
            else:
                found.setdefault((*path, place), self._at)
                self._value((*path, place), found)
        self._at += 1


def _unescaped(quoted: str) -> str:
    key: Any = next(iter(tomllib.loads(f"{quoted} = 0")))
    return str(key)
