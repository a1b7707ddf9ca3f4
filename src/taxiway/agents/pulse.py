"""Feels the pulse of a process tree from outside: what its processes have used, and whether its connections move."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from taxiway.agents.connections import Connection, connections
from taxiway.agents.guardian.tree import ZOMBIE, Process, alive, descendants, read_bytes
from taxiway.core.run import ProcessMark
from taxiway.core.vitals import Pulse

PROCESSES_MAX: Final = 2_000  #: of a tree that are looked into; of a larger one the first
_TICKS: Final = os.sysconf("SC_CLK_TCK")


async def take_pulse(mark: ProcessMark) -> Pulse | None:
    """What is to be seen of a tree now; ``None``: it is gone, or is not ours to look at. Does not block the loop."""
    return await asyncio.to_thread(_pulse, mark)


def _pulse(mark: ProcessMark) -> Pulse | None:
    # A guardian keeps one tree after another: it is known by its child.
    if not alive(mark.child_pid, mark.child_start):
        return None
    family = [one for one in descendants(mark.guardian_pid) if one.state != ZOMBIE][:PROCESSES_MAX]
    own_s, others_s, written = 0.0, 0.0, 0
    for process in family:
        itself_s, children_s = _cpu_s(process.pid)
        if process.pid == mark.child_pid:
            own_s = itself_s
        else:
            others_s += itself_s
            written += _written(process.pid)
        others_s += children_s
    others_s += _cpu_s(mark.guardian_pid)[1]  # it waits for orphans
    lines = _lines(family)
    if lines is None:
        return Pulse(len(family), round(others_s, 2), round(own_s, 2), written)
    owed, moved = sum(one.owed for one in lines), sum(one.moved for one in lines)
    return Pulse(len(family), round(others_s, 2), round(own_s, 2), written, len(lines), owed, moved)


def _cpu_s(pid: int) -> tuple[float, float]:
    """CPU seconds of a process, and of the children that it has waited for."""
    try:
        stat = read_bytes(f"/proc/{pid}/stat")
    except OSError:
        return 0.0, 0.0
    user, system, children_user, children_system = map(int, stat[stat.rindex(b")") + 2 :].split()[11:15])
    return (user + system) / _TICKS, (children_user + children_system) / _TICKS


def _written(pid: int) -> int:
    """Bytes that a process has written so far, to whatever it was."""
    try:
        for line in read_bytes(f"/proc/{pid}/io").splitlines():
            if line.startswith(b"wchar:"):
                return int(line[len(b"wchar:") :])
    except OSError:
        pass
    return 0


def _lines(family: Iterable[Process]) -> list[Connection] | None:
    """The connections that lead out of the tree; ``None``: the kernel does not tell."""
    sockets = {inode for process in family for inode in _sockets(process.pid)}
    if not sockets:
        return []
    try:
        ours = [one for one in connections() if one.inode in sockets]
    except OSError:
        return None
    ends = {one.here for one in ours}
    return [one for one in ours if one.there not in ends]


def _sockets(pid: int) -> set[int]:
    found: set[int] = set()
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            names = [Path(entry.path) for entry in entries]
    except OSError:
        return found
    for name in names:
        try:
            target = str(name.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(int(target[len("socket:[") : -1]))
    return found
