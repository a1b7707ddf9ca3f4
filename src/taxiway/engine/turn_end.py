"""What the end of a turn means. Neither silence nor an exit with 0 is success: only the agent's own word (A43)."""

from __future__ import annotations

from typing import assert_never

import msgspec

from taxiway.agents.dialogue import TurnEnded
from taxiway.agents.protocol import Ended, SpawnFailure
from taxiway.core.failureclass import FailureClass, class_of
from taxiway.core.limits import RESULT_BYTES_MAX
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.run import Cancelled, Completed, Deferred, Failed, Limited, Lost, Outcome, StopCause
from taxiway.core.task import TASK_REASONS, Reason, TaskSpec, TaskState
from taxiway.engine.meter import Meter
from taxiway.engine.recorder import Recorder
from taxiway.engine.stopping import Remains, stopped
from taxiway.engine.transcript import Transcript

_encode = msgspec.json.Encoder().encode


class Unready(msgspec.Struct, frozen=True):
    """The process took no turn within its time to start."""

    start_s: float


class NotBegun(msgspec.Struct, frozen=True):
    """A stop came before the turn was begun."""


End = TurnEnded | Ended | Unready | NotBegun


class Judge:
    """Turns the end of one turn into the outcome of its run. ``begun``: the turn had been sent."""

    def __init__(
        self, spec: TaskSpec, recorder: Recorder, transcript: Transcript, meter: Meter, degraded: bool = False
    ) -> None:
        """``degraded``: its agent does not tell which tools it uses."""
        self._spec = spec
        self._recorder = recorder
        self._transcript = transcript
        self._meter = meter
        self._degraded = degraded

    def outcome(self, end: End, cause: StopCause | None, begun: bool, stuck: str | None = None) -> Outcome:
        """A stop that came before the end is its cause. Only a drain, a budget and a guess that it was ``stuck`` take a
        success for one: the agent has said it."""
        if isinstance(end, Ended) and end.spawn_failure is not None:
            return self.not_opened(end.spawn_failure)
        yields = cause in (StopCause.DRAIN, StopCause.BUDGET) or (cause is StopCause.STALLED and stuck is not None)
        if cause is not None and not (yields and _succeeded(end)):
            return self._stopped(end, cause, stuck)
        match end:
            case TurnEnded():
                return self._turn_ended(end)
            case Ended():
                return self._died(end, begun)
            case Unready():
                return self._failed(f"it was not ready for a turn within {end.start_s:g} s")
            case NotBegun():
                raise AssertionError("only a stop keeps a turn from beginning")
            case _:
                assert_never(end)

    def not_opened(self, failure: SpawnFailure) -> Outcome:
        """No process could be made; for a passing cause it is tried again later (A37, DA9)."""
        text = self._recorder.sentence(failure.text)
        return Deferred(text) if failure.passing else Failed(Reason.SPAWN_ERROR, text)

    def _stopped(self, end: End, cause: StopCause, stuck: str | None) -> Outcome:
        left = Remains(
            output=self._transcript.output(end.text if isinstance(end, TurnEnded) else None),
            exit_code=end.exit_code if isinstance(end, Ended) else None,
            signal=end.signal if isinstance(end, Ended) else None,
            usage=self._transcript.usage,
            spent=self._meter.remains(),
            timeout_s=self._spec.timeout_s,
            idle_timeout_s=self._spec.idle_timeout_s,
            stuck=stuck,
        )
        return stopped(cause, left)

    def _turn_ended(self, end: TurnEnded) -> Outcome:
        output, usage = self._transcript.output(end.text), self._transcript.usage
        error = self._recorder.sentence(end.error or "")
        if end.interrupted:
            return Cancelled(Reason.INTERRUPTED, output, usage=usage)
        if end.reason is not None:
            return self._refused(end, end.reason, error)
        result = self._recorder.scrubbed(end.result)
        if len(_encode(result)) > RESULT_BYTES_MAX:
            return self._failed(f"its result is larger than {RESULT_BYTES_MAX} bytes")
        return Completed(output=output, result=result, usage=usage)

    def _refused(self, end: TurnEnded, reason: Reason, error: str) -> Outcome:
        """It failed. A limit that resets is waited for; a provider that stumbled may be asked again, where the turn has
        done nothing yet."""
        limit = self._limit(end, reason)
        failure = class_of(reason, end.passing, limit)
        if limit is not None and failure is FailureClass.REFUSED and _resets(limit):
            error = error or "the agent's provider limits how often it may be asked"
            return Limited(limit, error, self._transcript.usage)
        known = reason in TASK_REASONS[TaskState.FAILED]
        if not known:
            reason = Reason.PROVIDER if failure is FailureClass.OVERLOADED else Reason.AGENT_ERROR
        untouched = not self._transcript.tools and not self._degraded
        return Failed(
            reason,
            error or f"the agent reports: {end.reason}",
            output=self._transcript.output(end.text),
            usage=self._transcript.usage,
            failure=failure,
            repeatable=self._spec.safe_to_retry or untouched,
            limit=limit,
        )

    def _limit(self, end: TurnEnded, reason: Reason) -> ProviderLimit | None:
        """What the provider said, scrubbed; where it said nothing, what the reason means."""
        meant = {Reason.RATE_LIMIT: LimitKind.RATE, Reason.QUOTA: LimitKind.QUOTA}.get(reason)
        if end.limit is None:
            return None if meant is None else ProviderLimit(kind=meant)
        text = end.limit.text and self._recorder.sentence(end.limit.text)
        kind = meant if meant is not None and end.limit.kind is LimitKind.WARNING else end.limit.kind
        return msgspec.structs.replace(end.limit, kind=kind, text=text)

    def _died(self, ended: Ended, begun: bool) -> Outcome:
        if ended.lost:
            return Lost("its guardian died")
        if ended.lease_expired:
            return Lost("its runner was not heard of for too long")
        when = "before its turn ended" if begun else "before it took a turn"
        if ended.exit_code is not None:
            return self._failed(f"the agent exited with status {ended.exit_code} {when}", ended)
        if ended.signal is not None:
            return self._failed(f"the agent was killed by signal {ended.signal} {when}", ended)
        return Lost("nobody saw how it ended")

    def _failed(self, error: str, ended: Ended | None = None) -> Failed:
        return Failed(
            Reason.AGENT_ERROR,
            error,
            exit_code=ended.exit_code if ended is not None else None,
            signal=ended.signal if ended is not None else None,
            output=self._transcript.output(None),
            usage=self._transcript.usage,
        )


def _resets(limit: ProviderLimit) -> bool:
    """A rate limit passes by itself also where nobody says when; a quota only by a reset (semantics, "Counters")."""
    return limit.kind is LimitKind.RATE or limit.reset(0) is not None


def _succeeded(end: End) -> bool:
    return isinstance(end, TurnEnded) and end.reason is None and not end.interrupted
