"""What the process trees of live runs use of this host: how many they are, their memory and processor time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from taxiway.agents.guardian.tree import alive, descendants, read_bytes
from taxiway.agents.settle import boot_id, pid_namespace
from taxiway.core.run import ProcessMark
from taxiway.core.statistics import TreeUse

TICKS_S: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


def use_of(marks: Sequence[ProcessMark]) -> TreeUse:
    """Of the trees of these marks that are here: their guardians, and whatever lives below them. It blocks for some
    tens of microseconds for each process; what ends meanwhile is left out."""
    boot, namespace = boot_id(), pid_namespace()
    pids: set[int] = set()
    for mark in marks:
        ours = mark.boot_id == boot and mark.pid_namespace == namespace
        if ours and mark.guardian_pid not in pids and alive(mark.guardian_pid, mark.guardian_start):
            pids.add(mark.guardian_pid)
            pids.update(process.pid for process in descendants(mark.guardian_pid))
    found = [used for pid in pids if (used := _used(pid)) is not None]
    return TreeUse(len(found), sum(memory for memory, _ in found), sum(cpu for _, cpu in found))


def _used(pid: int) -> tuple[int, float] | None:
    """Resident bytes, and seconds of processor time with those of children that it has waited for."""
    with suppress(OSError, ValueError, IndexError):
        stat = read_bytes(f"/proc/{pid}/stat")
        fields = stat[stat.rindex(b")") + 2 :].split()
        return int(fields[21]) * PAGE_BYTES, sum(map(int, fields[11:15])) / TICKS_S
    return None
