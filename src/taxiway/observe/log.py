"""The observer that writes to Python's log, one line a moment."""

from __future__ import annotations

import logging
from typing import Any, Final

from taxiway.observe.observer import Moment

LOGGER: Final = logging.getLogger("taxiway")
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
    Moment.REQUEST_SERVED: logging.INFO,
}


def level_of(moment: Moment) -> int:
    """How loud a moment is; what is not named here is for whoever looks closely."""
    return _LEVELS.get(moment, logging.DEBUG)


def log_moment(moment: Moment, **facts: Any) -> None:
    """Write one moment with its facts as ``key=value``; whoever wants them as fields finds them in the record."""
    level = level_of(moment)
    if LOGGER.isEnabledFor(level):
        text = " ".join(f"{key}={value!r}" for key, value in facts.items())
        LOGGER.log(level, "%s %s", moment, text, extra={"moment": str(moment), "facts": facts})
