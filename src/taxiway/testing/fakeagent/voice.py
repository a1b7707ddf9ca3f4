"""How a fake agent speaks and hears: the protocol `lines`, one JSON object a line in both directions."""

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
    input), ``resize`` or ``unreadable``."""

    what: str
    text: str = ""
    turn: int | None = None
    signal: str | None = None
    id: str | None = None
    allow: bool | None = None


class Voice(Protocol):
    """A manner of speaking and hearing."""

    types_ahead: bool  #: whether a turn that comes while one is open is meant for the open one
    answers: list[str]  #: what a terminal answered to queries

    def tell(self, kind: str, /, **fields: Any) -> None:
        """Say one thing, in the words of `lines`."""
        ...

    def raw(self, text: str) -> None:
        """Write text as it is."""
        ...

    def hear(self, seconds: float | None) -> Heard | None:
        """What comes within so many seconds (``None``: ever), else ``None``."""
        ...

    def close(self) -> None:
        """Leave everything as it was found."""
        ...


class LinesVoice:
    """Speaks `lines` on standard input and output."""

    types_ahead = False

    def __init__(self) -> None:
        self.answers: list[str] = []
        self._heard: deque[Heard] = deque()
        self._rest = b""

    def tell(self, kind: str, /, **fields: Any) -> None:
        """One object, without what is not known."""
        message = {"type": kind, **{name: value for name, value in fields.items() if value is not None}}
        self.raw(json.dumps(message) + "\n")

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
            self._heard.extend(heard for line in lines if line.strip() for heard in self._meant(line))
        return self._heard.popleft()

    def close(self) -> None:
        """Nothing was changed."""

    def _meant(self, line: bytes) -> Iterable[Heard]:
        """What a line means to the agent."""
        return (_heard(line),)


def _heard(line: bytes) -> Heard:
    try:
        message = json.loads(line)
        known = {name: message[name] for name in Heard._fields if name in message and name != "what"}
        return Heard(message["type"], **known)
    except (ValueError, TypeError, KeyError, AttributeError):
        return Heard("unreadable", line.decode("utf-8", "replace"))


def write_all(fd: int, data: bytes) -> None:
    """Write all of it, waiting as long as it takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
