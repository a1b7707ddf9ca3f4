"""How the SQLite store's verbs reach its file: writes by the writer, reads by the reader."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Self, TypeVar

from taxiway.store.guard import Guard
from taxiway.store.sqlite.reader import SqliteReader
from taxiway.store.tx import Tx
from taxiway.store.verbs.guarding import around
from taxiway.store.writer import Urgency, Writer

T = TypeVar("T")


class SqliteVerbs:
    """What every part of the store stands on."""

    def __init__(self, writer: Writer, reader: SqliteReader) -> None:
        self._writer = writer
        self._reader = reader
        self._guard: Guard | None = None

    def guarded(self, guard: Guard) -> Self:
        """The same store for one call."""
        view = copy(self)
        view._guard = guard
        return view

    async def _first(self, operation: Callable[[Tx], T]) -> T:
        return await self._writer.write(self._guarding(operation), Urgency.FIRST)

    async def _bulk(self, operation: Callable[[Tx], T]) -> T:
        return await self._writer.write(self._guarding(operation), Urgency.BULK)

    def _guarding(self, operation: Callable[[Tx], T]) -> Callable[[Tx], T]:
        return operation if self._guard is None else around(self._guard, operation)
