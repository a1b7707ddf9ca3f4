"""Runs batches of operations on the writing connection: BEGIN IMMEDIATE, one after the other, one COMMIT.

With several processes on one file the wait for the write lock is our own, short and jittered, because the engine's
grows to 100 ms; and after a commit that met others a process leaves a gap, so that none of them starves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import apsw

from taxiway.core.errors import Conflict, OutcomeUnknown, StoreUnusable, Unavailable
from taxiway.core.limits import WRITER_BATCH_S_MAX
from taxiway.store.seams import Seams
from taxiway.store.sqlite.connection import explain
from taxiway.store.tx import Memory, Topic, Tx
from taxiway.store.writer import Job

LOCK_WAIT_S_MAX: Final = 30.0
LOCK_RETRY_S: Final = 0.0003
CONTENTION_MEMORY_S: Final = 1.0
GAP_S: Final = 0.0006
LOOKUPS_MAX: Final = 4_096  # what is remembered between transactions stays small


class SqliteTransactor:
    """Owns the writing connection. Used by one thread at a time.

    ``committed`` is called after each commit that wrote, on the writer's thread.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        path: Path,
        statements: Mapping[str, str],
        seams: Seams,
        committed: Callable[[Topic], None],
    ) -> None:
        self._connection = connection
        self._path = path
        self._execute = connection.cursor().execute
        self._statements = statements
        self._now_ms = seams.now_ms
        self._elapsed_s = seams.elapsed_s
        self._pause = seams.pause
        self._random = seams.random
        self._new_id = seams.new_id
        self._committed = committed
        self._contended_at = float("-inf")
        self._broken: Unavailable | None = None
        self._memory = Memory()
        self._others: object = None  # how often other connections had written, as our transaction began
        self._own = -1  # how much this connection had written, as our last one was committed
        connection.set_busy_timeout(0)

    def transact(self, jobs: Sequence[Job[Any]]) -> int:
        """Run jobs in one transaction, as many as its time bound lets; how many were done, with results or errors."""
        if self._broken is not None:
            raise self._broken
        try:
            tx, done = self._run(jobs)
            self._commit()
            self._remember()
        except BaseException as error:
            self._roll_back()
            raise self._unknown(error) from error
        if topics := tx.topics:
            self._committed(topics)
        if self._contended_at > self._elapsed_s() - CONTENTION_MEMORY_S:
            self._pause(GAP_S)
        return done

    def _run(self, jobs: Sequence[Job[Any]]) -> tuple[Tx, int]:
        """Run jobs together; when one fails that had written, all over again with a savepoint each.

        Savepoints make the engine copy every page it touches, and operations hardly ever fail after their first write.
        """
        tx = self._begin()
        done = self._run_together(tx, jobs)
        if done is None:
            self._roll_back()
            tx = self._begin()
            done = self._run_apart(tx, jobs)
        return tx, done

    def _run_together(self, tx: Tx, jobs: Sequence[Job[Any]]) -> int | None:
        written = self._connection.total_changes
        deadline = self._elapsed_s() + WRITER_BATCH_S_MAX
        for count, job in enumerate(jobs, 1):
            before = written()
            _run_job(tx, job)
            if job.error is not None:
                if written() != before:
                    return None
                tx.forget()
            if self._elapsed_s() > deadline:
                return count
        return len(jobs)

    def _run_apart(self, tx: Tx, jobs: Sequence[Job[Any]]) -> int:
        deadline = self._elapsed_s() + WRITER_BATCH_S_MAX
        for count, job in enumerate(jobs, 1):
            self._execute("SAVEPOINT caller")
            _run_job(tx, job)
            if job.error is not None:
                self._execute("ROLLBACK TO caller")
                tx.forget()
            self._execute("RELEASE caller")
            if self._elapsed_s() > deadline:
                return count
        return len(jobs)

    def _begin(self) -> Tx:
        deadline = self._elapsed_s() + LOCK_WAIT_S_MAX
        while True:
            try:
                self._execute("BEGIN IMMEDIATE")
                return Tx(self._execute, self._statements, self._now_ms(), self._recall(), self._new_id)
            except apsw.BusyError as error:
                now = self._elapsed_s()
                self._contended_at = now
                if now > deadline:
                    raise explain(error, self._path) from error
                self._pause(LOCK_RETRY_S * (0.5 + self._random()))
            except apsw.Error as error:
                raise explain(error, self._path) from error

    def _recall(self) -> Memory:
        """What the last transaction knew, if nobody has written since: no other process, and nobody else here."""
        ((others,),) = self._execute("PRAGMA data_version").fetchall()
        alone = others == self._others and self._connection.total_changes() == self._own
        if not alone or len(self._memory.looked_up) > LOOKUPS_MAX:
            self._memory.forget()
        self._others, self._own = others, -1
        return self._memory

    def _remember(self) -> None:
        """What this transaction knew is so now."""
        self._own = self._connection.total_changes()

    def _commit(self) -> None:
        while True:
            try:
                self._execute("COMMIT")
                return
            except apsw.BusyError:
                self._pause(LOCK_RETRY_S)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except apsw.Error:
                self._broken = StoreUnusable(f"{self._path} cannot be used any more in this process; start it again")

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


def _run_job(tx: Tx, job: Job[Any]) -> None:
    """Run one caller's operation: its error is its own, unless the database itself is in trouble."""
    job.error = None
    try:
        job.result = job.operation(tx)
    except apsw.ConstraintError as error:
        job.error = Conflict(f"it clashes with what is stored already ({error}); nothing was changed")
    except apsw.Error:
        raise
    except Exception as error:
        job.error = error
