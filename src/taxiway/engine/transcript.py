"""What one turn says, on its way to the run's log, to the task's output, and to the session."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, assert_never

import msgspec

from taxiway.agents.dialogue import (
    Asked,
    AskWithdrawn,
    DialogueEvent,
    Limited,
    Ready,
    Said,
    SteerSettled,
    ThreadKnown,
    TurnEnded,
    Used,
)
from taxiway.agents.protocol import Ended, Output
from taxiway.clock import Chance
from taxiway.core.errors import LeaseLost, NotFound, Unavailable
from taxiway.core.event import EventType
from taxiway.core.limits import TASK_OUTPUT_BYTES_MAX
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.task import Usage
from taxiway.engine.meter import Meter
from taxiway.engine.recorder import Recorder
from taxiway.engine.spoken import Told
from taxiway.store.protocol import Claimed, ExecutionStore, TurnFacts

THREAD_CHARS_MAX: Final = 1_000  #: an agent's id of a conversation; a longer one is not kept
USD_MAX: Final = 1e9  #: of one turn
TOKENS_MAX: Final = 1 << 53  #: what is above, or below 0, is no count of tokens
WHY_CHARS_MAX: Final = 1_000


class Transcript:
    """The events of one turn, taken down in order. ``tools``: one was used, so something may have been done."""

    def __init__(
        self,
        claim: Claimed,
        store: ExecutionStore,
        recorder: Recorder,
        meter: Meter,
        chance: Chance,
        context_window: int | None,
    ) -> None:
        """``context_window`` (tokens) stands for that of an agent which does not report its own."""
        self._claim = claim
        self._store = store
        self._recorder = recorder
        self._meter = meter
        self._chance = chance
        self._unanswered = claim.watched
        self._context_window = context_window
        self._message = ""
        self._untold: TurnFacts | None = None
        self._spoken = asyncio.Event()
        self.tools = False

    @property
    def usage(self) -> Usage | None:
        """What the agent reported last."""
        return self._meter.usage

    async def take(self, event: DialogueEvent) -> None:
        """Take one event down; what the next process may need is stored at once (A44)."""
        self._spoken.set()
        if self._unanswered and _is_answer(event):
            await self._answered()
        match event:
            case Output(stream, data):
                self._recorder.output(stream, data)
            case Said(type, data):
                self._said(type, data)
            case ThreadKnown(thread):
                await self._thread(thread)
            case Used():
                self._used(event)
            case SteerSettled(signal, applied, why):
                await self._settle(signal, applied, why)
            case Limited(limit):
                await self._limited(limit)
            case Ready() | Asked() | AskWithdrawn() | TurnEnded() | Ended():
                pass  # what they mean is the drive's to say
            case _:
                assert_never(event)

    async def spoken(self, seconds: float) -> None:
        """Wait until the agent has said something, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._spoken.wait()

    async def end(self) -> None:
        """The turn has ended: what waited for more words is told, and all is stored."""
        self._heard(self._recorder.end_of_words())
        self._recorder.close_streams()
        await self.flush()

    async def flush(self) -> None:
        """Store everything that has been taken down, in one commit where the store has one for both. Whoever sees an
        event finds the session as it is then: facts are on their way first."""
        if self._untold is None:
            await self._recorder.flush()
            return
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tell_untold())
                group.create_task(self._recorder.flush())
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    def know(self, facts: TurnFacts) -> None:
        """What concerns the session: stored with what has been taken down, by the next flush."""
        told = {name: value for name, value in msgspec.structs.asdict(facts).items() if value is not None}
        self._untold = msgspec.structs.replace(self._untold or TurnFacts(), **told)

    async def _tell_untold(self) -> None:
        """A write that is cancelled on its way is done again by the next one: facts stay true."""
        facts = self._untold
        assert facts is not None
        await self.tell(facts)
        if self._untold is facts:
            self._untold = None

    async def tell(self, facts: TurnFacts) -> None:
        """Store what concerns the session, if there is one."""
        if self._claim.seat is not None:
            await self._store.tell_session(self._claim.run, self._claim.fence, facts)

    def output(self, final: str | None) -> str | None:
        """The task's output: the turn's last words, else its last message, else what the program printed."""
        text = final or self._message
        return self._recorder.end_of(text) if text else self._recorder.tail()

    def _said(self, type: EventType, data: dict[str, object]) -> None:
        self._heard(self._recorder.say(type, data))
        self.tools = self.tools or type in (EventType.TOOL_CALL, EventType.TOOL_RESULT, EventType.DIFF)

    def _heard(self, told: list[Told]) -> None:
        """The last message, as it may be stored; it is cut only where no secret can be cut with it."""
        for type, data in told:
            text = data.get("text")
            if type is EventType.MESSAGE and isinstance(text, str):
                before = self._message if data.get("delta") else ""
                self._message = (before + text)[-TASK_OUTPUT_BYTES_MAX:]

    async def _thread(self, thread: str) -> None:
        if not thread or len(thread) > THREAD_CHARS_MAX:
            self._recorder.error(f"it named its conversation by {len(thread)} characters; that is not kept")
            return
        self._recorder.say(EventType.SESSION_UPDATED, {"thread": thread})
        await self.tell(TurnFacts(thread=thread))

    def _used(self, used: Used) -> None:
        usage = self._meter.told(_counted(used.usage))
        tokens, window = _count(used.context_tokens), _count(used.context_window) or self._context_window
        told = {**msgspec.structs.asdict(usage), "context_tokens": tokens, "context_window": window}
        self._recorder.say(EventType.USAGE, {name: value for name, value in told.items() if value is not None})
        if tokens is not None or window is not None:
            self.know(TurnFacts(context_tokens=tokens, context_window=window))

    async def _limited(self, limit: ProviderLimit) -> None:
        """The provider spoke while the turn goes on: whoever else shares the account hears of it at once."""
        self._said(EventType.RATE_LIMIT, told_of(limit))
        if self._claim.account is not None and limit.kind is not LimitKind.WARNING:
            said = msgspec.structs.replace(limit, text=limit.text and self._recorder.sentence(limit.text))
            await self._store.tell_account(self._claim.run, self._claim.fence, said, self._chance.random())

    async def _answered(self) -> None:
        """The provider answers: those that wait for that need not wait for the end of the turn."""
        self._unanswered = False
        await self._store.tell_account(self._claim.run, self._claim.fence, None, self._chance.random())

    async def delivered(self, signal: str) -> None:
        """The agent has been given an instruction; whether it takes it is settled when it answers."""
        with suppress(LeaseLost, NotFound, Unavailable):
            await self._store.deliver_signal(self._claim.run, self._claim.fence, signal)

    async def _settle(self, signal: str, applied: bool, why: str | None) -> None:
        said = None if why is None else self._recorder.sentence(why)[:WHY_CHARS_MAX]
        with suppress(NotFound):  # it was withdrawn meanwhile
            await self._store.settle_signal(self._claim.run, self._claim.fence, signal, applied, said)


def told_of(limit: ProviderLimit) -> dict[str, object]:
    """The data of a ``rate_limit`` event: what was said, without what was not."""
    return {name: value for name, value in msgspec.to_builtins(limit).items() if value is not None}


def _is_answer(event: DialogueEvent) -> bool:
    """Whether only a provider that answers can have caused this; words may be the agent's own about an error."""
    match event:
        case Said(EventType.TOOL_CALL | EventType.THOUGHT):
            return True
        case Used(usage):
            return bool(usage.output_tokens)
        case _:
            return False


def _counted(usage: Usage) -> Usage:
    """What an agent tells, without what is no count of anything."""
    usd = usage.usd if usage.usd is not None and 0 <= usage.usd <= USD_MAX else None
    return Usage(
        _count(usage.input_tokens), _count(usage.output_tokens), _count(usage.cached_tokens), usd, _count(usage.turns)
    )


def _count(tokens: int | None) -> int | None:
    return tokens if tokens is not None and 0 <= tokens < TOKENS_MAX else None
