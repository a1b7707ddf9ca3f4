"""A conversation with the agent of a case: what it said, and what lives of it, each wait with an end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from taxiway.agents.dialogue import (
    Answer,
    Asked,
    Dialogue,
    DialogueEvent,
    Ready,
    Said,
    SteerSettled,
    ThreadKnown,
    Turn,
    TurnEnded,
    Used,
)
from taxiway.agents.guardian.sweep import Tagged, tagged
from taxiway.agents.protocol import Ended, Go, How, Output
from taxiway.clock import SystemClock
from taxiway.core.event import EventType
from taxiway.core.task import Usage

WITHIN_S: Final = 150.0  #: whatever is waited for comes earlier: some agents try a provider again for a minute
LOOK_S: Final = 0.02
GRACE_S: Final = {How.ASK: 0.5, How.TERM: 5.0, How.KILL: 20.0}


class Talk:
    """One process. ``events`` is everything that it said so far; questions are answered with ``allow``,
    ``None`` leaves them open."""

    def __init__(self, dialogue: Dialogue, tag: str, prompts: tuple[str, ...]) -> None:
        self.dialogue = dialogue
        self.events: list[DialogueEvent] = []
        self.allow: bool | None = True
        self._tag = tag
        self._prompts = list(prompts)
        self._begun = 0  # where the events of the last turn begin
        self._open = False

    async def start(self) -> None:
        """Give the go; it says that it is ready, or why it is not."""
        await self.dialogue.send(Go())
        await self.until(lambda: self._last(Ready, TurnEnded, Ended) is not None, "it is ready")

    async def begin(self, schema: dict[str, Any] | None = None) -> None:
        """Begin the next turn of the scene."""
        assert self._last(Ready) is not None, f"no turn can begin: {self.events}"
        self._begun, self._open = len(self.events), True
        await self.dialogue.send(Turn(self._prompts.pop(0), schema))

    async def turn(self, schema: dict[str, Any] | None = None) -> TurnEnded:
        """Take the next turn; how it ended."""
        await self.begin(schema)
        return await self.over()

    async def over(self) -> TurnEnded:
        """How the open turn ends."""
        await self.until(lambda: self._last(TurnEnded, Ended) is not None, "the turn has ended")
        ended = self._last(TurnEnded, Ended)
        assert isinstance(ended, TurnEnded), f"the process ended in the middle of the turn: {self.said}"
        return ended

    async def answer(self, id: str, allow: bool) -> None:
        """Answer a question."""
        await self.dialogue.send(Answer(id, allow))

    async def until(self, holds: Callable[[], Any], what: str) -> None:
        """Hear what it says until something holds; fails with ``what`` when it never does."""
        try:
            async with asyncio.timeout(WITHIN_S):
                while not holds():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_S):
                            await self._hear()
        except TimeoutError:
            raise AssertionError(f"after {WITHIN_S} s still not so: {what}; it said {self.said[-20:]}") from None

    async def stop(self, *manners: How) -> Ended:
        """Have it ended as a runner does: first asked, at last killed."""
        for how in manners or tuple(GRACE_S):
            await self.dialogue.close(how)
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S[how]):
                    while self._last(Ended) is None:
                        await self._hear()
            if self._last(Ended) is not None:
                break
        ended = self._last(Ended)
        assert isinstance(ended, Ended), "it was killed, and its end was not told"
        return ended

    async def vanished(self) -> None:
        """Wait until no process of the agent lives any more."""
        clock = SystemClock()
        until = clock.elapsed_s() + WITHIN_S
        while (left := self.living()) and clock.elapsed_s() < until:
            await clock.sleep(LOOK_S)
        assert not left, "something is left of the agent"

    def kill_everything(self) -> None:
        """SIGKILL for every process of the agent, at once and from outside."""
        for process, _ in self.living():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    def living(self) -> list[Tagged]:
        """Every living process of the agent, wherever it went."""
        return [found for found in tagged() if found.tag == self._tag]

    def pids(self) -> set[int]:
        """Their ids."""
        return {process.pid for process, _ in self.living()}

    @property
    def is_ready(self) -> bool:
        """Whether it has said so."""
        return self._last(Ready) is not None

    @property
    def ended(self) -> Ended | None:
        """How the process has ended."""
        return next((event for event in self.events if isinstance(event, Ended)), None)

    @property
    def turn_ended(self) -> bool:
        """Whether no turn is open any more."""
        return self._last(TurnEnded, Ended) is not None

    @property
    def succeeded(self) -> bool:
        """Whether the last turn is said to have ended well."""
        ended = self._last(TurnEnded)
        return isinstance(ended, TurnEnded) and ended.reason is None and not ended.interrupted

    @property
    def said(self) -> list[DialogueEvent]:
        """What the last turn said."""
        return self.events[self._begun :]

    @property
    def text(self) -> str:
        """The messages of the last turn as one text."""
        return "".join(self.told(EventType.MESSAGE, "text"))

    @property
    def printed(self) -> bytes:
        """What the last turn printed, and what came onto the screen."""
        return b"".join(event.data for event in self.said if isinstance(event, Output))

    @property
    def usage(self) -> Usage:
        """What the last turn consumed, as it was told last."""
        found = [event.usage for event in self.said if isinstance(event, Used)]
        return found[-1] if found else Usage()

    @property
    def threads(self) -> list[str]:
        """The ids of the conversation that were told, in order."""
        return [event.thread for event in self.events if isinstance(event, ThreadKnown)]

    def told(self, type: EventType, name: str) -> list[Any]:
        """A field of each event of one type in the last turn."""
        return [event.data.get(name) for event in self.said if isinstance(event, Said) and event.type is type]

    def asked(self) -> list[Asked]:
        """What was asked in the last turn."""
        return [event for event in self.said if isinstance(event, Asked)]

    def settled(self) -> list[SteerSettled]:
        """What became of steers."""
        return [event for event in self.said if isinstance(event, SteerSettled)]

    def _last(self, *kinds: type) -> DialogueEvent | None:
        """The last of these kinds, if one came: in the open turn, or at all where none was begun."""
        since = self.events if Ready in kinds or not self._begun else self.said
        return next((event for event in reversed(since) if isinstance(event, kinds)), None)

    async def _hear(self) -> None:
        event = await self.dialogue.next()
        if isinstance(event, Ended) and self._last(Ended) is not None:
            return  # it is told again and again
        if isinstance(event, TurnEnded) and self._last(Ready) is not None:
            assert self._open, f"a turn ended that nobody had begun: {event}"
            self._open = False
        self.events.append(event)
        if isinstance(event, Asked) and self.allow is not None:
            await self.answer(event.id, self.allow)
