"""Sessions for whoever has only the command line: ask, send, look, control; with a real agent program."""

import json
from pathlib import Path
from typing import Any

import pytest

from taxiway.testing.fakeagent.command import fake_agent_command
from tests.e2e.conftest import CommandLine, until

SCRIPT = {
    "turns": [
        {"match": "hold", "steps": [{"say": "holding"}, {"sleep": 300}]},
        {"match": "escape", "steps": [{"say": "\x1b]0;owned\x07\x1b[2Jclean\u202e"}]},
        {"match": "fail", "steps": [{"fail": "it will not do"}]},
    ],
    "default": [{"say": "turn {turn}: {text}"}],
}


@pytest.fixture
def agents(taxiway: CommandLine) -> CommandLine:
    """The command line in a folder whose configuration knows an agent."""
    script = taxiway.folder / "script.json"
    script.write_text(json.dumps(SCRIPT))
    memory = taxiway.folder / "memory"
    memory.mkdir()
    command = json.dumps(list(fake_agent_command(script, memory=memory)))
    configuration = f"[agents.fake]\ncommand = {command}\n[mailbox]\ncap = 2\n[runner]\nask_grace = '1s'\n"
    (taxiway.folder / "taxiway.toml").write_text(configuration)
    return taxiway


def sessions(line: CommandLine, *arguments: str) -> dict[str, dict[str, Any]]:
    """The sessions of a list by their keys."""
    return {one["key"]: one for one in line.json("session", "list", *arguments)["items"]}


def test_ask_streams_the_answer_and_a_session_goes_on_with_its_conversation(agents: CommandLine) -> None:
    """Surface 5: one agent task, now, streamed; A44: the next one goes on where the last one stopped."""
    done = agents("ask", "fake", "hello")
    assert (done.returncode, done.stdout, done.stderr) == (0, "turn 1: hello\n", "")
    assert agents("ask", "fake", "one", "--session", "s").stdout == "turn 1: one\n"
    assert agents("ask", "fake", "-", "--session", "s", input="two").stdout == "turn 2: two\n"
    shown = agents.json("session", "show", "s")
    assert (shown["state"], shown["title"], shown["agent"]) == ("terminal", "two", "fake")
    assert shown["mailbox"]["cap"] == 2
    document = agents.json("ask", "fake", "three", "--session", "s", "--access", "analysis")
    assert (document["state"], document["output"], document["access"]) == ("completed", "turn 3: three", "analysis")


def test_ask_tells_what_went_wrong_by_its_exit_status(agents: CommandLine) -> None:
    """0 done, 1 the work failed, 2 bad input: an agent that is not known, or not here."""
    failed = agents("ask", "fake", "please fail")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "it will not do" in failed.stderr
    unknown = agents("ask", "fakee", "hello")
    assert (unknown.returncode, unknown.stderr) == (2, "error: there is no agent 'fakee': did you mean 'fake'?\n")
    assert agents("ask", "fake", "x", "--access", "writ").returncode == 2
    assert agents("ask", "fake", "x", "--session", "a b").returncode == 2
    with (agents.folder / "taxiway.toml").open("a") as configuration:
        configuration.write('[agents.gone]\ncommand = ["/nonexistent/agent"]\n')
    gone = agents("ask", "gone", "hello")
    assert (gone.returncode, gone.stderr) == (2, "error: the program of agent 'gone' is not here\n")
    other = agents("ask", "gone", "hello", "--session", "s")
    assert other.returncode == 2
    assert agents("ask", "fake", "one", "--session", "s").returncode == 0


def test_messages_are_sent_listed_and_refused_when_the_mailbox_is_full(agents: CommandLine) -> None:
    """What a send answers, with the id alone on standard output; exit status 4 for a conflict or no room."""
    sent = agents("session", "send", "s", "one", "--agent", "fake")
    assert sent.returncode == 0
    assert sent.stdout.startswith("task_")
    room, nobody = sent.stderr.splitlines()
    assert room == "it starts when a runner has room"
    assert nobody.startswith("no runner is alive")
    second = agents.json("session", "send", "s", "two")
    assert (second["disposition"], second["position"], second["agent"]) == ("waiting", 1, "fake")
    assert agents.json("session", "send", "s", "--shell", "echo three")["position"] == 2
    full = agents("session", "send", "s", "four", "--json")
    assert full.returncode == 4
    assert json.loads(full.stderr)["error"]["code"] == "mailbox_full"
    older = agents.json("session", "send", "s", "four", "--drop", "old")
    assert older["dropped"] == [second["id"]]
    shown = agents.json("session", "show", "s")
    assert [task["prompt"] or task["shell"] for task in shown["tasks"]] == ["one", "echo three", "four"]
    assert agents("session", "send", "s", "five", "--agent", "other").returncode == 4
    assert agents("session", "send", "t", "five").returncode == 2, "nobody works on it"
    near = agents("session", "send", "ss", "five", "--agent", "fake")
    assert (near.returncode, near.stderr) == (3, "error: there is no session 'ss'; did you mean 's'?\n")
    assert list(sessions(agents, "--state", "all")) == ["s"]


