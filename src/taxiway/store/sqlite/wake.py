"""Wake-ups between the processes that use one file: datagrams on Unix sockets beside it.

Each process binds one socket in the store's own folder and tells the others, after a commit that wrote, to look again.
A lost datagram costs at most the safety poll: wake-ups are hints, never truth (I14).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from typing import Final

from taxiway.core.limits import SAFETY_POLL_S
from taxiway.store.tx import Topic

SUFFIX: Final = ".wake"
RELIST_S: Final = 0.25


class SqliteWakes:
    """The wake-ups of one process on one store."""

    def __init__(self, folder: Path, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self._folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._name = name + SUFFIX
        self._loop = loop
        self._waiters: set[SqliteWake] = set()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._socket.bind(self._address(self._name))
        self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._peers: tuple[str, ...] = ()
        self._listed_at = float("-inf")
        loop.add_reader(self._socket, self._received)

    def subscribe(self, topics: Topic) -> SqliteWake:
        """A new waiter of this process, for hints on any of ``topics``."""
        wake = SqliteWake(self, topics)
        self._waiters.add(wake)
        return wake

    def committed(self, topics: Topic, elapsed_s: float) -> None:
        """Called on the writer's thread after each commit that wrote: wake this process, then the others."""
        bits = int(topics)
        if any(waiter.bits & bits and not waiter.rung for waiter in tuple(self._waiters)):
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.notify, topics)
        self._relist(elapsed_s)
        hint = bytes([bits])
        for peer in self._peers:
            try:
                self._sender.sendto(hint, self._address(peer))
            except BlockingIOError:
                pass  # its buffer holds earlier hints, and one is as good as many
            except (ConnectionRefusedError, FileNotFoundError):
                self._forget(peer)
            except OSError:
                pass  # our own want of memory says nothing of the peer

    def notify(self, topics: Topic) -> None:
        """Wake the waiters of this process whom it concerns; on the loop's thread."""
        bits = int(topics)
        for waiter in self._waiters:
            if waiter.bits & bits:
                waiter.ring()

    def _relist(self, elapsed_s: float) -> None:
        """Look which other processes are there, at most every quarter of a second."""
        if elapsed_s - self._listed_at < RELIST_S:
            return
        self._listed_at = elapsed_s
        names = os.listdir(self._folder_fd)  # noqa: PTH208 - by its descriptor, as it was opened
        self._peers = tuple(name for name in names if name.endswith(SUFFIX) and name != self._name)

    def discard(self, waiter: SqliteWake) -> None:
        """A waiter goes."""
        self._waiters.discard(waiter)

    def close(self) -> None:
        """Go, and leave nothing behind."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self._sender.close()
        with contextlib.suppress(OSError):
            os.unlink(self._name, dir_fd=self._folder_fd)
        os.close(self._folder_fd)

    def _received(self) -> None:
        topics = Topic.NOTHING
        with contextlib.suppress(BlockingIOError):
            while True:
                topics |= Topic(self._socket.recv(16)[0] & Topic.ANY)
        self.notify(topics)

    def _address(self, name: str) -> str:
        # Through the folder's descriptor, because the path of a socket may have only 108 bytes.
        return f"/proc/self/fd/{self._folder_fd}/{name}"

    def _forget(self, peer: str) -> None:
        """Nobody listens there any more: its process died without saying goodbye."""
        self._peers = tuple(name for name in self._peers if name != peer)
        with contextlib.suppress(OSError):
            os.unlink(peer, dir_fd=self._folder_fd)


class SqliteWake:
    """One waiter: remembers a hint that came while nobody waited."""

    def __init__(self, wakes: SqliteWakes, topics: Topic) -> None:
        self._wakes = wakes
        self.bits = int(topics)  # flags of an enumeration cost a microsecond for each comparison
        self.rung = False  #: whether a hint is there that nobody has taken yet
        self._waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """There is something to look at."""
        self.rung = True
        for future in self._waiting:
            _let_go(future)

    async def wait(self, timeout_s: float = SAFETY_POLL_S) -> bool:
        """Whether a hint came since the last call, waiting up to ``timeout_s`` for one."""
        if not self.rung and timeout_s > 0:
            await self._pass(timeout_s)
        rung, self.rung = self.rung, False
        return rung

    def close(self) -> None:
        """Stop listening."""
        self._wakes.discard(self)

    async def _pass(self, timeout_s: float) -> None:
        """Wait for the time or a ring. Services do it at every commit: a timer and a future cost a third of
        ``asyncio.timeout`` around an event."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        timer = loop.call_later(timeout_s, _let_go, future)
        self._waiting.add(future)
        try:
            await future
        finally:
            timer.cancel()
            self._waiting.discard(future)


def _let_go(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
