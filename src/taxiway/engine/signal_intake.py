"""The verbs on what runs are told: a turn, a steer, an interrupt, a stop; each with its receipt."""

from __future__ import annotations

from typing import Any, Final

from taxiway.core.errors import Conflict, Invalid, NotFound, Problem, Terminal
from taxiway.core.ids import short_id
from taxiway.core.policy import Mode
from taxiway.core.run import Run
from taxiway.core.session import Disposition, Receipt, RunSignal, Signal, SignalState
from taxiway.core.task import Task
from taxiway.engine.session_intake import SessionIntake
from taxiway.store.protocol import Store

NEXT_TURN: Final = "its agent takes no words in the middle of a turn, or has not begun it"
PAGE_MAX: Final = 100


class SignalIntake:
    """The verbs, for one actor."""

    def __init__(self, store: Store, sessions: SessionIntake, actor: str) -> None:
        self._store = store
        self._sessions = sessions
        self._actor = actor

    async def tell(self, run: str, kind: Signal, text: str | None) -> Receipt:
        """Tell a live run something, and how far that got at once.

        ``turn`` and ``steer`` bring words: for the next turn of the run's session, or for the one under way. ``stop``
        and ``interrupt`` end the run, and its task with it; after an interrupt what waits in its session goes on.
        Raises ``Terminal`` for a run that has ended, ``Conflict`` for words to a run without a session, ``Invalid``.
        """
        found = await self._store.run(await self._store.find_run(run))
        if (text is not None) is not (kind in (Signal.TURN, Signal.STEER)):
            said = f"a {kind} brings {'words' if text is None else 'no words'}"
            raise Invalid(said, [Problem(said, "text")])
        if text is None:
            told = await self._store.end_run(found.id, kind, self._actor)
            return Receipt(kind=kind, state=told.state, run=told.run, signal=told.id, why=told.why)
        return await self._speak(found, kind, text)

    async def told(self, run: str, after: int, limit: int) -> list[RunSignal]:
        """What a run was told, behind a number, in order; at most 100."""
        found = await self._store.find_run(run)
        return await self._store.run_signals(found, after, max(1, min(limit, PAGE_MAX)))

    async def cancel(self, signal: str) -> RunSignal:
        """Take a signal back; what is settled stays as it is."""
        return await self._store.cancel_signal(signal, self._actor)

    async def _speak(self, run: Run, kind: Signal, text: str) -> Receipt:
        task = await self._store.task(run.task)
        if task.run != run.id:
            raise Terminal(f"run {short_id(run.id)} has ended: it can be told nothing any more", id=run.id)
        if task.session is None:
            raise Conflict(f"run {short_id(run.id)} is of no session, and nobody would have the words", id=run.id)
        sent = await self._sessions.send(task.session, _message(task, kind, text))
        if kind is Signal.TURN:
            return Receipt(kind=kind, state=SignalState.ACCEPTED, run=run.id, message=sent.id)
        if sent.disposition is not Disposition.STEERING or sent.offered is None:
            return Receipt(kind=kind, state=SignalState.REFUSED, run=run.id, why=NEXT_TURN, message=sent.id)
        for one in await self._store.run_signals(sent.offered, 0, -1):
            if one.message == sent.id:
                return Receipt(kind=kind, state=one.state, run=one.run, signal=one.id, why=one.why, message=sent.id)
        raise NotFound(f"message {short_id(sent.id)} has been removed", id=sent.id)


def _message(task: Task, kind: Signal, text: str) -> dict[str, Any]:
    """The words as a message that would run as the turn does which they are meant for."""
    spec = task.spec
    fields = {"prompt": text, "agent": spec.agent, "cwd": spec.cwd, "access": str(spec.access), "model": spec.model}
    given = {name: value for name, value in fields.items() if value is not None}
    return given | ({"mailbox": {"mode": str(Mode.STEER)}} if kind is Signal.STEER else {})
