"""One guardian: it owns a process tree from its first fork until the kernel says that nobody is left (I6, I7)."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from contextlib import suppress
from typing import Final

from .child import become
from .kernel import adopt_orphans, name_process
from .tree import Process, descendants, look, send
from .wire import BORN, ENDED, GO, KILL, MESSAGE_BYTES_MAX, TERM, UNBORN, End, LaunchOrder, pack, unpack

LEFTOVER_GRACE_S: Final = 0.2  # between SIGTERM and SIGKILL for what outlives the main child
CONFIRM_S: Final = 5.0  # then the runner is told that the end is not certain; the guardian goes on trying
FAST_LOOK_S: Final = 0.01
SLOW_LOOK_S: Final = 0.5
SLEEP_MAX_S: Final = 3600.0
KILL_NOW: Final = signal.SIGUSR1  # another Taxiway process of this host asks for the end of a dead runner's tree


class Guard:
    """The tree of one launch. ``run`` returns when the tree is gone; the process then exits."""

    def __init__(self, control: socket.socket, order: LaunchOrder, runner_fd: int) -> None:
        """``control`` leads to the runner; ``runner_fd`` is its pidfd, in case a copy of its socket outlives it."""
        self.control = control
        self.order = order
        self.me = os.getpid()
        self.child = 0
        self.status: int | None = None
        self.started = False
        self.empty = False
        self.killing = False
        self.lease_expired = False
        self.in_grace = False
        self.leftovers: set[int] = set()
        self.reported = False
        self.now = time.monotonic
        self.lease_until = self.now() + order.lease_s
        self.step_until = self.now() + order.go_s
        self.link, self.childs_link = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.wake_fd = _signals_as_bytes()
        self.poll = select.poll()
        for fd in (control.fileno(), self.wake_fd, runner_fd):
            self.poll.register(fd, select.POLLIN)

    def run(self, streams: tuple[int, int, int]) -> None:
        """Fork the child, say so, and keep the tree to its end."""
        try:
            self.child = os.fork()
        except OSError as error:
            self._tell(pack(UNBORN, error.errno, f"{error.strerror}: fork"))
            return
        if self.child == 0:
            self.link.close()  # else the child would itself keep open what it listens to
            become(self.order, streams, self.childs_link, self.me)
        self.childs_link.close()
        for fd in set(streams):
            os.close(fd)  # a guardian that held the pipes would hide their end
        self._tell(pack(BORN, self.me, _start_of(self.me), self.child, _start_of(self.child)))
        self._keep()

    def _keep(self) -> None:
        while True:
            self._reap()
            if self.empty:
                return self._report(certain=True)
            self._judge_time()
            if self.killing:
                return self._kill_all()
            self._wait(min(self.step_until, self.lease_until) - self.now())

    def _judge_time(self) -> None:
        """Deadlines: the runner's lease, the go, and the grace of what outlives the main child."""
        now = self.now()
        if now >= self.lease_until:
            self.lease_expired = self.killing = True
        elif self.status is not None and not self.in_grace:
            self._terminate()
            self.in_grace = True
            self.step_until = now + LEFTOVER_GRACE_S
        elif now >= self.step_until:
            self.killing = True

    def _wait(self, seconds: float) -> None:
        """Sleep until something happens, at most ``seconds``, and take it in."""
        for fd, _ in self.poll.poll(min(max(0.0, seconds), SLEEP_MAX_S) * 1000 + 1):
            if fd == self.wake_fd:
                self.killing |= KILL_NOW in os.read(fd, 4096)
            elif fd == self.control.fileno():
                self._obey()
            else:
                self.killing = True  # the runner is dead

    def _obey(self) -> None:
        try:
            message = self.control.recv(MESSAGE_BYTES_MAX)
        except ConnectionError:
            message = b""
        self.lease_until = self.now() + self.order.lease_s
        if message == GO and not self.started:
            self.started = True
            self.step_until = float("inf")
            with suppress(OSError):  # the child may have been killed from outside before its go
                self.link.send(b"g")
        elif message == TERM and self.started:
            self._terminate()
        elif message in (TERM, KILL, b""):
            self.killing = True  # asked to, before there is a program that could be asked; or the runner is gone

    def _reap(self) -> None:
        """Collect the dead. No children means no descendants: every orphan below a sub-reaper becomes its child."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.empty = True
                return
            if pid == 0:
                return
            if pid == self.child:
                self.status = status

    def _terminate(self) -> None:
        """SIGTERM to each process of the tree once, then SIGCONT because a stopped one would not see it."""
        members = descendants(self.me)
        if self.status is not None:
            self.leftovers.update(process.pid for process in members)
        for number in (signal.SIGTERM, signal.SIGCONT):
            if self.status is None:
                _signal_group(self.child, number)  # in one stroke, so that nobody forks past it
            for process in members:
                if self.status is not None or process.group != self.child:
                    send(process, number)

    def _kill_all(self) -> None:
        """SIGKILL whatever is below, again and again, until the kernel says that nobody is left."""
        uncertain_at = self.now() + CONFIRM_S
        pause = FAST_LOOK_S
        while True:
            members = descendants(self.me)
            self.leftovers.update(process.pid for process in members if process.pid != self.child)
            self._kill(members)
            self._sleep(pause)
            self._reap()
            if self.empty:
                return self._report(certain=True)
            if self.now() >= uncertain_at:
                self._report(certain=False)
                pause = SLOW_LOOK_S

    def _kill(self, members: list[Process]) -> None:
        mine = os.getpgrp()
        for process in members:
            if process.parent == self.me:
                # Not reaped, so neither its pid nor its group's number can belong to a stranger.
                if process.group != mine:
                    _signal_group(process.group, signal.SIGKILL)
                with suppress(OSError):
                    os.kill(process.pid, signal.SIGKILL)
            else:
                send(process, signal.SIGKILL)

    def _sleep(self, seconds: float) -> None:
        """Sleep until a child dies, at most ``seconds``."""
        readable, _, _ = select.select([self.wake_fd], [], [], seconds)
        if readable:
            os.read(self.wake_fd, 4096)

    def _report(self, *, certain: bool) -> None:
        """Tell the runner how it ended, once."""
        if self.reported:
            return
        self.reported = True
        number, text = self._spawn_error()
        end = End(self.started, self.status or 0, number, text, len(self.leftovers), certain, self.lease_expired)
        self._tell(pack(ENDED, *end))

    def _spawn_error(self) -> tuple[int, str]:
        """What the child said instead of becoming the program; (0, "") when it became one."""
        self.link.setblocking(False)
        try:
            message = self.link.recv(MESSAGE_BYTES_MAX)
        except OSError:
            return 0, ""
        if not message:
            return 0, ""
        _, number, text = unpack(message)
        return number, text

    def _tell(self, message: bytes) -> None:
        with suppress(OSError):  # nobody listens when the runner is dead
            self.control.send(message)


def guard(control: socket.socket, order: LaunchOrder, streams: tuple[int, int, int], runner_fd: int) -> None:
    """Be the guardian of one launch, in a session of its own, and return when its tree is gone."""
    os.setsid()
    adopt_orphans()
    name_process("taxiway-guard")
    Guard(control, order, runner_fd).run(streams)


def _start_of(pid: int) -> int:
    process = look(pid)
    return process.start if process else 0


def _signal_group(group: int, number: int) -> None:
    with suppress(OSError):
        os.killpg(group, number)


def _signals_as_bytes() -> int:
    """A descriptor that becomes readable with the number of each signal that arrives."""
    read_fd, write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
    return read_fd
