"""How the engine finds what statements ask for: what is looked at every second scans no table (I18)."""

import re
from pathlib import Path

import apsw
import pytest

from taxiway.store.sqlite.migrate import migrate
from taxiway.store.statements import load_statements


def steps(statement: str) -> list[str]:
    """What the engine would do for a named statement."""
    connection = apsw.Connection(":memory:")
    migrate(connection, Path("in memory"))
    text = load_statements("sqlite")[statement]
    parameters = dict.fromkeys(re.findall(r":(\w+)", text), 1)
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", parameters).fetchall()]


@pytest.mark.parametrize(
    ("statement", "scans"),
    [
        ("read_lane", ["SCAN r USING INDEX run_of_runner", "SCAN waiting"]),  # live runs; what has been counted
        ("successor", []),
        ("ready_ahead", []),
        ("last_seq", []),
        ("event_facts", []),
        ("gates_ahead", ["SCAN g USING INDEX gate_by_path"]),  # open gates
        ("accounts_by_head", ["SCAN account USING INDEX account_by_head"]),  # in order, and two of them
        ("paths_by_head", []),
        ("gates_of_path", []),
        ("shut_paths", []),
        ("move_limited", ["SCAN task USING COVERING INDEX task_limited"]),  # what met a limit
        ("answered_runs", []),
        ("resumable_runs", []),
        ("due_approvals", []),
        ("open_approvals", []),
        ("pending_of_run", []),
        ("task_state_by_id", []),
        ("task_by_prefix", []),
        ("read_changes", []),
        ("newest_change", []),
        ("account_of_agent", []),
        ("tally_changes", []),
        ("tally_runs", ["SCAN run USING INDEX run_of_runner"]),  # live runs
        ("live_processes", ["SCAN run USING INDEX run_of_runner"]),
        ("tally_queues", []),
        ("tally_ready", ["SCAN (subquery-1)"]),  # what was counted, up to a bound
        ("tally_scheduled", ["SCAN (subquery-1)"]),  # what was counted, up to a bound
        ("tally_approvals", ["SCAN (subquery-1)"]),  # what was counted, up to a bound
        ("recent_runs", []),
    ],
)
def test_what_is_asked_often_scans_no_table(statement: str, scans: list[str]) -> None:
    """I18: whatever the store has come to hold, an index leads there; only what is small by itself is scanned."""
    assert [step for step in steps(statement) if step.startswith("SCAN")] == scans


def test_a_tenant_finds_its_own_changes_among_those_of_all() -> None:
    """I10, I18: whoever is far behind is not slowed by what others have done since."""
    assert steps("read_changes") == ["SEARCH change USING INDEX change_of_tenant (tenant=? AND version>?)"]
    assert steps("newest_change") == ["SEARCH change USING COVERING INDEX change_of_tenant (tenant=?)"]
