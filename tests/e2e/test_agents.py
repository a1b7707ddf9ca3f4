"""Which agents are here and what they can do, as the command line tells it; the agents are real programs."""

import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import CommandLine

RESUMES = 'command = ["{python}", "-m", "taxiway", "fake-agent", "--memory", "{memory}", ["--thread", "{{thread}}"]]'


@pytest.fixture
def resuming(taxiway: CommandLine) -> CommandLine:
    """A folder with an agent that keeps its conversations, and with one that dies at once."""
    command = RESUMES.format(python=sys.executable, memory=taxiway.folder / "memory")
    text = f"[agents.good]\n{command}\n[agents.dead]\ncommand = ['false']\n"
    (taxiway.folder / "taxiway.toml").write_text(text)
    return taxiway


def listed(taxiway: CommandLine, name: str) -> dict:
    """One agent as ``agent list`` tells it."""
    found = taxiway.json("agent", "list")["items"]
    return next(one for one in found if one["name"] == name)


def test_known_agents_are_listed_without_any_configuration(taxiway: CommandLine) -> None:
    """Those that are not installed as well, with the way to get them."""
    done = taxiway("agent", "list", environ={"PATH": str(Path(sys.executable).parent)})
    assert done.returncode == 0
    for name in ("claude", "codex", "gemini", "opencode"):
        assert f"\n{name} " in f"\n{done.stdout}"
    assert "not installed" in done.stdout
    missing = taxiway("agent", "probe", "codex", environ={"PATH": "/nowhere"})
    assert missing.returncode == 3
    assert "npm install -g @openai/codex" in missing.stderr


def test_what_a_probe_tried_is_told_apart_from_what_is_only_claimed(resuming: CommandLine) -> None:
    """It starts the real program, has it answer, and goes on with the conversation in a second process."""
    assert listed(resuming, "good")["abilities"]["resume"] == "claimed"
    done = resuming("agent", "probe", "good")
    assert done.returncode == 1, "its echo ends its turn before it can be interrupted"
    assert "resume     works" in done.stdout
    found = listed(resuming, "good")
    assert found["abilities"]["resume"] == "tried"
    assert found["tried"]["turn"] is True
    assert found["ready_s"] > 0


def test_an_agent_that_does_not_work_is_told_so(resuming: CommandLine) -> None:
    """A sentence and exit status 1; what failed stands in the list."""
    done = resuming("agent", "probe", "dead")
    assert done.returncode == 1
    assert "it takes no turn: its program ended with status 1" in done.stdout
    assert listed(resuming, "dead")["error"] == "it takes no turn: its program ended with status 1"


def test_an_agent_that_does_not_exist_has_a_nearest_name(taxiway: CommandLine) -> None:
    """Exit status 3."""
    done = taxiway("agent", "probe", "codx")
    assert done.returncode == 3
    assert "did you mean 'codex'?" in done.stderr
