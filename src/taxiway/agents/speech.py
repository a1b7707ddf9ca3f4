"""How a line protocol is spoken: what is said to a program, and what its lines mean. No input or output of its own.

A speech is pure, so a recorded transcript is all that its tests need. `LineDialogue` gives it the floor: it does what
is common to all of them (one end for each turn, one answer for each steer, complaints that are bounded).
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from taxiway.agents.dialogue import Answer, DialogueEvent, Steer, Turn, TurnEnded


class OpenTurn(msgspec.Struct):
    """The open turn. ``number`` counts within the process; ``steers`` are those that wait for an answer."""

    number: int
    interrupted: bool = False
    steers: dict[str, None] = msgspec.field(default_factory=dict)


class Floor(Protocol):
    """What a speech may do."""

    @property
    def turn(self) -> OpenTurn | None:
        """The open turn."""
        ...

    def say(self, line: bytes) -> bool:
        """Write a line to the program (with its end); ``False`` when it takes no input any more."""
        ...

    def tell(self, event: DialogueEvent) -> None:
        """Tell the engine something."""
        ...

    def ready(self) -> None:
        """The program takes turns now; said again it means nothing."""
        ...

    def named(self, thread: str) -> None:
        """The program's own id of this conversation; told when it changes."""
        ...

    def settle(self, signal: str, applied: bool, why: str | None = None) -> bool:
        """A steer has been answered; ``False`` when none like it waits, nor has."""
        ...

    def end_turn(self, end: TurnEnded) -> None:
        """The open turn has ended, or none can begin: then the program is of no use any more."""
        ...

    def complain(self, why: str, line: bytes) -> None:
        """A line could not be read; it is kept as output where there have been too many of them."""
        ...


class Speech(Protocol):
    """One protocol, spoken on one process; `LineDialogue` calls."""

    def greet(self) -> None:
        """The program runs; sooner or later `Floor.ready` follows, or `Floor.end_turn` says why it cannot."""
        ...

    def begin(self, turn: Turn) -> bool:
        """Have the turn taken that is open now; ``False`` when the program takes no input."""
        ...

    def steer(self, steer: Steer) -> bool:
        """Bring text to the open turn; ``False`` when the program takes no input. `Floor.settle` answers."""
        ...

    def interrupt(self) -> None:
        """Have the open turn ended."""
        ...

    def answer(self, answer: Answer) -> None:
        """Bring an answer; one to a question that is not open does nothing."""
        ...

    def bye(self) -> None:
        """Say goodbye, where the protocol has a word for it; the end of the input follows."""
        ...

    def heard(self, line: bytes) -> None:
        """Read one line that may be a JSON object (it begins with a brace), without its end."""
        ...
