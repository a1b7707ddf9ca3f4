"""Scripts of the fake agent: what may be written, every mistake with its place, and which turn answers what."""

import json
from pathlib import Path
from typing import Any

import pytest

from taxiway.testing.fakeagent.reading import read_script
from taxiway.testing.fakeagent.script import KINDS, ScriptError, Step, script_of


def problems(value: Any) -> list[str]:
    """What is wrong with a script."""
    with pytest.raises(ScriptError) as error:
        script_of(value)
    return error.value.problems


def test_every_mistake_in_a_script_is_told_with_its_place_and_the_nearest_word() -> None:
    """A script that means something else than it says would make a test lie."""
    script = {
        "turn": [],
        "turns": [{"macth": "x", "match": "(", "steps": [{"slep": 1}, {"sleep": "soon"}, {"say": {"txt": "x"}}]}],
        "default": [{"tool": {}}, {"say": "a", "think": "b"}, {"crash": "SIGNOTHING"}, {"repeat": {"times": 2}}],
        "start": {"say": "x"},
        "steers": "maybe",
    }
    assert problems(script) == [
        "the script: 'turn' is no key here; did you mean 'turns'?",
        "turns[0]: 'macth' is no key here; did you mean 'match'?",
        "turns[0].match: is no regular expression: missing ), unterminated subpattern at position 0",
        "turns[0].steps[0]: 'slep' is no step; did you mean 'sleep'?",
        "turns[0].steps[1].sleep: 'soon' is no duration; write 200ms, 2s, 5m, 1h or a number of seconds",
        "turns[0].steps[2].say: 'txt' is no key here; did you mean 'text'?",
        "turns[0].steps[2].say: lacks 'text'",
        "default[0].tool: lacks 'name'",
        "default[1]: must be one step, such as {say: hello}",
        "default[2].crash: must be the name of a signal, such as SIGTERM, or a list of them",
        "default[3].repeat: lacks 'steps'",
        "default[3].repeat.steps: must be a list of steps",
        "start: must be a list of steps",
        "steers: must be one of accept, decline, ignore",
    ]


@pytest.mark.parametrize("value", ["text", [1], 3, {"turns": {}}, {"turns": [[]]}, {"turns": [{"turn": -1}]}])
def test_what_is_no_script_is_refused_and_breaks_nothing(value: Any) -> None:
    """Any value that a file may hold."""
    assert problems(value)


def test_a_step_may_be_written_short() -> None:
    """Its one value, or its name alone where everything has a default; the rest is filled in."""
    script = script_of({"default": [{"say": "x"}, "hang", {"hang": True}, {"sleep": "200ms"}, {"send": {"type": "x"}}]})
    assert script.default.steps == (
        Step("say", {"text": "x", "delta": False}),
        Step("hang", {"seconds": None}),
        Step("hang", {"seconds": None}),
        Step("sleep", {"seconds": 0.2}),
        Step("send", {"message": {"type": "x"}}),
    )


def test_the_first_turn_that_fits_answers() -> None:
    """By number, by a pattern found in the text, by both; else the default."""
    script = script_of(
        {
            "turns": [
                {"turn": 2, "match": "again", "steps": [{"say": "both"}]},
                {"turn": 2, "steps": [{"say": "number"}]},
                {"match": "fix (?P<what>\\w+)", "steps": [{"say": "pattern"}]},
            ]
        }
    )

    def answer(number: int, text: str) -> tuple[str, dict[str, str]]:
        turn, groups = script.turn(number, text)
        return turn.steps[0].fields["text"], groups

    assert answer(2, "once\nagain") == ("both", {})
    assert answer(2, "fix it") == ("number", {})
    assert answer(1, "please fix it") == ("pattern", {"1": "it", "what": "it"})
    assert answer(1, "hello") == ("{text}", {})


def test_yaml_means_in_a_script_what_yaml_1_2_means(tmp_path: Path) -> None:
    """``no`` and ``on`` are texts; numbers, true and null are themselves."""
    path = tmp_path / "script.yaml"
    path.write_text("default:\n- say: no\n- say: 1:30\n- sleep: 1.5\n- hang: true\n- send: {a: 012, b: ~, c: -3}\n")
    steps = [next(iter(step.fields.values())) for step in read_script(str(path)).default.steps]
    assert steps == ["no", "1:30", 1.5, None, {"a": "012", "b": None, "c": -3}]


@pytest.mark.parametrize(
    ("name", "text"), [("a.yaml", "a: [\n"), ("a.yaml", "- &x *x"), ("a.json", "{"), ("b.json", None)]
)
def test_a_file_that_cannot_be_read_is_told_in_a_sentence(tmp_path: Path, name: str, text: str | None) -> None:
    """No such file, no YAML, no JSON."""
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(ScriptError, match=name):
        read_script(str(tmp_path / name))


def test_every_kind_of_step_is_documented() -> None:
    """docs/fake-agent.md has a line for each, and for each of its fields."""
    page = (Path(__file__).parents[3] / "docs" / "fake-agent.md").read_text("utf-8")
    lines = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    assert [kind for kind in KINDS if kind not in lines] == []
    lacking = [(kind, field) for kind in KINDS for field in KINDS[kind].fields if f"`{field}`" not in lines[kind]]
    assert lacking == []


def test_a_script_in_json_and_one_in_yaml_mean_the_same(tmp_path: Path) -> None:
    """Programs write JSON, people YAML."""
    value = {"turns": [{"turn": 1, "steps": [{"say": "x"}]}], "steers": "decline"}
    (tmp_path / "a.json").write_text(json.dumps(value))
    (tmp_path / "a.yaml").write_text("turns:\n- turn: 1\n  steps: [{say: x}]\nsteers: decline\n")
    assert read_script(str(tmp_path / "a.json")) == read_script(str(tmp_path / "a.yaml"))
