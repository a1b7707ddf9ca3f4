"""What a program writes, carried out on a screen; what it asks, answered."""

from __future__ import annotations

from typing import Final

import msgspec

from taxiway.agents.terminal.screen import Screen
from taxiway.agents.terminal.sequences import SCREEN_ACTS, Numbers
from taxiway.agents.terminal.tokens import Escape, Sequence, String, Token, Tokenizer

HISTORY_CHARS_MAX: Final = 256 << 10  #: text that has scrolled off and is remembered
ANSWER_BYTES_MAX: Final = 4 << 10  #: of answers to one piece; a program that asks more is not served

CURSOR_SHOWN: Final = 25
BRACKETED_PASTE: Final = 2004
ALTERNATE: Final = frozenset({47, 1047, 1049})
#: The line-drawing characters of the VT100, which programs use where they are not told that UTF-8 is spoken.
_LINES: Final = str.maketrans(
    "`afgjklmnopqrstuvwxyz{|}~",
    "◆▒°±┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·",
)
_IDENTITY: Final = b"\x1b[?62;22c"  #: a VT220 with colours
_SECOND_IDENTITY: Final = b"\x1b[>1;10;0c"
_COLOURS: Final = {"10": b"\x1b]10;rgb:e5e5/e5e5/e5e5\x1b\\", "11": b"\x1b]11;rgb:0000/0000/0000\x1b\\"}


class _Cursor(msgspec.Struct, frozen=True):
    """What ESC 7 saves."""

    x: int = 0
    y: int = 0
    origin: bool = False
    wraps: bool = True
    drawn: tuple[bool, bool] = (False, False)
    shifted: bool = False


