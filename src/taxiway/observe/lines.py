"""Lines of the log on a stream: text or JSON, scrubbed, and never in the way of whoever logs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from queue import Full, Queue
from typing import Any, Final, TextIO

import msgspec

from taxiway.core.logging import LogFormat, LogLevel
from taxiway.core.redact import Scrubber
from taxiway.core.safe import safe, safe_line

WAITING_MAX: Final = 10_000  #: lines that wait for a stream that takes none; what is more is counted and dropped
TEXT_CHARS_MAX: Final = 16_000  #: of one value
GOODBYE_S: Final = 1.0  #: how long the last lines may take

_encode = msgspec.json.Encoder(enc_hook=str).encode


class LogLines(logging.Handler):
    """Writes what is logged from a thread of its own, so that a blocked stream holds nobody up; ``dropped`` counts what
    it could not take meanwhile."""

    def __init__(self, stream: TextIO, format: LogFormat, scrubber: Scrubber) -> None:
        super().__init__()
        self._stream = stream
        self._line = json_line if format is LogFormat.JSON else text_line
        self._scrubber = scrubber
        self._waiting: Queue[logging.LogRecord | None] = Queue(WAITING_MAX)
        self._writer = threading.Thread(target=self._write, name="taxiway-log", daemon=True)
        self._writer.start()
        self.dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line along, if there is room."""
        try:
            self._waiting.put_nowait(record)
        except Full:
            self.dropped += 1

    def close(self) -> None:
        """Write what waits, as far as the stream takes it in time."""
        super().close()
        try:
            self._waiting.put(None, timeout=GOODBYE_S)
        except Full:
            return
        self._writer.join(GOODBYE_S)

    def _write(self) -> None:
        while (record := self._waiting.get()) is not None:
            try:
                self._stream.write(line_of(record, self._line, self._scrubber) + "\n")
                if self._waiting.empty():
                    self._stream.flush()
            except (OSError, ValueError):
                self.dropped += 1


@contextmanager
def logged(format: LogFormat, level: LogLevel, stream: TextIO, scrubber: Scrubber) -> Iterator[LogLines]:
    """Everything that this process logs goes to a stream, as long as the block lasts."""
    root, ours = logging.getLogger(), logging.getLogger("taxiway")
    before = root.level, ours.level
    lines = LogLines(stream, format, scrubber)
    root.addHandler(lines)
    root.setLevel(max(logging.WARNING, _number(level)))  # libraries speak only of what is wrong
    ours.setLevel(_number(level))
    try:
        yield lines
    finally:
        root.removeHandler(lines)
        root.setLevel(before[0])
        ours.setLevel(before[1])
        lines.close()


def _number(level: LogLevel) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


Line = Callable[[Mapping[str, Any]], str]


def line_of(record: logging.LogRecord, line: Line, scrubber: Scrubber) -> str:
    """One line for one record, without declared secrets."""
    return line({name: _fit(value, scrubber) for name, value in _fields(record).items() if value is not None})


def json_line(fields: Mapping[str, Any]) -> str:
    """One object."""
    return _encode(fields).decode()


def text_line(fields: Mapping[str, Any]) -> str:
    """Time, level and what happened, then the facts; without control characters."""
    head = f"{fields['time']} {fields['level']:<7} {fields['event']}"
    facts = (f"{name}={value}" for name, value in fields.items() if name not in ("time", "level", "logger", "event"))
    return safe_line(" ".join((head, *facts)))


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """What every line has (time, level, logger, event), and what this one has besides."""
    fields: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": getattr(record, "moment", None) or record.getMessage(),
        **getattr(record, "facts", {}),
    }
    if record.exc_info:
        fields["trace"] = logging.Formatter().formatException(record.exc_info)
    return fields


def _fit(value: Any, scrubber: Scrubber) -> Any:
    """A value as it may be written: numbers and truths as they are, everything else as a short text without control
    characters but line ends, which JSON escapes."""
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return round(value, 6)
    return safe(scrubber.text(str(value)))[:TEXT_CHARS_MAX]
