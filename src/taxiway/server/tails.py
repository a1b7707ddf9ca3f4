"""The tails that somebody follows now: one for each log, however many watch it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from taxiway.server.tail import Line, Pulse, Read, Tail
from taxiway.store.protocol import Store, Topic, Wakes
from taxiway.wire.documents import change_document, event_document

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Tails:
    """Gives out tails, and lets them go when the last follower has left. They grow as tasks of ``group``."""

    def __init__(self, group: asyncio.TaskGroup, wakes: Wakes) -> None:
        self._group = group
        self._wakes = wakes
        self._tails: dict[str, tuple[Tail, asyncio.Task[None]]] = {}
        self.everywhere = Pulse()

    @contextmanager
    def changes(self, store: Store, tenant: str, version: int) -> Iterator[Tail]:
        """The change log of a tenant; ``version`` is the newest that is known."""

        async def read(after: int, limit: int) -> list[Line]:
            page = await store.changes(after, limit)
            return [Line(change.version, _encode(change_document(change))) for change in page]

        with self._followed(f"changes {tenant}", lambda: self._tail(read, Topic.CHANGE, version)) as tail:
            yield tail

    @contextmanager
    def events(self, store: Store, run: str, seq: int) -> Iterator[Tail]:
        """The log of a run; ``seq`` is the newest number that is known."""

        async def read(after: int, limit: int) -> list[Line]:
            page = await store.events(run, after, limit)
            return [Line(event.seq, _encode(event_document(event))) for event in page]

        with self._followed(f"events {run}", lambda: self._tail(read, Topic.EVENTS, seq)) as tail:
            yield tail

    def _tail(self, read: Read, topic: Topic, start: int) -> Tail:
        return Tail(read, self._wakes.subscribe(topic), start, self.everywhere)

    @contextmanager
    def _followed(self, name: str, make: Callable[[], Tail]) -> Iterator[Tail]:
        if name not in self._tails:
            tail = make()
            self._tails[name] = tail, self._group.create_task(tail.grow(), name=name)
        tail, growing = self._tails[name]
        tail.followers += 1
        try:
            yield tail
        finally:
            tail.followers -= 1
            if not tail.followers:
                del self._tails[name]
                growing.cancel()
