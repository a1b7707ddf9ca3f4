"""The example "one agent fixes, another reviews, the tests must pass", with agents that play their parts."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.conftest import CommandLine, until
from tests.e2e.shop import BROKEN, MENDED, PLAN, make_shop

FIXES = [{"write": {"file": "shop.py", "text": MENDED}}, {"say": "removed what nobody used"}]
ONE = {"file": "shop.py", "line": 1, "text": "it was \u001b[31mneeded\u001b[0m"}


def review(verdict: str, *findings: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps of a reviewer with an opinion."""
    return [
        {"done": {"text": "read it", "result": {"verdict": verdict, "summary": "I read it.", "findings": findings}}}
    ]


def play(folder: Path, fixes: Any = FIXES, reviews: Any = None) -> None:
    """Give the two agents their parts; whoever is asked something else fails."""
    parts = {
        "codex": {"turns": [{"match": "F401.*unused", "steps": fixes}]},
        "claude": {"turns": [{"match": "-import os", "steps": reviews or review("approve")}]},
    }
    text = ""
    for name, script in parts.items():
        path = folder.parent / f"{name}.json"
        path.write_text(json.dumps(script | {"default": [{"fail": {"reason": "agent_error", "error": "what?"}}]}))
        argv = [sys.executable, "-m", "taxiway", "fake-agent", f"--script={path}", f"--journal={path}l"]
        environ = json.dumps(str(Path(__file__).parents[2] / "src"))
        text += f'[agents.{name}]\nadapter = "lines"\ncommand = {json.dumps(argv)}\nenv = {{PYTHONPATH = {environ}}}\n'
    (folder / "taxiway.toml").write_text(text)


def states(line: CommandLine) -> dict[str, str]:
    """What became of each task."""
    return {name: f"{task['state']}/{task['reason'] or ''}" for name, task in line.tasks("fix-and-review").items()}


def turns(folder: Path, name: str) -> int:
    """How many turns an agent was asked for."""
    journal = folder.parent / f"{name}.jsonl"
    return 0 if not journal.exists() else journal.read_text().count('"what": "turn"')


def test_what_was_approved_is_applied_and_nothing_else_is_left(taxiway: CommandLine) -> None:
    """The very diff that was reviewed, neither staged nor committed; the review's worktree began with it."""
    shop = make_shop(taxiway)
    see = [{"write": {"file": str(shop.parent / "seen"), "text": "x"}}, *review("approve")]
    play(shop, reviews=see)
    done = taxiway("run", PLAN)
    assert done.returncode == 0, done.stdout
    assert (shop / "shop.py").read_text() == MENDED
    status = subprocess.run(["git", "status", "--short"], cwd=shop, capture_output=True, text=True, check=True).stdout
    assert status.splitlines()[0] == " M shop.py"
    assert "I read it." in taxiway("task", "logs", "verdict").stdout
    assert {one["stand"] for one in taxiway.json("workspace", "list")["items"]} == {"removed"}


def test_what_was_rejected_is_not_applied_and_can_be_by_hand(taxiway: CommandLine) -> None:
    """Exit status 1, with the findings, safe to be shown; the diff is kept."""
    shop = make_shop(taxiway)
    play(shop, reviews=review("reject", ONE))
    done = taxiway("run", PLAN)
    assert done.returncode == 1
    assert states(taxiway)["verdict"] == "failed/exit_code"
    assert states(taxiway)["apply"] == "cancelled/dependency_failed"
    assert (shop / "shop.py").read_text() == BROKEN
    shown = done.stdout + taxiway("task", "logs", "verdict").stdout
    assert "needed" in shown
    assert "\x1b[31m" not in shown
    assert "-import os" in taxiway("task", "diff", "fix").stdout
    assert taxiway("task", "apply", "fix").returncode == 0
    assert (shop / "shop.py").read_text() == MENDED


def test_a_linter_that_finds_nothing_costs_no_turn(taxiway: CommandLine) -> None:
    """Everything behind it is skipped, and the plan completes."""
    shop = make_shop(taxiway, **{"shop.py": MENDED})
    play(shop)
    assert taxiway("run", PLAN).returncode == 0
    assert states(taxiway) | {"tools": "", "lint": ""} == dict.fromkeys(
        ("fix", "review", "verdict", "apply"), "cancelled/skipped"
    ) | {"tools": "", "lint": ""}
    assert turns(shop, "codex") == turns(shop, "claude") == 0


def test_a_review_that_does_not_follow_its_schema_approves_nothing(taxiway: CommandLine) -> None:
    """A43: a word that is neither yes nor no fails the review, with where and why."""
    shop = make_shop(taxiway)
    play(shop, reviews=review("looks good to me"))
    done = taxiway("run", PLAN)
    assert done.returncode == 1
    assert "at verdict: 'looks good to me' is not one of ['approve', 'reject']" in done.stdout
    assert (shop / "shop.py").read_text() == BROKEN


def test_work_that_the_linter_or_the_tests_refuse_is_never_reviewed(taxiway: CommandLine) -> None:
    """The agent is told what they say, twice; then it has given up."""
    shop = make_shop(taxiway)
    play(shop, fixes=[{"write": {"file": "shop.py", "text": "def total(prices):\n    return 0\n"}}, {"say": "done"}])
    assert taxiway("run", PLAN).returncode == 1
    assert states(taxiway)["fix"] == "failed/gave_up"
    assert turns(shop, "codex") == 3
    assert turns(shop, "claude") == 0


def test_a_missing_tool_is_told_before_any_agent_is_asked(taxiway: CommandLine) -> None:
    """`sh: ruff: not found` is no finding."""
    shop = make_shop(taxiway)
    play(shop)
    taxiway.environ["PATH"] = "/usr/bin:/bin"
    assert taxiway("run", PLAN).returncode == 1
    assert states(taxiway)["tools"] == "failed/exit_code"
    assert turns(shop, "codex") == 0


def test_after_a_kill_in_the_middle_of_the_review_the_fix_is_not_paid_for_again(taxiway: CommandLine) -> None:
    """I1: what was done stays done; the review is taken again, in the worktree that it had."""
    shop = make_shop(taxiway)
    mark = shop.parent / "reviewing"
    play(shop, reviews=[{"write": {"file": str(mark), "text": "x"}}, {"hang": 300}])
    first = taxiway.start("run", PLAN, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(mark.exists, "the review has begun")
    first.kill()
    first.wait()
    play(shop)
    done = taxiway("run", PLAN)
    assert done.returncode == 0, done.stdout
    assert (turns(shop, "codex"), turns(shop, "claude")) == (1, 2)
    assert (shop / "shop.py").read_text() == MENDED
