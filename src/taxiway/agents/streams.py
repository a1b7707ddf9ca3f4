"""Makes a program's input and outputs: pipes, or one pseudo-terminal for all three."""

from __future__ import annotations

import asyncio
import os
from contextlib import ExitStack
from typing import NamedTuple

from taxiway.agents.input import InputPump
from taxiway.agents.output import OutputPump, Stream
from taxiway.agents.protocol import Launch, Stdin, Window
from taxiway.agents.tty import Tty


class Ends(NamedTuple):
    """The runner's ends, at work; ``input`` and ``tty`` where the launch asked for them."""

    output: OutputPump
    input: InputPump | None
    tty: Tty | None


class Streams(NamedTuple):
    """Descriptors. ``theirs`` become 0, 1 and 2 of the program, the others stay with the runner."""

    theirs: tuple[int, int, int]
    output: dict[Stream, int]
    input: int | None
    tty: int | None

    def ends(self, loop: asyncio.AbstractEventLoop) -> Ends:
        """Put the runner's ends to work; they own their descriptors from now on."""
        feed = None if self.input is None else InputPump(loop, self.input)
        return Ends(OutputPump(loop, self.output), feed, None if self.tty is None else Tty(self.tty))


def make_streams(launch: Launch, ours: ExitStack, theirs: ExitStack) -> Streams:
    """What the launch asks for; the stacks close what is not taken over. Raises OSError."""
    if launch.window is not None:
        return _terminal(launch.window, ours)
    stdin, our_stdin = _stdin(launch.stdin, ours, theirs)
    stdout, far_stdout = _pipe(ours, theirs)
    stderr, far_stderr = _pipe(ours, theirs)
    return Streams((stdin, far_stdout, far_stderr), {"stdout": stdout, "stderr": stderr}, our_stdin, None)


def _terminal(window: Window, ours: ExitStack) -> Streams:
    """One pseudo-terminal: its two directions at our end are two descriptors, because each has an owner of its own."""
    near, far = os.openpty()
    _own(ours, near)
    _own(ours, far)
    os.set_blocking(near, False)
    again = _own(ours, os.dup(near))
    Tty(far).resize(window)
    return Streams((far, far, far), {"pty": near}, again, far)


def _pipe(ours: ExitStack, theirs: ExitStack) -> tuple[int, int]:
    read_fd, write_fd = os.pipe2(os.O_CLOEXEC)
    _own(ours, read_fd)
    _own(theirs, write_fd)
    os.set_blocking(read_fd, False)  # the write end is another file description and stays blocking for the program
    return read_fd, write_fd


def _stdin(wanted: bytes | Stdin | None, ours: ExitStack, theirs: ExitStack) -> tuple[int, int | None]:
    """The program's end of its input and, when it stays open, ours."""
    if not isinstance(wanted, Stdin):
        return _own(theirs, _read_only(wanted)), None
    read_fd, write_fd = os.pipe2(os.O_CLOEXEC)
    _own(theirs, read_fd)
    os.set_blocking(_own(ours, write_fd), False)
    return read_fd, write_fd


def _read_only(content: bytes | None) -> int:
    """A read-only descriptor that gives ``content`` and then end-of-file: no pump, no pipe that could fill or break."""
    if content is None:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    fd = os.memfd_create("stdin", os.MFD_CLOEXEC)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(fd, view) :]
        return os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(fd)


def _own(stack: ExitStack, fd: int) -> int:
    stack.callback(os.close, fd)
    return fd
