"""The recorder of one run: scrubs, splits and caps its output, and writes events in batches under its fence."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from taxiway.clock import Clock
from taxiway.core.event import EventType, NewEvent
from taxiway.core.limits import ERROR_CHARS_MAX, EVENT_BYTES_MAX, RUN_OUTPUT_BYTES_MAX, TASK_OUTPUT_BYTES_MAX
from taxiway.core.redact import ScrubbedStream, Scrubber
from taxiway.engine.sayings import fitting
from taxiway.engine.spoken import Spoken, Told
from taxiway.store.protocol import ExecutionStore

BATCH_BYTES: Final = 512 << 10  #: what is gathered before the writer of output must wait
BATCH_EVENTS: Final = 512


class Recorder:
    """Events of one run on their way to the store; batch numbers make a repeated write harmless (I4)."""

    def __init__(
        self,
        store: ExecutionStore,
        clock: Clock,
        scrubber: Scrubber,
        run: str,
        fence: int,
        output_bytes_max: int = RUN_OUTPUT_BYTES_MAX,
    ) -> None:
        self._store = store
        self._clock = clock
        self._scrubber = scrubber
        self._run = run
        self._fence = fence
        self._output_bytes_max = output_bytes_max
        self._streams: dict[str, ScrubbedStream] = {}
        self._spoken = Spoken(scrubber)
        self._events: list[NewEvent] = []
        self._unwritten: list[NewEvent] = []
        self._bytes = 0
        self._batch = 0
        self._stored = 0
        self._dropped = 0
        self._tail = bytearray()
        self._writing = asyncio.Lock()
        self._gathered = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether the next piece should wait until something is written."""
        return self._bytes >= BATCH_BYTES or len(self._events) >= BATCH_EVENTS

    @property
    def pending(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._events or self._unwritten)

    def note(self, type: EventType, **data: object) -> None:
        """Add an event that is not output."""
        self._events.append(NewEvent(type, self._clock.now_ms(), self._scrubber.value(data)))
        self._gathered.set()

    def say(self, type: EventType, data: dict[str, Any]) -> list[Told]:
        """Add an event in the program's own words; it counts as output of the run, and is cut and dropped like it.

        What was said without declared secrets, before it was cut: of a text whose end may be the beginning of one, that
        end comes with the next piece, or with ``end_of_words``.
        """
        return self._say(self._spoken.take(type, data))

    def end_of_words(self) -> list[Told]:
        """The program has said its last: what waited for more of its words is told."""
        return self._say(self._spoken.end())

    def sentence(self, text: str) -> str:
        """What went wrong, as it may be stored: without declared secrets, and without halves of characters."""
        return self._scrubber.text(text).encode("utf-8", "replace").decode()

    def error(self, text: str) -> None:
        """Add what went wrong, a ``sentence`` already; of a long text the end."""
        self.note(EventType.ERROR, text=text[-ERROR_CHARS_MAX:])

    def output(self, stream: str, data: bytes) -> None:
        """Add bytes that the program wrote."""
        if self._scrubber.active:
            data = self._scrubbed(stream).feed(data)
        self._add(stream, data)

    def close_streams(self) -> None:
        """The program wrote its last: what scrubbing held back is released."""
        for stream, scrubbed in self._streams.items():
            self._add(stream, scrubbed.flush())
        self._streams.clear()
        if self._dropped:
            self.note(EventType.STATUS, phase="output", dropped_bytes=self._dropped)

    async def flush(self) -> None:
        """Write what has gathered; raises ``LeaseLost`` when the run is somebody else's by now.

        A write that is cancelled on its way may have happened or not: the next one repeats it under its number (I4).
        """
        async with self._writing:
            while self._events or self._unwritten:
                if not self._unwritten:
                    self._unwritten, self._events, self._bytes = self._events, [], 0
                    self._batch += 1
                await self._store.record(self._run, self._fence, self._batch, self._unwritten)
                self._unwritten = []
            self._gathered.clear()

    async def gathered(self) -> None:
        """Wait until something waits to be written: a silent program costs nothing."""
        await self._gathered.wait()

    def start_over(self) -> None:
        """What was written so far was done before the work itself, and is no part of its output."""
        self._tail.clear()

    def tail(self) -> str | None:
        """The last 64 KiB of standard output as text, or ``None`` when there was none."""
        return _text(self._tail) if self._tail else None

    def end_of(self, text: str) -> str:
        """The last 64 KiB of a text that is whole, without declared secrets: as a task's output."""
        return _text(self._scrubber.text(text).encode("utf-8", "replace")[-TASK_OUTPUT_BYTES_MAX:])

    def scrubbed(self, value: Any) -> Any:
        """A JSON value without declared secrets."""
        return self._scrubber.value(value)

    def _say(self, said: Iterable[Told]) -> list[Told]:
        told = list(said)
        for type, data in told:
            fit, size = fitting(data)
            if self._stored + size > self._output_bytes_max:
                self._drop(size)
                continue
            self._stored += size
            self._bytes += size
            self._events.append(NewEvent(type, self._clock.now_ms(), fit))
            self._gathered.set()
        return told

    def _scrubbed(self, stream: str) -> ScrubbedStream:
        if stream not in self._streams:
            self._streams[stream] = self._scrubber.stream()
        return self._streams[stream]

    def _add(self, stream: str, data: bytes) -> None:
        if not data:
            return
        if stream == "stdout":
            self._tail += data[-TASK_OUTPUT_BYTES_MAX:]
            del self._tail[:-TASK_OUTPUT_BYTES_MAX]
        room = self._output_bytes_max - self._stored
        kept = data[:room]
        self._stored += len(kept)
        now = self._clock.now_ms()
        for start in range(0, len(kept), EVENT_BYTES_MAX):
            piece = kept[start : start + EVENT_BYTES_MAX]
            self._events.append(NewEvent(EventType.OUTPUT, now, {"stream": stream}, piece))
            self._gathered.set()
            self._bytes += len(piece)
        if len(data) > room:
            self._drop(len(data) - room)

    def _drop(self, size: int) -> None:
        if not self._dropped:
            self.note(EventType.LOG_TRUNCATED, limit_bytes=self._output_bytes_max)
        self._dropped += size


def _text(data: bytes | bytearray) -> str:
    return bytes(data).decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
