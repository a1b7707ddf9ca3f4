"""Driving an in-process job: a Python function with JSON arguments and a JSON result."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import msgspec

from taxiway.core.errors import LeaseLost
from taxiway.core.event import EventType
from taxiway.core.limits import ERROR_CHARS_MAX, RESULT_BYTES_MAX
from taxiway.core.run import Cancelled, Completed, Failed, Outcome, Released, StopCause
from taxiway.core.task import Reason
from taxiway.core.template import Value, render
from taxiway.engine.executor import JobFunction
from taxiway.engine.recorder import Recorder
from taxiway.store.protocol import Claimed

_encode = msgspec.json.Encoder().encode


class JobDrive:
    """One run of a registered function. A coroutine is cancelled when it is stopped; a function in a thread cannot be,
    so its run lasts until it returns."""

    def __init__(self, claim: Claimed, function: JobFunction, recorder: Recorder) -> None:
        self._claim = claim
        self._function = function
        self._recorder = recorder
        self._task: asyncio.Task[Any] | None = None
        self._stop: StopCause | None = None

    async def run(self) -> Outcome:
        """Call the function within its timeout, and judge what came of it."""
        spec = self._claim.spec
        task = self._task = asyncio.current_task()
        if self._stop is not None:
            return self._stopped()
        try:
            async with asyncio.timeout(spec.timeout_s) as clock:
                return self._completed(await self._function(self._arguments()))
        except asyncio.CancelledError:
            if not self._stopping() or task is None:
                raise
            task.uncancel()
            return self._stopped()
        except TimeoutError:
            if not clock.expired():
                return await self._raised()
            return Failed(Reason.TIMEOUT, f"it ran longer than its timeout of {spec.timeout_s:g} s")
        except Exception:
            return await self._raised()
        finally:
            self._task = None

    def stop(self, cause: StopCause, hard: bool = False) -> None:
        """Cancel the coroutine, once."""
        if self._stop is None:
            self._stop = cause
            if self._task is not None:
                self._task.cancel()

    async def ping(self) -> None:
        """Nothing else needs to know that the runner lives."""

    def _arguments(self) -> dict[str, Any]:
        claim = self._claim
        if not claim.spec.template:
            return claim.spec.args
        values = {parent.name: Value(parent.output, parent.exit_code, parent.result) for parent in claim.parents}
        return render(claim.spec, values).args

    def _completed(self, result: Any) -> Outcome:
        if result is None:
            return Completed()
        try:
            encoded = _encode(result)
        except (TypeError, ValueError, OverflowError) as error:
            return Failed(Reason.AGENT_ERROR, f"what it returned is no JSON: {error}")
        if len(encoded) > RESULT_BYTES_MAX:
            return Failed(Reason.AGENT_ERROR, f"it returned {len(encoded)} bytes; {RESULT_BYTES_MAX} are the most")
        return Completed(result=self._recorder.scrubbed(msgspec.json.decode(encoded)))

    async def _raised(self) -> Outcome:
        """The function raised: its traceback goes into the run log, one line of it into the task."""
        text = traceback.format_exc()
        self._recorder.note(EventType.ERROR, text=text[-ERROR_CHARS_MAX:])
        await self._recorder.flush()
        last = text.strip().splitlines()[-1]
        return Failed(Reason.AGENT_ERROR, self._recorder.scrubbed(last))

    def _stopping(self) -> bool:
        return self._stop is not None

    def _stopped(self) -> Outcome:
        match self._stop:
            case StopCause.QUEUE_STOP:
                return Cancelled(Reason.QUEUE_STOPPED)
            case StopCause.DRAIN:
                return Released("drain")
            case StopCause.LEASE_LOST:
                raise LeaseLost("the runner was declared dead")
            case _:
                return Cancelled(Reason.REQUESTED)
