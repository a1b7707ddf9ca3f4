"""The course of one turn: what was brought to it, and when it is really over.

Text for the open turn waits in the program's queue until its next safe point. When the model was done by then, the
program takes it as a turn of its own, with a result of its own: our turn goes on until each of our messages has one.
"""

from __future__ import annotations

from typing import Final

import msgspec

from taxiway.agents.claude_wire import Lifecycle, Result
from taxiway.agents.dialogue import TurnEnded

#: What becomes of a message that never reaches the model.
_DROPPED: Final = {
    "cancelled": "the turn was ended before it was applied",
    "discarded": "the agent discarded it",
    "refused": "the agent refused it",
}


class Settled(msgspec.Struct, frozen=True):
    """Whether a steer went into the turn; if not, why."""

    signal: str
    applied: bool
    why: str | None = None


class Course:
    """One turn, by the ids of our messages."""

    def __init__(self, message: str) -> None:
        """``message`` is the turn's own."""
        self.end: TurnEnded | None = None
        self._message = message
        self._sent = {message}
        self._owed = {message}  # of these, those that have no result yet
        self._queued: dict[str, str] = {}  # of those, the ones that wait: their signals
        self._told = False  # the program tells what becomes of messages

    @property
    def over(self) -> bool:
        """Nothing that was brought to it waits for a result."""
        return self.end is not None and not self._owed

    @property
    def waits(self) -> bool:
        """Something that was brought to it has not reached the model yet."""
        return bool(self._queued)

    @property
    def failed(self) -> bool:
        """It has not ended well, or somebody wanted its end."""
        return self.end is not None and (self.end.reason is not None or self.end.interrupted)

    def steer(self, message: str, signal: str) -> None:
        """More text is on its way to it."""
        self._sent.add(message)
        self._owed.add(message)
        self._queued[message] = signal

    def lifecycle(self, line: Lifecycle) -> Settled | None:
        """What became of a message; what that means for a steer."""
        message = line.command_uuid
        if message not in self._owed:
            return None
        self._told = True
        if line.state == "started" and message in self._queued:
            return Settled(self._queued.pop(message), applied=True)
        if line.state == "completed":
            self._owed.discard(message)
        if line.state in _DROPPED and (message != self._message or self.end is not None):
            self._owed.discard(message)
            if message in self._queued:
                return Settled(self._queued.pop(message), applied=False, why=_DROPPED[line.state])
        return None

    def has_result(self, line: Result) -> bool:
        """Whether a result is one of this turn; the program also takes turns that nobody asked for."""
        named = {*line.user_message_uuids, line.user_message_uuid} - {None}
        if named:
            self._owed -= named
            return bool(named & self._sent)
        if line.origin is not None:
            return False
        self._owed &= set(self._queued) if self._told else set()
        return True

    def ended(self, end: TurnEnded) -> None:
        """One of its results, judged: the last one counts, but a failure stays one."""
        if self.end is None or self.end.reason is None:
            self.end = end