class Emulator:
    """A terminal of the xterm kind. ``screen`` is the one that shows: the main or the alternate one."""

    def __init__(self, columns: int, rows: int) -> None:
        self._main = Screen(columns, rows, HISTORY_CHARS_MAX)
        self._other = Screen(columns, rows, 0)
        self.screen = self._main
        self._tokens = Tokenizer()
        self._answers = bytearray()
        self._reset()

    @property
    def alternate(self) -> bool:
        """Whether the alternate screen shows, which full-screen programs use."""
        return self.screen is self._other

    @property
    def bracketed_paste(self) -> bool:
        """Whether the program wants to be told where pasted text begins and ends."""
        return BRACKETED_PASTE in self._modes

    def feed(self, data: bytes) -> bytes:
        """Carry out what the program wrote; what to answer it, at most `ANSWER_BYTES_MAX` bytes."""
        for piece in self._tokens.feed(data):
            self._take(piece)
        answers = bytes(self._answers[:ANSWER_BYTES_MAX])
        self._answers.clear()
        return answers

    def resize(self, columns: int, rows: int) -> None:
        """Another size of the window."""
        for screen in (self._main, self._other):
            screen.resize(columns, rows)

    def _take(self, piece: Token) -> None:
        match piece:
            case str() if piece >= " ":
                self._draw(piece)
            case str():
                self._control(piece)
            case Escape(intermediates, final):
                self._escape(intermediates, final)
            case Sequence():
                self._sequence(piece)
            case String(kind, text):
                self._string(kind, text)

    def _reset(self) -> None:
        self._modes: set[int] = {CURSOR_SHOWN}
        self._drawn = (False, False)  # whether the two character sets G0 and G1 draw lines
        self._shifted = False
        self._saved: dict[bool, _Cursor] = {}
        self._last = " "

    def _draw(self, text: str) -> None:
        if self._drawn[self._shifted]:
            text = text.translate(_LINES)
        self._last = text[-1]
        self.screen.draw(text)

    def _control(self, character: str) -> None:
        screen = self.screen
        match character:
            case "\r\n":
                screen.x = 0
                screen.line_feed()
            case "\r":
                screen.x = 0
            case "\n" | "\x0b" | "\x0c":
                screen.line_feed()
            case "\b":
                screen.move_columns(-1)
            case "\t":
                screen.tab(1)
            case "\x0e" | "\x0f":
                self._shifted = character == "\x0e"
            case _:
                pass

    def _escape(self, intermediates: str, final: str) -> None:
        screen = self.screen
        match intermediates, final:
            case "", "7":
                self._save()
            case "", "8":
                self._restore()
            case "", "D":
                screen.line_feed()
            case "", "E":
                screen.x = 0
                screen.line_feed()
            case "", "M":
                screen.reverse_line_feed()
            case "", "H":
                screen.tabs.add(min(screen.x, screen.columns - 1))
            case "", "c":
                self._start_anew()
            case (("(" | ")"), _):
                lines = final == "0"
                self._drawn = (lines, self._drawn[1]) if intermediates == "(" else (self._drawn[0], lines)
            case _:
                pass

    def _sequence(self, token: Sequence) -> None:
        match token.prefix + token.intermediates:
            case "":
                self._public(token.final, Numbers(token.numbers))
            case "?":
                self._private(token.final, Numbers(token.numbers))
            case ">" if token.final == "c" and not any(token.numbers):  # else it is an answer like ours, echoed
                self._answer(_SECOND_IDENTITY)
            case ">" if token.final == "q" and not any(token.numbers):
                self._answer(b"\x1bP>|taxiway\x1b\\")
            case "?$" | "$" if token.final == "p":
                self._tell_mode(token.prefix, Numbers(token.numbers).choice())
            case "!" if token.final == "p":
                self._soft_reset()

    def _public(self, final: str, numbers: Numbers) -> None:
        screen = self.screen
        match final:
            case "b":
                screen.draw(self._last * min(numbers.count(), screen.columns))
            case "c" if numbers.choice() == 0:
                self._answer(_IDENTITY)
            case "h" | "l" if 4 in numbers.all():
                screen.inserts = final == "h"
            case "n" if numbers.choice() == 5:
                self._answer(b"\x1b[0n")
            case "n" if numbers.choice() == 6:
                self._answer(b"\x1b[%d;%dR" % self._place())
            case "s":
                self._save()
            case "t" if numbers.choice() == 18:
                self._answer(b"\x1b[8;%d;%dt" % (screen.rows, screen.columns))
            case "u":
                self._restore()
            case _ if final in SCREEN_ACTS:
                SCREEN_ACTS[final](screen, numbers)
            case _:
                pass

    def _private(self, final: str, numbers: Numbers) -> None:
        match final:
            case "h" | "l":
                for number in numbers.all():
                    self._set_mode(number, final == "h")
            case "J" | "K":
                SCREEN_ACTS[final](self.screen, numbers)
            case "n" if numbers.choice() == 6:
                self._answer(b"\x1b[?%d;%d;1R" % self._place())

    def _string(self, kind: str, text: str) -> None:
        """Queries of colours and capabilities. An answer repeats nothing, and no clipboard is read."""
        if kind == "]":
            name, _, value = text.partition(";")
            if value == "?" and name in _COLOURS:
                self._answer(_COLOURS[name])
        elif kind == "P" and text.startswith("$q"):
            self._answer(b"\x1bP0$r\x1b\\")
        elif kind == "P" and text.startswith("+q"):
            self._answer(b"\x1bP0+r\x1b\\")

    def _set_mode(self, number: int, on: bool) -> None:
        screen = self.screen
        match number:
            case 6:
                screen.origin = on
                screen.move_to(0, 0)
            case 7:
                screen.wraps = on
            case 1048:
                self._save() if on else self._restore()
            case 47 | 1047 | 1049:
                self._show(alternate=on, number=number)
            case _:
                (self._modes.add if on else self._modes.discard)(number)

    def _show(self, *, alternate: bool, number: int) -> None:
        if alternate == self.alternate:
            return
        if alternate and number == 1049:
            self._save()
            self._other.erase_rows(0, self._other.rows)
        x, y = self.screen.x, self.screen.y
        self.screen = self._other if alternate else self._main
        self.screen.x, self.screen.y = x, y
        if not alternate and number == 1049:
            self._restore()

    def _tell_mode(self, prefix: str, number: int) -> None:
        """1: set, 2: reset, 0: not known."""
        known = {
            6: self.screen.origin,
            7: self.screen.wraps,
            BRACKETED_PASTE: self.bracketed_paste,
            CURSOR_SHOWN: CURSOR_SHOWN in self._modes,
        }
        known |= dict.fromkeys(ALTERNATE, self.alternate)
        answer = (1 if known[number] else 2) if prefix and number in known else 0
        self._answer(b"\x1b[%s%d;%d$y" % (prefix.encode(), number, answer))

    def _save(self) -> None:
        screen = self.screen
        self._saved[self.alternate] = _Cursor(
            screen.x, screen.y, screen.origin, screen.wraps, self._drawn, self._shifted
        )

    def _restore(self) -> None:
        saved, screen = self._saved.get(self.alternate, _Cursor()), self.screen
        screen.x, screen.y = min(saved.x, screen.columns - 1), min(saved.y, screen.rows - 1)
        screen.origin, screen.wraps = saved.origin, saved.wraps
        self._drawn, self._shifted = saved.drawn, saved.shifted

    def _soft_reset(self) -> None:
        x, y = self.screen.x, self.screen.y
        self.screen.reset()
        self.screen.x, self.screen.y = x, y
        self._drawn, self._shifted = (False, False), False
        self._saved.pop(self.alternate, None)

    def _start_anew(self) -> None:
        for screen in (self._main, self._other):
            screen.erase_rows(0, screen.rows)
            screen.reset()
        self.screen = self._main
        self._reset()

    def _place(self) -> tuple[int, int]:
        """The cursor's row and column as programs count them."""
        screen = self.screen
        return screen.y - (screen.top if screen.origin else 0) + 1, min(screen.x, screen.columns - 1) + 1

    def _answer(self, answer: bytes) -> None:
        if len(self._answers) < ANSWER_BYTES_MAX:
            self._answers += answer
