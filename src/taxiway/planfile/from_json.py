"""JSON, with the place of every key and item, and keys that stand once."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from taxiway.core.errors import Invalid, Problem
from taxiway.core.fieldtypes import Written
from taxiway.planfile.document import DEPTH_MAX, Array, Document, Place, Table, locate_in, refused

_TOKEN: Final = re.compile(r'[ \t\r\n]+|([{}\[\]:,])|("(?:[^"\\]|\\.)*")|([^\s{}\[\]:,"]+)')


def from_json(text: str, file: str) -> Document:
    """The document's value, with places. Raises ``Invalid`` with a problem in ``file`` where it is no JSON."""
    try:
        json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _refused(file, f"is no JSON: {error.msg}", (error.lineno, error.colno)) from None
    except ValueError as error:
        raise _refused(file, f"is no JSON: {error}", None) from None
    except RecursionError:
        raise _refused(file, f"is nested deeper than {DEPTH_MAX} levels", None) from None
    reading = _Reading(text, file)
    value = reading.run()
    return Document(value, lambda path: locate_in(value, path), reading.problems)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _refused(file: str, message: str, place: Place | None) -> Invalid:
    line, column = place or (None, None)
    return refused(Problem(message, "", file, line, column))


class _Reading:
    """Walks the tokens of a text that is known to be JSON."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._open: list[Table | Array] = []
        self._keys: list[str | None] = []
        self._root: Any = None
        self._line, self._line_start = 1, 0
        self.problems: list[Problem] = []

    def run(self) -> Any:
        for token in _TOKEN.finditer(self._text):
            mark, string, literal = token.groups()
            place = (self._line, token.start() - self._line_start + 1)
            if string is not None:
                self._string(json.loads(string), place)
            elif literal is not None:
                self._put(_literal(literal), place)
            elif mark is not None:
                self._mark(mark, place)
            elif (newlines := token[0].count("\n")) > 0:
                self._line += newlines
                self._line_start = token.start() + token[0].rindex("\n") + 1
        return self._root

    def _mark(self, mark: str, place: Place) -> None:
        if mark in "{[":
            if len(self._open) >= DEPTH_MAX:
                raise _refused(self._file, f"is nested deeper than {DEPTH_MAX} levels", place)
            value: Table | Array = Table() if mark == "{" else Array()
            self._put(value, place)
            self._open.append(value)
            self._keys.append(None)
        elif mark in "}]":
            self._open.pop()
            self._keys.pop()

    def _string(self, text: str, place: Place) -> None:
        if self._open and isinstance(table := self._open[-1], Table) and self._keys[-1] is None:
            if text in table.places:
                message = f"'{text}' stands here a second time; the first is on line {table.places[text][0]}"
                self.problems.append(Problem(message, "", self._file, *place))
            else:
                table.places[text] = place
            self._keys[-1] = text
        else:
            self._put(text, place)

    def _put(self, value: Any, place: Place) -> None:
        if not self._open:
            self._root = value
            return
        parent, key = self._open[-1], self._keys[-1]
        if isinstance(parent, Array):
            parent.append(value)
            parent.places.append(place)
        else:
            parent[key or ""] = value
            self._keys[-1] = None


def _literal(text: str) -> Any:
    match text:
        case "true" | "false":
            return text == "true"
        case "null":
            return None
        case _:
            return int(text) if text.lstrip("-").isdigit() else Written(text)
