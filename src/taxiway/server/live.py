"""Live streams: changes and run events as they are committed, for readers that come, go, and come back (I4, DA11).

A reader gets everything behind its cursor, in the order of each log, at least once; it never slows anybody down: one
that does not take what it is sent is cut, and goes on later where it was.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, NamedTuple

from taxiway.core.errors import Full, Gap
from taxiway.core.token import Principal
from taxiway.server.cursor import Cursor
from taxiway.server.tail import Line, Tail
from taxiway.server.tails import Tails
from taxiway.store.protocol import Store

BEAT_S: Final = 5.0  #: after so long without anything, a sign of life; then the reader's token is looked at again
OF_A_TOKEN_MAX: Final = 256
STREAMS_MAX: Final = 5_000


class Batch(NamedTuple):
    """What is sent at once: lines of one log (a run's, or the change log), and the cursor behind them. No lines: a sign
    of life."""

    run: str | None
    lines: list[Line]
    cursor: Cursor


class Live:
    """Every live stream of a server."""

    def __init__(self, tails: Tails) -> None:
        self._tails = tails
        self._open: Counter[str] = Counter()

    @contextmanager
    def counted(self, principal: Principal) -> Iterator[None]:
        """One stream more. Raises ``Full`` where there are too many."""
        if self._open.total() >= STREAMS_MAX or self._open[principal.token] >= OF_A_TOKEN_MAX:
            raise Full(f"too many live streams; {OF_A_TOKEN_MAX} of one token are the most, {STREAMS_MAX} of all")
        self._open[principal.token] += 1
        try:
            yield
        finally:
            self._open[principal.token] -= 1
            if not self._open[principal.token]:
                del self._open[principal.token]

    async def follow(
        self, store: Store, principal: Principal, cursor: Cursor, still: Callable[[], Awaitable[None]]
    ) -> AsyncIterator[Batch]:
        """Batches behind a cursor, without end. Raises ``Gap`` where some of the change log has been forgotten, and
        what ``still`` does when the reader may not go on."""
        newest = await store.last_version()
        if cursor.version > newest:
            raise Gap("this cursor is ahead of the log: it is another store's", newest=newest)
        lengths = {run: (await store.run(run)).events for run in cursor.runs}
        now_s = asyncio.get_running_loop().time
        looked_s = now_s()
        with ExitStack() as stack:
            tails: dict[str | None, Tail] = {
                run: stack.enter_context(self._tails.events(store, run, length)) for run, length in lengths.items()
            }
            tails[None] = stack.enter_context(self._tails.changes(store, principal.tenant, newest))
            pulse = self._tails.everywhere if lengths else tails[None].pulse
            while True:
                coming, found = pulse.next, False
                for run, tail in tails.items():
                    lines = await tail.behind(_place(cursor, run))
                    if lines:
                        found = True
                        cursor = _moved(cursor, run, lines)
                        yield Batch(run, lines, cursor)
                if not found and not await _within(BEAT_S, coming):
                    yield Batch(None, [], cursor)
                if now_s() - looked_s >= BEAT_S:
                    looked_s = now_s()
                    await still()


async def _within(seconds: float, coming: asyncio.Event) -> bool:
    """Whether it came in time."""
    try:
        async with asyncio.timeout(seconds):
            await coming.wait()
    except TimeoutError:
        return False
    return True


def _place(cursor: Cursor, run: str | None) -> int:
    return cursor.version if run is None else cursor.runs[run]


def _moved(cursor: Cursor, run: str | None, lines: list[Line]) -> Cursor:
    if run is None:
        return Cursor(lines[-1].number, cursor.runs)
    return Cursor(cursor.version, {**cursor.runs, run: lines[-1].number})
