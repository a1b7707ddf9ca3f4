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
}


def log_moment(moment: Moment, **facts: Any) -> None:
    """Write one moment with its facts as ``key=value``."""
    level = _LEVELS.get(moment, logging.DEBUG)
    if LOGGER.isEnabledFor(level):
        LOGGER.log(level, "%s %s", moment, " ".join(f"{key}={value!r}" for key, value in facts.items()))
