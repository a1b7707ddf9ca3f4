"""The runner's hold on a program's pseudo-terminal: its size, and how the program has it read the keyboard."""

from __future__ import annotations

import os
import termios
from typing import Final

from taxiway.agents.protocol import Window

LINE_BYTES_MAX: Final = 4_095  #: what the kernel takes of one line while it gathers whole lines; it drops the rest
_LOCAL_MODES: Final = 3


class Tty:
    """The program's own end, held open: a program that closes its copies and opens /dev/tty again finds it alive, and
    the other end reads end-of-file only when this one is closed too."""

    def __init__(self, fd: int) -> None:
        """Takes over the descriptor of the program's end."""
        self._fd: int | None = fd

    def resize(self, window: Window) -> None:
        """Set the size; the kernel sends SIGWINCH to the group in front when it is another than before."""
        if self._fd is not None:
            termios.tcsetwinsize(self._fd, (window.rows, window.columns))

    @property
    def gathers_lines(self) -> bool:
        """Whether the kernel hands over whole lines (canonical mode), at most `LINE_BYTES_MAX` bytes each."""
        return self._has(termios.ICANON)

    @property
    def makes_signals(self) -> bool:
        """Whether Ctrl-C is a signal for the group in front; if not, the program reads it as a key."""
        return self._has(termios.ISIG)

    def close(self) -> None:
        """Let go of it; may be called again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _has(self, mode: int) -> bool:
        return self._fd is not None and bool(termios.tcgetattr(self._fd)[_LOCAL_MODES] & mode)
