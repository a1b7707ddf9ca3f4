"""The live view of ``taxiway run``: a few frames a second, drawn from the board, only on a terminal."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from taxiway.app import Taxiway
from taxiway.cli.board import Row
from taxiway.cli.following import Following
from taxiway.cli.frame import Scene, frame
from taxiway.cli.lastlines import LastLines
from taxiway.clock import Clock
from taxiway.core.change import Change
from taxiway.core.lane import Lane
from taxiway.core.queue import Queue

TICK_S: Final = 0.25  #: clocks on the screen move, and last lines are read, so often


class LiveView:
    """Draws frames; ``moved`` and ``looked`` only note that there is something new."""

    def __init__(self, tw: Taxiway, following: Following, clock: Clock, slots: int) -> None:
        self._tw = tw
        self._following = following
        self._clock = clock
        self._slots = slots
        self._console = Console(highlight=False, markup=False, emoji=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True, redirect_stdout=False)
        self._began_ms = clock.now_ms()
        self._lines = LastLines(tw.store)
        self._lanes: list[Lane] = []
        self._queue: Queue | None = None
        self._resized = False

    async def moved(self, row: Row, change: Change) -> None:
        """The board has it; the next frame shows it."""

    async def looked(self, queue: Queue) -> None:
        """A page of changes has been applied."""
        self._queue = queue

    def say(self, text: str) -> None:
        """A line above the view, which stays."""
        self._console.print(Text(text))

    async def draw_on(self) -> None:
        """Draw until cancelled."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGWINCH, self._note_resize)
        ticks = 0
        try:
            with self._live:
                while True:
                    if ticks % 4 == 0:
                        self._lanes = await self._tw.lanes()
                    ticks += 1
                    await self._lines.read(list(self._following.board.running.values())[: self._console.height])
                    self._draw()
                    await self._clock.sleep(TICK_S)
        finally:
            loop.remove_signal_handler(signal.SIGWINCH)

    def _draw(self) -> None:
        if self._resized:
            # Lines of the old width have wrapped, so what stands there cannot be counted any more.
            self._resized = False
            self._live.stop()
            self._console.clear()
            self._live.start()
        if self._queue is None:
            return
        scene = Scene(
            queue=self._queue,
            board=self._following.board,
            lanes=self._lanes,
            slots=self._slots,
            lines=self._lines.shown,
            now_ms=self._clock.now_ms(),
            began_ms=self._began_ms,
            width=self._console.width,
            height=self._console.height,
        )
        self._live.update(frame(scene), refresh=True)

    def _note_resize(self) -> None:
        self._resized = True


@asynccontextmanager
async def live_view(tw: Taxiway, following: Following, clock: Clock, slots: int) -> AsyncIterator[LiveView]:
    """A view that draws for as long as the block lasts, and leaves the terminal as it found it."""
    view = LiveView(tw, following, clock, slots)
    async with asyncio.TaskGroup() as group:
        drawing = group.create_task(view.draw_on(), name="draw")
        try:
            yield view
        finally:
            drawing.cancel()
