"""What runner, fork server and guardian say to each other: small tuples over sequenced-packet sockets.

``marshal`` needs no import and both ends are the same interpreter; nothing that an agent wrote ever travels here.
"""

from __future__ import annotations

import marshal
import os
import signal
import socket
from typing import Any, Final, NamedTuple

MESSAGE_BYTES_MAX: Final = 16 << 10

#: runner to fork server, with five descriptors: control socket, launch order, stdin, stdout, stderr
FORK: Final = b"fork"
#: fork server to runner: guardian pid, whether what it left is confirmed gone
LOST: Final = "lost"

#: guardian to fork server: its last tree is gone, it can take another
IDLE: Final = b"idle"

#: guardian to runner: guardian pid and start, child pid and start
BORN: Final = "born"
#: guardian to runner: no child could be made; errno, text
UNBORN: Final = "unborn"
#: guardian to runner: an `End`
ENDED: Final = "ended"
#: guardian to runner: how many processes are remembered as the program's own helpers
MARKED: Final = "marked"
#: guardian to runner: number of the request, how many processes were ended, whether it is certain that none is left
CLEARED: Final = "cleared"

#: A signal: another Taxiway process of this host asks for the end of a dead runner's tree.
KILL_NOW: Final = signal.SIGUSR1

#: runner to guardian
GO: Final = b"go"
PING: Final = b"ping"
TERM: Final = b"term"
KILL: Final = b"kill"
MARK: Final = b"mark"
#: followed by the request's number, which the answer repeats
CLEAR: Final = b"clear"


class LaunchOrder(NamedTuple):
    """What the guardian must know to start the program; every string as the kernel wants it."""

    argv: list[bytes]
    cwd: bytes
    env: dict[bytes, bytes]
    lease_s: float
    go_s: float
    terminal: bool


class End(NamedTuple):
    """How a tree ended: the main child's wait status (None while it will not die), or why no program came to be."""

    started: bool
    status: int | None
    spawn_errno: int
    spawn_text: str
    leftovers: int
    certain: bool
    lease_expired: bool


def name_while_keeping(child: int) -> str:
    """The name that a guardian's process bears while it keeps the tree of ``child``, for ``ps`` and for who settles."""
    return f"taxiway:{child}"


def pack(kind: str, *rest: Any) -> bytes:
    """One message as bytes."""
    return marshal.dumps((kind, *rest))


def unpack(message: bytes) -> tuple[Any, ...]:
    """One message as the tuple that was packed."""
    content: tuple[Any, ...] = marshal.loads(message)  # noqa: S302 - the peer is our own process
    return content


def receive(link: socket.socket) -> bytes:
    """The next message; b"" when the other end has hung up. Raises BlockingIOError when there is none yet.

    A peer that hangs up with unread messages leaves an error in front of what it said last: step over it.
    """
    try:
        return link.recv(MESSAGE_BYTES_MAX)
    except ConnectionError:
        pass
    try:
        return link.recv(MESSAGE_BYTES_MAX)
    except ConnectionError:
        return b""


def read_order(fd: int) -> LaunchOrder:
    """The launch order that the runner left in the memory file ``fd``; closes it."""
    with os.fdopen(fd, "rb") as file:
        return LaunchOrder(*marshal.loads(file.read()))  # noqa: S302 - as above


def write_order(fd: int, order: LaunchOrder) -> None:
    """Leave a launch order in the memory file ``fd``, at its beginning."""
    content = memoryview(marshal.dumps(tuple(order)))
    while content:
        content = content[os.write(fd, content) :]
    os.lseek(fd, 0, os.SEEK_SET)
