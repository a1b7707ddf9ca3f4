"""How a fake agent behaves on a terminal: a prompt, its own simple echo, pasted text, Ctrl-C, queries."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import termios
import time
from collections import deque
from typing import Any, Final

from .voice import READ_BYTES, STDIN, STDOUT, Heard, write_all

PASTE_ON, PASTE_OFF = "\x1b[?2004h", "\x1b[?2004l"
PASTE_BEGIN, PASTE_END = b"\x1b[200~", b"\x1b[201~"
ENTER: Final = b"\r\n"
ERASE: Final = b"\x7f\x08"
KILL_LINE, END = b"\x15", b"\x04"
SIGNALS: Final = {int(signal.SIGINT): "interrupt", int(signal.SIGWINCH): "resize"}
#: What begins with ESC, as far as it came: keys, answers to queries. Group 1 is missing while it is not whole.
_SEQUENCE: Final = re.compile(rb"\x1b(?:(\[[0-9;?<>=]*[ -/]*[@-~]|O.|[^\[O])|\[[0-9;?<>=]*[ -/]*\Z|O?\Z)", re.DOTALL)


class TerminalVoice:
    """Types and shows. The kernel's line editing is off, so a line may be of any length."""

    types_ahead = True
    renames = True
    writes = True

    def __init__(self, prompt: str) -> None:
        self.answers: list[str] = []
        self._prompt = prompt
        self._heard: deque[Heard] = deque()
        self._rest = b""
        self._line = bytearray()
        self._pasting = False
        self._prompted = False
        self._before = _without_line_editing() if os.isatty(STDIN) else None
        self._wake = _signals_as_bytes()
        self.raw(PASTE_ON)

    def tell(self, kind: str, /, **fields: Any) -> None:
        """Show it as people would see it."""
        match kind:
            case "ready":
                self._ask("")
            case "message":
                self.raw(fields["text"] + ("" if fields.get("delta") else "\n"))
            case "tool.call":
                self.raw(f"* {fields['name']} {json.dumps(fields.get('input'))}\n")
            case "tool.result":
                self.raw(f"  {fields.get('output')}\n")
            case "done":
                self._ask(_ending(fields))
            case "thought" | "error" | "rate_limit" | "approval.requested":
                self.raw(f"[{kind}] {fields.get('text')}\n")
            case _:  # a person is not shown the rest
                pass

    def began(self) -> None:
        """Nobody is told."""

    def piece(self, text: str) -> str:
        """A line of text."""
        return f"{text}\n"

    def raw(self, text: str) -> None:
        """Write text as it is."""
        write_all(STDOUT, text.encode("utf-8", "surrogateescape"))

    def hear(self, seconds: float | None) -> Heard | None:
        """The next line that was entered, Ctrl-C, a new size, or the end."""
        until = None if seconds is None else time.monotonic() + seconds
        while not self._heard:
            left = None if until is None else max(0.0, until - time.monotonic())
            ready, _, _ = select.select([STDIN, self._wake], [], [], left)
            if not ready:
                return None
            if self._wake in ready:
                self._heard.extend(self._signalled(number) for number in os.read(self._wake, READ_BYTES))
            elif not self._typed(os.read(STDIN, READ_BYTES)):
                return Heard("end")
        return self._heard.popleft()

    def close(self) -> None:
        """Give the terminal back as it was."""
        self.raw(PASTE_OFF)
        if self._before is not None:
            termios.tcsetattr(STDIN, termios.TCSADRAIN, self._before)

    def _ask(self, before: str) -> None:
        """Show the prompt."""
        self.raw(before + self._prompt)
        self._prompted = True

    def _signalled(self, number: int) -> Heard:
        if number == signal.SIGINT:
            self._line.clear()
            self._ask("^C\n") if self._prompted else self.raw("^C\n")
        size = os.get_terminal_size(STDIN) if self._before is not None else (0, 0)
        return Heard(SIGNALS.get(number, "unreadable"), "{}x{}".format(*size))

    def _typed(self, data: bytes) -> bool:
        """Take what was typed; False at the end of the input."""
        if not data:
            return False
        data, self._rest = self._rest + data, b""
        while data:
            data = self._sequence(data) if data[:1] == b"\x1b" else self._key(data)
        return True

    def _sequence(self, data: bytes) -> bytes:
        found = _SEQUENCE.match(data)
        if found is None or found[1] is None:
            self._rest = data  # its end has not come yet
            return b""
        if found[0] in (PASTE_BEGIN, PASTE_END):
            self._pasting = found[0] == PASTE_BEGIN
        else:
            self.answers.append(found[0].decode("ascii", "replace"))
        return data[found.end() :]

    def _key(self, data: bytes) -> bytes:
        """Take plain text up to the next key that does something."""
        stop = next((place for place, byte in enumerate(data) if byte < 0x20 or byte == 0x7F), len(data))
        self._put(data[:stop])
        key, rest = data[stop : stop + 1], data[stop + 1 :]
        if key == b"\x1b":
            return data[stop:]
        if key and key in ENTER and not self._pasting:
            self.raw("\n")
            self._prompted = False
            self._heard.append(Heard("turn", self._line.decode("utf-8", "replace")))
            self._line.clear()
        elif (key and key in ENTER) or key == b"\t":
            self._put(b"\n" if key in ENTER else key)
        elif key and key in ERASE and self._line:
            self._line = bytearray(self._line.decode("utf-8", "replace")[:-1].encode())
            self.raw("\b \b")
        elif key == KILL_LINE:
            self._line.clear()
            self.raw("\r" + self._prompt)
        elif key == END and not self._line:
            self._heard.append(Heard("bye", "Ctrl-D"))
        return rest

    def _put(self, data: bytes) -> None:
        self._line += data
        if self._before is not None:
            write_all(STDOUT, data)


def _ending(fields: dict[str, Any]) -> str:
    """What is shown of how a turn ended."""
    if fields.get("interrupted"):
        return "interrupted\n"
    return f"error: {fields.get('error')}\n" if fields.get("failed") else ""


def _without_line_editing() -> list[Any]:
    """Have keys come one by one and unechoed, but Ctrl-C still as a signal; how it was before."""
    before = termios.tcgetattr(STDIN)
    now = termios.tcgetattr(STDIN)
    now[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(STDIN, termios.TCSADRAIN, now)
    return before


def _signals_as_bytes() -> int:
    """The reading end of a pipe that gets a byte for each signal."""
    wake, write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
    for number in SIGNALS:
        signal.signal(number, lambda _number, _frame: None)
    return wake
