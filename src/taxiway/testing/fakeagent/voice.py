"""How a fake agent speaks and hears, and what all have in common that do it in lines of JSON."""

from __future__ import annotations

import json
import os
import select
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, Protocol

READ_BYTES: Final = 64 << 10
STDIN, STDOUT = 0, 1


class Heard(NamedTuple):
    """What reached the agent. ``what`` is ``turn``, ``steer``, ``interrupt``, ``answer``, ``bye``, ``end`` (of the
    input), ``resize``, ``opened`` (a conversation) or ``unreadable``."""

    what: str
    text: str = ""
    turn: int | None = None
    signal: str | None = None
    id: str | None = None
    allow: bool | None = None


class Refused(Exception):
    """The program that is imitated would say this on its standard error, and exit with this status."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.text = text
        self.status = status


class Voice(Protocol):
    """A manner of speaking and hearing."""

    types_ahead: bool  #: whether a turn that comes while one is open is meant for the open one
    renames: bool  #: whether a conversation can go on under another id
    writes: bool  #: whether files may be written now
    answers: list[str]  #: what a terminal answered to queries

    def tell(self, kind: str, /, **fields: Any) -> None:
        """Say one thing, in the words of `lines`."""
        ...

    def began(self) -> None:
        """The turn that was heard is open now, and remembered."""
        ...

    def piece(self, text: str) -> str:
        """The line that says a piece of a message."""
        ...

    def raw(self, text: str) -> None:
        """Write text as it is."""
        ...

    def hear(self, seconds: float | None) -> Heard | None:
        """What comes within so many seconds (``None``: ever), else ``None``. Raises ``Refused``."""
        ...

    def close(self) -> None:
        """Leave everything as it was found."""
        ...


class LineVoice:
    """Reads and writes objects of JSON, one a line. A protocol says what they mean: ``tell``, ``_meant``."""

    types_ahead = False
    renames = True
    writes = True

    def __init__(self) -> None:
        self.answers: list[str] = []
        self._heard: deque[Heard] = deque()
        self._rest = b""

    def raw(self, text: str) -> None:
        """Write text as it is."""
        write_all(STDOUT, text.encode("utf-8", "surrogateescape"))

    def hear(self, seconds: float | None) -> Heard | None:
        """The next line, in time; or the end of the input."""
        until = None if seconds is None else time.monotonic() + seconds
        while not self._heard:
            left = None if until is None else max(0.0, until - time.monotonic())
            if not select.select([STDIN], [], [], left)[0]:
                return None
            data = os.read(STDIN, READ_BYTES)
            if not data:
                return Heard("end")
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                if line.strip():
                    self._heard.extend(self._read(line))
        return self._heard.popleft()

    def began(self) -> None:
        """Nothing is said of it."""

    def close(self) -> None:
        """Nothing was changed."""

    def _read(self, line: bytes) -> Iterable[Heard]:
        try:
            message = json.loads(line)
            if isinstance(message, dict):
                return self._meant(message)
        except (ValueError, TypeError, KeyError, AttributeError):
            pass
        return self._unreadable(line)

    def _meant(self, message: dict[str, Any]) -> Iterable[Heard]:
        """What an object means to the agent. May raise what comes of fields that are of another kind."""
        raise NotImplementedError

    def _unreadable(self, line: bytes) -> Iterable[Heard]:
        """What a line means that is no message."""
        return (Heard("unreadable", line.decode("utf-8", "replace")),)

    def _write(self, message: dict[str, Any]) -> None:
        self.raw(line_of(message))


def line_of(message: dict[str, Any]) -> str:
    """An object as a line."""
    return json.dumps(message) + "\n"


def write_all(fd: int, data: bytes) -> None:
    """Write all of it, waiting as long as it takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
