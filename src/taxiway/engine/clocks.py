"""The two clocks of a run: how long it may take in all, and how long it may be silent (decision 6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from taxiway.core.run import StopCause


class RunClocks:
    """Calls ``stop`` with the cause when a clock runs out. ``None``: there is no such clock."""

    def __init__(
        self, stop: Callable[[StopCause], None], timeout_s: float | None, idle_timeout_s: float | None
    ) -> None:
        self._stop = stop
        self._timeout_s = timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._total: asyncio.TimerHandle | None = None
        self._quiet: asyncio.TimerHandle | None = None
        self._over = False

    def start(self) -> None:
        """It executes from now on."""
        if self._timeout_s is not None:
            loop = asyncio.get_running_loop()
            self._total = loop.call_later(self._timeout_s, self._stop, StopCause.TIMEOUT)
        self.heard()

    def heard(self) -> None:
        """It said something: its silence clock starts anew."""
        if self._idle_timeout_s is None or self._over:
            return
        self.hush()
        loop = asyncio.get_running_loop()
        self._quiet = loop.call_later(self._idle_timeout_s, self._stop, StopCause.STALLED)

    def hush(self) -> None:
        """Its silence does not count: it waits for us to write what it said."""
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None

    def stop(self) -> None:
        """It has ended, or is being stopped: what comes later is no cause any more."""
        self._over = True
        self.hush()
        if self._total is not None:
            self._total.cancel()
            self._total = None
