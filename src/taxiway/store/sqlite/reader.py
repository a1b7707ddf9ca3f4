"""Reading beside the writer: short snapshots on connections that cannot write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from threading import local
from typing import Final, TypeVar

import apsw

from taxiway.core.errors import Conflict, StoreUnusable
from taxiway.store.sqlite.connection import explain, make_private, open_reader
from taxiway.store.tx import Tx

T = TypeVar("T")
DAMAGE_SHOWN: Final = 5


class SqliteReader:
    """Runs reading operations, each in one snapshot; with an executor on its threads, without one in place."""

    def __init__(
        self, path: Path, statements: Mapping[str, str], now_ms: Callable[[], int], executor: Executor | None
    ) -> None:
        self._path = path
        self._statements = statements
        self._now_ms = now_ms
        self._executor = executor
        self._local = local()
        self._open: list[apsw.Connection] = []

    async def read(self, operation: Callable[[Tx], T]) -> T:
        """Run ``operation`` in a read transaction and give its result."""
        if self._executor is None:
            return self.read_now(operation)
        return await asyncio.get_running_loop().run_in_executor(self._executor, self.read_now, operation)

    def read_now(self, operation: Callable[[Tx], T]) -> T:
        """The same, on this thread."""
        connection = self._connection()
        try:
            connection.execute("BEGIN")
            try:
                return operation(Tx(connection.cursor().execute, self._statements, self._now_ms()))
            finally:
                connection.execute("COMMIT")
        except apsw.Error as error:
            raise explain(error, self._path) from error

    async def damage(self) -> list[str]:
        """What the engine finds wrong with the file itself: pages, records, indexes against their tables."""
        if self._executor is None:
            return self._damage_now()
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._damage_now)

    def _damage_now(self) -> list[str]:
        try:
            rows = self._connection().execute(f"PRAGMA integrity_check({DAMAGE_SHOWN})").fetchall()
        except (apsw.Error, StoreUnusable) as error:
            return [str(error)]
        return [str(text) for (text,) in rows if text != "ok"]

    async def backup(self, target: Path) -> None:
        """Copy the store, as it is at one moment, into the new file ``target`` (mode 0600), beside running writers."""
        if self._executor is None:
            return self._backup_now(target)
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._backup_now, target)

    def _backup_now(self, target: Path) -> None:
        if target.exists():
            raise Conflict(f"{target} exists already; a backup is a new file", path=str(target))
        make_private(target)
        try:
            connection = self._connection()
            connection.execute("PRAGMA query_only = OFF")  # the copy is the only thing that it writes
            try:
                connection.execute("VACUUM INTO ?", (str(target),))
            finally:
                connection.execute("PRAGMA query_only = ON")
        except apsw.Error as error:
            target.unlink(missing_ok=True)
            raise explain(error, target) from error

    def close(self) -> None:
        """Close every connection and end the threads; nobody reads any more."""
        if self._executor is not None:
            self._executor.shutdown()
        for connection in self._open:
            connection.close()
        self._open.clear()

    def _connection(self) -> apsw.Connection:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = open_reader(self._path)
            self._local.connection = connection
            self._open.append(connection)
        return connection
