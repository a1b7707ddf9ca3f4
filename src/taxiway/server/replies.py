"""Forgets what was answered under idempotency keys when nobody can mean it any more."""

from __future__ import annotations

from typing import Final

from taxiway.clock import Clock
from taxiway.store.protocol import Store

KEPT_S: Final = 86_400  #: a key is known for a day
EVERY_S: Final = 600.0
PAGE_ROWS: Final = 500


class ReplyKeeper:
    """One step is one page."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def step(self) -> float:
        """Forget a page of old answers; how many seconds until there may be more to do."""
        before = self._clock.now_ms() - KEPT_S * 1000
        gone = await self._store.prune_replies(before, PAGE_ROWS)
        return 1.0 if gone == PAGE_ROWS else EVERY_S
