"""Each real agent CLI, in the mode that its users script, against the stub model."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents.homes import HOMES, Home, claude, codex
from tests.agents.installed import MUST_HAVE, must_have, program
from tests.stub_model.record import Outcome
from tests.stub_model.server import StubModel
from tests.stub_model.thread import stub_in_thread

pytestmark = pytest.mark.agents
END_S_MAX = 90


@pytest.fixture
def stub() -> Iterator[StubModel]:
    """A stub model beside a test that waits for processes."""
    with stub_in_thread() as serving:
        yield serving


@pytest.fixture(params=HOMES)
def home(request: pytest.FixtureRequest, tmp_path: Path, stub: StubModel) -> Home:
    """Each CLI in its home."""
    return HOMES[request.param](tmp_path, stub.url).lay()


def run(home: Home, *words: str) -> subprocess.CompletedProcess[str]:
    """One turn, to its end."""
    return subprocess.run(
        [*home.headless, *words],
        cwd=home.work,
        env=home.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=END_S_MAX,
        check=False,
    )


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """What a CLI wrote: one JSON object in each line."""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_real_agent_says_what_the_script_says(home: Home, stub: StubModel) -> None:
    """In its own events; the stub saw it stream, under the fake key."""
    done = run(home, "[[stub: say the word is marzipan]]")
    assert done.returncode == 0, done.stderr
    assert "the word is marzipan" in done.stdout
    assert events(done)
    turns = [one for one in stub.requests if one.why == "turn 0"]
    assert [(one.outcome, one.account) for one in turns] == [(Outcome.STREAMED, "sk-stub")]


def test_a_real_agent_runs_and_writes_what_the_script_says(home: Home, stub: StubModel) -> None:
    """With its own tools, in its own folder; each turn once."""
    path = home.work / "written.txt"
    done = run(home, f"[[stub: note look ;; sh echo 42 > ran.txt ;; write {path} one\\ntwo ;; say done]]")
    assert done.returncode == 0, done.stderr
    assert (home.work / "ran.txt").read_text() == "42\n"
    assert path.read_text().splitlines() == ["one", "two"]
    assert [one.why for one in stub.requests if one.why != "side"] == ["turn 0", "turn 1", "turn 2"]


def test_a_real_agent_tries_again_after_one_error(home: Home, stub: StubModel) -> None:
    """429 with a time to come again."""
    done = run(home, "[[stub: err 429 retry=1 ;; say done]]")
    assert done.returncode == 0, done.stderr
    assert [one.outcome for one in stub.requests if one.why == "turn 0"] == [Outcome.FAILED, Outcome.STREAMED]


def test_a_structured_answer_comes_through(tmp_path: Path, stub: StubModel) -> None:
    """Where the CLI takes a schema: Codex demands it of the model, Claude Code offers the model a tool for it."""
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(schema | {"additionalProperties": False}))
    prompt = "[[stub: sh true ;; answer ]]"
    done = run(codex(tmp_path / "codex", stub.url).lay(), "--output-schema", str(path), prompt)
    messages = [event["item"]["text"] for event in events(done) if event.get("item", {}).get("type") == "agent_message"]
    assert [json.loads(text) for text in messages] == [{"ok": False}]
    done = run(claude(tmp_path / "claude", stub.url).lay(), "--json-schema", json.dumps(schema), prompt)
    assert [event["structured_output"] for event in events(done) if event["type"] == "result"] == [{"ok": False}]


def test_a_real_agent_gives_up_a_plan_that_is_used_up(home: Home, stub: StubModel) -> None:
    """It does not end well, and it does not try for long."""
    if "opencode" in home.argv[0]:
        pytest.skip("OpenCode waits for a plan without end")
    done = run(home, "[[stub: limit reset=3600 times=all]]")
    assert done.returncode != 0
    assert {one.outcome for one in stub.requests if one.why == "turn 0"} == {Outcome.FAILED}


def test_a_real_agent_that_is_killed_drops_its_request(home: Home, stub: StubModel) -> None:
    """The stub sees its client go: what cost money ends."""
    argv = [*home.headless, "[[stub: hang body]]"]
    no = subprocess.DEVNULL
    with subprocess.Popen(argv, cwd=home.work, env=home.environ, stdin=no, stdout=no, stderr=no) as agent:
        try:
            stub.wait(lambda one: one.why == "turn 0" and one.status == 200, END_S_MAX)
        finally:
            agent.kill()
    stub.wait(lambda one: one.why == "turn 0" and one.outcome is Outcome.CLIENT_GONE, END_S_MAX)


def test_a_cli_that_must_be_there_fails_a_test_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where scripts/test says so; elsewhere it only skips."""
    monkeypatch.setenv(MUST_HAVE, "codex nobody")
    with pytest.raises(pytest.fail.Exception, match="scripts/agents nobody"):
        program("nobody")
    assert not must_have("gemini", {MUST_HAVE: "codex claude"})
    assert not must_have("codex", {})
