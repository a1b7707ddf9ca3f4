"""What is done about a turn that stands still, as data: for each situation a ladder of rungs, climbed in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

import msgspec

from taxiway.core import fieldtypes
from taxiway.core.duration import format_duration
from taxiway.core.fieldtypes import Bad, Parts
from taxiway.core.nearest import suggestion
from taxiway.core.vitals import QUIET_S, Finding, Situation

RESUMES_MAX: Final = 100
RUNGS_MAX: Final = 20
NUDGE_CHARS_MAX: Final = 4_000
_count: Final = fieldtypes.whole(0, RESUMES_MAX)
NUDGE: Final = (
    "[Taxiway] Nothing was heard of this turn for a while. If a command waits for input or does not get on, stop it "
    "and go on without it; if all is well, just go on."
)


class Action(StrEnum):
    """What a rung does, the mildest first: say so, say something to the agent, end the turn and keep the process, stop
    the process and go on with the conversation on a new one, give up."""

    NOTE = "note"
    NUDGE = "nudge"
    INTERRUPT = "interrupt"
    RESUME = "resume"
    FAIL = "fail"


#: What ends a turn.
DRASTIC: Final = frozenset({Action.INTERRUPT, Action.RESUME, Action.FAIL})


class Rung(msgspec.Struct, frozen=True):
    """``do`` this when the clock has stood for ``after_s``."""

    after_s: float = msgspec.field(name="after")
    do: Action


Ladder = tuple[Rung, ...]


def _ladder(*rungs: tuple[float, Action]) -> Ladder:
    return tuple(Rung(minutes * 60.0, action) for minutes, action in rungs)


class StuckRules(msgspec.Struct, frozen=True, kw_only=True):
    """A ladder for each situation that has one, what a nudge says, and how often in a task's life ``resume`` may stop
    its process. ``quiet``: signs that are younger (seconds) say that something moves."""

    quiet: float = QUIET_S
    resumes: int = 1
    nudge: str = NUDGE
    starting: Ladder = _ladder((0.25, Action.NOTE))
    thinking: Ladder = _ladder((10, Action.NOTE), (30, Action.NUDGE))
    silent: Ladder = _ladder((3, Action.NOTE), (6, Action.NUDGE), (12, Action.RESUME), (15, Action.FAIL))
    pausing: Ladder = _ladder((5, Action.NOTE), (30, Action.NUDGE))
    chattering: Ladder = _ladder((10, Action.NOTE), (20, Action.NUDGE), (45, Action.INTERRUPT))
    working: Ladder = _ladder((30, Action.NOTE))
    standing: Ladder = _ladder((5, Action.NOTE), (10, Action.NUDGE), (45, Action.INTERRUPT))

    def ladder(self, situation: Situation) -> Ladder:
        """The rungs for a situation; none where somebody else is waited for."""
        found: Ladder = getattr(self, situation, ())
        return found


NO_RULES: Final = StuckRules(
    starting=(), thinking=(), silent=(), pausing=(), chattering=(), working=(), standing=()
)  #: nothing is done by itself


class Climb:
    """How far one turn has been climbed. Each rung is taken once, until the turn gets on in its protocol."""

    def __init__(self, rules: StuckRules) -> None:
        self._rules = rules
        self._progress = float("-inf")
        self._taken: dict[Situation, int] = {}
        self._last = float("-inf")  # when the last rung was taken

    def due(self, found: Finding, at: float) -> Rung | None:
        """The next rung, if its time has come; it counts as taken. However late one looks, rungs keep their distance,
        so that what was said has its time before something is done."""
        if found.progress > self._progress:
            self._progress = found.progress
            self._taken.clear()
            self._last = float("-inf")
        ladder = self._rules.ladder(found.situation)
        taken = self._taken.get(found.situation, 0)
        if taken >= len(ladder):
            return None
        rung = ladder[taken]
        apart_s = rung.after_s - ladder[taken - 1].after_s if taken else 0.0
        if at - found.since < rung.after_s or at - self._last < apart_s:
            return None
        self._taken[found.situation] = taken + 1
        self._last = at
        return rung


def rungs(value: Any) -> Ladder:
    """A ladder as it may be written: a list of ``{after, do}``, or the text ``note 3m, nudge 6m``."""
    if isinstance(value, str):
        value = [_of_words(words) for words in value.split(",")] if value.strip() not in ("", "none") else []
    items = fieldtypes.items(value, "rungs")
    if len(items) > RUNGS_MAX:
        raise Bad(f"has {len(items)} rungs; a ladder has at most {RUNGS_MAX}")
    parts = Parts()
    found = [parts.read((place,), _rung, item) for place, item in enumerate(items)]
    parts.close()
    ladder = tuple(rung for rung in found if rung is not None)
    for place, (lower, upper) in enumerate(pairwise(ladder), 1):
        if upper.after_s <= lower.after_s:
            raise Bad("comes no later than the rung before it", "a ladder is climbed in order", place, "after")
    return ladder


def words_of(ladder: Ladder) -> str:
    """A ladder as a text that `rungs` reads."""
    return ", ".join(f"{rung.do} {format_duration(rung.after_s)}" for rung in ladder) or "none"


def _of_words(text: str) -> dict[str, str]:
    do, _, after = text.strip().partition(" ")
    if not after:
        raise Bad(f"'{text.strip()}' is no rung", "write 'note 3m, nudge 6m'")
    return {"do": do, "after": after.strip()}


def _rung(value: Any) -> Rung:
    fields = fieldtypes.table(value)
    parts = Parts()
    for name in fields:
        if name not in ("after", "do"):
            parts.read((name,), _unknown, name)
    after_s = parts.read(("after",), fieldtypes.duration, fields.get("after"))
    do = parts.read(("do",), fieldtypes.member(Action, "action"), fields.get("do"))
    parts.close()
    assert after_s is not None, "what could not be read was told"
    assert do is not None, "what could not be read was told"
    return Rung(after_s, do)


def _unknown(name: str) -> None:
    raise Bad("is no setting", suggestion(name, ("after", "do")) or "a rung has 'after' and 'do'")


def _nudge(value: Any) -> str:
    found = fieldtypes.work(value)
    if len(found) > NUDGE_CHARS_MAX:
        raise Bad(f"has {len(found)} characters; it may have {NUDGE_CHARS_MAX}")
    return found


def _times(value: Any) -> int:
    """A count; in a variable it is a text."""
    return _count(int(value) if isinstance(value, str) and value.strip().isdecimal() else value)


def _quiet(value: Any) -> float:
    seconds = fieldtypes.duration(value)
    if seconds <= 0:
        raise Bad("must be longer than 0")
    return seconds


#: What may be written under ``[stuck]``, by its name there, with its reader.
STUCK_FIELDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "quiet": _quiet,
    "resumes": _times,
    "nudge": _nudge,
    **dict.fromkeys(("starting", "thinking", "silent", "pausing", "chattering", "working", "standing"), rungs),
}


def stuck_fields(value: Any) -> dict[str, Any]:
    """What an agent's own ``[agents.NAME.stuck]`` says."""
    parts = Parts()
    found: dict[str, Any] = {}
    for name, said in fieldtypes.table(value).items():
        if name in STUCK_FIELDS:
            found[name] = parts.read((name,), STUCK_FIELDS[name], said)
        else:
            parts.read((name,), _no_field, name)
    parts.close()
    return found


def _no_field(name: str) -> None:
    raise Bad("is no setting", suggestion(name, STUCK_FIELDS))
