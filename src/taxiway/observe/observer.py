"""The moments of the engine, and what it means to listen to them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Protocol


class Moment(StrEnum):
    """What the engine speaks of. Each comes with the ids concerned as facts."""

    RUN_CLAIMED = "run.claimed"  #: run, task, attempt
    RUN_FINISHED = "run.finished"  #: run, task, outcome, state
    RUN_STOPPING = "run.stopping"  #: run, cause
    RUN_SETTLED = "run.settled"  #: run, runner, certain: what a dead runner left
    LEASE_LOST = "lease.lost"  #: run or runner
    RUNNER_LOST = "runner.lost"  #: runner
    TREE_UNCERTAIN = "tree.uncertain"  #: run, why: a process may be left
    SERVICE_FAILED = "service.failed"  #: service, error
    STORE_FAILED = "store.failed"  #: error: this process stops writing


class Observer(Protocol):
    """Somebody who listens; what a listener raises never reaches the engine's work (A46)."""

    def __call__(self, moment: Moment, **facts: Any) -> None: ...


def nobody(moment: Moment, **facts: Any) -> None:
    """The observer that listens to nothing."""
