"""Ctrl-C and SIGTERM while a command goes on: counted, not thrown."""

from __future__ import annotations

import asyncio
import signal
from types import TracebackType
from typing import Final, Self

from taxiway.cli.words import count

WATCHED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stopping_words(working: int) -> str:
    """What is said at the first signal, while ``working`` runs are there."""
    return f"stopping: {count(working, 'run')} asked to end; once more kills at once" if working else "stopping"


class Interrupts:
    """Within its block the first signal sets ``first``, the second ``second``; afterwards all is as before."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Self:
        for number in WATCHED:
            self._loop.add_signal_handler(number, self._came)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in WATCHED:
            self._loop.remove_signal_handler(number)

    def _came(self) -> None:
        (self.second if self.first.is_set() else self.first).set()
