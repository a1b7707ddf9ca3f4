"""The runner's end of the fork server: starts it, replaces it if it died, and hears what it says of lost guardians."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from taxiway.agents.guardian.wire import FORK, receive, unpack

PROGRAM: Final = Path(__file__).parent / "guardian"
VERDICTS_MAX: Final = 10_000
GOODBYE_S_MAX: Final = 5.0
VERDICT_S_MAX: Final = 6.0  # the fork server itself gives up after 5


class ForkServer:
    """One per runner, started at its first use. A dead one is replaced; its guardians live on without it."""

    def __init__(self) -> None:
        """Starts nothing yet."""
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._verdicts: dict[int, asyncio.Future[bool | None]] = {}
        self._sending = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The fork server's pid while it is believed to live."""
        return self._process.pid if self._socket is not None and self._process is not None else None

    async def fork(self, fds: list[int]) -> None:
        """Ask for a guardian that owns copies of ``fds`` (control, order, stdin, stdout, stderr). Raises OSError."""
        async with self._sending:
            while True:
                link = self._connected()
                try:
                    socket.send_fds(link, [FORK], fds)
                    return
                except (BrokenPipeError, ConnectionError):
                    self._forget()
                except BlockingIOError:
                    await _writable(link)

    async def verdict(self, guardian_pid: int) -> bool | None:
        """Whether the tree of a guardian that died is confirmed gone; None when no fork server is left to say."""
        if self._socket is None:
            return None
        answer = self._verdicts.setdefault(guardian_pid, asyncio.get_running_loop().create_future())
        try:
            certain = await asyncio.wait_for(asyncio.shield(answer), VERDICT_S_MAX)
        except TimeoutError:
            certain = None
        self._verdicts.pop(guardian_pid, None)  # not when the wait was cancelled: who asks again shall hear it
        return certain

    async def aclose(self) -> None:
        """Hang up and wait until the fork server has gone; guardians that still run end their trees first."""
        process = self._process
        self._forget(reap=False)
        self._process = None
        if process is None:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(_exited(process.pid), GOODBYE_S_MAX)
        if process.poll() is None:
            process.kill()
        process.wait()

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._start()
        assert self._socket is not None
        return self._socket

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            ours.setblocking(False)
            # The environment goes along unread: it holds our own tag when this Taxiway is itself somebody's run.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(PROGRAM), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._socket = ours
        asyncio.get_running_loop().add_reader(ours, self._hear, ours)

    def _hear(self, link: socket.socket) -> None:
        try:
            message = receive(link)
        except BlockingIOError:
            return
        if not message:
            if link is self._socket:
                self._forget()
            return
        said: tuple[Any, ...] = unpack(message)
        _, guardian_pid, certain = said
        if len(self._verdicts) >= VERDICTS_MAX:
            self._verdicts.pop(next(iter(self._verdicts)))  # of a conversation that was dropped: nobody asks
        answer = self._verdicts.setdefault(guardian_pid, asyncio.get_running_loop().create_future())
        if not answer.done():
            answer.set_result(certain)

    def _forget(self, *, reap: bool = True) -> None:
        """The fork server is gone or shall go: nobody will answer any more."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        for answer in self._verdicts.values():
            if not answer.done():
                answer.set_result(None)
        if reap and self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def _writable(link: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(link, _set, ready)
    try:
        await ready
    finally:
        loop.remove_writer(link)


async def _exited(pid: int) -> None:
    """Wait for the end of our own child without reaping it."""
    loop = asyncio.get_running_loop()
    fd = os.pidfd_open(pid)
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(fd, _set, ready)
    try:
        await ready
    finally:
        loop.remove_reader(fd)
        os.close(fd)
