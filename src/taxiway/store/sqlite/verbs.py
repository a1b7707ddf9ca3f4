"""How the SQLite store's verbs reach its file: writes by the writer, reads by the reader, each as its tenant (I10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import copy
from pathlib import Path
from typing import Final, Self, TypeVar

from taxiway.core.tenant import DEFAULT_TENANT, check_tenant
from taxiway.store.guard import Guard
from taxiway.store.request import REQUEST
from taxiway.store.sqlite.reader import SqliteReader
from taxiway.store.tx import NOBODY, Tx
from taxiway.store.verbs import founding
from taxiway.store.verbs.guarding import around
from taxiway.store.writer import Operation, Urgency, Writer

T = TypeVar("T")
R = TypeVar("R")
MAIN_SIZE: Final = 4  #: of lane ``main``, where nobody says


class SqliteVerbs:
    """What every part of the store stands on. A view by ``of`` shares everything but whose verbs these are; one by
    ``guarded`` everything but what holds for its writes."""

    def __init__(self, writer: Writer, reader: SqliteReader, main_size: int = MAIN_SIZE) -> None:
        self._writer = writer
        self._tenant = DEFAULT_TENANT
        self._guard: Guard | None = None
        self._made = {DEFAULT_TENANT}  # tenants that are known to be there; whoever opens a store makes the first
        self._main_size = main_size
        self._reader = TenantReader(reader, self._tenant, self._be_made)

    def of(self, tenant: str) -> Self:
        """The same store as one tenant sees it."""
        if tenant == self._tenant:
            return self
        view = copy(self)
        view._tenant = check_tenant(tenant)
        view._reader = TenantReader(self._reader.whole, tenant, view._be_made)
        return view

    def guarded(self, guard: Guard) -> Self:
        """The same store for one call, whose writes are held to its key and to what its caller has seen."""
        view = copy(self)
        view._guard = guard
        return view

    async def tenants(self) -> list[str]:
        """Every tenant."""
        return await self._reader.whole.read(founding.tenants)

    async def _first(self, operation: Operation[T]) -> T:
        return await self._write(self._held(operation), Urgency.FIRST)

    async def _bulk(self, operation: Operation[T]) -> T:
        return await self._write(self._held(operation), Urgency.BULK)

    async def _bulk_and_read(self, operation: Operation[T], read: Callable[[Tx, T], R]) -> R:
        """Write, then read in the same transaction; a repeated call is answered with what is there by then."""
        held = self._held(operation)
        return await self._write(lambda tx: read(tx, held(tx)), Urgency.BULK)

    async def _serve(self, operation: Operation[T], urgency: Urgency = Urgency.FIRST) -> T:
        """A verb of the engine, which is for the whole store and says itself whose it is that it writes."""
        return await self._writer.write(_by(NOBODY, operation), urgency)

    async def _write(self, operation: Operation[T], urgency: Urgency) -> T:
        if self._tenant not in self._made:
            await self._be_made()
        return await self._writer.write(_by(self._tenant, operation), urgency)

    def _held(self, operation: Operation[T]) -> Operation[T]:
        """A write that is held to what its call is guarded by."""
        return operation if self._guard is None else around(self._guard, operation)

    async def _be_made(self) -> None:
        """A tenant is made by its first use."""
        if self._tenant not in self._made:
            found = _by(self._tenant, lambda tx: founding.found_store(tx, self._main_size))
            await self._writer.write(found, Urgency.FIRST)
            self._made.add(self._tenant)


class TenantReader:
    """Reads as one tenant, which is ``made`` before it looks for the first time."""

    def __init__(self, whole: SqliteReader, tenant: str, made: Callable[[], Awaitable[None]]) -> None:
        self.whole = whole
        self._tenant = tenant
        self._be_made = made

    async def read(self, operation: Operation[T]) -> T:
        """Run ``operation`` in a read transaction and give its result."""
        if self._tenant != DEFAULT_TENANT:
            await self._be_made()
        return await self.whole.read(_by(self._tenant, operation))

    async def damage(self) -> list[str]:
        """What is wrong with the file itself."""
        return await self.whole.damage()

    async def backup(self, target: Path) -> None:
        """Copy the whole store."""
        await self.whole.backup(target)

    def close(self) -> None:
        """Close every connection."""
        self.whole.close()


def _by(tenant: str, operation: Operation[T]) -> Operation[T]:
    """The same as a tenant, and in the name of the request that it is part of: it is done elsewhere, and later."""
    request = REQUEST.get()

    def run(tx: Tx) -> T:
        tx.tenant, tx.request = tenant, request
        return operation(tx)

    return run
