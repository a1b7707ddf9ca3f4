"""Says how sure the end of a process tree is on this machine, for `taxiway doctor`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from taxiway.agents.guardian.kernel import can_adopt_orphans
from taxiway.agents.protocol import Certainty, CertaintyLevel

GUARDED: Final = (
    "a guardian adopts every orphan of its tree, and the kernel tells it when none is left; only if guardian and fork"
    " server are both killed, what has cleared its environment is missed"
)


def certainty() -> Certainty:
    """The level that holds here and why it is not higher. Starts nothing and changes nothing."""
    if sys.platform != "linux":
        return Certainty(CertaintyLevel.NONE, f"processes need Linux, this is {sys.platform}")
    if not _has_pidfds():
        return Certainty(
            CertaintyLevel.NONE, "the kernel, or a filter before it, offers no pidfds (Linux 5.3 has them)"
        )
    if not _sees_environments():
        return Certainty(CertaintyLevel.NONE, "/proc is not mounted, or hides the environments of our own processes")
    if not can_adopt_orphans():
        return Certainty(CertaintyLevel.NONE, "the kernel, or a filter before it, offers no sub-reapers")
    return Certainty(CertaintyLevel.GUARDIAN, GUARDED)


def _has_pidfds() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def _sees_environments() -> bool:
    try:
        with Path("/proc/self/environ").open("rb") as environment:
            environment.read(1)
    except OSError:
        return False
    return True
