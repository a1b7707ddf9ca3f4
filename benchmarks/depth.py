"""Deep stores in seconds: one real task, made by the verbs, copied row by row into a million."""

from __future__ import annotations

from pathlib import Path

import apsw

LINKED = {"spec": "task", "dependency": "child"}  # tables with rows of a task, and the column that says of which


def deepen(path: Path, task: str, copies: int) -> None:
    """Copy the waiting task with this id so many times, with its spec and what it waits for, behind itself.

    What gates count and order (heads, ``unmet``) stays right, because every copy comes after the one that was there.
    """
    if not copies:
        return
    connection = apsw.Connection(str(path))
    seq, queue = connection.execute("SELECT seq, queue FROM task WHERE id = ?", (task,)).get
    own = {"seq": "seq + n.value", "id": "substr(id, 1, 5) || printf('%026d', seq + n.value)"}
    with connection:
        _copy(connection, "task", "seq", seq, copies, own)
        for table, column in LINKED.items():
            _copy(connection, table, column, seq, copies, {column: f"{column} + n.value"})
        connection.execute("UPDATE queue SET open = open + ? WHERE id = ?", (copies, queue))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def lengthen(path: Path, run: str, copies: int) -> None:
    """Copy the run's first piece of output so many times behind its last event."""
    connection = apsw.Connection(str(path))
    row, last = connection.execute("SELECT id, events FROM run WHERE name = ?", (run,)).get
    first = connection.execute("SELECT min(seq) FROM event WHERE run = ? AND type = 'output'", (row,)).get
    with connection:
        connection.execute(
            "INSERT INTO event (run, seq, type, at, data, body) "
            "WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?) "
            "SELECT run, ? + n.value, type, at, data, body FROM event, n WHERE run = ? AND seq = ?",
            (copies, last, row, first),
        )
        connection.execute("UPDATE run SET events = ? WHERE id = ?", (last + copies, row))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _copy(connection: apsw.Connection, table: str, key: str, row: int, copies: int, changed: dict[str, str]) -> None:
    columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(changed.get(name, name) for name in columns)
    connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) "
        "WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?) "
        f"SELECT {values} FROM {table}, n WHERE {key} = ?",
        (copies, row),
    )
