"""The fork server: small and warm, it forks a guardian per request and adopts what a killed guardian left behind."""

from __future__ import annotations

import array
import gc
import os
import resource
import select
import signal
import socket
import time
from contextlib import suppress
from typing import Final

from .child import IGNORED_BY_GUARDIANS
from .guard import CONFIRM_S, FAST_LOOK_S, KILL_NOW, guard
from .kernel import adopt_orphans, name_process
from .tree import descendants, send
from .wire import LOST, MESSAGE_BYTES_MAX, UNBORN, pack, read_order

DESCRIPTORS: Final = 5


class Server:
    """Forks guardians until the runner is gone, then waits for them to finish and goes too."""

    def __init__(self, requests: socket.socket) -> None:
        """``requests`` leads to the runner, this process's parent."""
        self.requests = requests
        self.runner_fd = os.pidfd_open(os.getppid())
        self.guardians: set[int] = set()
        self.lost: dict[int, float] = {}
        self.open = True
        read_fd, write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
        self.wake_fd = read_fd
        self.write_fd = write_fd
        self.poll = select.poll()
        for fd in (requests.fileno(), self.runner_fd, read_fd):
            self.poll.register(fd, select.POLLIN)

    def run(self) -> None:
        """Serve until the runner is gone and no guardian and no stray is left."""
        while self.open or self.guardians or self.lost:
            for fd, _ in self.poll.poll(FAST_LOOK_S * 1000 if self.lost else None):
                if fd == self.wake_fd:
                    os.read(fd, 4096)
                elif fd == self.requests.fileno():
                    self._serve()
                else:
                    self._retire()
            self._reap()
            if self.lost:
                self._end_strays()

    def _serve(self) -> None:
        try:
            message, ancillary, _, _ = self.requests.recvmsg(
                MESSAGE_BYTES_MAX, socket.CMSG_SPACE(DESCRIPTORS * 4), socket.MSG_CMSG_CLOEXEC
            )
        except ConnectionError:
            message, ancillary = b"", []
        if not message:
            self._retire()
            return
        fds = array.array("i")
        for _, _, content in ancillary:
            fds.frombytes(content)
        self._fork(fds.tolist())

    def _fork(self, fds: list[int]) -> None:
        control_fd, order_fd, stdin, stdout, stderr = fds
        try:
            pid = os.fork()
        except OSError as error:
            with socket.socket(fileno=os.dup(control_fd)) as control, suppress(OSError):
                control.send(pack(UNBORN, error.errno, f"{error.strerror}: fork"))
        else:
            if pid == 0:
                self._become_guardian(control_fd, order_fd, (stdin, stdout, stderr))
            self.guardians.add(pid)
        for fd in fds:
            os.close(fd)

    def _become_guardian(self, control_fd: int, order_fd: int, streams: tuple[int, int, int]) -> None:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for fd in (self.requests.fileno(), self.wake_fd, self.write_fd):
                os.close(fd)
            guard(socket.socket(fileno=control_fd), read_order(order_fd), streams, self.runner_fd)
            status = 0
        finally:
            os._exit(status)

    def _retire(self) -> None:
        """The runner is gone: no more requests. The guardians have seen it too and are ending their trees."""
        self.open = False
        for fd in (self.requests.fileno(), self.runner_fd):
            with suppress(KeyError):
                self.poll.unregister(fd)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.guardians:
                self.guardians.discard(pid)
                if status != 0:
                    self.lost[pid] = time.monotonic() + CONFIRM_S

    def _end_strays(self) -> None:
        """Kill what killed guardians left: every descendant that is neither a guardian nor below one (fault 5)."""
        strays = descendants(os.getpid(), self.guardians)
        for process in strays:
            send(process, signal.SIGKILL)
        for pid, uncertain_at in list(self.lost.items()):
            if not strays or time.monotonic() >= uncertain_at:
                del self.lost[pid]
                with suppress(OSError):
                    self.requests.send(pack(LOST, pid, not strays))


def _prepare_signals() -> None:
    """Nothing ignored by inheritance (it would reach the programs through exec); deaths and requests as wake-ups."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in IGNORED_BY_GUARDIANS:
        signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGCHLD, KILL_NOW):
        signal.signal(number, lambda *_: None)


def main(requests_fd: int) -> None:
    """Be the fork server that reads requests from ``requests_fd``."""
    with suppress(OSError):
        name_process("taxiway-forks")
    os.chdir("/")  # hold no file system that someone wants to unmount
    adopt_orphans()
    _prepare_signals()
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))  # a core dump would hold the program's secrets
    gc.disable()
    gc.freeze()  # collections would touch, and so copy, every page of every guardian
    Server(socket.socket(fileno=requests_fd)).run()
