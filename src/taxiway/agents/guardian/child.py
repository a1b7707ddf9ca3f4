"""The child between fork and exec: it waits for the go, makes itself clean, and becomes the program or says why not."""

from __future__ import annotations

import errno
import os
import signal
import socket
from contextlib import suppress
from typing import Final, NoReturn

from .kernel import die_with_parent
from .wire import LaunchOrder, pack

OOM_SCORE_ADJ: Final = b"500"  # agents are killed before Taxiway when memory runs out
#: A service manager or a terminal signals the whole family at once; only the runner's word, or its death, ends a tree.
IGNORED_BY_GUARDIANS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)
DEFAULT_PATH: Final = b"/usr/local/bin:/usr/bin:/bin"


def become(order: LaunchOrder, streams: tuple[int, int, int], link: socket.socket, guardian: int) -> NoReturn:
    """Wait for one byte on ``link``, then exec the program; never returns.

    ``link`` is close-on-exec: the guardian reads end-of-file when the program runs, or the packed (errno, text) when it
    cannot. Without the byte (guardian or runner died, or nobody gave the go in time) nothing is ever executed (I7).
    """
    status = 127
    try:
        os.setsid()
        die_with_parent()
        if os.getppid() != guardian or link.recv(1) != b"g":
            os._exit(0)
        link.send(_start(order, streams))
    except BaseException as error:  # a child that goes on past this point would be a second guardian
        link.send(pack("failed", 0, f"{type(error).__name__}: {error}"[:500]))
    finally:
        os._exit(status)


def _start(order: LaunchOrder, streams: tuple[int, int, int]) -> bytes:
    """Turn into the program. Returns only when that failed: what to tell the guardian."""
    try:
        os.chdir(order.cwd)
    except OSError as error:
        return _failed(error.errno or errno.EIO, f"{os.fsdecode(order.cwd)!r} (working directory)")
    _give_streams(streams)
    _reset_signals()
    with suppress(OSError):
        _write_oom_score()
    return _exec(order)


def _give_streams(streams: tuple[int, int, int]) -> None:
    """Put the three descriptors at 0, 1, 2; all others are close-on-exec and vanish by themselves."""
    # They were received while 0, 1 and 2 were open, so none of them is one of these numbers.
    for target, source in enumerate(streams):
        os.dup2(source, target)


def _reset_signals() -> None:
    """Default dispositions and an empty mask, as ignored signals survive exec; the fork server has reset the others."""
    for number in IGNORED_BY_GUARDIANS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _write_oom_score() -> None:
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    try:
        os.write(fd, OOM_SCORE_ADJ)
    finally:
        os.close(fd)


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
