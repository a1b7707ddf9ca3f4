"""A guardian's working life: one tree at a time, and between two trees it stands by for the fork server's word.

A new process per tree would be simpler, but its first touch of every page costs more than all the rest of a short run.
Nothing passes from one tree to the next: a guardian stands by only after the kernel said that it has no child.
"""

from __future__ import annotations

import array
import os
import select
import signal
import socket
from typing import Final

from .guard import Guard, Post
from .kernel import adopt_orphans, name_process
from .tree import look
from .wire import IDLE, KILL_NOW, MESSAGE_BYTES_MAX, read_order

DESCRIPTORS: Final = 5
TREES_MAX: Final = 500  # then a fresh process takes over: whatever a long life might gather stays bounded


def stand_by(link: socket.socket, runner_fd: int) -> None:
    """Be a guardian, in a session of its own, until the fork server hangs up on ``link`` or the runner dies."""
    os.setsid()
    adopt_orphans()
    me = look(os.getpid())
    assert me is not None
    post = Post(me.pid, me.start, runner_fd, signals_as_bytes())
    for tree in range(1, TREES_MAX + 1):
        name_process("taxiway:idle")
        fds = _next_order(link, post)
        if fds is None or not _keep(fds, post):
            return
        if tree < TREES_MAX:
            link.send(IDLE)


def receive_fds(link: socket.socket) -> list[int] | None:
    """One message's descriptors, close-on-exec (fewer than were sent at our own limit); None when the peer hung up."""
    try:
        message, ancillary, _, _ = link.recvmsg(
            MESSAGE_BYTES_MAX, socket.CMSG_SPACE(DESCRIPTORS * 4), socket.MSG_CMSG_CLOEXEC
        )
    except ConnectionError:
        return None
    if not message:
        return None
    fds = array.array("i")
    for _, _, content in ancillary:
        fds.frombytes(content)
    return fds.tolist()


def signals_as_bytes() -> int:
    """A descriptor that becomes readable with the number of each signal that arrives from now on."""
    read_fd, write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
    return read_fd


def _next_order(link: socket.socket, post: Post) -> list[int] | None:
    poll = select.poll()
    for fd in (link.fileno(), post.runner_fd, post.wake_fd):
        poll.register(fd, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == link.fileno():
                return receive_fds(link)
            if fd == post.runner_fd or KILL_NOW in os.read(fd, 4096):
                return None


def _keep(fds: list[int], post: Post) -> bool:
    control_fd, order_fd, stdin, stdout, stderr = fds
    with socket.socket(fileno=control_fd) as control:
        return Guard(control, read_order(order_fd), post).run((stdin, stdout, stderr))
