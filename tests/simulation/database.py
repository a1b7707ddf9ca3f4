"""What the simulator runs over: one SQLite database in memory, on which every simulated process opens a store."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import apsw

from taxiway.store.seams import Seams
from taxiway.store.sqlite.migrate import migrate
from taxiway.store.sqlite.store import SqliteStore
from taxiway.store.sqlite.transactor import SqliteTransactor
from taxiway.store.statements import load_statements
from taxiway.store.tx import Tx
from taxiway.store.verbs.founding import found_store
from taxiway.store.verbs.lanes import put_lane
from taxiway.store.verbs.queues import make_queue
from taxiway.store.writer import InlineWriter
from taxiway.testing.simulator.process import START_MS
from taxiway.testing.simulator.world import StoreSeams

T = TypeVar("T")
PATH = Path("in memory")
STATEMENTS = load_statements("sqlite")


class InlineReader:
    """Reads on the connection that also writes: no transaction is open while somebody waits, so both see the same."""

    def __init__(self, connection: apsw.Connection, statements: Mapping[str, str], now_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._statements = statements
        self._now_ms = now_ms

    async def read(self, operation: Callable[[Tx], T]) -> T:
        """Run a reading operation in one snapshot."""
        self._connection.execute("BEGIN")
        try:
            return operation(Tx(self._connection.cursor().execute, self._statements, self._now_ms()))
        finally:
            self._connection.execute("COMMIT")

    async def damage(self) -> None:
        """There is no file that could be damaged."""

    def close(self) -> None:
        """Nothing of its own is open."""


class MemoryDatabase:
    """One schedule's database. ``statements`` may hold planted bugs, and triggers may be left out for them."""

    def __init__(self, statements: Mapping[str, str] = STATEMENTS, without: Sequence[str] = ()) -> None:
        self._statements = statements
        self._connection = apsw.Connection(":memory:", statementcachesize=256)
        self._connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        migrate(self._connection, PATH)
        self._connection.execute("BEGIN")
        tx = Tx(self._connection.cursor().execute, statements, START_MS)
        found_store(tx, 3)
        make_queue(tx, "second", 2, "world")
        put_lane(tx, 0, "narrow", 1, "world")
        self._connection.execute("COMMIT")
        for trigger in without:
            self._connection.execute(f"DROP TRIGGER {trigger}")

    def open(self, seams: StoreSeams) -> SqliteStore:
        """A store for one process."""
        transactor = SqliteTransactor(
            self._connection,
            PATH,
            self._statements,
            Seams(seams.now_ms, seams.elapsed_s, lambda seconds: None, seams.random, seams.new_id),
            committed=seams.committed,
        )
        reader = InlineReader(self._connection, self._statements, seams.now_ms)
        return SqliteStore(PATH, InlineWriter(transactor), reader, seams.new_id)  # type: ignore[arg-type]

    def close(self) -> None:
        """Everything is forgotten."""
        self._connection.close()
