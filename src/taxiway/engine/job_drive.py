"""Driving an in-process job: a Python function with JSON arguments and a JSON result."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import msgspec

from taxiway.core.errors import Invalid
from taxiway.core.limits import RESULT_BYTES_MAX
from taxiway.core.parent import values
from taxiway.core.run import Completed, Failed, Outcome, StopCause
from taxiway.core.task import Reason
from taxiway.core.template import render
from taxiway.engine.executor import JobFunction
from taxiway.engine.recorder import Recorder
from taxiway.engine.stopping import Remains, stopped
from taxiway.store.protocol import Claimed

_encode = msgspec.json.Encoder().encode


class JobDrive:
    """One run of a registered function. A coroutine is cancelled when it is stopped or too late; a function in a thread
    cannot be, so its run lasts until it returns, and is judged then."""

    def __init__(self, claim: Claimed, function: JobFunction, recorder: Recorder, in_thread: bool = False) -> None:
        self._claim = claim
        self._function = function
        self._recorder = recorder
        self._in_thread = in_thread
        self._called: asyncio.Task[Any] | None = None
        self._stop: StopCause | None = None
        self._cancelled = False
        self._began_s = 0.0

    async def run(self) -> Outcome:
        """Call the function within its timeout, and judge what came of it."""
        if self._stop is not None:
            return self._stopped()
        try:
            arguments = self._arguments()
        except Invalid as error:
            return Failed(Reason.SPAWN_ERROR, self._recorder.sentence(error.message))
        task = asyncio.current_task()
        assert task is not None
        self._began_s = _elapsed_s()
        try:
            async with asyncio.timeout(None if self._in_thread else self._claim.spec.timeout_s):
                result = await self._call(task, arguments)
        except (GeneratorExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # a job that says sys.exit() has failed, and nobody else has
            return await self._after_error(error, task)
        self._forgive(task)
        if self._asked not in (None, StopCause.DRAIN):
            return self._stopped()
        return self._too_late() if self._late else self._completed(result)

    def stop(self, cause: StopCause, hard: bool = False) -> None:  # noqa: ARG002 the protocol's
        """Cancel the coroutine, once; there is nothing ``hard`` that could be done to it."""
        if self._stop is None:
            self._stop = cause
            if self._called is not None and not self._in_thread:
                self._cancelled = True
                self._called.cancel()

    async def ping(self) -> None:
        """Nothing else needs to know that the runner lives."""

    async def _call(self, task: asyncio.Task[Any], arguments: dict[str, Any]) -> Any:
        """While the function runs, and only then, a stop cancels the task that awaits it."""
        self._called = task
        try:
            return await self._function(arguments)
        finally:
            self._called = None

    def _arguments(self) -> dict[str, Any]:
        claim = self._claim
        if not claim.spec.template:
            return claim.spec.args
        return render(claim.spec, values(claim.parents)).args

    def _completed(self, result: Any) -> Outcome:
        if result is None:
            return Completed()
        try:
            encoded = _encode(result)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            return Failed(Reason.AGENT_ERROR, self._recorder.sentence(f"what it returned is no JSON: {error}"))
        if len(encoded) > RESULT_BYTES_MAX:
            return Failed(Reason.AGENT_ERROR, f"it returned {len(encoded)} bytes; {RESULT_BYTES_MAX} are the most")
        return Completed(result=self._recorder.scrubbed(msgspec.json.decode(encoded)))

    async def _after_error(self, error: BaseException, task: asyncio.Task[Any]) -> Outcome:
        """What an error means: our stop, our timeout, the end of the engine itself, or the function's own."""
        self._forgive(task)
        if isinstance(error, asyncio.CancelledError) and task.cancelling():
            raise error
        if self._stop is not None:
            return self._stopped()
        if self._late and isinstance(error, TimeoutError):
            return self._too_late()
        return await self._raised(error)

    async def _raised(self, error: BaseException) -> Outcome:
        """The function raised: its traceback goes into the run log, one line of it into the task."""
        text = self._recorder.sentence("".join(traceback.format_exception(error)))
        self._recorder.error(text)
        await self._recorder.flush()
        return Failed(Reason.AGENT_ERROR, text.strip().splitlines()[-1])

    def _forgive(self, task: asyncio.Task[Any]) -> None:
        """Our own cancellation of the task has been heard; what is left is somebody else's."""
        if self._cancelled:
            self._cancelled = False
            task.uncancel()

    @property
    def _asked(self) -> StopCause | None:
        return self._stop

    @property
    def _late(self) -> bool:
        limit_s = self._claim.spec.timeout_s
        return limit_s is not None and _elapsed_s() - self._began_s >= limit_s

    def _too_late(self) -> Outcome:
        return Failed(Reason.TIMEOUT, f"it ran longer than its timeout of {self._claim.spec.timeout_s:g} s")

    def _stopped(self) -> Outcome:
        assert self._stop is not None
        return stopped(self._stop, Remains())


def _elapsed_s() -> float:
    return asyncio.get_running_loop().time()
