"""The moments of the engine, and what it means to listen to them."""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Any, Final, Protocol

LOGGER: Final = logging.getLogger("taxiway")


class Moment(StrEnum):
    """What the engine and the server speak of. Each comes with the ids concerned as facts; facts are short, and hold
    nothing that an agent or a program has said but names of tools."""

    RUN_CLAIMED = "run.claimed"  #: run, task, attempt, work, lane, waited_s: since it could have started
    RUN_FINISHED = "run.finished"  #: run, task, work, outcome, state, reason, seconds
    RUN_STOPPING = "run.stopping"  #: run, cause
    RUN_SETTLED = "run.settled"  #: run, runner, certain: what a dead runner left
    TURN_BEGUN = "turn.begun"  #: run, agent, model, session, warm
    TURN_ENDED = "turn.ended"  #: run, agent, end, seconds, input_tokens, output_tokens, cached_tokens, usd
    TOOL_CALLED = "tool.called"  #: run, agent, tool, call
    TOOL_ANSWERED = "tool.answered"  #: run, call, failed
    LIMIT_MET = "limit.met"  #: run, account, kind: a provider refused, or warned
    LEASE_LOST = "lease.lost"  #: run or runner
    RUNNER_LOST = "runner.lost"  #: runner, why
    TREE_UNCERTAIN = "tree.uncertain"  #: run or process, why: something may be left
    SERVICE_FAILED = "service.failed"  #: service, error
    REQUEST_SERVED = "request.served"  #: method, route, status (info from 400 on), seconds, actor, request, address
    REQUEST_FAILED = "request.failed"  #: path, request, error: a defect of the server's own
    STORE_FAILED = "store.failed"  #: error: this process stops writing


class Observer(Protocol):
    """Somebody who listens; what a listener raises never reaches the engine's work (A46)."""

    def __call__(self, moment: Moment, **facts: Any) -> None:
        """Hear of one moment."""
        ...


def nobody(moment: Moment, **facts: Any) -> None:
    """The observer that listens to nothing."""


def guarded(observer: Observer) -> Observer:
    """The same observer, whose own failures go to Python's log and nowhere else (A46)."""

    def listen(moment: Moment, **facts: Any) -> None:
        try:
            observer(moment, **facts)
        except Exception:
            LOGGER.exception("an observer failed at %s", moment)

    return listen


def each(*observers: Observer) -> Observer:
    """One observer that is all of these; the failure of one does not reach the others (A46)."""
    listeners = tuple(guarded(observer) for observer in observers)

    def listen(moment: Moment, **facts: Any) -> None:
        for listener in listeners:
            listener(moment, **facts)

    return listen
