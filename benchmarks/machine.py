"""What a run was made on: figures mean nothing without it."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import apsw
import msgspec

from taxiway.store.sqlite.connection import file_system


class Machine(msgspec.Struct, frozen=True):
    """Date, and the parts of the machine that figures hang on."""

    date: str
    cores: int
    memory_gib: float
    load: float
    system: str
    python: str
    sqlite: str
    disk: str


def this_machine(folder: Path) -> Machine:
    """The machine as it is now, and the file system that the data lies on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(memory / 2**30, 1),
        load=round(os.getloadavg()[0], 2),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        sqlite=apsw.sqlite_lib_version(),
        disk=file_system(folder),
    )


class ProcessorTime(msgspec.Struct, frozen=True):
    """What all processors together have worked and been refused since boot, in ticks."""

    worked: int
    stolen: int

    def stolen_since(self, before: ProcessorTime) -> float:
        """Of the time that was wanted since then, the share that the host gave to other machines, 0 to 1."""
        stolen, worked = self.stolen - before.stolen, self.worked - before.worked
        return stolen / (stolen + worked) if stolen + worked else 0.0


def processor_time() -> ProcessorTime:
    """The first line of ``/proc/stat`` (proc(5)): user, nice, system, idle, iowait, irq, softirq, steal."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    )
    return ProcessorTime(worked=user + nice + system + irq + softirq, stolen=steal)
