"""Kernel switches that the standard library does not offer: who adopts orphans, and who dies with its parent."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Final

PR_SET_PDEATHSIG: Final = 1
PR_SET_NAME: Final = 15
PR_SET_CHILD_SUBREAPER: Final = 36
PR_GET_CHILD_SUBREAPER: Final = 37

_libc: Final = ctypes.CDLL(None, use_errno=True)
if hasattr(_libc, "prctl"):
    _libc.prctl.argtypes = [ctypes.c_int, *([ctypes.c_ulong] * 4)]


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"prctl {option}")


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies (I6). Not inherited by children. Raises OSError."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def can_adopt_orphans() -> bool:
    """Whether this kernel (and whatever filters its calls) knows sub-reapers."""
    answer = ctypes.c_int()
    return hasattr(_libc, "prctl") and _libc.prctl(PR_GET_CHILD_SUBREAPER, ctypes.addressof(answer), 0, 0, 0) == 0


def die_with_parent() -> None:
    """Have the kernel SIGKILL us when our parent dies. Lost at exec of a set-user-id program. Raises OSError."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def name_process(name: str) -> None:
    """Set the name that ``ps`` and ``top`` show (15 bytes). Raises OSError."""
    text = ctypes.create_string_buffer(name.encode())
    _prctl(PR_SET_NAME, ctypes.addressof(text))
