"""Whether somebody else has a conversation of Claude Code open: each of its processes writes down which one it holds.

Two processes that go on with one conversation would write into the same file, each without the other's turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from taxiway.agents.guardian.tree import alive
from taxiway.agents.settle import pid_namespace

FILES_MAX: Final = 1_000
FILE_BYTES_MAX: Final = 64 << 10


class _Holder(msgspec.Struct, frozen=True):
    """What a process says of itself. ``start`` is the kernel's word for when it was started."""

    pid: int
    thread: str = msgspec.field(name="sessionId")
    start: str = msgspec.field(name="procStart")
    domain: str = msgspec.field(name="pidDomain", default="")


_HOLDER: Final = msgspec.json.Decoder(_Holder)


def owner_of(thread: str, env: Mapping[str, str]) -> int | None:
    """The pid of a living process here that holds this conversation, under the home that ``env`` names; it reads
    files. What cannot be read, or was started elsewhere, is no evidence."""
    home = env.get("CLAUDE_CONFIG_DIR") or (f"{env['HOME']}/.claude" if env.get("HOME") else None)
    if home is None:
        return None
    namespace = f":pid:[{pid_namespace()}]"
    for path in islice(Path(home, "sessions").glob("*.json"), FILES_MAX):
        holder = _read(path)
        if holder is not None and holder.thread == thread and holder.domain.endswith(namespace) and _lives(holder):
            return holder.pid
    return None


def _lives(holder: _Holder) -> bool:
    return holder.start.isdecimal() and alive(holder.pid, int(holder.start))


def _read(path: Path) -> _Holder | None:
    try:
        with path.open("rb") as file:
            return _HOLDER.decode(file.read(FILE_BYTES_MAX))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
