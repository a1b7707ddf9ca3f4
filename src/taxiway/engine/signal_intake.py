"""The verbs on what runs are told: a turn, a steer, an interrupt, a stop; each with its receipt."""

from __future__ import annotations

from typing import Final

from taxiway.core.errors import Conflict, Invalid, Problem, Terminal
from taxiway.core.ids import short_id
from taxiway.core.session import Receipt, RunSignal, Signal, SignalState
from taxiway.engine.session_intake import SessionIntake
from taxiway.engine.turn_intake import TurnIntake, checked_words, message_like
from taxiway.store.protocol import Store

PAGE_MAX: Final = 100


class SignalIntake:
    """The verbs, for one actor."""

    def __init__(self, store: Store, sessions: SessionIntake, turns: TurnIntake, actor: str) -> None:
        self._store = store
        self._sessions = sessions
        self._turns = turns
        self._actor = actor

    async def tell(self, run: str, kind: Signal, text: str | None) -> Receipt:
        """Tell a live run something, and how far that got at once.

        ``turn`` and ``steer`` bring words: for the next turn of the run's session, or for the one under way. ``stop``
        and ``interrupt`` end the run, and its task with it; after an interrupt what waits in its session goes on.
        Raises ``Terminal`` for a run that has ended, ``NoTurn`` for words or an interrupt to what is no agent's turn,
        ``Conflict`` for a ``turn`` to a run without a session, ``Invalid``.
        """
        found = await self._store.find_run(run)
        if (text is not None) is not (kind in (Signal.TURN, Signal.STEER)):
            said = f"a {kind} brings {'words' if text is None else 'no words'}"
            raise Invalid(said, [Problem(said, "text")])
        if text is None:
            return await self._store.tell_run(found, kind, None, self._actor)
        return await self._speak(found, kind, checked_words(text))

    async def told(self, run: str, after: int, limit: int) -> list[RunSignal]:
        """What a run was told, behind a number, in order; at most 100."""
        found = await self._store.find_run(run)
        return await self._store.run_signals(found, after, max(1, min(limit, PAGE_MAX)))

    async def cancel(self, signal: str) -> RunSignal:
        """Take a signal back; what is settled stays as it is."""
        return await self._store.cancel_signal(signal, self._actor)

    async def _speak(self, run: str, kind: Signal, words: str) -> Receipt:
        task = await self._store.task((await self._store.run(run)).task)
        if task.run != run and not self._turns.again:
            raise Terminal(f"run {short_id(run)} has ended: it can be told nothing any more", id=run)
        if kind is Signal.STEER:
            return await self._turns.spoken_to(task, words, run)
        if task.session is None:
            raise Conflict(f"run {short_id(run)} is of no session, so there is no next turn", id=run)
        sent = await self._sessions.send(task.session, message_like(task, words))
        return Receipt(kind=kind, state=SignalState.ACCEPTED, run=run, message=sent.id)
