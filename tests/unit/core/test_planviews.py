"""A plan drawn as a flowchart, and described for editors."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from taxiway.core.plan import Plan
from taxiway.core.plangraph import escaped, plan_graph
from taxiway.core.planschema import DURATION_PATTERN, plan_schema
from taxiway.core.specs import legal_fields
from taxiway.core.task import Condition, Dependency, TaskSpec

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
VALIDATOR = jsonschema.Draft202012Validator(plan_schema())


def task(**fields: Any) -> dict[str, Any]:
    return {"tasks": {"a": {"shell": "x", **fields}}}


def test_the_schema_is_a_schema() -> None:
    """Surface, "The plan file": taxiway plan schema."""
    jsonschema.Draft202012Validator.check_schema(plan_schema())


def test_the_schema_describes_every_field_that_a_plan_may_have() -> None:
    """A field that is added to the reader and not to the schema would be underlined in editors."""
    known = set(plan_schema()["$defs"]["task"]["properties"])
    assert known == set(legal_fields()) - {"queue", "idempotency_key", "no_wait"}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_fit_the_schema(path: Path) -> None:
    """With the plan as an editor sees it."""
    VALIDATOR.validate(yaml.safe_load(path.read_text("utf-8")))


@pytest.mark.parametrize(
    "plan",
    [
        task(timeout="1h30m", after={"b": "failed", "c": None}, env={"A": 1}),
        task(timeout=None, after=["b", {"c": "finished"}], retry_on="timeout"),
        task(delay=0.5, after="b", backoff={"first": "2s", "jitter": 0}, metadata={"x": [1]}),
        {"tasks": [{"name": "a", "command": ["x", 1]}], "lanes": {"main": 2, "wide": None}, "slots": None},
        {"tasks": {"a": {"prompt": "x", "agent": "a", "access": "write", "resume": "fresh", "model": "m"}}},
        {
            "tasks": {
                "a": {"prompt": "x", "session": "a:b", "mailbox": {"mode": "steer", "debounce": "1s", "cap": None}}
            }
        },
        {"tasks": {"a": {"shell": "x"}}, "sessions": {"s": {"agent": "a", "mailbox": {"cap": 2}}, "t": None}},
        {"tasks": {"a": {"job": "x", "args": {"y": [1]}}}, "defaults": {"timeout": 5, "env": {"A": "x"}}, "queue": "q"},
    ],
)
def test_what_can_be_read_fits_the_schema(plan: dict[str, Any]) -> None:
    """The different ways to write the same."""
    VALIDATOR.validate(plan)


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"tasks": {}},
        {"tasks": []},
        {"tasks": {"a": {}}},
        {"tasks": {"a": {"shell": "x", "command": ["y"]}}},
        {"tasks": {"a b": {"shell": "x"}}},
        {"tasks": [{"shell": "x"}]},
        {"tasks": {"a": {"shell": "x"}}, "queu": "x"},
        {"tasks": {"a": {"shell": "x"}}, "slots": 0},
        {"tasks": {"a": {"shell": "x"}}, "lanes": {"main": 0}},
        {"tasks": {"a": {"shell": "x"}}, "defaults": {"shell": "x"}},
        {"tasks": {"a": {"shell": "x"}}, "sessions": []},
        {"tasks": {"a": {"shell": "x"}}, "sessions": {"s": {"agnt": "x"}}},
        {"tasks": {"a": {"shell": "x"}}, "sessions": {"a b": {}}},
        task(session="s", mailbox={"mode": "steal"}),
        task(session="s", mailbox={"cap": 0}),
        {"tasks": {"a": {"shell": " "}}},
        {"tasks": {"a": {"command": []}}},
        {"tasks": {"a": {"command": "x"}}},
        task(timeot="5m"),
        task(timeout="5 m"),
        task(timeout=""),
        task(timeout="1h30"),
        task(timeout="30m1h"),
        task(timeout=-1),
        task(retries=-1),
        task(retries=1.5),
        task(priority=10**7),
        task(after={"b": "faild"}),
        task(after=[5]),
        task(retry_on=["budget"]),
        task(backoff={"fist": 1}),
        task(env={"TAXIWAY_RUN": "x"}),
        task(env={"A": True}),
        task(prompt="x"),
        task(queue="x"),
    ],
)
def test_what_is_refused_does_not_fit_the_schema(plan: dict[str, Any]) -> None:
    """Bad input, as far as a schema can say it."""
    assert not VALIDATOR.is_valid(plan)


@pytest.mark.parametrize(
    ("text", "fits"),
    [("800ms", True), ("30", True), ("1h30m", True), ("1.5h", True), ("s", False), ("5w", False), ("-5s", False)],
)
def test_the_pattern_of_durations_agrees_with_their_reader(text: str, fits: bool) -> None:
    """Two ways to say one thing."""
    assert bool(re.search(DURATION_PATTERN, text)) is fits


def plan(*tasks: TaskSpec) -> Plan:
    return Plan(queue="q", project="/p", source="/p/q.yaml", tasks=tasks)


def test_a_graph_has_a_box_for_a_task_and_an_arrow_for_a_dependency() -> None:
    """Surface: taxiway plan graph; conditions other than completed stand on the arrow."""
    text = plan_graph(
        plan(
            TaskSpec(name="lint", command=("ruff", "check")),
            TaskSpec(name="fix", shell="echo", after=(Dependency("lint", Condition.FAILED),)),
            TaskSpec(name="end", job="mail", after=(Dependency("lint"), Dependency("fix", Condition.FINISHED))),
        )
    )
    assert text.splitlines() == [
        "%% q",
        "flowchart LR",
        '  t0["lint<br/>ruff check"]',
        '  t1["fix<br/>echo"]',
        '  t2["end<br/>job mail"]',
        "  t0 -->|failed| t1",
        "  t0 --> t2",
        "  t1 -->|finished| t2",
    ]


def test_lanes_are_drawn_when_there_are_several() -> None:
    """A frame for each."""
    text = plan_graph(plan(TaskSpec(name="a", shell="x"), TaskSpec(name="b", shell="x", lane="tests")))
    assert '  subgraph lane1["tests"]\n    t1["b<br/>x"]\n  end\n' in text


def test_nothing_in_a_plan_can_leave_its_box() -> None:
    """What stands in a box is text: neither Mermaid's syntax nor HTML."""
    hostile = '"]; click t0 "javascript:alert(1)" <script>&#x27;`%%{init}`\n\x1b[31m end'
    assert re.sub(r"#[0-9]+;", "", escaped(hostile)).isprintable()
    assert not set(re.sub(r"#[0-9]+;", "", escaped(hostile))) & set("\"'`;<>{}[]()|&#%\n")
    (box,) = [line for line in plan_graph(plan(TaskSpec(name="a", shell=hostile))).splitlines() if "t0" in line]
    assert box.count('"') == 2
    assert len(plan_graph(plan(TaskSpec(name="a", shell="x" * 10_000)))) < 200
