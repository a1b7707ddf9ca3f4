"""The main job: plans run to their end by ``taxiway run``, stopped, killed, shared and run again."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, CommandLine, alive, until

EXAMPLES = ROOT / "examples"


def counted(path: Path) -> int:
    """How many times something was written down."""
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_the_fan_out_ends_as_it_was_made_to(taxiway: CommandLine) -> None:
    """200 commands: one succeeds at its third attempt, one fails, its dependents are cancelled, the rest completes."""
    done = taxiway("run", EXAMPLES / "fanout.yaml")
    assert done.returncode == 1, done.stderr
    tasks = taxiway.tasks("fanout")
    assert len(tasks) == 200
    failed = [task for task in tasks.values() if task["state"] == "failed"]
    cancelled = {name for name, task in tasks.items() if task["state"] == "cancelled"}
    assert [(task["name"], task["exit_code"]) for task in failed] == [("fetch-017", 31)]
    assert cancelled == {"count-017", "check-03", "map"}
    assert {tasks[name]["reason"] for name in cancelled} == {"dependency_failed"}
    assert tasks["upload"]["attempt"] == 3
    assert "station 017 does not answer" in done.stdout, taxiway("task", "logs", failed[0]["id"], "--json").stdout
    assert f"taxiway task logs {failed[0]['id'][-6:]}" in done.stdout
    told = taxiway.json("task", "explain", tasks["map"]["id"])
    assert told["causes"] == [failed[0]["id"]], "a fall is followed to its root"
    assert taxiway("db", "check").returncode == 0


def test_delays_expiry_and_a_poisoned_command_end_as_the_plan_says(taxiway: CommandLine) -> None:
    """delay, expires, backoff, three crashes make poisoned; everything else goes on."""
    done = taxiway("run", EXAMPLES / "delays.yaml")
    assert done.returncode == 1
    ends = {name: (task["state"], task["reason"]) for name, task in taxiway.tasks("delays").items()}
    assert ends.pop("too-late") == ("cancelled", "expired")
    assert ends.pop("in-vain") == ("cancelled", "dependency_failed")
    assert ends.pop("poisoned") == ("failed", "poisoned")
    assert set(ends.values()) == {("completed", None)}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small Python project in a git checkout of its own."""
    folder = tmp_path / "project"
    (folder / "tests" / "unit").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "tiny"\nversion = "1"\n[tool.mypy]\nfiles = ["tiny.py"]\n'
        '[tool.hatch.build.targets.wheel]\nonly-include = ["tiny.py"]\n'
    )
    (folder / "tiny.py").write_text('"""Tiny."""\n')
    (folder / "tests" / "unit" / "test_tiny.py").write_text("def test_it_is_there() -> None:\n    assert True\n")
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Tiny"]):
        subprocess.run([*git, *words], check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull})
    return folder


@pytest.mark.skipif(shutil.which("git") is None, reason="quality.yaml makes a git worktree, and there is no git here")
def test_quality_checks_a_worktree_and_reports(taxiway: CommandLine, project: Path) -> None:
    """A worktree, then lint, types, tests and a build side by side, a report of their outputs, and nothing left."""
    where = [f"--set=defaults.cwd={project}", f"--set=defaults.env.PYTHON={sys.executable}"]
    done = taxiway("run", EXAMPLES / "quality.yaml", *where)
    tasks = taxiway.tasks("quality")
    assert done.returncode == 0, {name: task["output"] for name, task in tasks.items()}
    report = tasks["report"]["output"]
    assert [f"{check:<6} passed" in report for check in ("lint", "types", "unit", "build")] == [True] * 4
    worktrees = subprocess.run(
        ["git", "-C", str(project), "worktree", "list"], capture_output=True, text=True, check=True
    )
    assert len(worktrees.stdout.splitlines()) == 1


