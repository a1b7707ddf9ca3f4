"""The child between fork and exec: it waits for the go, and becomes the program or says why not.

Every page that Python touches here is copied first, so the child does only what nobody else can do for it. Its signals
are clean by themselves: fork server and guardians catch signals, never ignore them, and exec resets what is caught.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import termios
from typing import Final, NoReturn

from .kernel import die_with_parent
from .wire import LaunchOrder, pack

DEFAULT_PATH: Final = b"/usr/local/bin:/usr/bin:/bin"


def become(order: LaunchOrder, streams: tuple[int, int, int], link: socket.socket, guardian: int) -> NoReturn:
    """Wait for one byte on ``link``, then exec the program; never returns.

    ``link`` is close-on-exec: the guardian reads end-of-file when the program runs, or the packed (errno, text) when it
    cannot. Without the byte (guardian or runner died, or nobody gave the go in time) nothing is ever executed (I7).
    """
    try:
        os.setsid()
        die_with_parent()
        if os.getppid() != guardian or link.recv(1) != b"g":
            os._exit(0)
        link.send(_start(order, streams))
    except BaseException as error:  # a child that goes on past this point would be a second guardian
        link.send(pack("failed", 0, f"{type(error).__name__}: {error}"[:500]))
    finally:
        os._exit(127)


def _start(order: LaunchOrder, streams: tuple[int, int, int]) -> bytes:
    """Turn into the program. Returns only when that failed: what to tell the guardian."""
    try:
        os.chdir(order.cwd)
    except OSError as error:
        return _failed(error.errno or errno.EIO, f"{os.fsdecode(order.cwd)!r} (working directory)")
    if order.terminal:
        fcntl.ioctl(streams[0], termios.TIOCSCTTY, 0)
    _give_streams(streams)
    return _exec(order)


def _give_streams(streams: tuple[int, int, int]) -> None:
    """Put the three descriptors at 0, 1, 2; all others are close-on-exec and vanish by themselves."""
    # They were received while 0, 1 and 2 were open, so none of them is one of these numbers.
    for target, source in enumerate(streams):
        os.dup2(source, target)


def _exec(order: LaunchOrder) -> bytes:
    """Try the program's path, or each folder of the child's own PATH in order, as ``execvpe`` of the C library does."""
    name = order.argv[0]
    if b"/" in name:
        paths = [name]
    else:
        folders = order.env.get(b"PATH", DEFAULT_PATH).split(b":")
        paths = [(folder or b".") + b"/" + name for folder in folders]
    worst: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    for path in paths:
        try:
            os.execve(path, order.argv, order.env)  # noqa: S606 - an argv list, never a shell
        except (FileNotFoundError, NotADirectoryError) as error:
            worst = error if path == name else worst
            # ENOENT for a file that is there means its interpreter is missing: worth telling apart.
            if os.access(path, os.X_OK):
                return _failed(errno.ENOENT, f"the interpreter of {os.fsdecode(path)!r}")
        except PermissionError as error:
            worst = error
        except OSError as error:
            worst = error
            break
    return _failed(worst.errno or errno.EIO, repr(os.fsdecode(name)))


def _failed(number: int, what: str) -> bytes:
    return pack("failed", number, f"{os.strerror(number)}: {what}")
