"""The screen: rows of cells, a cursor, a scrolling region, and the text that has scrolled off. Only text, no colours.

A row is a string with one code for each cell. Columns and rows count from 0 here. The cursor may stand at ``columns``:
the last column is written, and the next character begins the next row. Source: the DEC VT100 family, as xterm has it.
"""

from __future__ import annotations

import unicodedata
from collections import deque
from typing import Final

from taxiway.agents.terminal.clusters import Clusters

TAB_COLUMNS: Final = 8
BLANK: Final = " "
RIGHT_HALF: Final = "\0"  #: the second cell of a character that is two columns wide


class Screen:
    """One screen. ``scrolled`` keeps what left it at the top, at most ``history_chars_max`` characters of the last;
    both it and ``lines`` go along with whether the row's text flowed over into the next row."""

    def __init__(self, columns: int, rows: int, history_chars_max: int) -> None:
        self.columns = columns
        self.rows = rows
        self.cells = [BLANK * columns] * rows
        self.goes_on = [False] * rows
        self.scrolled: deque[tuple[str, bool]] = deque()
        self.scrolled_chars = 0
        self.history_chars_max = history_chars_max
        self._clusters = Clusters()
        self.reset()

    def reset(self) -> None:
        """Cursor, region, modes and tab stops as at the start; the text stays."""
        self.x = 0
        self.y = 0
        self.top = 0
        self.bottom = self.rows - 1
        self.wraps = True
        self.inserts = False
        self.origin = False
        self.tabs = set(range(0, self.columns, TAB_COLUMNS))

    def text_of(self, y: int) -> str:
        """A row's text, without the blanks at its end unless the next row belongs to it."""
        text = self._clusters.spelled(self.cells[y]).replace(RIGHT_HALF, "")
        return text if self.goes_on[y] else text.rstrip()

    def before_cursor(self) -> str:
        """The text of the cursor's row up to the cursor."""
        return self._clusters.spelled(self.cells[self.y][: self.x]).replace(RIGHT_HALF, "")

    def forget_scrolled(self) -> None:
        """Let go of what has scrolled off."""
        self.scrolled.clear()
        self.scrolled_chars = 0

    def draw(self, text: str) -> None:
        """Write printable characters at the cursor."""
        if text.isascii():
            self._draw_narrow(text)
            return
        for character in text:
            width = width_of(character)
            if width == 1:
                self._draw_narrow(character)
            elif width == 2:
                self._draw_wide(character)
            else:
                self._combine(character)

    def move_to(self, row: int, column: int) -> None:
        """The cursor's place; rows count from the region's top in origin mode."""
        first, last = (self.top, self.bottom) if self.origin else (0, self.rows - 1)
        self.y = min(max(first + row, first), last)
        self.x = min(max(column, 0), self.columns - 1)

    def move_rows(self, count: int) -> None:
        """Down, or up when negative; not across the region's edge from inside."""
        first = self.top if self.y >= self.top else 0
        last = self.bottom if self.y <= self.bottom else self.rows - 1
        self.y = min(max(self.y + count, first), last)
        self.x = min(self.x, self.columns - 1)

    def move_columns(self, count: int) -> None:
        """Right, or left when negative."""
        self.x = min(max(min(self.x, self.columns - 1) + count, 0), self.columns - 1)

    def tab(self, count: int) -> None:
        """On by so many tab stops, or back when negative."""
        if count > 0:
            stops = sorted(stop for stop in self.tabs if self.x < stop < self.columns)
            self.x = stops[count - 1] if count <= len(stops) else self.columns - 1
        else:
            stops = sorted((stop for stop in self.tabs if stop < self.x), reverse=True)
            self.x = stops[-count - 1] if -count <= len(stops) else 0

    def line_feed(self) -> None:
        """Down one row; at the region's bottom everything in it goes up."""
        if self.y == self.bottom:
            self.scroll(1)
        elif self.y < self.rows - 1:
            self.y += 1

    def reverse_line_feed(self) -> None:
        """Up one row; at the region's top everything in it goes down."""
        if self.y == self.top:
            self.scroll(-1)
        elif self.y > 0:
            self.y -= 1

    def scroll(self, count: int) -> None:
        """Move the region's rows up, or down when negative; what leaves the screen at its top is history."""
        if count > 0 and self.top == 0:
            for y in range(min(count, self.bottom + 1)):
                self._remember(y)
        self._shift(self.top, count)

    def shift_rows(self, count: int) -> None:
        """Insert rows at the cursor's, or take some away when negative; within the region only."""
        if self.top <= self.y <= self.bottom:
            self._shift(self.y, -count)
            self.x = 0

    def shift_cells(self, count: int) -> None:
        """Insert blanks at the cursor, or take characters away when negative."""
        x = min(self.x, self.columns - 1)
        self._part(x)
        if count > 0:
            row = self.cells[self.y]
            self._set(self.y, row[:x] + BLANK * min(count, self.columns) + row[x:])
        else:
            self._part(x - count)
            row = self.cells[self.y]
            self._set(self.y, row[:x] + row[x - count :] + BLANK * self.columns)

    def erase_cells(self, first: int, last: int) -> None:
        """Blank the cursor's row from one column up to before another."""
        first, last = max(0, first), min(last, self.columns)
        if first < last:
            self._part(first)
            self._part(last)
            row = self.cells[self.y]
            self.cells[self.y] = row[:first] + BLANK * (last - first) + row[last:]
            self.goes_on[self.y] = self.goes_on[self.y] and last < self.columns

    def erase_rows(self, first: int, last: int) -> None:
        """Blank whole rows from one up to before another."""
        for y in range(max(0, first), min(last, self.rows)):
            self.cells[y], self.goes_on[y] = BLANK * self.columns, False

    def resize(self, columns: int, rows: int) -> None:
        """Another size. Rows that no longer fit leave at the top, as in a window; text is not set anew."""
        gone = max(0, self.y + 1 - rows)
        for y in range(gone):
            self._remember(y)
        kept = self.cells[gone : gone + rows]
        self.goes_on = [*self.goes_on[gone : gone + rows], *[False] * (rows - len(kept))]
        self.columns, self.rows = columns, rows
        self.cells = [BLANK * columns] * rows
        for y, row in enumerate(kept):
            self._set(y, row + BLANK * columns)
        x, y = min(self.x, columns - 1), self.y - gone
        self.reset()
        self.x, self.y = x, y

    def _draw_narrow(self, text: str) -> None:
        while text:
            if self.x >= self.columns and not self._next_row():
                self.x, text = self.columns - 1, text[-1]
            x, y = self.x, self.y
            part = text[: self.columns - x]
            end = x + len(part)
            self._part(x)
            if self.inserts:
                self._set(y, self.cells[y][:x] + part + self.cells[y][x:])
            else:
                self._part(end)
                self.cells[y] = self.cells[y][:x] + part + self.cells[y][end:]
            self.goes_on[y] = False
            self.x, text = end, text[len(part) :]

    def _draw_wide(self, character: str) -> None:
        if self.x + 2 > self.columns and (self.columns < 2 or not self._next_row()):
            return
        self._draw_narrow(BLANK * 2)
        row = self.cells[self.y]
        self.cells[self.y] = row[: self.x - 2] + character + RIGHT_HALF + row[self.x :]

    def _combine(self, mark: str) -> None:
        """Put a mark on the character before the cursor."""
        row, x = self.cells[self.y], self.x - 1
        if x > 0 and row[x] == RIGHT_HALF:
            x -= 1
        if x >= 0:
            self.cells[self.y] = row[:x] + self._clusters.with_mark(row[x], mark, self.cells) + row[x + 1 :]

    def _next_row(self) -> bool:
        """Flow over into the next row; False where the last column is to be overwritten instead."""
        if self.wraps:
            self.goes_on[self.y] = True
            self.x = 0
            self.line_feed()
        return self.wraps

    def _shift(self, top: int, count: int) -> None:
        """Move the rows from ``top`` to the region's bottom up, or down when negative."""
        end = self.bottom + 1
        size = min(abs(count), end - top)
        at = end - size if count > 0 else top
        gone = top if count > 0 else end - size
        for rows, fresh in ((self.cells, BLANK * self.columns), (self.goes_on, False)):
            del rows[gone : gone + size]
            rows[at:at] = [fresh] * size  # type: ignore[list-item]

    def _set(self, y: int, row: str) -> None:
        """A row's new content, cut to the screen's width."""
        if row[self.columns : self.columns + 1] == RIGHT_HALF:
            row = row[: self.columns - 1] + BLANK
        self.cells[y] = row[: self.columns]

    def _part(self, x: int) -> None:
        """Where a wide character stands across this place, leave two blanks: one half of it is about to go."""
        row = self.cells[self.y]
        if 0 < x < self.columns and row[x] == RIGHT_HALF:
            self.cells[self.y] = row[: x - 1] + BLANK * 2 + row[x + 1 :]

    def _remember(self, y: int) -> None:
        text = self.text_of(y)
        self.scrolled.append((text, self.goes_on[y]))
        self.scrolled_chars += len(text) + 1
        while self.scrolled_chars > self.history_chars_max:
            self.scrolled_chars -= len(self.scrolled.popleft()[0]) + 1


def width_of(character: str) -> int:
    """How many columns a printable character takes: 0, 1 or 2."""
    if character.isascii():
        return 1
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def lines_of(screen: Screen) -> list[str]:
    """Everything that is known of a screen's text: what scrolled off, then what it shows, without blank lines at the
    end. What flowed over into the next row is one line with it."""
    lines: list[str] = []
    goes_on = False
    for text, flows in (*screen.scrolled, *((screen.text_of(y), screen.goes_on[y]) for y in range(screen.rows))):
        if goes_on:
            lines[-1] += text
        else:
            lines.append(text)
        goes_on = flows
    while lines and not lines[-1]:
        lines.pop()
    return lines
