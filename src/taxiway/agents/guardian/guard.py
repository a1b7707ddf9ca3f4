"""One guardian: it owns a process tree from its first fork until the kernel says that nobody is left (I6, I7)."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from contextlib import suppress
from typing import Final, NamedTuple

from .child import become
from .clearing import Clearing
from .kernel import name_process
from .tree import ZOMBIE, Process, descendants, look, send
from .wire import (
    BORN,
    CLEAR,
    CLEARED,
    ENDED,
    GO,
    KILL,
    KILL_NOW,
    MARK,
    MARKED,
    TERM,
    UNBORN,
    End,
    LaunchOrder,
    name_while_keeping,
    pack,
    receive,
    unpack,
)

LEFTOVER_GRACE_S: Final = 0.5  # between SIGTERM and SIGKILL for what outlives the main child
CONFIRM_S: Final = 5.0  # then the runner is told that the end is not certain; the guardian goes on trying
FAST_LOOK_S: Final = 0.01
SLOW_LOOK_S: Final = 0.5
SLEEP_MAX_S: Final = 3600.0
OOM_SCORE_ADJ: Final = b"500"  # programs are killed before Taxiway when memory runs out


class Post(NamedTuple):
    """What a guardian has whatever tree it keeps: who it is, the runner's pidfd, a pipe with the numbers of signals."""

    pid: int
    start: int
    runner_fd: int
    wake_fd: int


