"""How the SQLite store's verbs reach its file: writes by the writer, reads by the reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from taxiway.store.request import REQUEST
from taxiway.store.sqlite.reader import SqliteReader
from taxiway.store.tx import Tx
from taxiway.store.writer import Urgency, Writer

T = TypeVar("T")


class SqliteVerbs:
    """What every part of the store stands on."""

    def __init__(self, writer: Writer, reader: SqliteReader) -> None:
        self._writer = writer
        self._reader = reader

    async def _first(self, operation: Callable[[Tx], T]) -> T:
        return await self._writer.write(_asked(operation), Urgency.FIRST)

    async def _bulk(self, operation: Callable[[Tx], T]) -> T:
        return await self._writer.write(_asked(operation), Urgency.BULK)


def _asked(operation: Callable[[Tx], T]) -> Callable[[Tx], T]:
    """The same, in the name of the request that it is part of; the writer does it elsewhere, and later."""
    request = REQUEST.get()
    if request is None:
        return operation

    def asked(tx: Tx) -> T:
        with tx.asked_by(request):
            return operation(tx)

    return asked