def test_a_policy_is_set_shown_and_refused_with_the_rule(agents: CommandLine) -> None:
    """SQ-12: every mistake at once, exit status 2; a session that is new is made."""
    done = agents("session", "set", "s", "--mode", "collect", "--cap", "5", "--debounce", "1.5s", "--agent", "fake")
    assert done.stdout == "session s: collect, cap 5, drop new, debounce 1.5s, 1 at once, agent fake\n"
    wrong = agents("session", "set", "s", "--mode", "colect", "--cap", "0", "--max-concurrent", "0")
    assert wrong.returncode == 2
    assert "'colect' is no mode (did you mean 'collect'?)" in wrong.stderr
    assert wrong.stderr.count("must be at least 1, not 0") == 2
    assert agents("session", "set", "s", "--debounce", "soon").returncode == 2
    assert agents.json("session", "set", "s", "--max-debounce-wait", "10s")["mailbox"] == {
        "mode": "collect",
        "cap": 5,
        "drop": "new",
        "debounce_s": 1.5,
        "max_debounce_wait_s": 10.0,
        "max_concurrent": 1,
    }
    assert agents("session", "set", "s", "--agent", "other").returncode == 4


def test_a_session_is_forked_and_what_cannot_be_is_refused(agents: CommandLine) -> None:
    """Surface 5: a fork is a session like any other, and says what it began as; exit status 4 with a stable code."""
    assert agents("ask", "fake", "one", "--session", "s").returncode == 0
    assert agents("session", "set", "s", "--on-limit", "fail").returncode == 0
    done = agents("session", "fork", "s", "t")
    assert done.stdout == "session t: queue, cap 2, drop new, 1 at once, agent fake; it begins as s\n"
    shown = agents("session", "show", "t").stdout
    assert f"forked     from {agents.json('session', 'show', 's')['id'][-6:]}" in shown
    assert "on limit   fail" in shown
    assert "one" in agents("ask", "fake", "two", "--session", "t").stdout
    taken = agents("session", "fork", "s", "t", "--json")
    assert (taken.returncode, json.loads(taken.stderr)["error"]["code"]) == (4, "exists")
    assert agents("session", "set", "empty", "--agent", "fake").returncode == 0
    empty = agents("session", "fork", "empty", "u")
    assert (empty.returncode, empty.stderr) == (
        4,
        "error: session 'empty' has no turn yet that an agent has taken, so there is no conversation to begin as\n",
    )
    assert agents("session", "fork", "s", "a b").returncode == 2
    assert "on limit wait" in agents("queue", "set", "default", "--on-limit", "wait").stdout


def test_the_turn_of_a_task_is_steered_and_interrupted(agents: CommandLine) -> None:
    """Surface 5: with the receipt; what has no turn, and words that nobody takes, are refused with what would work."""
    steps = [{"say": "working"}, {"repeat": {"times": 100_000, "steps": [{"sleep": 0.01}]}}]
    with (agents.folder / "taxiway.toml").open("a") as configuration:
        for name in ("accept", "decline"):
            script = agents.folder / f"{name}.json"
            script.write_text(json.dumps({"steers": name, "default": steps}))
            configuration.write(f"[agents.{name}]\ncommand = {json.dumps(list(fake_agent_command(script)))}\n")
    runner = agents.start("runner", "start", "--slots", "2")
    held, deaf = (
        agents("submit", "--agent", agent, "--prompt", "go").stdout.strip() for agent in ("accept", "decline")
    )
    for task in (held, deaf):
        until(lambda task=task: "working" in agents("task", "logs", task).stdout, "the agent works")
    assert agents("task", "steer", held, "left").stdout.startswith("steer applied to run ")
    assert agents("task", "steer", held, "left", "--no-wait").stdout.startswith("steer offered to run ")
    assert agents.json("task", "steer", held, "right")["state"] == "applied"
    refused = agents("task", "steer", deaf, "left", "--json")
    assert (refused.returncode, json.loads(refused.stderr)["error"]["code"]) == (4, "refused")
    assert agents("task", "interrupt", deaf).stdout.startswith("interrupt applied to run ")
    assert agents("task", "interrupt", held).stdout.startswith("interrupt applied to run ")
    until(lambda: agents.json("task", "show", held)["reason"] == "interrupted", "the turn has ended")
    late = agents("task", "steer", held, "late")
    assert late.returncode == 4
    assert "it has no turn now that could be told something" in late.stderr
    agents.interrupt(runner)
    runner.communicate(timeout=30)


