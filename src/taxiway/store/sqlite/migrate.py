"""Bringing a file up to this program's schema: numbered scripts, each in one transaction (I19)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import apsw

from taxiway.core.errors import StoreUnusable
from taxiway.store.sqlite.connection import APPLICATION_ID, explain, pragma

_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


def scripts() -> list[tuple[int, str]]:
    """The migrations as (number, text), in order."""
    found = []
    for entry in (Path(__file__).parent / "migrations").iterdir():
        match = _NAME.fullmatch(entry.name)
        if match:
            found.append((int(match.group(1)), entry.read_text(encoding="utf-8")))
    return sorted(found)


def newest() -> int:
    """The schema number that this program writes."""
    return scripts()[-1][0]


def migrate(connection: apsw.Connection, path: Path) -> int:
    """Apply what is missing; the schema number after it. A file newer than this program is refused untouched."""
    version = pragma(connection, "user_version")
    assert isinstance(version, int)
    known = newest()
    if version > known:
        raise StoreUnusable(
            f"{path} was written by a newer Taxiway (schema {version}; this program knows up to {known}); "
            "upgrade this program",
            path=str(path),
        )
    if version == known:
        return known
    try:
        _apply(connection)
    except apsw.Error as error:
        raise explain(error, path) from error
    return known


def _apply(connection: apsw.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = pragma(connection, "user_version")  # another process may have been first
        for number, text in scripts():
            if isinstance(version, int) and number > version:
                connection.execute(text)
                connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
