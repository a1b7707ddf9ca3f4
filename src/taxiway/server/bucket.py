"""How much one caller may ask for: a bucket of tokens that fills again by time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

CALLERS_MAX: Final = 10_000  #: callers that are remembered; who was forgotten begins with a full bucket


class Buckets:
    """One bucket for each caller: ``per_s`` calls a second, and ``burst`` at once."""

    def __init__(self, elapsed_s: Callable[[], float], per_s: float, burst: float) -> None:
        self._elapsed_s = elapsed_s
        self._per_s = per_s
        self._burst = burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> float | None:
        """Take one call out; ``None`` when it may go on, else the seconds to wait."""
        now = self._elapsed_s()
        left, at = self._left.pop(caller, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_s)
        self._left[caller] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > CALLERS_MAX:
            self._left.popitem(last=False)
        return None if left >= 1 else (1 - left) / self._per_s
