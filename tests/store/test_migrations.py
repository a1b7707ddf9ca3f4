"""A store of an older version becomes one of this version, with everything where a claim looks for it."""

from pathlib import Path

import apsw
import pytest

from taxiway.store.sqlite.migrate import migrate, scripts
from taxiway.store.statements import load_checks

ACCOUNTS_AND_GATES = """
    INSERT INTO queue (id, tenant, project, name, state, standing, created_at, version)
    VALUES (1, 'default', '', 'runs', 'running', 1, 0, 1), (2, 'default', '', 'rests', 'paused', 1, 0, 1);
    INSERT INTO lane (id, tenant, queue, name, full, stopped, head_urgency, head_position, head_seq, version)
    VALUES (1, 'default', 0, 'roomy', 0, 0, 0, 0, 10, 1), (2, 'default', 0, 'full', 1, 0, 0, 0, 13, 1),
           (3, 'default', 0, 'stopped', 0, 1, NULL, NULL, NULL, 1);
    INSERT INTO account (id, tenant, name, phase, full)
    VALUES (1, 'default', 'asked', 'open', 0), (2, 'default', 'parked', 'parked', 0), (3, 'default', 'full', 'open', 1);
    INSERT INTO gate (id, queue, lane, needs, account, open, head_urgency, head_position, head_seq)
    VALUES (1, 1, 1, '', NULL, 1, 0, 0, 10), (2, 2, 1, '', NULL, 0, 0, 0, 5), (3, 1, 1, 'agent:a', 1, 1, 0, 0, 11),
           (4, 1, 1, 'agent:b', 2, 0, 0, 0, 12), (5, 1, 2, 'agent:a', 1, 1, 0, 0, 4),
           (6, 1, 1, 'agent:c', 3, 0, 0, 0, 3), (7, 1, 3, '', NULL, 1, 0, 0, 2);
"""
OF_PATHS = ("wrong_path_head", "wrong_account_head", "path_shut_wrongly", "gate_off_its_path", "gate_shut_wrongly")


@pytest.fixture
def older() -> apsw.Connection:
    """A database before paths, with gates behind accounts and lanes of every kind."""
    connection = apsw.Connection(":memory:")
    [paths] = [number for number, text in scripts() if "CREATE TABLE path" in text]
    for number, text in scripts():
        if number < paths:
            connection.execute(text)
    connection.execute(f"PRAGMA user_version = {paths - 1}")
    connection.execute(ACCOUNTS_AND_GATES)
    return connection


def test_what_waits_in_an_older_store_is_found_by_paths(older: apsw.Connection) -> None:
    """I14: a gate that only its account had shut is open, and account and lane keep its path from being looked at."""
    migrate(older, Path("in memory"))
    assert older.execute("SELECT id FROM gate WHERE open = 0").fetchall() == [(2,)]
    heads = older.execute("SELECT account, lane, shut, head_seq FROM path ORDER BY account, lane").fetchall()
    assert heads == [(0, 1, 0, 10), (0, 3, 1, 2), (1, 1, 0, 11), (1, 2, 1, 4), (2, 1, 0, 12), (3, 1, 0, 3)]
    assert older.execute("SELECT id, head_seq FROM account ORDER BY id").fetchall() == [(1, 11), (2, 12), (3, 3)]
    queries = {name: text for _, name, _, text in load_checks()}
    assert [name for name in OF_PATHS if older.execute(queries[name]).fetchall()] == []
