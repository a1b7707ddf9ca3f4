"""Pulls a program's pipes, or its terminal, into one bounded stream of pieces."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Mapping
from typing import Final, Literal

from taxiway.agents.protocol import OUTPUT_BUFFER_BYTES_MAX, OUTPUT_PIECE_BYTES_MAX, Output

MERGED_BYTES_MAX: Final = 16 << 10  # small pieces that a lagging reader finds as one; a terminal gives 4 KiB at a time
LAST_LOOK_BYTES_MAX: Final = 4 << 20  # more than a pipe of a dead tree can hold; only a living writer could give more

Stream = Literal["stdout", "stderr", "pty"]


class _Pipe:
    """The read end of one stream, and the bytes of a character that has not wholly arrived."""

    def __init__(self, stream: Stream, fd: int) -> None:
        self.stream: Stream = stream
        self.fd = fd
        self.rest = b""


class OutputPump:
    """Reads all of them as they become ready, gives pieces in order of arrival, and reads only a bound ahead."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fds: Mapping[Stream, int]) -> None:
        """Takes over the non-blocking descriptors and closes them at their end."""
        self._loop = loop
        self._open = [_Pipe(stream, fd) for stream, fd in fds.items()]
        self._pieces: deque[Output] = deque()
        self._buffered = 0
        self._reading = False
        self._waiter: asyncio.Future[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._interrupted = False
        self.truncated = False
        self._resume()

    @property
    def pending(self) -> bool:
        """Whether something was read that nobody has pulled."""
        return bool(self._pieces)

    async def next(self) -> Output | None:
        """The next piece; None at the end of all pipes or after `interrupt`. A cancelled wait loses nothing."""
        while not self._pieces:
            if self._interrupted or not self._open:
                return None
            self._waiter = self._loop.create_future()
            await self._waiter
        piece = self._pieces.popleft()
        self._buffered -= len(piece.data)
        if not self._reading and self._buffered < OUTPUT_BUFFER_BYTES_MAX // 2:
            self._resume()
        return piece

    def interrupt(self) -> None:
        """Have `next` return None when the pieces at hand are taken, although the pipes are open, until a deadline for
        them is set by `end_within`."""
        self._interrupted = True
        self._wake()

    def end_within(self, seconds: float) -> None:
        """The writers are dead: whoever still holds a pipe after ``seconds`` is a stranger, and the pipe is closed."""
        self._interrupted = False
        if self._open and self._deadline is None:
            self._deadline = self._loop.call_later(seconds, self._cut)

    def close(self) -> None:
        """Close what is open, with no further look."""
        for pipe in list(self._open):
            self._finish(pipe)
        self._wake()

    def _resume(self) -> None:
        self._reading = True
        for pipe in self._open:
            self._loop.add_reader(pipe.fd, self._read, pipe)

    def _pause(self) -> None:
        self._reading = False
        for pipe in self._open:
            self._loop.remove_reader(pipe.fd)

    def _read(self, pipe: _Pipe) -> None:
        self._take(pipe)
        if self._reading and self._buffered >= OUTPUT_BUFFER_BYTES_MAX:
            self._pause()
        self._wake()

    def _take(self, pipe: _Pipe) -> bool:
        """Read one piece; False when there is nothing to read now or ever."""
        try:
            data = os.read(pipe.fd, OUTPUT_PIECE_BYTES_MAX - len(pipe.rest))
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._finish(pipe)
            return False
        if pipe.rest:
            data = pipe.rest + data
        cut = whole_characters(data)
        pipe.rest = data[cut:]
        self._put(pipe.stream, data[:cut] if pipe.rest else data)
        return True

    def _put(self, stream: Stream, data: bytes) -> None:
        if not data:
            return
        self._buffered += len(data)
        last = self._pieces[-1] if self._pieces else None
        if last is not None and last.stream == stream and len(last.data) + len(data) <= MERGED_BYTES_MAX:
            self._pieces[-1] = Output(stream, last.data + data)
        else:
            self._pieces.append(Output(stream, data))

    def _finish(self, pipe: _Pipe) -> None:
        self._put(pipe.stream, pipe.rest)
        self._loop.remove_reader(pipe.fd)
        os.close(pipe.fd)
        self._open.remove(pipe)
        if not self._open and self._deadline is not None:
            self._deadline.cancel()

    def _cut(self) -> None:
        """Take what the pipes hold, even if the reader lags behind, and close them."""
        for pipe in list(self._open):
            limit = self._buffered + LAST_LOOK_BYTES_MAX
            while self._buffered < limit and self._take(pipe):
                pass
            if pipe in self._open:
                self.truncated = True
                self._finish(pipe)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def whole_characters(data: bytes) -> int:
    """The length of ``data`` without a character of UTF-8 that only begins at its end (other bytes stay in)."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            width = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) - back if width > back else len(data)
        if byte < 0x80:
            break
    return len(data)
