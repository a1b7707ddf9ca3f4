"""The fork server: small and warm, it finds a guardian for each request and adopts what killed guardians left."""

from __future__ import annotations

import gc
import os
import resource
import select
import signal
import socket
import time
from contextlib import suppress
from typing import Final

from .guard import CONFIRM_S, FAST_LOOK_S
from .kernel import adopt_orphans, name_process
from .standby import DESCRIPTORS, receive_fds, signals_as_bytes, stand_by
from .tree import descendants, send
from .wire import FORK, KILL_NOW, LOST, UNBORN, pack, receive

FIRST_FREE_FD: Final = 3
IDLE_MAX: Final = 16  # guardians that stand by; more are let go when their trees are gone
#: A service manager or a terminal signals the whole family at once; only the runner's word or death ends a tree.
OVERHEARD: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)


class Server:
    """Serves until the runner is gone, then waits for its guardians to finish and goes too."""

    def __init__(self, requests: socket.socket) -> None:
        """``requests`` leads to the runner, this process's parent."""
        self.requests = requests
        self.runner_fd = os.pidfd_open(os.getppid())
        self.wake_fd = signals_as_bytes()
        self.guardians: dict[int, socket.socket] = {}
        self.idle: list[int] = []
        self.lost: dict[int, float] = {}
        self.open = True
        self.poll = select.poll()
        for fd in (requests.fileno(), self.runner_fd, self.wake_fd):
            self.poll.register(fd, select.POLLIN)

    def run(self) -> None:
        """Serve until the runner is gone and no guardian and no stray is left."""
        while self.open or self.guardians or self.lost:
            for fd, _ in self.poll.poll(FAST_LOOK_S * 1000 if self.lost else None):
                if fd == self.requests.fileno():
                    self._serve()
                elif fd == self.wake_fd:
                    os.read(fd, 4096)
                elif fd == self.runner_fd:
                    self._retire()
                else:
                    self._hear(fd)
            self._reap()
            if self.lost:
                self._end_strays()
            self._have_one_ready()

    def _serve(self) -> None:
        fds = receive_fds(self.requests)
        if fds is None:
            self._retire()
            return
        try:
            if len(fds) == DESCRIPTORS:  # else we have no room for them; the runner sees its socket close
                self._hand_over(fds)
        except OSError as error:
            control = socket.socket(fileno=fds[0])
            with suppress(OSError):
                control.send(pack(UNBORN, error.errno, f"{error.strerror}: fork"))
            control.detach()
        finally:
            for fd in fds:
                os.close(fd)

    def _hand_over(self, fds: list[int]) -> None:
        """Give the request to a guardian that stands by, or to a new one. Raises OSError when there can be none."""
        while True:
            pid = self.idle.pop() if self.idle else self._fork(fds)
            try:
                socket.send_fds(self.guardians[pid], [FORK], fds)
                return
            except ConnectionError:
                continue  # it died while it stood by: its end is on the way to us

    def _have_one_ready(self) -> None:
        """Fork ahead, while nobody waits for it: a new guardian takes longer than all the rest of a start."""
        if self.open and not self.idle:
            with suppress(OSError):  # the next request says so, if it is still the case then
                self.idle.append(self._fork([]))

    def _fork(self, in_hand: list[int]) -> int:
        link, far_link = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with far_link:
            try:
                pid = os.fork()
            except OSError:
                link.close()
                raise
            if pid == 0:
                self._become_guardian([self.wake_fd, link.fileno(), *in_hand], far_link)
        self.guardians[pid] = link
        self.poll.register(link, select.POLLIN)
        return pid

    def _become_guardian(self, alien_fds: list[int], far_link: socket.socket) -> None:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            # A pipe or socket of others that stayed open in here would hide its end from those who wait for it.
            for fd in alien_fds:
                os.close(fd)
            for held in (self.requests, *self.guardians.values()):
                held.close()
            stand_by(far_link, self.runner_fd)
            status = 0
        finally:
            os._exit(status)

    def _hear(self, fd: int) -> None:
        """A guardian stands by again, or has hung up because it is gone."""
        pid, link = next((pid, link) for pid, link in self.guardians.items() if link.fileno() == fd)
        if receive(link) and self.open and len(self.idle) < IDLE_MAX:
            self.idle.append(pid)
        else:
            self._hang_up(pid)

    def _hang_up(self, pid: int) -> None:
        if pid in self.idle:
            self.idle.remove(pid)
        link = self.guardians[pid]
        if link.fileno() >= 0:
            self.poll.unregister(link)
            link.close()

    def _retire(self) -> None:
        """The runner is gone: no more requests. The guardians have seen it too and are ending their trees."""
        self.open = False
        for fd in (self.requests.fileno(), self.runner_fd):
            with suppress(KeyError):
                self.poll.unregister(fd)
        for pid in list(self.idle):
            self._hang_up(pid)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.guardians:
                self._hang_up(pid)
                del self.guardians[pid]
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
    """Catch what must not end us, ignore nothing: exec resets what is caught, what is ignored would reach programs."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGCHLD, KILL_NOW, *OVERHEARD):
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def main(requests_fd: int) -> None:
    """Be the fork server that reads requests from ``requests_fd``."""
    with suppress(OSError):
        name_process("taxiway:forks")
    while os.open(os.devnull, os.O_RDWR) < FIRST_FREE_FD:
        pass  # a runner without a terminal may have closed these numbers, and no pipe of a program may get one of them
    os.chdir("/")  # hold no file system that someone wants to unmount
    adopt_orphans()
    _prepare_signals()
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))  # a core dump would hold the program's secrets
    gc.disable()
    gc.freeze()  # collections would touch, and so copy, every page of every guardian
    Server(socket.socket(fileno=requests_fd)).run()
