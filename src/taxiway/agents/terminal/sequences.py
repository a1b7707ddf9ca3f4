"""The control sequences that change nothing but the screen, by their final character."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from taxiway.agents.terminal.screen import Screen


class Numbers:
    """The numbers of a sequence, with what stands for one that was left out."""

    def __init__(self, numbers: tuple[int | None, ...]) -> None:
        self._numbers = numbers

    def count(self, index: int = 0) -> int:
        """How often, how far, or which row or column: at least 1."""
        return max(1, self.choice(index))

    def choice(self, index: int = 0) -> int:
        """Which one: 0 unless said."""
        return (self._numbers[index] or 0) if index < len(self._numbers) else 0

    def all(self) -> tuple[int, ...]:
        """Each of them."""
        return tuple(number or 0 for number in self._numbers)


def _erase_rows(screen: Screen, numbers: Numbers) -> None:
    match numbers.choice():
        case 0:
            screen.erase_cells(screen.x, screen.columns)
            screen.erase_rows(screen.y + 1, screen.rows)
        case 1:
            screen.erase_rows(0, screen.y)
            screen.erase_cells(0, screen.x + 1)
        case 2:
            screen.erase_rows(0, screen.rows)
        case _:
            pass


def _erase_cells(screen: Screen, numbers: Numbers) -> None:
    match numbers.choice():
        case 0:
            screen.erase_cells(screen.x, screen.columns)
        case 1:
            screen.erase_cells(0, screen.x + 1)
        case 2:
            screen.erase_cells(0, screen.columns)
        case _:
            pass


def _set_region(screen: Screen, numbers: Numbers) -> None:
    top, bottom = numbers.count(0) - 1, min(numbers.choice(1) or screen.rows, screen.rows) - 1
    if top < bottom:
        screen.top, screen.bottom = top, bottom
        screen.move_to(0, 0)


def _clear_tabs(screen: Screen, numbers: Numbers) -> None:
    match numbers.choice():
        case 0:
            screen.tabs.discard(screen.x)
        case 3:
            screen.tabs.clear()
        case _:
            pass


def _to_row(screen: Screen, numbers: Numbers) -> None:
    column = screen.x
    screen.move_to(numbers.count() - 1, column)


def _down_lines(screen: Screen, numbers: Numbers) -> None:
    screen.move_rows(numbers.count())
    screen.x = 0


def _up_lines(screen: Screen, numbers: Numbers) -> None:
    screen.move_rows(-numbers.count())
    screen.x = 0


def _to_column(screen: Screen, numbers: Numbers) -> None:
    screen.x = min(numbers.count(), screen.columns) - 1


SCREEN_ACTS: Final[Mapping[str, Callable[[Screen, Numbers], None]]] = MappingProxyType(
    {
        "@": lambda screen, numbers: screen.shift_cells(numbers.count()),
        "A": lambda screen, numbers: screen.move_rows(-numbers.count()),
        "B": lambda screen, numbers: screen.move_rows(numbers.count()),
        "C": lambda screen, numbers: screen.move_columns(numbers.count()),
        "D": lambda screen, numbers: screen.move_columns(-numbers.count()),
        "E": _down_lines,
        "F": _up_lines,
        "G": _to_column,
        "H": lambda screen, numbers: screen.move_to(numbers.count(0) - 1, numbers.count(1) - 1),
        "I": lambda screen, numbers: screen.tab(numbers.count()),
        "J": _erase_rows,
        "K": _erase_cells,
        "L": lambda screen, numbers: screen.shift_rows(numbers.count()),
        "M": lambda screen, numbers: screen.shift_rows(-numbers.count()),
        "P": lambda screen, numbers: screen.shift_cells(-numbers.count()),
        "S": lambda screen, numbers: screen.scroll(numbers.count()),
        "T": lambda screen, numbers: screen.scroll(-numbers.count()),
        "X": lambda screen, numbers: screen.erase_cells(screen.x, screen.x + numbers.count()),
        "Z": lambda screen, numbers: screen.tab(-numbers.count()),
        "`": _to_column,
        "a": lambda screen, numbers: screen.move_columns(numbers.count()),
        "d": _to_row,
        "e": lambda screen, numbers: screen.move_rows(numbers.count()),
        "f": lambda screen, numbers: screen.move_to(numbers.count(0) - 1, numbers.count(1) - 1),
        "g": _clear_tabs,
        "r": _set_region,
    }
)
