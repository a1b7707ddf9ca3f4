"""What a file says, with the line and column of everything in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from taxiway.core.errors import Invalid, Problem
from taxiway.core.fault import Path

DEPTH_MAX: Final = 64  #: levels of lists and tables in a plan file
NODES_MAX: Final = 5_000_000  #: values in a plan file, counted anew wherever an alias repeats them

Place = tuple[int, int]  #: line and column, from 1


class Table(dict[str, Any]):
    """A table of a file: ``places`` tells where each key stands."""

    __slots__ = ("places",)

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, Place] = {}


class Array(list[Any]):
    """A list of a file: ``places`` tells where each item stands."""

    __slots__ = ("places",)

    def __init__(self) -> None:
        super().__init__()
        self.places: list[Place] = []


class Document(msgspec.Struct):
    """A file's value; ``locate`` gives the place of a path, or of the nearest thing above it; ``problems`` are what
    is wrong with the text itself although it could be read (keys that stand twice)."""

    value: Any
    locate: Callable[[Path], Place | None]
    problems: Sequence[Problem] = ()


def refused(problem: Problem) -> Invalid:
    """The error of a text that cannot be read at all: one sentence, with its place and what would be right."""
    return Invalid(str(problem), [problem])


def locate_in(value: Any, path: Path) -> Place | None:
    """The place of the deepest step of ``path`` that is there."""
    place: Place | None = None
    for step in numbered(value, path):
        if isinstance(value, Table) and step in value.places:
            place, value = value.places[str(step)], value.get(str(step))
        elif isinstance(value, Array) and isinstance(step, int) and step < len(value.places):
            place, value = value.places[step], value[step]
        else:
            break
    return place


def numbered(value: Any, path: Path) -> Path:
    """The path with numbers for items of lists that it names by their text (``after: [lint]`` and ``after.lint``)."""
    steps: list[str | int] = []
    for step in path:
        if isinstance(value, list) and isinstance(step, str):
            step = next((place for place, item in enumerate(value) if item == step), step)
        steps.append(step)
        if isinstance(value, dict):
            value = value.get(str(step))
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            value = None
    return tuple(steps)
