"""Runs batches of operations on the writing connection: BEGIN IMMEDIATE, a savepoint each, one COMMIT.

With several processes on one file the wait for the write lock is our own, short and jittered, because the engine's
grows to 100 ms; and after a commit that met others a process leaves a gap, so that none of them starves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import apsw

from taxiway.core.errors import Error, OutcomeUnknown, Unavailable
from taxiway.core.limits import WRITER_BATCH_S_MAX
from taxiway.store.sqlite.connection import explain
from taxiway.store.tx import Row, Topic, Tx
from taxiway.store.writer import Job

LOCK_WAIT_S_MAX: Final = 30.0
LOCK_RETRY_S: Final = 0.0003
CONTENTION_MEMORY_S: Final = 1.0
GAP_S: Final = 0.0006


class ApswCursor:
    """Runs statements on one connection; one cursor is enough, since every statement runs to its end."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._cursor = connection.cursor()

    def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run one statement to its end and give its rows."""
        return self._cursor.execute(statement, parameters).fetchall()


class SqliteTransactor:
    """Owns the writing connection. Used by one thread at a time.

    ``elapsed_s``, ``pause`` and ``random`` are handed in; ``committed`` is called after each commit that wrote, on the
    writer's thread.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        path: Path,
        statements: Mapping[str, str],
        *,
        now_ms: Callable[[], int],
        elapsed_s: Callable[[], float],
        pause: Callable[[float], None],
        random: Callable[[], float],
        committed: Callable[[Topic], None],
    ) -> None:
        self._connection = connection
        self._path = path
        self._cursor = ApswCursor(connection)
        self._statements = statements
        self._now_ms = now_ms
        self._elapsed_s = elapsed_s
        self._pause = pause
        self._random = random
        self._committed = committed
        self._contended_at = float("-inf")
        self._broken: Unavailable | None = None
        connection.set_busy_timeout(0)

    def transact(self, jobs: Sequence[Job[Any]]) -> None:
        """Run a batch, in as many transactions as its time bound asks for; results and errors go into the jobs."""
        rest = list(jobs)
        while rest:
            rest = rest[self._one_transaction(rest) :]
            if self._elapsed_s() - self._contended_at < CONTENTION_MEMORY_S:
                self._pause(GAP_S)

    def _one_transaction(self, jobs: Sequence[Job[Any]]) -> int:
        if self._broken is not None:
            raise self._broken
        self._begin()
        started = self._elapsed_s()
        tx = Tx(self._cursor, self._statements, self._now_ms())
        done = 0
        try:
            for job in jobs:
                self._run_job(tx, job)
                done += 1
                if self._elapsed_s() - started > WRITER_BATCH_S_MAX:
                    break
            self._commit()
        except BaseException as error:
            self._roll_back()
            raise self._unknown(error) from error
        for job in jobs[:done]:
            job.committed = True
        if tx.topics:
            self._committed(tx.topics)
        return done

    def _begin(self) -> None:
        deadline = self._elapsed_s() + LOCK_WAIT_S_MAX
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                return
            except apsw.BusyError as error:
                now = self._elapsed_s()
                self._contended_at = now
                if now > deadline:
                    raise explain(error, self._path) from error
                self._pause(LOCK_RETRY_S * (0.5 + self._random()))
            except apsw.Error as error:
                raise explain(error, self._path) from error

    def _run_job(self, tx: Tx, job: Job[Any]) -> None:
        """Run one caller's operation in its savepoint: its error is its own, and leaves nothing behind."""
        execute = self._connection.execute
        execute("SAVEPOINT caller")
        try:
            job.result = job.operation(tx)
        except (Error, apsw.ConstraintError) as error:
            execute("ROLLBACK TO caller")
            tx.forget_counters()
            job.error = error
        execute("RELEASE caller")

    def _commit(self) -> None:
        while True:
            try:
                self._connection.execute("COMMIT")
                return
            except apsw.BusyError:
                self._pause(LOCK_RETRY_S)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except apsw.Error:
                self._broken = Unavailable(f"{self._path} cannot be used any more in this process; start it again")

    def _unknown(self, error: BaseException) -> BaseException:
        """A full disk is certain: nothing was written. Any other failed commit is unknown, and this process must not
        go on writing (I1b)."""
        match error:
            case apsw.FullError():
                return explain(error, self._path)
            case apsw.Error():
                self._broken = OutcomeUnknown(
                    f"{self._path}: a write returned an error ({error}), so it may or may not be stored; "
                    "this process stops writing: start it again and repeat the call",
                    path=str(self._path),
                )
                return self._broken
            case _:
                return error

    def close(self) -> None:
        """Close the connection, folding the log into the file where nobody else is using it."""
        self._connection.close()
