"""Settles the trees of a dead runner from another process of the same host, and lists what nobody claims (I7)."""

from __future__ import annotations

import signal
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from taxiway.agents.guardian.sweep import sweep, tagged
from taxiway.agents.guardian.tree import Process, alive, descendants, look, read_bytes, send, wait_for
from taxiway.agents.guardian.wire import KILL_NOW, name_while_keeping
from taxiway.agents.protocol import CertaintyLevel, Orphan, ProcessMark, Settled

GUARDIAN_S_MAX: Final = 0.8  # what guardians get to end their trees by themselves before they are ended from outside
COMMAND_CHARS_MAX: Final = 200


def boot_id() -> str:
    """This boot of this host; empty where the system does not say."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def pid_namespace() -> int:
    """The namespace in which our pids mean something (an inode number); 0 where there are none."""
    with suppress(OSError):
        return Path("/proc/self/ns/pid").stat().st_ino
    return 0


def settle_tree(mark: ProcessMark) -> Settled:
    """As `settle_trees`, for one."""
    return settle_trees([mark])[mark.tag]


def settle_trees(marks: Sequence[ProcessMark]) -> dict[str, Settled]:
    """End the trees of runners that are dead (or have lost their leases) and say of each tag whether that is certain.

    Blocks up to about 1.9 s in all, however many marks there are; call it in a thread. Guardians are asked to kill at
    once and waited for; what then still lives is killed from outside, at last by the tag in the environment.
    """
    settled: dict[str, Settled] = {}
    here: list[ProcessMark] = []
    boot, namespace = boot_id(), pid_namespace()
    for mark in marks:
        if mark.boot_id != boot:
            settled[mark.tag] = Settled(certain=True, level=CertaintyLevel.GUARDIAN, why="the host has booted since")
        elif mark.pid_namespace != namespace:
            settled[mark.tag] = Settled(certain=False, level=CertaintyLevel.NONE, why="it ran in another pid namespace")
        else:
            here.append(mark)
    if here:
        settled |= _settle_here(here)
    return settled


def orphans(live_tags: Collection[str], prefix: str = "") -> list[Orphan]:
    """Living processes whose tag starts with ``prefix`` and is not among ``live_tags``. Reads all of /proc."""
    return [
        Orphan(pid=process.pid, start=process.start, tag=tag, command=_command(process.pid))
        for process, tag in tagged()
        if tag.startswith(prefix) and tag not in live_tags
    ]


def _settle_here(marks: Sequence[ProcessMark]) -> dict[str, Settled]:
    keepers = {mark.tag: keeper for mark in marks if (keeper := _keeper(mark))}
    for keeper in keepers.values():
        send(keeper, KILL_NOW)
        send(keeper, signal.SIGCONT)  # it may have been stopped together with its runner
    wait_for(list(keepers.values()), GUARDIAN_S_MAX)
    forced = {tag for tag, keeper in keepers.items() if alive(keeper.pid, keeper.start)}
    killed = sum(_kill_below(keepers[tag]) for tag in forced)
    killed += sum(_kill_below(child) for mark in marks if (child := _same(mark.child_pid, mark.child_start)))
    swept = sweep({mark.tag for mark in marks})
    by_guardian = keepers.keys() - forced
    return {mark.tag: _verdict(mark, by_guardian, swept.left, killed + swept.killed) for mark in marks}


def _verdict(mark: ProcessMark, by_guardian: Collection[str], left: Collection[str], killed: int) -> Settled:
    if _keeper(mark) or _same(mark.child_pid, mark.child_start) or mark.tag in left:
        return Settled(
            certain=False, level=CertaintyLevel.NONE, why="something would not die within the time", killed=killed
        )
    if mark.tag in by_guardian:
        return Settled(certain=True, level=CertaintyLevel.GUARDIAN, why="its guardian ended it", killed=killed)
    if _same(mark.guardian_pid, mark.guardian_start):
        return Settled(certain=True, level=CertaintyLevel.GUARDIAN, why="its guardian has done with it", killed=killed)
    why = "its guardian was gone or stuck; nothing that carries its tag is left"
    return Settled(certain=True, level=CertaintyLevel.SWEEP, why=why, killed=killed)


def _keeper(mark: ProcessMark) -> Process | None:
    """The guardian that the mark means, if it lives and still keeps this tree: it says in its name whose it is."""
    guardian = _same(mark.guardian_pid, mark.guardian_start)
    return guardian if guardian is not None and guardian.name == name_while_keeping(mark.child_pid) else None


def _same(pid: int, start: int) -> Process | None:
    """The living process that the mark means, not a later one with its pid."""
    process = look(pid)
    return process if process is not None and process.start == start and alive(pid, start) else None


def _kill_below(root: Process) -> int:
    """SIGKILL ``root`` and everything below it, from the bottom; how many were hit."""
    return sum(send(process, signal.SIGKILL) for process in (*reversed(descendants(root.pid)), root))


def _command(pid: int) -> str:
    try:
        line = read_bytes(f"/proc/{pid}/cmdline")
    except OSError:
        return ""
    return line.replace(b"\0", b" ").decode(errors="replace").strip()[:COMMAND_CHARS_MAX]
