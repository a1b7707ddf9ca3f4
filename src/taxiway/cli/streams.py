"""A program's output on its way through: bytes as they are into a pipe or file, safe text onto a terminal."""

from __future__ import annotations

import sys
from typing import Final, TextIO

from taxiway.cli.safe import SafeStream

STDERR: Final = "stderr"


class Streams:
    """Standard output and standard error of a run, written to ours."""

    def __init__(self) -> None:
        self._safe: dict[str, SafeStream] = {}

    def write(self, name: str, data: bytes) -> None:
        """Pass a piece on at once."""
        target = _target(name)
        if target.isatty():
            target.write(self._safe.setdefault(name, SafeStream()).feed(data))
        else:
            target.flush()
            target.buffer.write(data)
        target.flush()

    def flush(self) -> None:
        """One run is over: what was held back is written, and the next one starts anew."""
        for name, held in self._safe.items():
            target = _target(name)
            target.write(held.feed(b"", final=True))
            target.flush()
        self._safe.clear()


def _target(name: str) -> TextIO:
    return sys.stderr if name == STDERR else sys.stdout
