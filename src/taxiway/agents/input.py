"""Gives a program its input as fast as it reads, and keeps a bounded amount for one that does not."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

from taxiway.agents.protocol import INPUT_BUFFER_BYTES_MAX, INPUT_S_MAX


class InputPump:
    """The writing end of a program's input. What was accepted goes in whole and in order, also after a wait for it was
    given up or cancelled: a message is never torn. What belongs together is written in one call."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int) -> None:
        """Takes over the non-blocking descriptor and closes it in the end."""
        self._loop = loop
        self._fd: int | None = fd
        self._held = bytearray()
        self._accepted = 0
        self._taken = 0
        self._closing = False
        self._waiters: set[asyncio.Future[None]] = set()

    @property
    def closed(self) -> bool:
        """Nothing goes in any more."""
        return self._fd is None

    @property
    def held(self) -> int:
        """How many bytes were accepted and are not taken yet."""
        return len(self._held)

    def offer(self, data: bytes) -> bool:
        """Whether it was accepted: then it goes in as the program reads. Nobody waits."""
        if self.closed or self._closing or len(self._held) + len(data) > INPUT_BUFFER_BYTES_MAX:
            return False
        self._held += data
        self._accepted += len(data)
        if len(self._held) == len(data):
            self._flush()
        return not self.closed

    async def write(self, data: bytes) -> bool:
        """Whether the program's pipe has taken all of it within `INPUT_S_MAX` seconds.

        False also when the input is closed, the program has ended or closed it, or `INPUT_BUFFER_BYTES_MAX` would be
        exceeded (then nothing of it is kept).
        """
        if not self.offer(data):
            return False
        mine = self._accepted
        with suppress(TimeoutError):
            async with asyncio.timeout(INPUT_S_MAX):
                while self._taken < mine and not self.closed:
                    await self._moved()
        return self._taken >= mine

    def end(self) -> None:
        """End-of-file, after what was accepted."""
        self._closing = True
        if not self._held:
            self.close()

    def close(self) -> None:
        """Close it now; what was not taken is lost."""
        if self._fd is not None:
            self._loop.remove_writer(self._fd)
            os.close(self._fd)
            self._fd = None
            self._held.clear()
        self._tell()

    async def _moved(self) -> None:
        waiter = self._loop.create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)

    def _flush(self) -> None:
        """Write what goes in now; the loop calls again when there is room."""
        assert self._fd is not None
        try:
            while self._held:
                written = os.write(self._fd, self._held)
                del self._held[:written]
                self._taken += written
        except BlockingIOError:
            self._loop.add_writer(self._fd, self._flush)
        except OSError:  # nobody reads any more
            self.close()
        else:
            self._loop.remove_writer(self._fd)
            if self._closing:
                self.close()
        self._tell()

    def _tell(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
