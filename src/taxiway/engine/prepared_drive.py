"""Driving with a hook before it: the embedder's last word about a run, right before it is executed (SQ-93)."""

from __future__ import annotations

import asyncio
import contextvars
import traceback
from collections.abc import Awaitable, Callable

import msgspec

from taxiway.core.run import Failed, Outcome, StopCause
from taxiway.core.task import Reason, TaskSpec
from taxiway.engine.executor import Drive, MakeDrive
from taxiway.engine.recorder import Recorder
from taxiway.engine.stopping import Remains, stopped
from taxiway.store.protocol import Claimed

#: Gets what is about to run; gives another spec of the same kind of work, or ``None`` to leave it as it is.
BeforeRun = Callable[[Claimed], Awaitable[TaskSpec | None]]


class PreparedDrive:
    """One run behind a hook, which is called once, with the slots taken; what it raises is the outcome of the run.

    It is called in the run's own context: context variables that it sets are those of a job that follows. A stop that
    comes before or during the hook, or was swallowed by it, keeps the run from starting (SQ-94).
    """

    def __init__(self, claim: Claimed, hook: BeforeRun, make_drive: MakeDrive, recorder: Recorder) -> None:
        self._claim = claim
        self._hook = hook
        self._make_drive = make_drive
        self._recorder = recorder
        self._drive: Drive | None = None
        self._stop: StopCause | None = None
        self._asking: asyncio.Future[TaskSpec | None] | None = None

    async def run(self) -> Outcome:
        """Ask the hook, look again whether somebody wants the run ended, then drive."""
        try:
            changed = await self._ask()
        except asyncio.CancelledError:
            if self._stop is None:
                raise
            return stopped(self._stop, Remains())
        except Exception as error:
            return await self._refused(error)
        if self._stop is not None:
            return stopped(self._stop, Remains())
        claim = self._claim if changed is None else rewritten(self._claim, changed)
        if claim.spec.needs != self._claim.spec.needs:
            kinds = f"{self._claim.spec.needs}, not {claim.spec.needs}"
            return Failed(Reason.AGENT_ERROR, f"the hook before the run changed the kind of its work: it is {kinds}")
        self._drive = self._make_drive(claim)
        return await self._drive.run()

    def stop(self, cause: StopCause, hard: bool = False) -> None:
        """End what is being driven, or see to it that nothing is."""
        if self._drive is not None:
            self._drive.stop(cause, hard)
        elif self._stop is None:
            self._stop = cause
            if self._asking is not None:
                self._asking.cancel()

    async def ping(self) -> None:
        """Say that the runner lives."""
        if self._drive is not None:
            await self._drive.ping()

    async def _ask(self) -> TaskSpec | None:
        """The hook's answer: awaited as a task of its own in the run's context, so that a stop can end it alone."""
        if self._stop is not None:
            return None
        context = contextvars.copy_context()
        try:
            async with asyncio.TaskGroup() as group:
                self._asking = group.create_task(self._called(), context=context)
        except BaseExceptionGroup as raised:
            raise raised.exceptions[0] from None
        for variable, value in context.items():
            variable.set(value)
        return self._asking.result()

    async def _called(self) -> TaskSpec | None:
        return await self._hook(self._claim)

    async def _refused(self, error: Exception) -> Outcome:
        text = self._recorder.sentence("".join(traceback.format_exception(error)))
        self._recorder.error(text)
        await self._recorder.flush()
        return Failed(Reason.AGENT_ERROR, text.strip().splitlines()[-1])


def rewritten(claim: Claimed, spec: TaskSpec) -> Claimed:
    """The claim with another spec; a prompt's new words are the words of its turn."""
    seat = claim.seat
    if seat is not None and spec.prompt is not None:
        messages = tuple(
            msgspec.structs.replace(message, prompt=spec.prompt) if message.task == claim.task else message
            for message in seat.messages
        )
        seat = msgspec.structs.replace(seat, messages=messages)
    return msgspec.structs.replace(claim, spec=spec, seat=seat)
