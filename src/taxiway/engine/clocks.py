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
        self._left_s = timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._total: asyncio.TimerHandle | None = None
        self._quiet: asyncio.TimerHandle | None = None
        self._heard_s = 0.0
        self._paused = False
        self._over = False

    @property
    def paused(self) -> bool:
        """Whether it waits for a person."""
        return self._paused

    def start(self) -> None:
        """It executes from now on."""
        self._run_total()
        self.heard()

    def heard(self) -> None:
        """It said something: its silence clock starts anew."""
        if self._idle_timeout_s is None or self._over or self._paused:
            return
        loop = asyncio.get_running_loop()
        self._heard_s = loop.time()
        if self._quiet is None:
            self._quiet = loop.call_later(self._idle_timeout_s, self._listen, self._idle_timeout_s)

    def _listen(self, idle_timeout_s: float) -> None:
        """Whether it has said something since; a timer for every word would cost more than the word."""
        loop = asyncio.get_running_loop()
        until = self._heard_s + idle_timeout_s
        if loop.time() < until:
            self._quiet = loop.call_at(until, self._listen, idle_timeout_s)
        else:
            self._quiet = None
            self._stop(StopCause.STALLED)

    def hush(self) -> None:
        """Its silence does not count: it waits for us to write what it said."""
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None

    def pause(self) -> None:
        """Both stand still: it waits for a person (semantics, "Waiting for a person")."""
        self._paused = True
        self.hush()
        if self._total is not None:
            self._left_s = max(0.0, self._total.when() - asyncio.get_running_loop().time())
            self._total.cancel()
            self._total = None

    def go_on(self) -> None:
        """The total clock goes on where it stood, and the silence clock starts anew."""
        if self._paused:
            self._paused = False
            self._run_total()
            self.heard()

    def stop(self) -> None:
        """It has ended, or is being stopped: what comes later is no cause any more."""
        self._over = True
        self.hush()
        if self._total is not None:
            self._total.cancel()
            self._total = None

    def _run_total(self) -> None:
        if self._left_s is not None and not self._over:
            self._total = asyncio.get_running_loop().call_later(self._left_s, self._stop, StopCause.TIMEOUT)
