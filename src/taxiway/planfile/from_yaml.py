"""YAML as YAML 1.2 means it: ``no``, ``on`` and ``1:30`` are texts, and so is ``012``.

Keys stand once, and aliases and depth are bounded. Numbers are those of JSON, with the float spellings of the core
schema beside them; a number with leading zeros is an id that somebody typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import yaml

from taxiway.core.errors import Invalid, Problem
from taxiway.core.fieldtypes import Written
from taxiway.planfile.document import DEPTH_MAX, NODES_MAX, Array, Document, Place, Table, locate_in, refused

#: Only the parsers of these loaders are used: libyaml's where PyYAML has it, else the one in Python, which is slower.
FASTEST: Final[Any] = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})\Z")
_FLOAT: Final = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
_STRING_TAGS: Final = frozenset({"!", "tag:yaml.org,2002:str"})
_MERGE: Final = "<<"


class _Anchor(msgspec.Struct):
    value: Any
    nodes: int


class _Open(msgspec.Struct):
    """A table or list whose end has not come yet; ``key`` waits for its value."""

    value: Table | Array
    anchor: str | None
    started: int
    key: str | None = None
    merges: list[Any] = msgspec.field(default_factory=list)


def from_yaml(text: str, file: str, parser_type: Any = FASTEST) -> Document:
    """The document's value, with places. Raises ``Invalid`` with a problem in ``file`` where it is no YAML."""
    reading = _Reading(file)
    try:
        parser = parser_type(text)
        try:
            value = reading.run(_events(parser))
        finally:
            parser.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise reading.refused(_sentence(error), mark) from None
    except yaml.YAMLError as error:
        raise reading.refused("is no YAML: " + " ".join(str(error).split()), None) from None
    return Document(value, lambda path: locate_in(value, path), reading.problems)


def scalar(text: str) -> Any:
    """What an unquoted scalar means."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.match(text):
        return int(text)
    return Written(text) if _FLOAT.match(text) else text


def _events(parser: Any) -> Iterator[Any]:
    while (event := parser.get_event()) is not None:
        yield event


class _Reading:
    def __init__(self, file: str) -> None:
        self._file = file
        self._anchors: dict[str, _Anchor] = {}
        self._open: list[_Open] = []
        self._nodes = 0
        self._root: Any = None
        self._documents = 0
        self.problems: list[Problem] = []

    def run(self, events: Iterator[Any]) -> Any:
        for event in events:
            match event:
                case yaml.ScalarEvent():
                    self._count(1, event)
                    value = self._scalar(event)
                    if event.anchor is not None:
                        self._anchors[event.anchor] = _Anchor(value, 1)
                    self._put(value, event)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._start(event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._end()
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.DocumentStartEvent():
                    self._documents += 1
                    if self._documents > 1:
                        raise self.refused("holds a second document; a plan is one", event.start_mark)
                case _:
                    pass
        return self._root

    def refused(self, message: str, mark: Any) -> Invalid:
        place = (None, None) if mark is None else (mark.line + 1, mark.column + 1)
        return refused(Problem(message, "", self._file, *place))

    def _scalar(self, event: Any) -> Any:
        if event.tag is not None and event.tag not in _STRING_TAGS:
            raise self.refused(f"the tag {event.tag} means nothing here", event.start_mark)
        plain = event.implicit[0] and event.style in (None, "")
        return scalar(event.value) if plain and event.tag is None else event.value

    def _start(self, event: Any) -> None:
        if len(self._open) >= DEPTH_MAX:
            raise self.refused(f"is nested deeper than {DEPTH_MAX} levels", event.start_mark)
        self._key_must_be_text(event)
        value: Table | Array = Table() if isinstance(event, yaml.MappingStartEvent) else Array()
        self._count(1, event)
        # Put in its parent at once, so that the places are known; it is filled while its events come.
        self._put(value, event)
        self._open.append(_Open(value, event.anchor, self._nodes - 1))

    def _end(self) -> None:
        done = self._open.pop()
        if isinstance(done.value, Table):
            for merged in done.merges:
                _merge(done.value, merged)
        if done.anchor is not None:
            self._anchors[done.anchor] = _Anchor(done.value, self._nodes - done.started)

    def _alias(self, event: Any) -> None:
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            raise self.refused(f"the alias *{event.anchor} has no anchor before it", event.start_mark)
        if not isinstance(anchor.value, str):
            self._key_must_be_text(event)
        self._count(anchor.nodes, event)
        self._put(anchor.value, event)

    def _put(self, value: Any, event: Any) -> None:
        mark = event.start_mark
        if not self._open:
            self._root = value
            return
        parent = self._open[-1]
        if isinstance(parent.value, Array):
            parent.value.append(value)
            parent.value.places.append((mark.line + 1, mark.column + 1))
        elif parent.key is None:
            self._key(parent, event, value)
        elif parent.key == _MERGE:
            parent.merges.append(value)
            parent.key = None
        else:
            parent.value[parent.key] = value
            parent.key = None

    def _key(self, parent: _Open, event: Any, value: Any) -> None:
        table = parent.value
        assert isinstance(table, Table)
        # A key is the text that is written: 1, true and null are names here too.
        key: str = event.value if isinstance(event, yaml.ScalarEvent) else str(value)
        place: Place = (event.start_mark.line + 1, event.start_mark.column + 1)
        if key in table.places:
            first = table.places[key][0]
            message = f"'{key}' stands here a second time; the first is on line {first}"
            self.problems.append(Problem(message, "", self._file, *place))
        elif key != _MERGE:
            table.places[key] = place
        parent.key = key

    def _key_must_be_text(self, event: Any) -> None:
        if self._open and isinstance(self._open[-1].value, Table) and self._open[-1].key is None:
            raise self.refused("a key must be a text, not a list or a table", event.start_mark)

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > NODES_MAX:
            raise self.refused(f"holds more than {NODES_MAX} values, aliases counted", event.start_mark)


def _merge(table: Table, merged: Any) -> None:
    """``<<``: the entries of another table (or of several) under this one's own."""
    for source in merged if isinstance(merged, Array) else (merged,):
        if isinstance(source, Table):
            for key, value in source.items():
                if key not in table:
                    table[key] = value
                    table.places[key] = source.places[key]
        else:
            table[_MERGE] = source
            table.places.setdefault(_MERGE, (1, 1))


def _sentence(error: yaml.MarkedYAMLError) -> str:
    context = f" {error.context}" if error.context else ""
    return f"is no YAML:{context}{',' if context else ''} {error.problem or 'it cannot be read'}"
