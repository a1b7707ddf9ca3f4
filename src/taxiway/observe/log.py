"""The observer that writes to Python's log, one line a moment."""

from __future__ import annotations

import logging
from typing import Any, Final

from taxiway.observe.observer import Moment

LOGGER: Final = logging.getLogger("taxiway")
REFUSED: Final = 400  #: the status of an answer that refuses, or a higher one
_LEVELS: Final = {
    Moment.TREE_UNCERTAIN: logging.ERROR,
    Moment.SERVICE_FAILED: logging.ERROR,
    Moment.REQUEST_FAILED: logging.ERROR,
    Moment.STORE_FAILED: logging.ERROR,
    Moment.RUNNER_LOST: logging.WARNING,
    Moment.LEASE_LOST: logging.WARNING,
    Moment.LIMIT_MET: logging.WARNING,
    Moment.RUN_SETTLED: logging.INFO,
    Moment.RUN_FINISHED: logging.INFO,
}


def level_of(moment: Moment, status: int = 0) -> int:
    """How loud a moment is; what is not named here is for whoever looks closely. So is a request with its ``status``,
    unless it was refused: a program that waits asks again and again."""
    if moment is Moment.REQUEST_SERVED and status >= REFUSED:
        return logging.INFO
    return _LEVELS.get(moment, logging.DEBUG)


def log_moment(moment: Moment, **facts: Any) -> None:
    """Write one moment with its facts as ``key=value``; whoever wants them as fields finds them in the record."""
    level = level_of(moment, facts.get("status") or 0)
    if LOGGER.isEnabledFor(level):
        text = " ".join(f"{key}={value!r}" for key, value in facts.items())
        LOGGER.log(level, "%s %s", moment, text, extra={"moment": str(moment), "facts": facts})
