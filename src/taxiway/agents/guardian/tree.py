"""Looks at process trees through /proc and signals their members, never a stranger that got a recycled pid."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

ZOMBIE: Final = "Z"


class Process(NamedTuple):
    """One line of /proc: ``start`` (clock ticks since boot, field 22) tells it from a later one with the same pid."""

    pid: int
    name: str
    parent: int
    group: int
    state: str
    start: int


def read_bytes(path: str) -> bytes:
    """The whole of a file in /proc. Raises OSError (the process may be gone or someone else's)."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = []
        while piece := os.read(fd, 1 << 16):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(fd)


def look(pid: int) -> Process | None:
    """The process with this pid as it is now, or None if there is none."""
    try:
        stat = read_bytes(f"/proc/{pid}/stat")
    except OSError:
        return None
    # The name in brackets may hold anything, brackets and spaces included: count from the last bracket.
    end = stat.rindex(b")")
    name = stat[stat.index(b"(") + 1 : end].decode(errors="replace")
    fields = stat[end + 2 :].split()
    return Process(pid, name, int(fields[1]), int(fields[2]), fields[0].decode(), int(fields[19]))


def alive(pid: int, start: int) -> bool:
    """Whether the very process that started at ``start`` still runs (a zombie does not)."""
    process = look(pid)
    return process is not None and process.start == start and process.state != ZOMBIE


def runs(process: Process) -> bool:
    """Whether it, as it was seen, has a thread that lives: one whose first thread has ended looks like a zombie."""
    if process.state != ZOMBIE:
        return True
    try:
        with os.scandir(f"/proc/{process.pid}/task") as threads:
            return sum(1 for _ in threads) > 1
    except OSError:
        return False


def all_pids() -> Iterator[int]:
    """Every process that /proc shows to us."""
    with os.scandir("/proc") as entries:
        names = [entry.name for entry in entries if entry.name[0] in "123456789"]
    return (int(name) for name in names)


def _children_by_parent() -> dict[int, list[int]]:
    families: dict[int, list[int]] = {}
    for pid in all_pids():
        if process := look(pid):
            families.setdefault(process.parent, []).append(pid)
    return families


def _listed_children(pid: int) -> list[int]:
    children: list[int] = []
    try:
        with os.scandir(f"/proc/{pid}/task") as threads:
            names = [thread.name for thread in threads]
        for name in names:
            children += map(int, read_bytes(f"/proc/{pid}/task/{name}/children").split())
    except OSError:
        pass  # it went away while we looked: its children have a new parent, and the next look finds them there
    return children


def kernel_lists_children() -> bool:
    """Whether there is ``/proc/PID/task/TID/children`` (a walk then costs the tree's size, not the machine's)."""
    pid = os.getpid()
    return os.access(f"/proc/{pid}/task/{pid}/children", os.R_OK)


def descendants(root: int, spare: Collection[int] = ()) -> list[Process]:
    """Every process below ``root`` except ``spare`` and what is below those, parents before children.

    A picture, not a promise: what forks meanwhile may be missing, so who must be sure looks again until it is empty.
    """
    families = None if kernel_lists_children() else _children_by_parent()
    found: list[Process] = []
    seen = {root, *spare}
    family = {root}
    waiting = [root]
    while waiting:
        pid = waiting.pop(0)
        for child in _listed_children(pid) if families is None else families.get(pid, []):
            if child not in seen:
                seen.add(child)
                process = look(child)
                # A parent outside the family means that the pid was recycled between the two looks.
                if process is not None and process.parent in family:
                    family.add(child)
                    waiting.append(child)
                    found.append(process)
    return found


def send(process: Process, number: int) -> bool:
    """Signal exactly this process; False when it is gone or not ours to signal.

    The pidfd is opened first and the start time compared after: if they agree the descriptor cannot mean anybody else.
    """
    try:
        fd = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        now = look(process.pid)
        if now is None or now.start != process.start:
            return False
        signal.pidfd_send_signal(fd, number)
        return True
    except OSError:
        return False
    finally:
        os.close(fd)


def wait_for(processes: Sequence[Process], seconds: float) -> None:
    """Return when all of them are gone, or after ``seconds``."""
    until = time.monotonic() + seconds
    poll = select.poll()
    fds: list[int] = []
    for process in processes:
        with suppress(OSError):
            fds.append(os.pidfd_open(process.pid))
            poll.register(fds[-1], select.POLLIN)
    waiting = len(fds)
    while waiting and (gone := poll.poll(max(0.0, until - time.monotonic()) * 1000)):
        for fd, _ in gone:
            poll.unregister(fd)
        waiting -= len(gone)
    for fd in fds:
        os.close(fd)
