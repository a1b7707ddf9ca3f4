"""What a program can do to whoever runs it: floods, crashes, daemons that hold the pipe, children left behind."""

from __future__ import annotations

import os
import signal
import time
from typing import Final

from .voice import write_all

PIECE_BYTES: Final = 64 << 10


def flood(fd: int, size: int, line: bytes) -> None:
    """Write ``size`` bytes (rounded up to whole lines): ``line`` again and again, or without one an endless one."""
    piece = line * max(1, PIECE_BYTES // len(line)) if line else b"x" * PIECE_BYTES
    left = size
    while left > 0:
        part = piece if left >= len(piece) else line * -(-left // len(line)) if line else piece[:left]
        write_all(fd, part)
        left -= len(part)


def die_of(number: int) -> None:
    """Be killed by a signal, whatever was ignored before."""
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    time.sleep(1)  # a signal that does not kill (SIGCONT) is a mistake of the script
    os._exit(70)


def leave_daemon(seconds: float, holds: bool, deaf: bool) -> int:
    """Leave a process in a session of its own, with pid 1 or a sub-reaper for a parent; its pid."""
    read_fd, write_fd = os.pipe()
    middle = os.fork()
    if middle == 0:
        os.setsid()
        daemon = os.fork()
        if daemon == 0:
            _linger(seconds, holds, deaf)
        os.write(write_fd, str(daemon).encode())
        os._exit(0)
    os.close(write_fd)
    os.waitpid(middle, 0)
    pid = int(os.read(read_fd, 32))
    os.close(read_fd)
    return pid


def leave_child(seconds: float, deaf: bool) -> int:
    """Leave a child that nobody waits for; its pid."""
    child = os.fork()
    if child == 0:
        _linger(seconds, holds=True, deaf=deaf)
    return child


def _linger(seconds: float, holds: bool, deaf: bool) -> None:
    """Live on for a time, with or without the pipes, with or without an ear for SIGTERM; never return."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN if deaf else signal.SIG_DFL)
    if not holds:
        for fd in (0, 1, 2):
            os.close(fd)
    time.sleep(seconds)
    os._exit(0)