def test_a_live_turn_is_steered_and_stopped(agents: CommandLine) -> None:
    """SQ-40, SQ-43, SQ-44: control says what it reached; a reader sees the session active, then unread, then read."""
    runner = agents.start("runner", "start", "--slots", "2")
    assert agents("session", "send", "s", "hold", "--agent", "fake").returncode == 0
    until(lambda: "holding" in agents("session", "output", "s").stdout, "the agent holds")
    assert sessions(agents)["s"]["attention"] == "active"
    assert agents.json("session", "steer", "s", "left")["disposition"] == "steering"
    waiting = agents.json("session", "send", "s", "later")
    assert waiting["disposition"] == "waiting"
    assert agents.json("session", "stop-all", "s")["running"] == 1
    until(lambda: sessions(agents)["s"]["state"] == "terminal", "the turn has ended")
    assert agents.json("task", "show", waiting["id"])["reason"] == "requested"
    assert agents("session", "stop", "s").stdout == "nothing runs\n"
    assert agents("session", "reset", "s").stdout == "0 runs asked to end, 0 messages cancelled\n"
    assert sessions(agents)["s"]["attention"] == "unread"
    assert agents("session", "read", "s").stdout.startswith("session s is read for ")
    assert sessions(agents) == {}
    assert list(sessions(agents, "--reader", "somebody else")) == ["s"]
    assert agents("session", "archive", "s").stdout == "session s is archived\n"
    assert sessions(agents, "--state", "all") == {}
    assert list(sessions(agents, "--state", "all", "--archived")) == ["s"]
    assert agents("session", "send", "s", "again", "--wait").returncode == 0
    agents.interrupt(runner)
    runner.communicate(timeout=30)


def test_a_trace_is_paged_and_output_leaves_the_rest_out(agents: CommandLine) -> None:
    """C37 to C39."""
    assert agents("ask", "fake", "hello", "--session", "s").returncode == 0
    trace = agents.json("session", "trace", "s")
    assert [event["seq"] for event in trace["items"]] == list(range(1, trace["cursor"] + 1))
    assert agents.json("session", "trace", "s", "--after", str(trace["cursor"])) == {
        "run": trace["run"],
        "items": [],
        "cursor": None,
    }
    output = agents.json("session", "output", "s", "--run", trace["run"][-6:])
    assert [event["type"] for event in output["items"]] == ["message", "run.finished"]
    assert agents("session", "output", "s").stdout == "turn 1: hello\n"
    assert agents("session", "trace", "nothing").returncode == 3


def test_what_an_agent_says_can_do_nothing_to_the_terminal(agents: CommandLine) -> None:
    """CWE-150: titles, summaries and events of a hostile agent are shown, and do nothing."""
    assert agents("ask", "fake", "escape \x1b[31m", "--session", "s").returncode == 0
    for arguments in (["list", "--state", "all"], ["show", "s"], ["trace", "s"]):
        shown = agents("session", *arguments).stdout
        assert "escape" in shown or "clean" in shown
        assert not {"\x1b", "\x07", "\u202e"} & set(shown), arguments
    told = agents("--json", "session", "trace", "s").stdout
    assert not {"\x1b", "\u202e"} & set(told)
    assert json.loads(told)["items"]


def test_a_plan_with_sessions_runs_them_with_their_agents(agents: CommandLine, tmp_path: Path) -> None:
    """Surface 4: what lint found is put into the prompt as text."""
    plan = agents.plan(
        "p",
        {
            "lint": {"shell": "echo '2 errors'; exit 1"},
            "fix": {"session": "fixer", "prompt": "Fix:\n${{ lint.output }}", "after": {"lint": "failed"}},
            "tell": {"session": "fixer", "prompt": "Tell", "after": ["fix"]},
        },
        sessions={"fixer": {"agent": "fake", "mailbox": {"cap": 20}}},
    )
    assert agents("plan", "check", plan).returncode == 0
    done = agents("run", plan)
    assert done.returncode == 0, done.stderr
    found = agents.tasks("p")
    assert found["fix"]["output"] == "turn 1: Fix:\n2 errors"
    assert found["tell"]["output"] == "turn 2: Tell"
    wrong = agents.plan("wrong", {"a": {"prompt": "x"}})
    refused = agents("plan", "check", wrong)
    assert refused.returncode == 2
    assert "wrong.json:" in refused.stderr
    assert "a prompt needs the agent that works on it" in refused.stderr


def test_a_message_that_another_one_carries_shows_its_turn(agents: CommandLine) -> None:
    """Semantics, "carried": it ends as its carrier ends, for wait, logs and exit status alike."""
    policy = ("--mode", "collect", "--agent", "fake")
    first = agents("session", "send", "s", "one", *policy).stdout.strip()
    head = agents("session", "send", "s", "two", *policy).stdout.strip()
    merged = agents.json("session", "send", "s", "three", *policy)
    assert (merged["disposition"], merged["carrier"]) == ("merged", head)
    runner = agents.start("runner", "start", "--slots", "1")
    assert agents("task", "wait", first, head, merged["id"]).returncode == 0
    logs = agents("task", "logs", merged["id"]).stdout
    assert "Queued #1\ntwo" in logs
    assert "Queued #2\nthree" in logs
    assert f"carrier   {head}" in agents("task", "show", merged["id"]).stdout
    assert [task["prompt"] for task in agents.json("task", "list", "--session", "s")["items"]] == [
        "three",
        "two",
        "one",
    ]
    agents.interrupt(runner)
    runner.communicate(timeout=30)
