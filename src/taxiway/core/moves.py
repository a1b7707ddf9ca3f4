"""The one way a state moves: by its table, or not at all (I12, rule A3)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from taxiway.core.errors import IllegalTransition

State = TypeVar("State", bound=StrEnum)


def check_move(
    table: Mapping[State, frozenset[State]], current: State, wanted: State, what: str, advice: str = ""
) -> None:
    """Raise ``IllegalTransition`` unless ``table`` has the move; the text names what is allowed, then ``advice``."""
    allowed = table[current]
    if wanted not in allowed:
        names = ", ".join(sorted(allowed)) or "none: it is final"
        raise IllegalTransition(
            f"Invalid state transition: {current} -> {wanted} of {what}; allowed from {current}: {names}"
            + (f"; {advice}" if advice else ""),
            current=str(current),
            wanted=str(wanted),
            allowed=sorted(allowed),
        )
