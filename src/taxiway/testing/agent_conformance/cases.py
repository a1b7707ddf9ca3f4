"""The cases of the table: what each is called, and which ability an agent needs for it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

from taxiway.core.agent import Abilities

Test = TypeVar("Test", bound=Callable[..., Any])


class Case(StrEnum):
    """One row of the table, in words."""

    SAY = "says what it is to say"
    ORDER = "two turns in order, in one process"
    HUGE = "a huge answer comes whole, in pieces"
    RESULT = "a structured result"
    USAGE = "usage equal to the provider's, turn by turn"
    USAGE_OF_TOOLS = "usage of a turn with tools"
    WRITE = "a tool call that writes a file"
    ALLOWED = "a permission that is allowed"
    REFUSED = "a permission that is refused"
    RESUME = "goes on after kill -9 of everything, in a tool"
    STEER = "a steer goes into the open turn"
    INTERRUPT_TEXT = "interrupt in a text"
    INTERRUPT_TOOL = "interrupt in a tool, with deaf grandchildren"
    STOP = "stop with a tool's grandchildren alive"
    HANG = "a hang is ended from outside"
    LIMIT = "a rate limit with its reset"
    PROVIDER = "a provider that answers 500"
    CUT = "a cut stream"
    AUTH = "credentials that are refused"
    MISSING = "its program is not there"


class Lack(NamedTuple):
    """Which ability is missing, and what to say of it."""

    ability: str
    why: str


_STEER: Final = Lack("steer", "its protocol takes nothing in the middle of a turn; the text becomes the next turn")
_INTERRUPT: Final = Lack("interrupt", "it cannot be interrupted")
_APPROVALS: Final = Lack("approvals", "it asks nobody for a permission")
_USAGE: Final = Lack("usage", "it does not tell what it consumes")
_SCREEN: Final = Lack("protocol", "only its screen is known, and that has no word for how a turn ended")

#: What a case needs beyond taking turns.
NEEDS: Final[dict[Case, Lack]] = {
    Case.HUGE: Lack("protocol", "only its screen is known, and that holds no more than some pages"),
    Case.RESULT: Lack("structured", "its protocol takes no schema"),
    Case.USAGE: _USAGE,
    Case.USAGE_OF_TOOLS: _USAGE,
    Case.ALLOWED: _APPROVALS,
    Case.REFUSED: _APPROVALS,
    Case.RESUME: Lack("resume", "another process cannot go on with its conversation; what was said is told it again"),
    Case.STEER: _STEER,
    Case.INTERRUPT_TEXT: _INTERRUPT,
    Case.INTERRUPT_TOOL: _INTERRUPT,
    Case.LIMIT: Lack("rate_limits", "it does not tell limits"),
    Case.PROVIDER: _SCREEN,
    Case.CUT: _SCREEN,
    Case.AUTH: _SCREEN,
}


def shows(case: Case) -> Callable[[Test], Test]:
    """Says of a test which case it is."""

    def mark(test: Test) -> Test:
        test.case = case  # type: ignore[attr-defined]
        return test

    return mark


def lacking(case: Case, abilities: Abilities) -> str | None:
    """Why agents with no more than these abilities cannot pass a case; ``None``: they can."""
    need = NEEDS.get(case)
    if need is None:
        return None
    able = not abilities.degraded if need.ability == "protocol" else getattr(abilities, need.ability)
    return None if able else need.why