def test_a_plan_run_again_goes_on_where_it_stopped(taxiway: CommandLine) -> None:
    """Completed tasks are not run again; what failed and what fell with it is; --fresh runs all anew."""
    tasks = {
        "first": {"shell": "echo x >> first"},
        "second": {"shell": "echo x >> second; test -e mended", "after": ["first"]},
        "third": {"shell": "echo x >> third", "after": ["second"]},
    }
    plan = taxiway.plan("steps", tasks)
    assert taxiway("run", plan).returncode == 1
    (taxiway.folder / "mended").touch()
    again = taxiway("run", plan)
    assert again.returncode == 0, again.stdout
    assert "1 done before, 2 tried again" in again.stdout
    assert [counted(taxiway.folder / name) for name in tasks] == [1, 2, 1]
    assert taxiway("run", plan).returncode == 0
    assert taxiway("run", plan, "--fresh").returncode == 0
    assert [counted(taxiway.folder / name) for name in tasks] == [2, 3, 2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_interrupt_drains_and_the_plan_can_go_on(taxiway: CommandLine, number: signal.Signals) -> None:
    """Exit 130, the queue is paused, what ran is queued again with no attempt counted, and no process is left."""
    sleeper = ["sleep", f"97{number:02}"]
    plan = taxiway.plan("long", {"quick": {"command": ["true"]}, "slow": {"command": sleeper}})
    program = taxiway.start("run", plan)
    until(lambda: alive(sleeper), "the task runs")
    taxiway.interrupt(program, number)
    out, err = program.communicate(timeout=30)
    assert program.returncode == 130, err
    assert f"To go on: taxiway run {plan}" in out
    assert alive(sleeper) == []
    assert taxiway.json("queue", "show", "long")["state"] == "paused"
    slow = taxiway.tasks("long")["slow"]
    assert (slow["state"], slow["attempt"]) == ("queued", 0)
    on = taxiway("run", plan, "--set", "tasks.slow.command=[echo, done]")
    assert on.returncode == 0, on.stdout


def test_two_interrupts_kill_at_once(taxiway: CommandLine) -> None:
    """A program that ignores every polite request does not hold up whoever is in a hurry (B14, B22)."""
    stubborn = f"trap '' TERM INT HUP; touch {taxiway.folder}/deaf; while :; do sleep 98; done"
    plan = taxiway.plan("stubborn", {"deaf": {"shell": stubborn}})
    program = taxiway.start("run", plan, environ={"TAXIWAY_RUNNER_TERM_GRACE": "1h"})
    until((taxiway.folder / "deaf").exists, "the task runs")
    taxiway.interrupt(program)
    until(lambda: taxiway.json("queue", "show", "stubborn")["state"] == "paused", "the first one has been heard")
    taxiway.interrupt(program)
    out, _ = program.communicate(timeout=30)
    assert program.returncode == 130
    assert "killing what is left" in out
    assert taxiway.tasks("stubborn")["deaf"]["state"] == "queued"


def test_a_killed_run_is_taken_up_and_every_task_completes_once(taxiway: CommandLine) -> None:
    """kill -9, then the same command again: each task completed exactly once in the record (I7, I12)."""
    tasks = {f"t{number}": {"shell": f"sleep 0.{number % 4 + 1}; echo {number}"} for number in range(12)}
    plan = taxiway.plan("killed", tasks, slots=3)
    program = taxiway.start("run", plan)
    until(lambda: taxiway.store.exists() and len(ended(taxiway, "killed")) >= 3, "some tasks are done")
    program.kill()
    program.communicate()
    again = taxiway("run", plan)
    assert again.returncode == 0, again.stdout + again.stderr
    found = taxiway.tasks("killed")
    assert {task["state"] for task in found.values()} == {"completed"}
    assert all(task["output"].strip() == name[1:] for name, task in found.items())
    assert taxiway("db", "check").returncode == 0
    assert {name: taxiway.json("orphans")[name] for name in ("orphans", "unconfirmed")} == {
        "orphans": [],
        "unconfirmed": [],
    }


def ended(taxiway: CommandLine, queue: str) -> list[str]:
    """Names of the tasks that have completed by now; none while there is no such queue."""
    done = taxiway("task", "list", "--queue", queue, "--state", "completed", "--json")
    return [task["name"] for task in json.loads(done.stdout)["items"]] if done.returncode == 0 else []


def test_a_killed_plan_whose_file_has_changed_runs_with_its_new_text(taxiway: CommandLine) -> None:
    """I7, semantics, "Running it again": nothing of the old text is started, and what was killed refuses nothing."""
    names = [f"t{number}" for number in range(6)]
    plan = taxiway.plan("changed", {name: {"shell": f"echo {name} >> old; sleep 300"} for name in names}, slots=2)
    program = taxiway.start("run", plan)
    old = taxiway.folder / "old"
    until(lambda: old.exists() and len(old.read_text().split()) == 2, "two tasks run")
    program.kill()
    program.communicate()
    taxiway.plan("changed", {name: {"command": ["echo", "new"]} for name in names}, slots=2)
    done = taxiway("run", plan)
    assert done.returncode == 0, done.stderr
    ends = {name: (task["state"], task["output"]) for name, task in taxiway.tasks("changed").items()}
    assert ends == dict.fromkeys(names, ("completed", "new\n"))
    assert sorted(old.read_text().split()) == names[:2]


def test_two_runs_of_one_plan_share_its_work(taxiway: CommandLine) -> None:
    """The second helps: nothing runs twice, both see the same end (I2)."""
    tasks = {f"t{number}": {"shell": f"echo x >> ran-{number}; sleep 0.2"} for number in range(16)}
    plan = taxiway.plan("shared", tasks)
    both = [taxiway.start("run", plan, "--slots", "2"), taxiway.start("run", plan, "--slots", "2")]
    outputs = [program.communicate(timeout=50) for program in both]
    assert [program.returncode for program in both] == [0, 0], outputs
    assert [counted(taxiway.folder / f"ran-{number}") for number in range(16)] == [1] * 16


def test_two_plans_and_a_reader_use_one_store_at_once(taxiway: CommandLine) -> None:
    """Two runs of two plans on one file, `task list` beside them: nothing is lost, each takes only its own."""
    left = taxiway.plan("left", {f"t{number}": {"shell": "echo $TAXIWAY_RUN; sleep 0.1"} for number in range(12)})
    right = taxiway.plan("right", {f"t{number}": {"shell": "echo $TAXIWAY_RUN; sleep 0.1"} for number in range(12)})
    both = [taxiway.start("run", left), taxiway.start("run", right)]
    looks = 0
    while any(program.poll() is None for program in both):
        looks += taxiway("task", "list", "--json").returncode == 0
    assert [program.communicate()[1] for program in both] == ["", ""]
    assert [program.returncode for program in both] == [0, 0]
    assert looks >= 1
    for queue in ("left", "right"):
        runs = {task["output"] for task in taxiway.tasks(queue).values()}
        assert len(runs) == 12
    assert taxiway("db", "check").returncode == 0


def test_a_faulty_plan_names_file_line_and_field_and_stores_nothing(taxiway: CommandLine) -> None:
    """All problems at once, exit 2, and not even a store is made."""
    plan = taxiway.folder / "faulty.yaml"
    plan.write_text(
        "tasks:\n"
        "  a: {comand: [echo, x]}\n"
        "  b: {command: [echo], after: [c]}\n"
        "  c: {command: [echo], after: [b], timeout: 5x}\n"
        "  d: {command: [echo], shell: echo}\n"
        "  e: {command: [echo], cwd: /nonexistent}\n"
        "  f: {command: [echo], lane: slow}\n"
        "  g: {shell: \"echo '${{ b.output }}'\", after: [b]}\n"
    )
    done = taxiway("run", plan)
    assert (done.returncode, done.stdout) == (2, "")
    for place in (
        f"{plan}:2:7: tasks.a.comand: is no field of a task (did you mean 'command'?)",
        f"{plan}:4:36: tasks.c.timeout: '5x' is no duration",
        f"{plan}:5:3: tasks.d: has 2 kinds of work, command and shell",
        f"{plan}:6:24: tasks.e.cwd: the folder /nonexistent does not exist",
        f"{plan}:7:24: tasks.f.lane: there is no lane 'slow'",
        f"{plan}:8:",
    ):
        assert place in done.stderr, done.stderr
    assert not taxiway.store.exists()
    told = json.loads(taxiway("plan", "check", plan, "--json").stderr)["error"]
    assert told["code"] == "invalid"
    assert {"file", "line", "column", "field", "message"} <= set(told["problems"][0])


def test_a_lane_of_the_store_is_known_to_plans(taxiway: CommandLine) -> None:
    """Store-wide lanes must exist; those that do may be named."""
    plan = taxiway.plan("laned", {"a": {"command": ["true"], "lane": "slow"}})
    assert taxiway("run", plan).returncode == 2
    assert taxiway("lane", "set", "slow", "1").returncode == 0
    assert taxiway("run", plan).returncode == 0


def test_a_missing_program_fails_its_task_and_not_the_others(taxiway: CommandLine) -> None:
    """spawn_error; other branches go on."""
    plan = taxiway.plan("missing", {"gone": {"command": ["no-such-program-here"]}, "there": {"command": ["true"]}})
    assert taxiway("run", plan).returncode == 1
    found = taxiway.tasks("missing")
    assert (found["gone"]["state"], found["gone"]["reason"]) == ("failed", "spawn_error")
    assert found["there"]["state"] == "completed"


def test_run_as_json_is_one_document(taxiway: CommandLine) -> None:
    """Standard output holds the end and every task; what happened meanwhile is told on standard error."""
    plan = taxiway.plan("documented", {"a": {"command": ["echo", "hi"]}, "b": {"command": ["false"]}})
    document = taxiway.json("run", plan, status=1)
    assert document["exit_status"] == 1
    assert document["queue"]["state"] == "failed"
    assert [(task["name"], task["state"], task["exit_code"]) for task in document["items"]] == [
        ("a", "completed", 0),
        ("b", "failed", 1),
    ]
