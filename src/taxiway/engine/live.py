"""One live process that holds a conversation: who asked for it, what it is at, and how it is ended."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Final

import msgspec

from taxiway.agents.dialogue import Dialogue, DialogueAgent, Opening
from taxiway.agents.protocol import Ended, How, ProcessMark
from taxiway.core.agent import AgentKind

IDLE_EVENTS_MAX: Final = 10_000  #: what one may say between two turns; one that says more is ended


class Equipped(msgspec.Struct, frozen=True):
    """An agent that this runner has: its name, what is configured for it, and what drives it."""

    name: str
    kind: AgentKind
    driver: DialogueAgent


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn needs. The ``opening`` has no tag yet; its ``thread`` is the conversation to go on with.

    ``session`` None: the process belongs to the run and ends with it. ``holder`` is the process that holds the
    conversation, as the store knows it; ``fresh`` asks for a new conversation, whatever there is.
    """

    agent: Equipped
    opening: Opening
    session: str | None = None
    generation: int = 0
    holder: str | None = None
    fresh: bool = False

    def fits(self, other: Wanted) -> bool:
        """Whether a process that was opened for ``other`` could take this turn (semantics, "Processes"; DA3, A35)."""
        return (self.agent.name, self.agent.kind, self.session, self.generation, _bare(self.opening)) == (
            other.agent.name,
            other.agent.kind,
            other.session,
            other.generation,
            _bare(other.opening),
        )


class Phase(StrEnum):
    """What a process is at. Only an idle one may be taken, and only once."""

    WORKING = "working"
    IDLE = "idle"
    ENDING = "ending"


class Graces(msgspec.Struct, frozen=True):
    """How long a process that was asked, and then one that got SIGTERM, is waited for (seconds)."""

    ask_s: float
    term_s: float

    def after(self, spent_s: float) -> Graces:
        """What is left of the first one for a process that was asked so long ago."""
        return Graces(self.ask_s - spent_s, self.term_s)


class Live:
    """A process from its opening until it is confirmed gone. ``idle_since`` is by the loop's clock; ``place`` is the
    folder that it was opened in, which may have been removed since, or be another one of the same name."""

    def __init__(self, name: str, wanted: Wanted, dialogue: Dialogue, place: object) -> None:
        self.name = name
        self.wanted = wanted
        self.dialogue = dialogue
        self.place = place
        self.phase = Phase.WORKING
        self.idle_since = 0.0
        self.reused = False
        self.written_down = False
        self.keeper: asyncio.Task[None] | None = None
        self._patience: asyncio.Timeout | None = None
        self._called = False
        self._hard = False

    @property
    def mark(self) -> ProcessMark:
        """Its pids and its tag."""
        return self.dialogue.mark

    @property
    def session(self) -> str | None:
        """Whose conversation it holds; ``None``: it belongs to a run."""
        return self.wanted.session

    def call(self) -> None:
        """Its idle time is over."""
        self._called = True
        self._impatient()

    def kill(self) -> None:
        """There is no grace any more."""
        self._hard = True
        self._impatient()

    async def lull(self, seconds: float) -> bool:
        """Read what it says to nobody, for so long or until somebody wants it ended; whether it may take a turn."""
        heard = 0
        try:
            async with asyncio.timeout(seconds) as self._patience:
                while not self._called and heard < IDLE_EVENTS_MAX:
                    if isinstance(await self.dialogue.next(), Ended):
                        return False
                    heard += 1
        except TimeoutError:
            return not self._called
        finally:
            self._patience = None
        return False

    async def end(self, graces: Graces) -> Ended:
        """Have it ended: asked, SIGTERM, SIGKILL, with the graces between; without one a step is left out."""
        for how, grace_s in ((How.ASK, graces.ask_s), (How.TERM, graces.term_s)):
            if self._hard or grace_s <= 0:
                continue
            await self.dialogue.close(how)
            ended = await self._ended(grace_s)
            if ended is not None:
                return ended
        await self.dialogue.close(How.KILL)
        ended = await self._ended(None)
        assert ended is not None, "without a limit it is waited for until it has ended"
        return ended

    async def _ended(self, seconds: float | None) -> Ended | None:
        """Its end, or ``None`` when there is no more patience."""
        try:
            async with asyncio.timeout(seconds) as patience:
                self._patience = patience if seconds is not None else None
                while True:
                    event = await self.dialogue.next()
                    if isinstance(event, Ended):
                        return event
        except TimeoutError:
            return None
        finally:
            self._patience = None

    def _impatient(self) -> None:
        """Whatever is being waited for is not waited for any longer."""
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(asyncio.get_running_loop().time())


def _bare(opening: Opening) -> Opening:
    """What must be the same for a process to be used again."""
    return msgspec.structs.replace(opening, thread=None, fork=False)
