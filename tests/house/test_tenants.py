"""What somebody means by an id or a name is looked up in the tenant, in every statement (I10)."""

import re
from collections.abc import Iterator

import pytest

from tests.house.test_statements import statement_files

NAMED = {  # columns that hold what people call a thing; rows refer to each other by numbers
    "task": {"id", "name", "retry_of"},
    "queue": {"name", "project"},
    "lane": {"name"},
    "session": {"name", "key"},
    "run": {"name"},
    "approval": {"name"},
    "signal": {"name"},
    "account": {"name"},
    "idempotency": {"key"},
    "token": {"name"},
    "reply": {"key"},
}
OF_THE_ENGINE = {  # by an id that a claim, a process or the store itself gave
    "run_for_writer": "a run proves itself by its fence, and says whose it is",
    "insert_warm": "a process is opened for the session of a claim",
    "hold_conversation": "by the session of a claim",
    "token_row": "whoever shows a token is nobody before it; the token says whose it is",
    "holder_of_run": "whoever shows the token of a run is nobody before it; the run says whose it is",
    "runner_of_run": "a runner names a run, and is asked whether it is its own",
    "use_token": "tokens that were shown, of whichever tenant",
    "queues_of_tenants": "a runner's scope; it looks in every tenant",
    "task_named": "in a queue, by its row",
}
TABLES = re.compile(
    r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)(?:\s+(?:AS\s+)?(?!ON\b|SET\b|WHERE\b|JOIN\b|LEFT\b|ORDER\b)(\w+))?"
)
COMPARED = re.compile(r"(?:\b(\w+)\.)?\b(\w+)(?:,[^=<>()]*\))?\s*(?:=|>=|<=|<|>|LIKE|IN)\s*\(?\s*:(\w+)")
ASKED = re.compile(r"\btenant (?:= :tenant|IN \(:tenant)")


def lookups(statement: str) -> Iterator[str]:
    """Columns with what people call things that a statement compares with what it is given, as ``table.column``."""
    text = re.sub(r"--[^\n]*", "", statement)
    text = re.sub(r"\bSET\b.*?(?=\bWHERE\b|\Z)", "SET ", text, flags=re.DOTALL)
    aliases = {}
    for table, alias in TABLES.findall(text):
        aliases[alias or table] = aliases[table] = table
    for alias, column, _ in COMPARED.findall(text):
        for table in {aliases.get(alias)} if alias else set(aliases.values()):
            if table is not None and column in NAMED.get(table, ()):
                yield f"{table}.{column}"
    for function in re.findall(r"substr\((\w+\.)?(id|name|key), ", text):
        yield f"substr.{function[1]}"


def test_whatever_is_looked_up_by_a_name_is_looked_up_in_the_tenant() -> None:
    """I10: else an id that somebody guesses is found in another tenant; what the engine asks for is listed, and why."""
    found = {}
    for path in statement_files():
        text = path.read_text("utf-8")
        if path.parent.name != "check" and (named := sorted(set(lookups(text)))) and not ASKED.search(text):
            found[path.stem] = named
    assert {name: named for name, named in found.items() if name not in OF_THE_ENGINE} == {}
    assert set(OF_THE_ENGINE) - set(found) == set(), "these look nothing up by a name"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT seq FROM task WHERE id = :id",
        "SELECT 1 FROM gate g JOIN task t ON t.gate = g.id WHERE t.id = :task",
        "SELECT name FROM run WHERE name >= :start AND name < :end",
        "SELECT name FROM approval WHERE substr(name, -length(:suffix)) = :suffix",
        "UPDATE session SET process = :process WHERE name = :session",
        "SELECT id FROM session WHERE project IN (:project, '') AND key = :key",
    ],
)
def test_a_lookup_by_a_name_is_found(text: str) -> None:
    """By itself, in a join, by a part, in an update."""
    assert list(lookups(text))
    assert not ASKED.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT name FROM queue WHERE id = :queue",
        "UPDATE approval SET state = :state WHERE id = :id",
        "SELECT id FROM runner WHERE name = :name",
        "INSERT INTO task (id, name) VALUES (:id, :name)",
    ],
)
def test_a_lookup_by_a_number_is_let_through(text: str) -> None:
    """Numbers of rows are never given by people; runners are the store's own."""
    assert list(lookups(text)) == []
