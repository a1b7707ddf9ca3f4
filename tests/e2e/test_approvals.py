"""Approvals for whoever has only the command line: see who asks, answer, and be told who was first."""

import json
import os
import pty
import select
import time
from collections.abc import Iterator

import pytest

from taxiway.testing.fakeagent.command import fake_agent_command
from tests.e2e.conftest import CommandLine, Program, until

SCRIPT = {
    "turns": [
        {
            "match": "^clean",
            "steps": [
                {"ask": {"text": "Delete \x1b[31mbuild?", "tool": "shell", "input": {"command": "rm -r build"}}},
                {"say": "{answer} {why}"},
            ],
        }
    ]
}


@pytest.fixture
def agents(taxiway: CommandLine) -> CommandLine:
    """The command line in a folder whose configuration knows an agent."""
    script = taxiway.folder / "script.json"
    script.write_text(json.dumps(SCRIPT))
    command = json.dumps(list(fake_agent_command(script, memory=taxiway.folder / "memory")))
    (taxiway.folder / "taxiway.toml").write_text(
        f"[agents.fake]\ncommand = {command}\n[runner]\nask_grace = '1s'\n[approvals]\nexpires = '10m'\n"
    )
    return taxiway


@pytest.fixture
def runner(agents: CommandLine) -> Iterator[Program]:
    """Somebody who works."""
    program = agents.start("runner", "start")
    yield program
    agents.interrupt(program)
    program.communicate(timeout=30)


def test_a_question_is_seen_answered_once_and_its_task_completes(agents: CommandLine, runner: Program) -> None:
    """Surface 5: approval list, show, allow, deny with short ids; the second answer is told who was first."""
    assert runner.poll() is None
    assert agents("approval", "list").stderr == "nobody asks anything\n"
    task = agents("submit", "--agent", "fake", "--prompt", "clean up").stdout.strip()
    (asked,) = until(lambda: agents.json("approval", "list")["items"], "somebody asks")
    assert (asked["task"], asked["tool"], asked["input"]) == (task, "shell", {"command": "rm -r build"})
    assert asked["expires_at"] > asked["created_at"]
    short = asked["id"][-6:]
    listed = agents("approval", "list")
    assert listed.stdout.splitlines()[1].startswith(f"{short}  pending")
    assert "\x1b" not in listed.stdout
    assert "rm -r build" in agents("approval", "show", short).stdout
    assert agents.json("task", "show", task)["reason"] == "approval"
    everything = agents("task", "list")
    assert "waiting/approval" in everything.stdout
    assert "somebody is needed: 1 open question; taxiway approval list" in everything.stderr
    explained = agents("task", "explain", task).stdout
    assert f"taxiway approval allow {short}" in explained
    allowed = agents("approval", "allow", short, "--reason", "mind the cache")
    assert allowed.stdout.startswith(f"{short} allowed: ")
    assert agents("task", "wait", task).returncode == 0
    assert agents.json("task", "show", task)["output"] == "allowed mind the cache"
    late = agents("--json", "approval", "deny", short)
    assert late.returncode == 4
    assert json.loads(late.stderr)["error"]["code"] == "not_pending"
    assert agents("approval", "allow", "zzzzzz").returncode == 3
    (kept,) = agents.json("approval", "list", "--state", "all", "--task", task)["items"]
    assert (kept["state"], kept["why"]) == ("allowed", "mind the cache")


def test_ask_without_a_terminal_says_how_to_answer_elsewhere(agents: CommandLine) -> None:
    """Surface 5: the answer may come from another terminal."""
    program = agents.start("ask", "fake", "clean up", "--access", "write")
    (asked,) = until(lambda: agents.json("approval", "list")["items"], "somebody asks")
    assert agents("approval", "deny", asked["id"][-6:]).returncode == 0
    out, err = program.communicate(timeout=60)
    assert out == "denied \n"
    assert "it asks: shell: Delete " in err
    assert f"answer with taxiway approval allow {asked['id'][-6:]} (or deny)" in err
    assert "\x1b" not in err


def test_ask_under_analysis_is_denied_without_anybody_being_asked(agents: CommandLine) -> None:
    """Decision "approvals": the policy for its access."""
    done = agents("ask", "fake", "clean up", "--access", "analysis")
    assert done.stdout == "denied the policy for its access says so\n"


@pytest.mark.parametrize(("typed", "said"), [("y", "allowed"), ("maybe\nn", "denied")])
def test_at_a_terminal_the_person_answers_right_there(agents: CommandLine, typed: str, said: str) -> None:
    """Surface 5: y or n, and Enter; any other word is asked again."""
    master, slave = pty.openpty()
    program = agents.start("ask", "fake", "clean up", stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    written, told, deadline = b"", False, time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([master], [], [], 0.2)
        try:
            written += os.read(master, 65_536) if ready else b""
        except OSError:  # the last writer has gone
            break
        if not told and b"allow it? y or n" in written:
            told = True
            os.write(master, f"{typed}\n".encode())
    assert program.wait(timeout=10) == 0
    os.close(master)
    assert f"{said} by " in written.decode()
