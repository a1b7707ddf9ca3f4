"""What a run that was stopped has come to: each cause of a stop means one outcome, whatever was being driven."""

from __future__ import annotations

from typing import assert_never

import msgspec

from taxiway.core.errors import LeaseLost
from taxiway.core.run import Cancelled, Failed, Outcome, Released, StopCause
from taxiway.core.task import Reason, Usage


class Remains(msgspec.Struct, frozen=True, kw_only=True):
    """What a stopped run left behind; the clocks are those that it had, in seconds. ``stuck``: it was stopped because
    it stood still, and how."""

    output: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    usage: Usage | None = None
    spent: str = ""
    timeout_s: float | None = None
    idle_timeout_s: float | None = None
    stuck: str | None = None


def stopped(cause: StopCause, left: Remains) -> Outcome:
    """The outcome of a stop; raises ``LeaseLost`` when the run became somebody else's."""
    match cause:
        case StopCause.CANCEL:
            return _cancelled(Reason.REQUESTED, left)
        case StopCause.QUEUE_STOP:
            return _cancelled(Reason.QUEUE_STOPPED, left)
        case StopCause.INTERRUPT:
            return _cancelled(Reason.INTERRUPTED, left)
        case StopCause.RESET:
            return _cancelled(Reason.RESET, left)
        case StopCause.TIMEOUT:
            return _failed(Reason.TIMEOUT, f"it ran longer than its timeout of {left.timeout_s:g} s", left)
        case StopCause.STALLED:
            error = left.stuck or f"it was silent for longer than its idle_timeout of {left.idle_timeout_s:g} s"
            return _failed(Reason.STALLED, error, left)
        case StopCause.BUDGET:
            return _failed(Reason.BUDGET, f"its budget is used up: {left.spent}", left)
        case StopCause.DRAIN:
            return Released("drain")
        case StopCause.LEASE_LOST:
            raise LeaseLost("the runner was declared dead")
        case _:
            assert_never(cause)


def _cancelled(reason: Reason, left: Remains) -> Cancelled:
    return Cancelled(reason, left.output, left.exit_code, left.signal, left.usage)


def _failed(reason: Reason, error: str, left: Remains) -> Failed:
    return Failed(reason, error, left.exit_code, left.signal, left.output, left.usage)
