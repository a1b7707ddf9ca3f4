"""The verbs on live turns: give the agent of a task a word, or have it stop, and learn what became of that."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import msgspec

from taxiway.core.errors import Invalid, NoTurn, Problem
from taxiway.core.fieldtypes import Bad
from taxiway.core.ids import short_id
from taxiway.core.policy import Mode
from taxiway.core.promptfields import prompt as read_prompt
from taxiway.core.redact import Scrubber
from taxiway.core.session import Disposition, Receipt, Signal, SignalState
from taxiway.core.task import Task, TaskState
from taxiway.engine.feed import Feed
from taxiway.engine.intake import Intake
from taxiway.engine.session_intake import SessionIntake
from taxiway.store.protocol import Store

RECEIPT_S: Final = 5.0  #: how long a receipt is waited for, unless it is said otherwise
NEXT_TURN: Final = "its agent takes no words in the middle of a turn, or has not begun it"


class TurnIntake:
    """The verbs, for one actor. A message that was carried into a turn is spoken to by that one.

    ``again``: the call has been made before, and what it wrote stands (I9); the turn that it met may have ended."""

    def __init__(
        self,
        store: Store,
        intake: Intake,
        sessions: SessionIntake,
        feed: Feed,
        actor: str,
        scrubber: Scrubber,
        again: bool = False,
    ) -> None:
        self._store = store
        self._intake = intake
        self._sessions = sessions
        self._feed = feed
        self._actor = actor
        self._scrubber = scrubber
        self.again = again

    async def steer(self, task: str, text: str, wait_s: float = RECEIPT_S) -> Receipt:
        """Words for the live turn of a task, and what became of them within ``wait_s``.

        In a session they are a message: what the turn does not take is its next turn. Raises ``NoTurn``, ``Full``, and
        ``Invalid`` for words that are none.
        """
        words = checked_words(text)
        return await self._settled(await self.spoken_to(await self._live(task), words), wait_s)

    async def spoken_to(self, found: Task, words: str, run: str | None = None) -> Receipt:
        """Words for the live turn of a task, and how far they got at once; ``run`` is the one that is meant, if no
        other will do."""
        if found.session is None:
            text = self._scrubber.text(words)
            if run is not None:
                return await self._store.tell_run(run, Signal.STEER, text, self._actor)
            return await self._store.tell_task(found.id, Signal.STEER, text, self._actor)
        sent = await self._sessions.send(found.session, message_like(found, words, Mode.STEER))
        if sent.disposition is not Disposition.STEERING:
            state = SignalState.REFUSED
            return Receipt(kind=Signal.STEER, state=state, run=found.run, why=NEXT_TURN, message=sent.id)
        return msgspec.structs.replace(await self._store.receipt(sent.id), message=sent.id)

    async def interrupt(self, task: str, wait_s: float = RECEIPT_S) -> Receipt:
        """Have the live turn of a task ended: the task is cancelled (``interrupted``), its conversation stays, and what
        waits in its session goes on. Raises ``NoTurn``."""
        found = await self._live(task)
        told = await self._store.tell_task(found.id, Signal.INTERRUPT, None, self._actor)
        return await self._settled(told, wait_s)

    async def _live(self, task: str) -> Task:
        """The task whose turn is meant; raises ``NoTurn`` where there is none."""
        found = await self._store.task(await self._intake.find(task))
        if found.carrier is not None and not found.ended:
            found = await self._store.task(found.carrier)
        if found.spec.prompt is None:
            raise NoTurn(
                f"task {short_id(found.id)} is no work of an agent, and nobody else can be told something", id=found.id
            )
        if found.state not in (TaskState.RUNNING, TaskState.WAITING) and not self.again:
            raise NoTurn(
                f"task {short_id(found.id)} is {found.state}: it has no turn now that could be told something",
                id=found.id,
            )
        return found

    async def _settled(self, told: Receipt, wait_s: float) -> Receipt:
        """The final receipt, or how far it got within the time."""
        if told.final or told.signal is None or wait_s <= 0:
            return told
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                told = msgspec.structs.replace(await self._feed.settled(told.signal), message=told.message)
        return told


def checked_words(text: str) -> str:
    """Words for an agent. Raises ``Invalid`` for what is none."""
    try:
        words: str = read_prompt(text)
    except Bad as bad:
        raise Invalid(f"these are no words for an agent: {bad.message}", [Problem(bad.message, "text")]) from None
    return words


def message_like(found: Task, words: str, mode: Mode | None = None) -> dict[str, object]:
    """The words as a message that would run as the turn does which they are meant for."""
    spec = found.spec
    fields = {"prompt": words, "agent": spec.agent, "cwd": spec.cwd, "access": str(spec.access), "model": spec.model}
    given = {name: value for name, value in fields.items() if value is not None}
    return given | ({} if mode is None else {"mailbox": {"mode": str(mode)}})
