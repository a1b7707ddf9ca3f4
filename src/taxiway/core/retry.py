"""What becomes of a task when its run has ended: the one place where an outcome turns into a next state."""

from __future__ import annotations

from typing import Final, assert_never

import msgspec

from taxiway.core.failureclass import TREATMENTS
from taxiway.core.limits import CRASHES_MAX
from taxiway.core.run import Cancelled, Completed, Deferred, Failed, Limited, Lost, Outcome, Released, StopCause
from taxiway.core.task import Backoff, Reason, TaskSpec, TaskState

RETRIED_BY_DEFAULT: Final = frozenset(
    {Reason.EXIT_CODE, Reason.SIGNAL, Reason.AGENT_ERROR, Reason.PROVIDER, Reason.STALLED}
)
RETRY_ON_LEGAL: Final = RETRIED_BY_DEFAULT | {Reason.TIMEOUT, Reason.SPAWN_ERROR}


class Standing(msgspec.Struct, frozen=True):
    """What the decision needs to know of a task: counters before this end, and a stop that was asked for.

    ``stumbles`` counts the turns that were taken again for a provider's failure. ``wait_s`` is how long its account
    waits from now on, and ``resumes`` whether the task is to wait along.
    """

    attempt: int
    fence: int
    crashes: int
    stop: StopCause | None = None
    stumbles: int = 0
    wait_s: float = 0.0
    resumes: bool = True


class Next(msgspec.Struct, frozen=True):
    """The task's next state, its counters after it, and how long to wait when it is ``scheduled``."""

    state: TaskState
    reason: Reason | None
    attempt: int
    crashes: int
    delay_s: float | None = None
    error: str | None = None
    stumbles: int = 0


def backoff_delay(backoff: Backoff, failures: int, chance: float) -> float:
    """Seconds before the next attempt after ``failures`` (>= 1) of them, capped, then jittered both ways.

    ``chance`` is uniform in [0, 1). Source: rule B17, DB6 (a cap and a jitter, seconds everywhere).
    """
    exponent = min(failures - 1, 64)
    delay = min(backoff.first_s * backoff.factor**exponent, backoff.max_s)
    return max(0.0, delay * (1.0 + backoff.jitter * (2.0 * chance - 1.0)))


def settle(spec: TaskSpec, standing: Standing, outcome: Outcome, chance: float) -> Next:
    """Decide what the task becomes (semantics, "Counters"; rules B17-B19, B24-B26).

    A cancel that was asked for wins over everything but a result: what would go back to waiting is cancelled.
    """
    after = _settle(spec, standing, outcome, chance)
    if after.stumbles or not standing.stumbles:
        return after
    return msgspec.structs.replace(after, stumbles=standing.stumbles)


def _settle(spec: TaskSpec, standing: Standing, outcome: Outcome, chance: float) -> Next:
    attempt, crashes = standing.attempt, standing.crashes
    stopped = _stop_reason(standing.stop)
    match outcome:
        case Completed():
            return Next(TaskState.COMPLETED, None, attempt + 1, crashes)
        case Cancelled(reason=reason):
            return Next(TaskState.CANCELLED, reason, attempt, crashes)
        case Failed():
            return _again(standing, outcome, chance) or _after_failure(
                spec, standing, outcome.reason, outcome.error, chance
            )
        case Limited(error=error):
            return _after_limit(standing, stopped, error)
        case Deferred(error=error):
            if stopped is not None:
                return Next(TaskState.CANCELLED, stopped, attempt, crashes)
            delay = backoff_delay(spec.backoff, max(1, standing.fence - attempt), chance)
            return Next(TaskState.SCHEDULED, Reason.BACKOFF, attempt, crashes, delay, error)
        case Released():
            if stopped is not None:
                return Next(TaskState.CANCELLED, stopped, attempt, crashes)
            return Next(TaskState.QUEUED, None, attempt, crashes)
        case Lost(why=why):
            return _after_loss(standing, stopped, why)
    assert_never(outcome)


def _after_failure(spec: TaskSpec, standing: Standing, reason: Reason, error: str, chance: float) -> Next:
    attempt = standing.attempt + 1
    stopped = _stop_reason(standing.stop)
    retried = RETRIED_BY_DEFAULT if spec.retry_on is None else frozenset(spec.retry_on)
    if reason not in retried or attempt > spec.retries:
        return Next(TaskState.FAILED, reason, attempt, standing.crashes, error=error)
    if stopped is not None:
        return Next(TaskState.CANCELLED, stopped, attempt, standing.crashes, error=error)
    delay = backoff_delay(spec.backoff, attempt, chance)
    return Next(TaskState.SCHEDULED, Reason.BACKOFF, attempt, standing.crashes, delay, error)


def _again(standing: Standing, failed: Failed, chance: float) -> Next | None:
    """The provider failed by itself, and nothing would be done twice: the turn is taken again, so many times."""
    treatment = TREATMENTS[failed.failure] if failed.failure is not None and failed.repeatable else None
    if treatment is None or standing.stumbles >= treatment.times or _stop_reason(standing.stop) is not None:
        return None
    stumbles = standing.stumbles + 1
    delay = backoff_delay(treatment.backoff, stumbles, chance)
    return Next(
        TaskState.SCHEDULED,
        Reason.BACKOFF,
        standing.attempt,
        standing.crashes,
        delay,
        failed.error,
        stumbles,
    )


def _after_limit(standing: Standing, stopped: Reason | None, error: str) -> Next:
    attempt, crashes = standing.attempt, standing.crashes
    if stopped is not None:
        return Next(TaskState.CANCELLED, stopped, attempt, crashes, error=error)
    if not standing.resumes:
        return Next(TaskState.FAILED, Reason.QUOTA, attempt + 1, crashes, error=error)
    return Next(TaskState.SCHEDULED, Reason.RATE_LIMIT, attempt, crashes, standing.wait_s, error)


def _after_loss(standing: Standing, stopped: Reason | None, why: str) -> Next:
    crashes = standing.crashes + 1
    if stopped is not None:
        return Next(TaskState.CANCELLED, stopped, standing.attempt, crashes)
    if crashes >= CRASHES_MAX:
        error = f"{crashes} runs ended without a report (the last: {why}); it starts again when somebody retries it"
        return Next(TaskState.FAILED, Reason.POISONED, standing.attempt, crashes, error=error)
    return Next(TaskState.QUEUED, None, standing.attempt, crashes)


def _stop_reason(stop: StopCause | None) -> Reason | None:
    match stop:
        case StopCause.CANCEL:
            return Reason.REQUESTED
        case StopCause.QUEUE_STOP:
            return Reason.QUEUE_STOPPED
        case StopCause.INTERRUPT:
            return Reason.INTERRUPTED
        case StopCause.RESET:
            return Reason.RESET
        case _:
            return None
