"""Conversations on a runner elsewhere: a warm process, a question to a person, and instructions (A44, DA3, I7)."""

import json

import pytest

from taxiway.testing.fakeagent.command import fake_agent_command
from tests.e2e.conftest import CommandLine, until
from tests.e2e.test_remote_runners import Site

SCRIPT = {
    "turns": [
        {"match": "^clean", "steps": [{"ask": {"text": "Delete build?", "tool": "shell"}}, {"say": "{answer} {why}"}]},
        {"match": "hold", "steps": [{"say": "holding"}, {"sleep": 300}]},
    ],
    "default": [{"say": "turn {turn}: {text}"}],
}


@pytest.fixture
def site(taxiway: CommandLine) -> Site:
    """A server, and a configuration that knows an agent; the runner reads the same file."""
    script, memory = taxiway.folder / "script.json", taxiway.folder / "memory"
    script.write_text(json.dumps(SCRIPT))
    memory.mkdir()
    command = json.dumps(list(fake_agent_command(script, memory=memory)))
    (taxiway.folder / "taxiway.toml").write_text(f"[agents.fake]\ncommand = {command}\n[runner]\nask_grace = '1s'\n")
    return Site(taxiway)


def prompt(site: Site, text: str) -> str:
    """Send a message to the session ``s``; its task."""
    found: str = site.cli.json("submit", "--agent", "fake", "--session", "s", "--prompt", text)["id"]
    return found


def test_a_conversation_goes_on_in_its_warm_process_and_in_the_next_one(site: Site) -> None:
    """A44, I7: the process is written down through the server; a new runner goes on with the thread."""
    runner = site.working()
    first = site.until(prompt(site, "one"), "completed")
    second = site.until(prompt(site, "two"), "completed")
    assert (first["output"], second["output"]) == ("turn 1: one", "turn 2: two")
    turns = [site.cli("task", "logs", task["id"], "--json").stdout for task in (first, second)]
    assert ['"warm": true' in turn or '"warm":true' in turn for turn in turns] == [False, True]
    site.cli.interrupt(runner)
    runner.communicate(timeout=30)
    site.working()
    assert site.until(prompt(site, "three"), "completed")["output"] == "turn 3: three"


def test_a_question_is_answered_and_an_interrupt_arrives(site: Site) -> None:
    """The answer waits at the server, and the runner hears of it at once."""
    site.working()
    task = prompt(site, "clean up")
    (asked,) = until(lambda: site.cli.json("approval", "list")["items"], "somebody asks")
    site.cli("approval", "allow", asked["id"], "--reason", "mind the cache")
    assert "mind the cache" in site.until(task, "completed", 10)["output"]
    held = prompt(site, "hold it")
    until(lambda: "holding" in site.cli("task", "logs", held).stdout, "the turn goes on")
    site.cli("task", "interrupt", held)
    assert site.until(held, "cancelled", 10)["reason"] is not None
