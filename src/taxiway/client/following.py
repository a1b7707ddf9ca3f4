"""Following the logs of a server: one stream after the other, each from the place that the last one had reached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

from taxiway.client.connection import PATIENCE_S, Connection, StreamEvent
from taxiway.core.change import Change
from taxiway.core.errors import Forbidden, Full, Gap, RateLimited, Unavailable
from taxiway.core.event import Event, EventType
from taxiway.wire.records import change_of, event_of

LOOK_S: Final = 30.0  #: who waits for one thing looks again after so long, whatever was told
NO_STREAM_LOOK_S: Final = 5.0  #: the same where the server gives no stream
NO_LOG_LOOK_S: Final = 0.5  #: the same for a run, which waits for what it has submitted and may read no log of all
VERSION_MAX: Final = 1 << 53


async def newest_version(connection: Connection) -> int:
    """The version of the newest change."""
    return int((await connection.get("/changes", after=VERSION_MAX))["newest"])


class Following:
    """Live logs of a server; the place in each is counted here, so that nothing is lost or doubled by a cut (I4)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def newest(self) -> int:
        """The place in the change log from which to wait for something; 0 for a run, which may not read it."""
        try:
            return await newest_version(self._connection)
        except Forbidden:
            return 0

    async def run(self, run: str, after: int) -> AsyncGenerator[Event, None]:
        """Events of a run behind number ``after``, until its end; a run that follows another one gets them by pages."""
        try:
            async with aclosing(self._streamed(run, after)) as events:
                async for event in events:
                    after = event.seq
                    yield event
        except Forbidden:
            async with aclosing(self._paged(run, after)) as events:
                async for event in events:
                    yield event

    async def _paged(self, run: str, after: int) -> AsyncGenerator[Event, None]:
        while True:
            page = await self._connection.get(f"/runs/{run}/events", after=after)
            for document in page["items"]:
                event = event_of(document)
                after = event.seq
                yield event
                if event.type is EventType.RUN_FINISHED:
                    return
            if not page["items"]:
                await asyncio.sleep(NO_LOG_LOOK_S)

    async def _streamed(self, run: str, after: int) -> AsyncGenerator[Event, None]:
        async with aclosing(self._events(lambda: {"run": f"{run}:{after}"})) as events:
            async for told in events:
                if told.name != "event" or told.data["seq"] <= after:
                    continue
                event = event_of(told.data)
                after = event.seq
                yield event
                if event.type is EventType.RUN_FINISHED:
                    return

    async def changes(self, after: int) -> AsyncGenerator[Change, None]:
        """The change log behind version ``after``, without end."""
        async with aclosing(self._events(lambda: {"after": str(after)})) as events:
            async for told in events:
                if told.name == "change" and told.data["version"] > after:
                    change = change_of(told.data)
                    after = change.version
                    yield change

    async def changed(self, id: str, version: int) -> None:
        """Wait until something behind a version is about a task, or for so long that it is time to look again."""
        try:
            async with asyncio.timeout(LOOK_S), aclosing(self.changes(version)) as changes:
                async for change in changes:
                    if change.id == id:
                        return
        except (TimeoutError, Gap):
            return
        except Full:  # as many streams as this token may have: without one it is looked up now and then
            await asyncio.sleep(NO_STREAM_LOOK_S)
        except Forbidden:
            await asyncio.sleep(NO_LOG_LOOK_S)

    async def _events(self, place: Callable[[], dict[str, str]]) -> AsyncGenerator[StreamEvent, None]:
        """Events of streams, opened anew whenever one is cut. Raises ``Unavailable`` when the server has not answered
        for a minute."""
        now_s = asyncio.get_running_loop().time
        down_s: float | None = None
        tried = 0
        while True:
            try:
                async with self._connection.stream("/stream", **place()) as events:
                    down_s = None
                    async for event in events:
                        tried = 0
                        yield event
            except (Unavailable, RateLimited):
                down_s = now_s() if down_s is None else down_s
                if now_s() - down_s > PATIENCE_S:
                    raise
            tried += 1
            await self._connection.rest(tried)
