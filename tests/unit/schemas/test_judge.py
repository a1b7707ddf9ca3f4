"""Schemas and results before the program that judges them."""

import threading
from typing import Any

import pytest

from taxiway.schemas.judge import SchemaJudge

VERDICT = {
    "type": "object",
    "required": ["verdict"],
    "properties": {
        "verdict": {"enum": ["approve", "reject"]},
        "findings": {"type": "array", "items": {"$ref": "#/$defs/finding"}},
    },
    "$defs": {"finding": {"type": "object", "properties": {"line": {"type": "integer"}}}},
}

DOUBLING = {
    "$defs": {f"a{one}": {"allOf": [{"$ref": f"#/$defs/a{one + 1}"}] * 2} for one in range(40)} | {"a40": {}},
    "$ref": "#/$defs/a0",
}


def deep(levels: int) -> dict[str, Any]:
    """A schema of so many levels."""
    found: dict[str, Any] = {}
    for _ in range(levels):
        found = {"items": found}
    return found


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"verdict": "approve", "findings": [{"line": 3}], "more": None}, None),
        ({"verdict": "maybe"}, "at verdict: 'maybe' is not one of ['approve', 'reject']"),
        ({"findings": []}, ": 'verdict' is a required property"),
        ({"verdict": "reject", "findings": [{}, {"line": "x"}]}, "at findings[1].line: 'x' is not of type 'integer'"),
        (None, ": None is not of type 'object'"),
    ],
)
def test_a_result_is_held_to_its_schema_and_told_where_it_breaks_it(result: object, said: str | None) -> None:
    """A43: success is what holds, not what is claimed. No result is a result like any other."""
    found = SchemaJudge().broken(VERDICT, result)
    assert found is None if said is None else found is not None and found.endswith(said)


def test_faults_of_schemas_have_paths_and_those_without_any_are_not_asked_twice() -> None:
    """Each by itself, in the order in which they were asked; all in one start of the program."""
    elsewhere = {"properties": {"a": {"$ref": "https://example.org/a.json"}}}
    judge = SchemaJudge()
    found = judge.faults(
        [
            VERDICT,
            {"properties": {"a": {"type": "objct"}}},
            elsewhere,
            {"$ref": "#/$defs/gone"},
            {"pattern": "("},
            {"$schema": "https://example.org/mine"},
            deep(100),
            {"properties": {"$ref": {"type": "string"}}, "const": {"$ref": "https://example.org"}},
        ]
    )
    told = [None if one is None else (one.path, one.message) for one in found]
    assert told[0] is told[7] is None
    assert told[1] is not None
    assert told[1][0] == ("properties", "a", "type")
    assert "'objct' is not one of" in told[1][1]
    assert told[2] == (
        ("properties", "a", "$ref"),
        "'https://example.org/a.json' is a schema elsewhere, and none is ever fetched: write it into $defs",
    )
    assert told[3:7] == [
        (("$ref",), "'#/$defs/gone' is not in the schema"),
        (("pattern",), "'(' is not a 'regex'"),
        (("$schema",), "'https://example.org/mine' is no dialect of JSON Schema that is known here"),
        ((), "is nested deeper than 64 levels"),
    ]
    assert judge.faults([VERDICT]) == [None]


@pytest.mark.parametrize(
    ("schema", "result"),
    [
        ({"pattern": "^(a+)+$"}, "a" * 60 + "!"),
        ({"$ref": "#"}, 1),
        (DOUBLING, 1),
        ({"$ref": "https://example.org/never-fetched"}, 1),
    ],
    ids=["an expression that searches", "a circle", "doubling", "elsewhere"],
)
def test_a_hostile_schema_or_result_has_an_end_and_never_passes(schema: dict[str, Any], result: object) -> None:
    """CWE-1333, CWE-674, CWE-918: the program is ended, this one goes on, and what was not judged is not accepted."""
    found = SchemaJudge().broken(schema, result)
    assert found is not None
    assert "judged" in found or "nested" in found


def test_what_is_told_is_bounded() -> None:
    """A result may be a megabyte, and stands in the library's words."""
    found = SchemaJudge().broken({"type": "integer"}, "x" * 1_000_000)
    assert found is not None
    assert len(found) < 600


def test_two_threads_may_ask_at_once() -> None:
    """A runner judges the results of several turns side by side."""
    judge, found = SchemaJudge(), []
    threads = [threading.Thread(target=lambda: found.extend(judge.faults([VERDICT]))) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == [None] * 3
