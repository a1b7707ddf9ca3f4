"""Driving work that must be accepted: commands look at it, and an agent is told what they say until they pass."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import msgspec

from taxiway.core.acceptance import Acceptance, Argv, feedback, shown
from taxiway.core.event import EventType
from taxiway.core.parent import values
from taxiway.core.run import Cancelled, Completed, Failed, Outcome, StopCause
from taxiway.core.task import Reason, TaskSpec, Usage
from taxiway.core.template import render
from taxiway.core.usage import added
from taxiway.engine.executor import Drive, MakeDrive
from taxiway.engine.recorder import Recorder
from taxiway.engine.stopping import Remains, stopped
from taxiway.store.protocol import Claimed, ExecutionStore


class _Refusal(NamedTuple):
    """A command that did not pass: how it failed."""

    command: Argv
    outcome: Failed


class AcceptingDrive:
    """One run whose work counts when all commands of ``accept`` have passed in its folder.

    Work and commands are driven one after the other by drives of their own, recording with the same recorder, each a
    process of this run.
    """

    def __init__(
        self, claim: Claimed, accept: Acceptance, store: ExecutionStore, make_drive: MakeDrive, recorder: Recorder
    ) -> None:
        self._claim = claim
        self._accept = accept
        self._store = store
        self._make_drive = make_drive
        self._recorder = recorder
        self._drive: Drive | None = None
        self._stop: StopCause | None = None
        self._ends_s: float | None = None

    async def run(self) -> Outcome:
        """Work, check, tell, work again; at most as many rounds as there may be."""
        spec = self._claim.spec
        if spec.timeout_s is not None:
            self._ends_s = asyncio.get_running_loop().time() + spec.timeout_s
        claim, used = self._plain(self._claim), Usage()
        for told in range(self._accept.rounds + 1):
            outcome = await self._driven(claim)
            used = added(used, getattr(outcome, "usage", None) or Usage())
            if not isinstance(outcome, Completed):
                return _with_usage(outcome, used)
            judged = await self._judged(claim.spec)
            if judged is None:
                self._recorder.note(EventType.STATUS, phase="accepted", rounds=told)
                await self._recorder.flush()
                return _with_usage(outcome, used)
            if not isinstance(judged, _Refusal):
                return _with_usage(judged, used)
            if spec.prompt is None or told == self._accept.rounds:
                return _with_usage(self._given_up(judged, told), used)
            claim = await self._told(claim, judged)
        raise AssertionError("the last round returns")

    def stop(self, cause: StopCause, hard: bool = False) -> None:
        """End what is being driven, and begin nothing more."""
        if self._stop is None:
            self._stop = cause
        if self._drive is not None:
            self._drive.stop(cause, hard)

    async def ping(self) -> None:
        """Say that the runner lives."""
        if self._drive is not None:
            await self._drive.ping()

    async def _driven(self, claim: Claimed) -> Outcome:
        if self._stop is not None:
            return stopped(self._stop, Remains())
        if self._ends_s is not None:
            left_s = self._ends_s - asyncio.get_running_loop().time()
            if left_s <= 0:
                return stopped(StopCause.TIMEOUT, Remains(timeout_s=self._claim.spec.timeout_s))
            limit_s = min(left_s, claim.spec.timeout_s or left_s)
            claim = msgspec.structs.replace(claim, spec=msgspec.structs.replace(claim.spec, timeout_s=limit_s))
        self._drive = self._make_drive(claim)
        try:
            return await self._drive.run()
        finally:
            self._drive = None

    async def _judged(self, spec: TaskSpec) -> _Refusal | Outcome | None:
        """``None``: every command has passed. An outcome that is none of theirs (a stop, a loss) is the run's."""
        for command in self._accept.commands:
            self._recorder.note(EventType.STATUS, phase="accept", command=list(command))
            self._recorder.start_over()
            check = TaskSpec(
                command=command, cwd=spec.cwd, env=spec.env, timeout_s=self._accept.timeout_s, idle_timeout_s=None
            )
            outcome = await self._driven(msgspec.structs.replace(self._claim, spec=check, seat=None))
            if isinstance(outcome, Completed):
                continue
            late = self._ends_s is not None and asyncio.get_running_loop().time() >= self._ends_s
            if isinstance(outcome, Failed) and not late and outcome.reason is not Reason.STALLED:
                return _Refusal(command, outcome)
            return outcome
        return None

    def _plain(self, claim: Claimed) -> Claimed:
        """The claim without ``accept``: what it is driven by must not come here again."""
        return msgspec.structs.replace(claim, spec=msgspec.structs.replace(claim.spec, accept=None))

    async def _told(self, claim: Claimed, refusal: _Refusal) -> Claimed:
        """The next turn: in a session what the command said, elsewhere the task again with it."""
        text = feedback(refusal.command, _how(refusal.outcome), refusal.outcome.output)
        self._recorder.note(EventType.STATUS, phase="not_accepted", command=list(refusal.command), text=text)
        self._recorder.start_over()
        seat = claim.seat
        if seat is not None:
            session = await self._store.session(seat.session)
            kept = [one.id for one in await self._store.warm_processes() if one.session == seat.session]
            seat = msgspec.structs.replace(
                seat, thread=session.thread, process=kept[-1] if kept else None, messages=(), dropped=()
            )
        else:
            text = f"{self._own_words()}\n\n{text}"
        spec = msgspec.structs.replace(claim.spec, prompt=text, template=False)
        return msgspec.structs.replace(claim, spec=spec, seat=seat)

    def _own_words(self) -> str:
        return render(self._claim.spec, values(self._claim.parents)).prompt or ""

    def _given_up(self, refusal: _Refusal, told: int) -> Failed:
        times = f" after {told} further turns" if told else ""
        error = f"not accepted{times}: '{shown(refusal.command)}' {_how(refusal.outcome)}"
        reason = Reason.EXIT_CODE if self._claim.spec.prompt is None else Reason.GAVE_UP
        return msgspec.structs.replace(refusal.outcome, reason=reason, error=self._recorder.sentence(error))


def _how(outcome: Failed) -> str:
    return outcome.error.removeprefix("it ")


def _with_usage(outcome: Outcome, used: Usage) -> Outcome:
    if isinstance(outcome, Completed | Failed | Cancelled) and used != Usage():
        return msgspec.structs.replace(outcome, usage=used)
    return outcome
