"""Raw limits: the statements that verbs run, recorded once and run again in a bare loop with nothing of ours around."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import apsw

from taxiway.clock import Ids, SystemClock, system_chance
from taxiway.core.readiness import Scope
from taxiway.core.run import Completed
from taxiway.core.task import TaskSpec
from taxiway.store.protocol import NewTask, Runner
from taxiway.store.seams import Seams
from taxiway.store.sqlite.connection import open_writer
from taxiway.store.sqlite.migrate import migrate
from taxiway.store.sqlite.transactor import SqliteTransactor
from taxiway.store.statements import load_statements
from taxiway.store.tx import Tx
from taxiway.store.verbs import founding, runners
from taxiway.store.verbs.claim import Claim
from taxiway.store.verbs.finish import finish
from taxiway.store.verbs.submit import submit
from taxiway.store.writer import Job

NOOP = TaskSpec(job="noop")
WORDS_OF_TRANSACTIONS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")

Statement = tuple[str, Any]
Operation = Callable[[Tx], Any]


class Recorder:
    """A store without writer or loop: runs operations, and keeps the statements that they ran."""

    def __init__(self, path: Path) -> None:
        clock = SystemClock()
        self.ids = Ids(clock, system_chance())
        self._connection = open_writer(path)
        migrate(self._connection, path)
        self._transactor = SqliteTransactor(
            self._connection,
            path,
            load_statements("sqlite"),
            Seams(clock.now_ms, clock.elapsed_s, clock.pause, random.random, self.ids.new),
            committed=lambda _: None,
        )
        self._kept: list[Statement] = []
        self._connection.exec_trace = self._keep

    def run(self, operations: Sequence[Operation]) -> list[Any]:
        """Run operations in one transaction, or in several where they are many; their results."""
        jobs: list[Job[Any]] = [Job(operation, None) for operation in operations]  # type: ignore[arg-type]
        done = 0
        while done < len(jobs):
            done += self._transactor.transact(jobs[done:])
        for job in jobs:
            if job.error is not None:
                raise job.error
        return [job.result for job in jobs]

    def taken(self) -> list[Statement]:
        """What was run since the last call."""
        kept, self._kept = self._kept, []
        return kept

    def close(self) -> None:
        self._connection.close()

    def _keep(self, _: Any, statement: str, bindings: Any) -> bool:
        if not statement.lstrip().startswith(WORDS_OF_TRANSACTIONS):
            self._kept.append((statement, bindings))
        return True


class Recording:
    """The statements of founding a store, of submitting tasks, and of draining them in claims of so many."""

    def __init__(self, folder: Path, tasks: int, claims_of: int) -> None:
        recorder = Recorder(folder / "recorded.db")
        runner = recorder.ids.new("runner")
        recorder.run([lambda tx: founding.found_store(tx, 1000)])
        recorder.run([lambda tx: runners.register(tx, Runner(id=runner, host="h", boot_id="b", pid=1, slots=8))])
        self.founding = recorder.taken()
        self.submits = [self._submit(recorder) for _ in range(tasks)]
        self.transactions: list[list[Statement]] = []
        new_id = partial(recorder.ids.new, "run")
        while claimed := recorder.run([lambda tx: Claim(tx, runner, new_id).take(Scope(), claims_of)])[0]:
            self.transactions.append(recorder.taken())
            ends = [partial(finish, run=one.run, fence=one.fence, outcome=Completed(), chance=0.5) for one in claimed]
            recorder.run(ends)
            self.transactions.append(recorder.taken())
        recorder.close()

    @staticmethod
    def _submit(recorder: Recorder) -> list[Statement]:
        new = NewTask(recorder.ids.new("task"), NOOP, b"hash")
        recorder.run([lambda tx: submit(tx, [new], "bench")])
        return recorder.taken()


class BareStore:
    """The same file, settings and schema, and nothing else: runs recorded statements in transactions."""

    def __init__(self, folder: Path, recording: Recording) -> None:
        path = folder / "bare.db"
        self._connection = open_writer(path)
        migrate(self._connection, path)
        self.run([recording.founding])

    def run(self, transactions: Sequence[Sequence[Statement]]) -> float:
        """Run each transaction and commit it; the seconds it took."""
        execute = self._connection.cursor().execute
        began = time.perf_counter()
        for statements in transactions:
            execute("BEGIN IMMEDIATE")
            for statement, bindings in statements:
                execute(statement, bindings).fetchall()
            execute("COMMIT")
        return time.perf_counter() - began

    def close(self) -> None:
        self._connection.close()


def one_row_commits(folder: Path, count: int) -> float:
    """The raw limit of durability: commits a second of one 300-byte row each, WAL and synchronous=FULL."""
    connection = apsw.Connection(str(folder / "rows.db"))
    for setting in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, body TEXT)")
    execute, body = connection.cursor().execute, "x" * 300
    began = time.perf_counter()
    for _ in range(count):
        execute("INSERT INTO row (body) VALUES (?)", (body,))
    took = time.perf_counter() - began
    connection.close()
    return count / took
