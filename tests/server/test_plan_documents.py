"""A plan that was read here means the same at a server: its document is read to an equal plan."""

import json
from pathlib import Path

import msgspec
import pytest

import taxiway
from taxiway.core.plan import Plan
from taxiway.planfile.drafting import House
from taxiway.planfile.reading import plan_of
from taxiway.wire.documents import plan_document
from tests.house.source import ROOT

EVERYTHING = {
    "queue": "release",
    "slots": 3,
    "lanes": {"small": 1, "wide": None},
    "defaults": {"timeout": "5m", "env": {"A": "1"}, "labels": {"team": "x"}},
    "sessions": {"fixer": {"agent": "sim", "mailbox": {"mode": "collect", "debounce": "2s", "cap": 3}}},
    "tasks": {
        "fetch": {"command": ["true"], "retries": 2, "backoff": {"first": "100ms"}, "retry_on": ["exit_code"]},
        "lint": {"shell": "echo ${{ fetch.output }}", "after": "fetch", "stdin": "x", "idle_timeout": "1m"},
        "fix": {
            "prompt": "Fix it: ${{ lint.output }}",
            "session": "fixer",
            "after": {"lint": "failed"},
            "mailbox": {"mode": "followup"},
            "result_schema": {"type": "object"},
            "budget": {"usd": 2.5},
            "on_limit": "wait",
        },
        "rest": {
            "job": "rest",
            "args": {"a": [1, None]},
            "priority": -3,
            "delay": "1s",
            "expires": "1h",
            "lane": "small",
        },
    },
}
PLANS = sorted((ROOT / "examples").glob("*.yaml"))


def again(plan: Plan) -> Plan:
    """The plan as a server reads it."""
    document = json.loads(msgspec.json.encode(plan_document(plan)))
    read = plan_of(document, "another name", Path(plan.project), House())
    return msgspec.structs.replace(read, source=plan.source)


def test_a_plan_with_everything_in_it_is_the_same_plan(tmp_path: Path) -> None:
    """Surface 7: defaults, sessions, templates, lanes, durations."""
    file = tmp_path / "release.json"
    file.write_text(json.dumps(EVERYTHING))
    plan = taxiway.read_plan(file)
    assert again(plan) == plan


@pytest.mark.parametrize("file", PLANS, ids=lambda file: file.name)
def test_the_examples_are_the_same_plans(file: Path) -> None:
    """Surface 7."""
    plan = taxiway.read_plan(file)
    assert again(plan) == plan


def test_there_are_examples() -> None:
    """A check of nothing would be none."""
    assert len(PLANS) > 2
