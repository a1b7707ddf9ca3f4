"""Whether somebody else has a conversation of Codex open: whoever writes to one holds a lock on a file of its name.

Codex refuses a second writer by itself, but only once it has been started, and then it is a failed turn.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

LOCKS: Final = Path("/proc/locks")
LOCKS_BYTES_MAX: Final = 4 << 20
_THREAD: Final = re.compile(r"[0-9A-Za-z-]{1,100}")


def owner_of(thread: str, env: Mapping[str, str]) -> int | None:
    """The pid of a living process here that writes to this conversation, under the home that ``env`` names; it reads
    two files. What cannot be read is no evidence, and neither is a lock that no process of this pid namespace holds."""
    home = env.get("CODEX_HOME") or (f"{env['HOME']}/.codex" if env.get("HOME") else None)
    if home is None or not _THREAD.fullmatch(thread):
        return None
    try:
        lock = Path(home, "thread-writer-locks", f"{thread}.lock").stat()
        with LOCKS.open("rb") as file:
            held = file.read(LOCKS_BYTES_MAX).decode("ascii", "replace")
    except OSError:
        return None
    name = f"{os.major(lock.st_dev):02x}:{os.minor(lock.st_dev):02x}:{lock.st_ino}"
    return next((holder for line in held.splitlines() if (holder := _holder(line, name)) is not None), None)


def _holder(line: str, name: str) -> int | None:
    """Who holds the lock of a line ``1: FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE 0 EOF``, if it is that of a file.
    Who only waits for it has an arrow there, and holds nothing."""
    words = line.split()
    if len(words) < 6 or words[1] != "FLOCK" or words[5] != name or not words[4].isdecimal():
        return None
    return int(words[4]) or None
