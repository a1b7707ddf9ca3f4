"""What a turn is at, told from evidence: each kind of sign has a clock of its own, and silence is no standing still.

Moments are seconds by any clock that only grows; they are handed in. Evidence may come late and in any order: each
clock keeps the latest moment that it was told.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, assert_never

import msgspec

QUIET_S: Final = 120.0  #: a sign that is younger says that something still moves
OPEN_TOOLS_MAX: Final = 1_000
#: Seconds of CPU for a second of time. Below that a process only keeps itself awake. An agent's own process is believed
#: to work for its tools by much more only: some draw a spinner.
BUSY_SHARE: Final = 0.01
WRITTEN_MIN: Final = 32  #: bytes between two looks; what wakes itself writes a few
OWN_BUSY_SHARE: Final = 0.2


class Situation(StrEnum):
    """What a turn is at.

    ``starting``: its process has taken no turn yet. Then the model has the word: ``thinking`` while something moves,
    ``chattering`` when bytes come that mean nothing, ``silent`` when nothing moves and its provider owes an answer,
    ``pausing`` when nobody does, so that it waits by its own clock (for a quota, say). Or a tool has: it is
    ``working``, or ``standing`` when neither its processes nor its lines move. In ``asking`` and ``limited`` somebody
    else is waited for, and nobody is to be hurried.
    """

    STARTING = "starting"
    THINKING = "thinking"
    SILENT = "silent"
    PAUSING = "pausing"
    CHATTERING = "chattering"
    WORKING = "working"
    STANDING = "standing"
    ASKING = "asking"
    LIMITED = "limited"


#: What is known of a turn that stands, for people.
WORDS: Final[Mapping[Situation, str]] = {
    Situation.STARTING: "its process has taken no turn yet",
    Situation.THINKING: "the model has the word and something moves, but the agent tells nothing",
    Situation.SILENT: "the model has the word, its provider owes an answer, and nothing moves",
    Situation.PAUSING: "the model has the word, and no answer is due to the agent: it waits by itself",
    Situation.CHATTERING: "bytes come, and none of them says anything",
    Situation.WORKING: "a tool is at work, and the agent tells nothing",
    Situation.STANDING: "a tool is in use, and neither its processes nor its lines move",
    Situation.ASKING: "it waits for a person",
    Situation.LIMITED: "its provider gives nothing before its limit resets",
}


class Started(msgspec.Struct, frozen=True, tag_field="saw", tag="started"):
    """Its process was told to go."""


class TurnBegun(msgspec.Struct, frozen=True, tag_field="saw", tag="turn"):
    """The turn was sent to it."""


class Told(msgspec.Struct, frozen=True, tag_field="saw", tag="event"):
    """It said something in its protocol."""


class Printed(msgspec.Struct, frozen=True, tag_field="saw", tag="bytes"):
    """Bytes came, whatever they mean."""


class Spoke(msgspec.Struct, frozen=True, tag_field="saw", tag="words"):
    """The model said or thought something."""


class ToolBegan(msgspec.Struct, frozen=True, tag_field="saw", tag="tool.began"):
    """It uses a tool."""

    id: str = ""


class ToolSaid(msgspec.Struct, frozen=True, tag_field="saw", tag="tool.said"):
    """The tool told that it gets on."""

    id: str = ""


class ToolEnded(msgspec.Struct, frozen=True, tag_field="saw", tag="tool.ended"):
    """The tool is through."""

    id: str = ""


class Questioned(msgspec.Struct, frozen=True, tag_field="saw", tag="asked"):
    """It waits for a person."""


class Replied(msgspec.Struct, frozen=True, tag_field="saw", tag="answered"):
    """It waits for nobody any more."""


class Refused(msgspec.Struct, frozen=True, tag_field="saw", tag="limited"):
    """Its provider gives nothing for so many seconds."""

    for_s: float


class Pulse(msgspec.Struct, frozen=True, tag_field="saw", tag="pulse"):
    """What was seen of its processes from outside: how many there are, the CPU seconds that the agent's own process has
    used, and those of all others, ended ones included; and how many bytes those others have written anywhere.

    ``lines``: connections to elsewhere that stand open; ``owed``: those over which something was sent, and nothing came
    since; ``line_bytes``: what has gone over all of them. ``None`` where nobody can see that.
    """

    processes: int
    cpu_s: float
    own_cpu_s: float
    written: int = 0
    lines: int | None = None
    owed: int | None = None
    line_bytes: int | None = None


Word = Started | TurnBegun | Told | Spoke | ToolBegan | ToolSaid | ToolEnded | Questioned | Replied | Refused
Evidence = Word | Printed | Pulse


class Finding(msgspec.Struct, frozen=True):
    """What a turn is at, since when its clock stands, and when it last got on in its protocol."""

    situation: Situation
    since: float
    progress: float


class Vitals:
    """The clocks of one turn. ``opaque``: its agent does not tell what it does, so it is taken for a tool at work."""

    def __init__(self, quiet_s: float = QUIET_S, opaque: bool = False) -> None:
        self._quiet_s = quiet_s
        self._opaque = opaque
        self._begun = False
        self._asking = False
        self._spoke = False  # the model, since it has the word
        self._limited_until = float("-inf")
        self._tools: dict[str, int] = {}  # how often each is in use
        self._pulse: tuple[float, Pulse] | None = None
        self.told = float("-inf")
        self.printed = float("-inf")
        self.worked = float("-inf")  # processes used CPU, or wrote something
        self.carried = float("-inf")  # something went over the line

    @property
    def tools(self) -> int:
        """How many tools are in use."""
        return sum(self._tools.values())

    @property
    def pulse(self) -> Pulse | None:
        """What was seen last of its processes."""
        return None if self._pulse is None else self._pulse[1]

    def take(self, seen: Evidence, at: float) -> None:
        """Take one piece of evidence."""
        match seen:
            case Pulse():
                self._felt(seen, at)
            case Printed():
                self.printed = max(self.printed, at)
            case _:
                self.told = max(self.told, at)
                self._heard(seen, at)

    def finding(self, at: float) -> Finding:
        """What it is at, at this moment."""
        situation, since = self._situation(at)
        return Finding(situation, since, self.told)

    def _heard(self, word: Word, at: float) -> None:
        match word:
            case Refused(for_s):
                self._limited_until = max(self._limited_until, at + for_s)
            case Questioned() | Replied():
                self._asking = isinstance(word, Questioned)
            case TurnBegun():
                self._begun = True
            case Spoke():
                self._spoke = True
            case ToolBegan(id):
                if len(self._tools) < OPEN_TOOLS_MAX:
                    self._tools[id] = self._tools.get(id, 0) + 1
            case ToolEnded(id):
                self._spoke = False
                left = self._tools.pop(id, 0) - 1
                if left > 0:
                    self._tools[id] = left
            case Started() | Told() | ToolSaid():
                pass
            case _:
                assert_never(word)

    def _situation(self, at: float) -> tuple[Situation, float]:
        told, fresh = self.told, at - self._quiet_s
        if self._asking:
            return Situation.ASKING, told
        if at < self._limited_until:
            return Situation.LIMITED, told
        told = max(told, self._limited_until)
        if not self._begun:
            return Situation.STARTING, max(told, self.printed)
        # An agent's own signs of life tell nothing of its tool; those of a program on a terminal may be the tool's.
        moved = max(told, self.worked, self.carried, self.printed if self._opaque or not self._tools else told)
        if self._tools or self._opaque:
            return (Situation.WORKING, told) if moved > fresh else (Situation.STANDING, moved)
        if max(told, self.worked, self.carried) > fresh:
            return Situation.THINKING, told
        if self.printed > fresh:
            return Situation.CHATTERING, told
        return (Situation.SILENT if self._answer_is_due() else Situation.PAUSING), moved

    def _answer_is_due(self) -> bool:
        """Whether a provider owes something: it was asked and said nothing, or stopped in the middle. Where nobody can
        see the lines, it is taken to."""
        pulse = self.pulse
        if pulse is None or pulse.lines is None:
            return True
        return bool(pulse.owed) or (self._spoke and pulse.lines > 0)

    def _felt(self, pulse: Pulse, at: float) -> None:
        """Compare with what was seen before; one look alone shows no movement."""
        if self._pulse is not None:
            before, last = self._pulse
            if at <= before:
                return
            passed_s = at - before
            others, own = pulse.cpu_s - last.cpu_s, pulse.own_cpu_s - last.own_cpu_s
            # What several looks a moment apart saw is no share of anything: a tick of the clock is 0.01 s.
            busy = abs(others) >= max(BUSY_SHARE * passed_s, 0.02) or own >= OWN_BUSY_SHARE * passed_s
            if busy or abs(pulse.written - last.written) >= WRITTEN_MIN:
                self.worked = max(self.worked, at)
            if pulse.line_bytes is not None and pulse.line_bytes != last.line_bytes:
                self.carried = max(self.carried, at)
        self._pulse = at, pulse
