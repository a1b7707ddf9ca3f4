"""Accounts and usage for whoever has only the command line; with a real agent program whose provider does as told."""

import json

import pytest

from taxiway.testing.fakeagent.command import fake_agent_command
from tests.e2e.conftest import CommandLine

SCRIPT = {
    "turns": [{"match": "limit", "steps": [{"rate_limit": {"resets_in": 3600, "text": "slow \x1b[2Jdown"}}]}],
    "default": [{"usage": {"input_tokens": 1_000_000, "output_tokens": 200_000}}, {"say": "ok"}],
}


@pytest.fixture
def agents(taxiway: CommandLine) -> CommandLine:
    """The command line in a folder whose configuration knows two agents, one account, and a price."""
    script = taxiway.folder / "script.json"
    script.write_text(json.dumps(SCRIPT))
    command = json.dumps(list(fake_agent_command(script)))
    (taxiway.folder / "taxiway.toml").write_text(
        f"[agents.one]\ncommand = {command}\naccount = 'team'\nmodel = 'm-1'\n"
        f"[agents.two]\ncommand = {command}\n"
        "[accounts.team]\nlimit = 3\nenv = {CODER_HOME = '/srv/coder'}\n"
        "[prices.m-1]\ninput = 1\noutput = 5\n[runner]\nask_grace = '1s'\n"
    )
    return taxiway


def test_an_account_is_listed_parked_released_and_limited(agents: CommandLine) -> None:
    """Operators see who waits and until when, and have the last word."""
    assert agents("ask", "one", "hello").returncode == 0
    assert [(one["name"], one["limit"], one["agents"]) for one in agents.json("account", "list")["items"]] == [
        ("team", 3, ["one"])
    ]
    parked = agents("account", "park", "team", "--for", "2h", "--why", "the bill")
    assert "account team: parked by hand for 2h00m, 0 running, limit 3" in parked.stdout
    task = agents.json("submit", "--prompt", "hello", "--agent", "one")["id"]
    assert "account 'team' was parked by hand (the bill)" in agents("task", "explain", task).stdout
    assert "gives account 'team' a limit of 3 again" in agents("account", "set", "team", "--limit", "5").stderr
    assert agents.json("account", "release", "team")["phase"] == "open"
    assert agents.json("account", "show", "team")["limit"] == 3, "the configuration says so whenever it is opened"
    missing = agents("account", "show", "teem")
    assert (missing.returncode, "did you mean 'team'?" in missing.stderr) == (3, True)


def test_a_limit_is_shown_with_its_reset_and_its_words_are_safe(agents: CommandLine) -> None:
    """An agent's words are hostile; who does not want to wait is told at once."""
    (agents.folder / "plan.yaml").write_text("tasks: {t: {prompt: limit, agent: one, on_limit: fail}}\n")
    assert agents("run", "plan.yaml").returncode == 1
    [task] = agents.json("task", "list", "--queue", "plan")["items"]
    assert (task["reason"], task["on_limit"]) == ("quota", "fail")
    shown = agents("account", "show", "team").stdout
    assert "rate limit for 1h" in shown
    assert "\x1b" not in shown


def test_usage_is_summed_and_says_what_was_computed(agents: CommandLine) -> None:
    """By agent, session, account, queue or day; unknown is unknown."""
    for agent in ("one", "two"):
        assert agents("ask", agent, "hello", "--session", agent).returncode == 0
    lines = {line["name"]: line for line in agents.json("usage", "--by", "agent")["items"]}
    assert (lines["one"]["usage"]["usd"], lines["one"]["usage"]["usd_computed"]) == (2.0, True)
    assert (lines["two"]["usage"]["usd"], lines["two"]["unpriced"]) == (None, 1)
    assert [line["name"] for line in agents.json("usage", "--by", "account")["items"]] == ["team", "two"]
    table = agents("usage", "--by", "session", "--last", "1h")
    assert "~2.0000" in table.stdout
    assert "computed from tokens and list prices" in table.stderr
    assert agents("usage", "--by", "moon").returncode == 2
