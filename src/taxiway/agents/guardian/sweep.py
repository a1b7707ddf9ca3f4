"""Finds processes by the tag in their environment, when no guardian is left that could know them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from .tree import ZOMBIE, Process, all_pids, descendants, look, read_bytes, send

TAG_PREFIX: Final = b"TAXIWAY_PROCESS="
SWEEP_S_MAX: Final = 1.0
LOOK_S: Final = 0.01


class Tagged(NamedTuple):
    """A living process and the tag that it carries."""

    process: Process
    tag: str


class Sweep(NamedTuple):
    """How a sweep ended: the tags that something alive still carries, and how many processes were killed."""

    left: frozenset[str]
    killed: int


def tag_of(pid: int) -> str | None:
    """The tag in the environment that the process was started with; None without one, or when it may not be read."""
    try:
        environment = read_bytes(f"/proc/{pid}/environ")
    except OSError:
        return None
    if TAG_PREFIX not in environment:
        return None
    for variable in environment.split(b"\0"):
        if variable.startswith(TAG_PREFIX):
            return variable[len(TAG_PREFIX) :].decode(errors="replace")
    return None


def tagged() -> Iterator[Tagged]:
    """Every living process that carries a tag (zombies have no environment any more), except this one."""
    for pid in all_pids():
        if pid == os.getpid():
            continue
        before = look(pid)
        if before is None or before.state == ZOMBIE:
            continue
        tag = tag_of(pid)
        after = look(pid) if tag is not None else None
        if tag is not None and after is not None and after.start == before.start:
            yield Tagged(after, tag)


def sweep(tags: Collection[str]) -> Sweep:
    """Kill what carries one of ``tags``, and everything below it; look again until none is left, at most 1 s."""
    until = time.monotonic() + SWEEP_S_MAX
    killed: set[tuple[int, int]] = set()
    while found := [entry for entry in tagged() if entry.tag in tags]:
        for entry in found:
            for member in (entry.process, *descendants(entry.process.pid)):
                if member.state != ZOMBIE and send(member, signal.SIGKILL):
                    killed.add((member.pid, member.start))
        if time.monotonic() >= until:
            break
        time.sleep(LOOK_S)
    return Sweep(frozenset(entry.tag for entry in found), len(killed))
