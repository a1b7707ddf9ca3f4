"""The moments of the engine, and what it means to listen to them."""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Any, Final, Protocol

LOGGER: Final = logging.getLogger("taxiway")


class Moment(StrEnum):
    """What the engine speaks of. Each comes with the ids concerned as facts."""

    RUN_CLAIMED = "run.claimed"  #: run, task, attempt
    RUN_FINISHED = "run.finished"  #: run, task, outcome, state
    RUN_STOPPING = "run.stopping"  #: run, cause
    RUN_SETTLED = "run.settled"  #: run, runner, certain: what a dead runner left
    LEASE_LOST = "lease.lost"  #: run or runner
    RUNNER_LOST = "runner.lost"  #: runner
    TREE_UNCERTAIN = "tree.uncertain"  #: run or process, why: something may be left
    SERVICE_FAILED = "service.failed"  #: service, error
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