class Guard:
    """The tree of one launch. ``run`` returns when the tree is gone."""

    def __init__(self, control: socket.socket, order: LaunchOrder, post: Post) -> None:
        """``control`` leads to the runner, ``post`` is where this guardian stands."""
        self.control = control
        self.order = order
        self.post = post
        self.child = 0
        self.clearing = Clearing(post.pid, 0)
        self.status: int | None = None
        self.started = False
        self.empty = False
        self.killing = False
        self.dismissed = False
        self.lease_expired = False
        self.in_grace = False
        self.leftovers: set[int] = set()
        self.reported = False
        self.now = time.monotonic
        self.lease_until = self.now() + order.lease_s
        self.step_until = self.now() + order.go_s
        self.link, self.childs_link = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.poll = select.poll()
        for fd in (control.fileno(), post.wake_fd, post.runner_fd):
            self.poll.register(fd, select.POLLIN)

    def run(self, streams: tuple[int, int, int]) -> bool:
        """Fork the child, say so, keep the tree to its end. Whether this guardian may take another tree after it."""
        with self.link, self.childs_link:
            if self._fork(streams):
                name_process(name_while_keeping(self.child))
                with suppress(OSError):
                    _write(f"/proc/{self.child}/oom_score_adj", OOM_SCORE_ADJ)
                self.clearing = Clearing(self.post.pid, self.child)
                self._tell(pack(BORN, self.post.pid, self.post.start, self.child, _start_of(self.child)))
                self._keep()
        return not self.dismissed

    def _fork(self, streams: tuple[int, int, int]) -> bool:
        """Make the child, which waits for the go; False, and said to the runner, when the system has no room for it."""
        try:
            child = os.fork()
        except OSError as error:
            child = -1
            self._tell(pack(UNBORN, error.errno, f"{error.strerror}: fork"))
        if child == 0:
            self.link.close()  # else the child would itself keep open what it listens to
            become(self.order, streams, self.childs_link, self.post.pid)
        for fd in streams:
            os.close(fd)  # a guardian that held the pipes would hide their end
        self.childs_link.close()
        self.child = child
        return child > 0

    def _keep(self) -> None:
        while True:
            self._reap()
            if self.empty:
                return self._report(certain=True)
            self._judge_time()
            if self.killing:
                return self._kill_all()
            if self.clearing.number is not None:
                self._clear(self.clearing.number)
            self._wait(min(self.step_until, self.lease_until) - self.now() if self.clearing.number is None else 0.0)

    def _clear(self, number: int) -> None:
        """One look at what a turn left running; the answer once nothing is left, or when that takes too long."""
        if (certain := self.clearing.look()) or self.now() >= self.clearing.until:
            self.clearing.number = None
            self._tell(pack(CLEARED, number, len(self.clearing.ended), certain))

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
        for fd, _ in self.poll.poll(min(max(0.0, seconds), SLEEP_MAX_S) * 1000):  # rounded up
            if fd == self.control.fileno():
                self._obey()
            elif fd == self.post.runner_fd or KILL_NOW in os.read(fd, 4096):
                self.killing = self.dismissed = True  # the runner is dead, or somebody settles what it left

    def _obey(self) -> None:
        message = receive(self.control)
        self.lease_until = self.now() + self.order.lease_s
        if message == GO and not self.started:
            self.started = True
            self.step_until = float("inf")
            with suppress(OSError):  # the child may have been killed from outside before its go
                self.link.send(b"g")
        elif message == TERM and self.started:
            self._terminate()
        elif message == MARK:
            self._tell(pack(MARKED, self.clearing.mark()))
        elif message.startswith(CLEAR):
            self.clearing.begin(int(message[len(CLEAR) :]), self.now() + CONFIRM_S)
        elif message in (TERM, KILL):
            self.killing = True  # TERM before there is a program that could be asked means the same
        elif message == b"":
            self.killing = self.dismissed = True  # the runner is gone, or has dropped the tree

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
        members = descendants(self.post.pid)
        if self.status is not None:
            self._count(members)
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
            members = descendants(self.post.pid)
            self._count(members)
            self._kill(members)
            self._sleep(pause)
            self._reap()
            if self.empty:
                return self._report(certain=True)
            if self.now() >= uncertain_at:
                self.dismissed = True  # whoever looks for this tree later shall find no other one here
                self._report(certain=False)
                pause = SLOW_LOOK_S

    def _count(self, members: list[Process]) -> None:
        """Remember whom we have to end beside the main child; the dead that nobody collected do not count."""
        self.leftovers.update(
            process.pid for process in members if process.pid != self.child and process.state != ZOMBIE
        )

    def _kill(self, members: list[Process]) -> None:
        mine = os.getpgrp()
        for process in members:
            if process.parent == self.post.pid:
                # Not reaped, so neither its pid nor its group's number can belong to a stranger.
                if process.group != mine:
                    _signal_group(process.group, signal.SIGKILL)
                with suppress(OSError):
                    os.kill(process.pid, signal.SIGKILL)
            else:
                send(process, signal.SIGKILL)

    def _sleep(self, seconds: float) -> None:
        """Sleep until a child dies, at most ``seconds``."""
        readable, _, _ = select.select([self.post.wake_fd], [], [], seconds)
        if readable:
            os.read(self.post.wake_fd, 4096)

    def _report(self, *, certain: bool) -> None:
        """Tell the runner how it ended, once."""
        if self.reported:
            return
        self.reported = True
        number, text = self._spawn_error()
        end = End(self.started, self.status, number, text, len(self.leftovers), certain, self.lease_expired)
        self._tell(pack(ENDED, *end))

    def _spawn_error(self) -> tuple[int, str]:
        """What the child said instead of becoming the program; (0, "") when it became one."""
        self.link.setblocking(False)
        try:
            message = receive(self.link)
        except BlockingIOError:
            return 0, ""  # somebody has stolen its end and holds it open
        if not message:
            return 0, ""
        _, number, text = unpack(message)
        return number, text

    def _tell(self, message: bytes) -> None:
        with suppress(OSError):  # nobody listens when the runner is dead
            self.control.send(message)


def _start_of(pid: int) -> int:
    process = look(pid)
    return process.start if process else 0


def _write(path: str, content: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, content)
    finally:
        os.close(fd)


def _signal_group(group: int, number: int) -> None:
    with suppress(OSError):
        os.killpg(group, number)
