"""The timekeeper: sleeps until the next stored time falls due, then wakes what is due; and pages what cascades left."""

from __future__ import annotations

from typing import Final

from taxiway.clock import Clock
from taxiway.core.limits import CASCADE_ROWS_MAX
from taxiway.store.protocol import Store, Topic

SLEEP_S_MAX: Final = 30.0  #: wall clocks jump; nobody sleeps past this without looking again (I20)


class Timekeeper:
    """Delays, backoffs and expiries are stored times; this is the one place that waits for them."""

    name: Final = "timekeeper"
    topics: Final = Topic.TIME

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def step(self) -> float:
        """Do one page of what is due, or say how long nothing is."""
        due = await self._store.next_due()
        if due is None:
            return SLEEP_S_MAX
        if due == 0:
            await self._store.advance(CASCADE_ROWS_MAX)
            await self._store.wake_due(CASCADE_ROWS_MAX)  # what is due does not wait for a million pages (I14)
            return 0
        wait_s = (due - self._clock.now_ms()) / 1000
        if wait_s > 0:
            return min(wait_s, SLEEP_S_MAX)
        await self._store.wake_due(CASCADE_ROWS_MAX)
        return 0
