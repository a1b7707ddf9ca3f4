"""The protocol between the engine and agents that hold a conversation: many turns on one live process.

The life of one process, as the engine drives it::

    opened = await agent.open(opening)          # nothing is executed yet
    if isinstance(opened, SpawnFailure): ...
    ... commit opened.mark to the store ...
    await opened.send(Go())
    # pull events with `await opened.next()`: Ready comes when the agent takes a turn
    await opened.send(Turn("…"))                # then Said, ThreadKnown, Used, Output … and exactly one TurnEnded
    await opened.clear()                        # what the turn left running under the process is ended
    await opened.send(Turn("…"))                # the next one, minutes later
    await opened.close(How.ASK)                 # at last exactly one Ended, whenever the process ends

Everything an agent says is hostile text. A turn that is open when the process ends gets no TurnEnded: Ended stands
for both.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from taxiway.agents.protocol import Ended, Go, How, Output, ProcessMark, SpawnFailure
from taxiway.core.agent import Abilities, Access
from taxiway.core.event import EventType
from taxiway.core.providerlimit import ProviderLimit
from taxiway.core.task import Reason, Usage


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What to open. ``env`` is the complete environment; ``thread`` is the agent's own id of the conversation to go on
    with, ``None`` for a new one. ``fork``: a new one that begins as ``thread`` is now, for agents that can
    (`Abilities.fork`). ``schema``: the JSON Schema that the results of its turns shall follow; some agents must know it
    from the start. ``lease_s``: without a ping for so long the guardian ends the tree by itself."""

    cwd: str
    env: dict[str, str]
    tag: str
    access: Access = Access.AUTO
    model: str | None = None
    thread: str | None = None
    fork: bool = False
    schema: dict[str, Any] | None = None
    lease_s: float = 30.0


class Turn(msgspec.Struct, frozen=True):
    """Take a turn with this text. Sent only when the agent is ready and no turn is open. ``schema``: the JSON Schema
    that the turn's result shall follow, for agents that can (`Abilities.structured`)."""

    text: str
    schema: dict[str, Any] | None = None


class Steer(msgspec.Struct, frozen=True):
    """Text for the open turn; answered by one ``SteerSettled`` with the same ``signal``."""

    signal: str
    text: str


class Interrupt(msgspec.Struct, frozen=True):
    """End the open turn, and keep the conversation; answered by ``TurnEnded``."""


class Answer(msgspec.Struct, frozen=True):
    """A person's answer to what the agent ``Asked``. Answers to questions that are not open do nothing."""

    id: str
    allow: bool
    text: str | None = None


DialogueMessage = Go | Turn | Steer | Interrupt | Answer


class Ready(msgspec.Struct, frozen=True):
    """The agent takes a turn now, for the first time since it was started."""


class Said(msgspec.Struct, frozen=True):
    """One event for the run's log (message, thought, tool call and result, diff, todo, rate limit, status, error)."""

    type: EventType
    data: dict[str, Any] = {}


class ThreadKnown(msgspec.Struct, frozen=True):
    """The agent's own id of this conversation; it may change."""

    thread: str


class Used(msgspec.Struct, frozen=True):
    """What the agent reports: the open turn's consumption so far, and how many tokens of its window are filled."""

    usage: Usage
    context_tokens: int | None = None
    context_window: int | None = None


class Asked(msgspec.Struct, frozen=True):
    """The agent wants a permission, and does not go on with that before an `Answer` comes. ``id`` is unique in the
    process; ``text`` says what a person is to decide. A question is void when its turn or its process ends. ``words``:
    it wants to be told something, and the `Answer`'s text is that."""

    id: str
    text: str
    tool: str | None = None
    input: Any = None
    words: bool = False


class AskWithdrawn(msgspec.Struct, frozen=True):
    """The agent does not want to know any more."""

    id: str


class Limited(msgspec.Struct, frozen=True):
    """The provider said how much may be asked, while the turn goes on."""

    limit: ProviderLimit


class SteerSettled(msgspec.Struct, frozen=True):
    """Whether a steer went into the open turn; if not, why."""

    signal: str
    applied: bool
    why: str | None = None


class TurnEnded(msgspec.Struct, frozen=True):
    """The open turn has ended. ``reason`` None: with success. ``interrupted``: because it was told to. Before a `Ready`
    it says why no turn can begin, and the process is of no use.

    ``limit``: the provider's limit that ended it (reason ``rate_limit`` or ``quota``). ``passing``: what ended it may
    be gone the next time (the provider stumbled, the line was cut).
    """

    reason: Reason | None = None
    error: str | None = None
    text: str | None = None
    result: Any = None
    interrupted: bool = False
    limit: ProviderLimit | None = None
    passing: bool = False


DialogueEvent = (
    Ready | Said | Output | ThreadKnown | Used | Asked | AskWithdrawn | Limited | SteerSettled | TurnEnded | Ended
)


class Dialogue(Protocol):
    """One live process that holds one conversation."""

    @property
    def mark(self) -> ProcessMark:
        """What to commit before the go."""
        ...

    @property
    def bytes_heard(self) -> int:
        """How much the process has written so far, whatever it meant."""
        ...

    async def send(self, message: DialogueMessage) -> None:
        """Deliver a message; does nothing when the process has ended."""
        ...

    async def next(self) -> DialogueEvent:
        """The next event; ``Ended`` again and again once it has ended. One reader; a wait that is cancelled loses
        nothing."""
        ...

    async def clear(self) -> bool:
        """Have whatever the last turn started and left running ended; ``False`` when that could not be confirmed, and
        the process must be ended instead. What ran before the first turn (its own helpers) stays."""
        ...

    async def resize(self, columns: int, rows: int) -> None:
        """Tell the program the size of its window, where it has one."""
        ...

    async def close(self, how: How) -> None:
        """Have the process ended in this manner; ``Ended`` tells. May be called again, and more harshly."""
        ...

    async def ping(self) -> None:
        """Say that the runner lives."""
        ...

    def drop(self) -> None:
        """Let go without waiting: the guardian kills the tree by itself, and no ``Ended`` comes."""
        ...


class DialogueAgent(Protocol):
    """A kind of agent that can be driven."""

    @property
    def abilities(self) -> Abilities:
        """What it can do."""
        ...

    async def open(self, opening: Opening) -> Dialogue | SpawnFailure:
        """Everything is ready and recorded in the mark, nothing is executed before the go."""
        ...
