"""SQL lives in ``.sql`` files, one statement each, named for its verb; Python only speaks of transactions."""

import ast
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.source import PACKAGE, ROOT, Breach, Module, breach, breaches, modules, planted

STATEMENT = re.compile(
    r"^\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|MERGE|WITH|CREATE|DROP|ALTER)\b(?=\s*$|\s+[\w*(\"])"
    r"|\b(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|DELETE\s+FROM|UPDATE\s+\w+\s+SET|CREATE\s+(TABLE|(UNIQUE\s+)?INDEX|TRIGGER|VIEW))\b",
    re.DOTALL,
)
QUIET_STATEMENT = re.compile(  # in small letters English is close by, so more of the statement must be there
    r"^\s*(select\s+[\w*.,()\s]+\sfrom\s+\w+|insert\s+(or\s+\w+\s+)?into\s+\w+|delete\s+from\s+\w+|update\s+\w+\s+set\s+\w+\s*=)",
    re.DOTALL,
)
WORDS_OF_TRANSACTIONS = re.compile(r"^\s*(PRAGMA|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|VACUUM|ATTACH|ANALYZE)\b")


def statements(module: Module) -> Iterator[Breach]:
    """String constants that are SQL: statements anywhere, words of transactions outside ``store/sqlite``."""
    for node in ast.walk(module.tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)) or id(node) in module.documentation:
            continue
        if STATEMENT.search(node.value) or QUIET_STATEMENT.search(node.value):
            yield breach(module, node, "SQL in Python; a statement is a file of its own in the store")
        elif WORDS_OF_TRANSACTIONS.search(node.value) and not module.name.startswith("store.sqlite"):
            yield breach(module, node, "transactions are the store's; only store/sqlite speaks of them")


def statement_files() -> list[Path]:
    """Every named statement; migrations are scripts and are not among them."""
    return [path for path in sorted(PACKAGE.rglob("*.sql")) if "migrations" not in path.parts]


def count_statements(text: str) -> int:
    """How many statements a text holds, as SQLite's own tokenizer ends them."""
    count, pending = 0, ""
    for piece in re.split(r"(?<=;)", text):
        pending += piece
        if sqlite3.complete_statement(pending):
            count, pending = count + 1, ""
    return count + bool(re.sub(r"--[^\n]*|/\*.*?\*/", "", pending, flags=re.DOTALL).strip())


def test_no_statement_stands_in_python() -> None:
    """SQL only in .sql files, so that a reader finds every statement by its verb."""
    assert breaches(statements) == []


def test_a_statement_file_holds_one_statement_and_says_what_it_is_for() -> None:
    """The first line is a comment: its purpose, or for a dialect's own version why it differs."""
    for path in statement_files():
        text, where = path.read_text("utf-8"), path.relative_to(ROOT)
        assert count_statements(text) == 1, f"{where} holds {count_statements(text)} statements"
        assert text.startswith("-- "), f"{where}: the first line says what it is for (`-- …`)"


def test_every_statement_file_is_used() -> None:
    """A statement that no module names is dead; those in check/ run by folder, and tests/store plants for each."""
    words = {word for module in modules() if module.room == "store" for word in re.findall(r"\w+", module.text)}
    named = [path for path in statement_files() if path.parent.name != "check"]
    assert [str(path.relative_to(ROOT)) for path in named if path.stem not in words] == []


@pytest.mark.parametrize(
    "text",
    [
        'x = "SELECT id FROM task"',
        'x = "select id, state from task where id = :id"',
        'x = f"UPDATE task SET state = {state}"',
        'x = "SELECT " + columns',
        'x = ["with", "DELETE FROM task"]',
        'x = "  INSERT OR IGNORE INTO task VALUES (1)"',
        'x = "CREATE TABLE task (id)"',
        'x = "BEGIN IMMEDIATE"',
        'x = "PRAGMA journal_mode"',
    ],
)
def test_sql_in_python_is_found(text: str) -> None:
    """Large or small letters, whole or in pieces."""
    assert breaches(statements, [planted(text)])


@pytest.mark.parametrize(
    "text",
    [
        '"""Select tasks from the store; SELECT id FROM task."""',
        'x = "update the plan with new tasks"',
        'x = "Select a lane from the list"',
        'x = "delete it from the queue"',
        'x = "Begin again"',
    ],
)
def test_plain_english_is_let_through(text: str) -> None:
    """Docstrings and messages are no statements."""
    assert breaches(statements, [planted(text)]) == []


def test_words_of_transactions_are_let_through_in_the_sqlite_store_only() -> None:
    """There they belong; statements do not, even there."""
    inside = "src/taxiway/store/sqlite/planted.py"
    assert breaches(statements, [planted('x = "SAVEPOINT one"', inside)]) == []
    assert breaches(statements, [planted('x = "SELECT 1"', inside)])


def test_statements_are_counted_by_their_ends() -> None:
    """Triggers, strings and comments hold semicolons that end nothing."""
    assert count_statements("-- two; words\nSELECT ';' -- a;\n") == 1
    assert count_statements("SELECT 1; -- done") == 1
    assert count_statements("SELECT 1; SELECT 2") == 2
    assert count_statements("") == 0
