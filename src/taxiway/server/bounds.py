"""How much of the server one connection, one address and all of them may take (I18, 4.10)."""

from __future__ import annotations

import resource
from collections import Counter
from typing import Final

import msgspec

RESERVED_FILES: Final = 256  #: what the store, agents and logs need beside connections


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """``connections`` at once, and ``of_address`` from one address; seconds that the head and the body of a request may
    take to come, that a connection may ask nothing (``idle_s``), that what was sent may lie unread, and that one who is
    refused has to hear why; the most bytes and headers of a head; requests that wait behind one on its connection."""

    connections: int = 5_000
    of_address: int = 2_500
    head_s: float = 10.0
    body_s: float = 30.0
    idle_s: float = 20.0
    unread_s: float = 30.0
    linger_s: float = 1.0
    head_bytes: int = 64 << 10
    headers: int = 100
    pipelined: int = 16


class Door:
    """Counts who is in, by address."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._of: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Take a place, if there is one."""
        if self._of.total() >= self._bounds.connections or self._of[address] >= self._bounds.of_address:
            return False
        self._of[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Give it back."""
        self._of[address] -= 1
        if not self._of[address]:
            del self._of[address]


def within_open_files(bounds: Bounds) -> Bounds:
    """The same bounds, with no more connections than this process may have files for; it asks for as many as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = bounds.connections + RESERVED_FILES
    if resource.RLIM_INFINITY != soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    room = bounds.connections if soft == resource.RLIM_INFINITY else max(1, soft - RESERVED_FILES)
    if room >= bounds.connections:
        return bounds
    return msgspec.structs.replace(bounds, connections=room, of_address=min(bounds.of_address, max(1, room // 2)))
