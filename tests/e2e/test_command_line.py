"""What a user types and sees beside ``taxiway run``: exit statuses, sentences, JSON, streams, a terminal."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ROOT, CommandLine, alive, until

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--version"], 0, "taxiway 0"),
        (["tsk"], 2, "did you mean 'task'?"),
        (["task", "lst"], 2, "did you mean 'list'?"),
        (["run", "no-such-plan.yaml"], 2, "there is no such file"),
        (["submit", "ls"], 2, "taxiway submit -- ls"),
        (["do"], 2, "write the command behind --"),
        (["submit"], 2, "write the command behind --: taxiway submit -- ls -l"),
        (["task", "list"], 0, "no task is like that"),
        (["runner", "list"], 0, "no runner is there"),
        (["task", "--help"], 0, "since when."),
        (["submit", "--lane", "nowhere", "--", "ls"], 2, "there is no lane 'nowhere'"),
        (["submit", "--cwd", "/nonexistent", "--", "ls"], 2, "the folder /nonexistent does not exist"),
        (["submit", "--timeout", "5x", "--", "ls"], 2, "'5x' is no duration"),
        (["do", "--timeout", "0", "--", "ls"], 2, "timeout: must be longer than 0"),
        (["lane", "set", "main", "0"], 2, "'0' is neither a whole number from 1 up nor 'unlimited'"),
        (["task", "show", "zzzz99"], 3, "there is no task 'zzzz99'"),
        (["queue", "pause", "defalt"], 3, "did you mean 'default'?"),
        (["queue", "resume", "default"], 4, "Invalid state transition"),
        (["--store", "/nonexistent/x.db", "task", "list"], 5, "the folder /nonexistent does not exist"),
        (["--store", "/nonexistent/x.db", "doctor"], 5, "the folder /nonexistent does not exist"),
        (["--store", str(ROOT / "README.md"), "task", "list"], 5, "is not a Taxiway store"),
    ],
)
def test_every_end_has_its_status_and_its_sentence(
    taxiway: CommandLine, arguments: list[str], status: int, said: str
) -> None:
    """0 done, 2 bad usage or input, 3 not found, 4 conflict, 5 store unavailable; never a stack trace."""
    done = taxiway(*arguments)
    assert done.returncode == status, done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_done_now_streams_both_outputs_and_ends_with_its_verdict(taxiway: CommandLine) -> None:
    """Bytes as they are, standard error apart, nothing to read, exit status 1 when it failed."""
    script = r"printf 'out\377\n'; echo err >&2; cat; exit 3"
    program = taxiway.start("do", "--", "sh", "-c", script, text=False)
    out, err = program.communicate(timeout=30)
    assert (program.returncode, out) == (1, b"out\xff\n")
    assert err.startswith(b"err\n")
    assert b"it exited with status 3" in err
    document = taxiway.json("do", "--", "echo", "hi")
    assert (document["state"], document["output"], document["exit_code"]) == ("completed", "hi\n", 0)


def test_a_command_done_now_reads_what_it_is_given_and_shows_what_it_is(taxiway: CommandLine) -> None:
    """--stdin is the only way in; the list tells such commands apart by their words."""
    document = taxiway.json("do", "--stdin", "given", "--", "cat")
    assert document["output"] == "given"
    assert "cat" in taxiway("task", "list").stdout.splitlines()[1]


def test_standard_input_that_is_no_text_is_refused_with_its_place_and_the_way_around(taxiway: CommandLine) -> None:
    """A task is stored as text: bytes belong in a file. Closed, endless and argued input has its sentence too."""
    program = taxiway.start("do", "--stdin", "-", "--", "cat", stdin=subprocess.PIPE, text=False)
    _, err = program.communicate(b"ok\xff\n", timeout=30)
    assert program.returncode == 2
    assert err.startswith(b"error: --stdin: is no UTF-8 text (byte 3 is 0xff); keep it in a file")
    argued = taxiway("submit", "--stdin", "\udcff", "--", "cat")
    assert (argued.returncode, "byte 1 is 0xff" in argued.stderr) == (2, True)
    closed = subprocess.run(
        ["sh", "-c", 'exec "$0" -m taxiway do --stdin - -- cat <&-', sys.executable],
        env=taxiway.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (closed.returncode, closed.stderr.count("\n")) == (2, 1)
    assert "standard input, and that is closed here" in closed.stderr
    with open("/dev/zero", "rb") as endless:
        program = taxiway.start("submit", "--stdin", "-", "--", "cat", stdin=endless)
        _, err = program.communicate(timeout=30)
    assert (program.returncode, "is longer than the 1048576 bytes" in err) == (2, True)


def test_an_answer_that_finds_no_room_is_said_in_one_sentence(taxiway: CommandLine) -> None:
    """A full disk below standard output is nobody's mistake in Taxiway."""
    with open("/dev/full", "w") as full:
        done = taxiway.start("lane", "list", stdout=full)
        _, err = done.communicate(timeout=30)
    assert (done.returncode, err) == (1, "error: the answer cannot be written: No space left on device\n")


def test_a_closed_standard_output_is_no_mistake(taxiway: CommandLine) -> None:
    """Some who start programs close what they do not read."""
    argv = ["sh", "-c", 'exec "$0" -m taxiway lane list >&-', sys.executable]
    done = subprocess.run(argv, env=taxiway.environ, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_command_done_now_ends_when_nobody_reads_it(taxiway: CommandLine) -> None:
    """As `yes | head -1` ends: it is cancelled, quietly, and does not wait in a queue to be done again."""
    endless = ["sh", "-c", "while sleep 0.01; do echo 9873; done"]
    program = taxiway.start("do", "--", *endless)
    assert program.stdout is not None
    assert program.stdout.readline() == "9873\n"
    program.stdout.close()
    _, err = program.communicate(timeout=30)
    assert (program.returncode, err) == (141, "")
    assert alive(endless) == []
    (task,) = taxiway.json("task", "list")["items"]
    assert (task["state"], task["reason"]) == ("cancelled", "requested")


def test_a_plan_whose_view_nobody_reads_stops_quietly_and_goes_on_later(taxiway: CommandLine) -> None:
    """What ran goes back to its queue; no sentence about a mistake of ours."""
    path = taxiway.plan("unread", {"a": {"shell": "sleep 0.3"}, "b": {"shell": "echo b", "after": ["a"]}})
    program = taxiway.start("run", path)
    assert program.stdout is not None
    program.stdout.readline()
    program.stdout.close()
    _, err = program.communicate(timeout=30)
    assert (program.returncode, err) == (141, "")
    assert taxiway("run", path).returncode == 0


def test_an_interrupt_cancels_a_command_done_now(taxiway: CommandLine) -> None:
    """Exit 130, the process is gone, and the record says who asked."""
    sleeper = ["sleep", "9871"]
    program = taxiway.start("do", "--", *sleeper)
    until(lambda: alive(sleeper), "the command runs")
    taxiway.interrupt(program)
    program.communicate(timeout=30)
    assert program.returncode == 130
    assert alive(sleeper) == []
    (task,) = taxiway.json("task", "list")["items"]
    assert (task["state"], task["reason"]) == ("cancelled", "requested")


def test_submitted_work_waits_explained_and_runs_when_a_runner_starts(taxiway: CommandLine) -> None:
    """submit, explain, a runner beside it, logs that follow, wait, and a drain by SIGTERM; ids may be shortened."""
    submitted = taxiway("submit", "--label", "k=v", "--", "sh", "-c", "echo one; sleep 1; echo two")
    assert "no runner is alive" in submitted.stderr
    task = submitted.stdout.strip()
    assert re.fullmatch(r"task_[0-9a-z]{26}", task)
    explained = taxiway.json("task", "explain", task[-6:])
    assert [obstacle["kind"] for obstacle in explained["obstacles"]] == ["no_runner"]
    follower = taxiway.start("task", "logs", "-f", task[-6:])
    runner = taxiway.start("runner", "start", "--slots", "2")
    out, _ = follower.communicate(timeout=30)
    assert out == "one\ntwo\n"
    waited = taxiway.json("task", "wait", task[:-4])
    assert (waited["state"], waited["labels"], waited["output"]) == ("completed", {"k": "v"}, "one\ntwo\n")
    assert [one["slots"] for one in taxiway.json("runner", "list")["items"]] == [2]
    taxiway.interrupt(runner, signal.SIGTERM)
    runner.communicate(timeout=30)
    assert runner.returncode == 0
    assert taxiway.json("runner", "list")["items"] == []


def test_a_runner_that_was_killed_is_called_dead_before_anybody_settles_it(taxiway: CommandLine) -> None:
    """I7: its lock is free, so nobody needs to wait; its run is listed as left over until it is settled."""
    program = taxiway.start("runner", "start", "--slots", "1")
    until(lambda: taxiway.json("runner", "list")["items"], "the runner is there")
    taxiway.json("submit", "--", "sleep", "9874")
    until(lambda: alive(["sleep", "9874"]), "the task runs")
    program.kill()
    program.communicate(timeout=10)
    # Whoever looks may settle it in the same moment; what nobody may say is that it lives.
    assert {one["state"] for one in taxiway.json("runner", "list")["items"]} <= {"dead"}
    for words in (("submit", "--", "true"), ("session", "send", "s", "--", "true")):
        assert "no runner is alive" in taxiway(*words).stderr
    until(lambda: not alive(["sleep", "9874"]), "its processes end")


def test_waiting_for_a_failure_says_so_and_a_retry_takes_its_place(taxiway: CommandLine) -> None:
    """submit --wait exits with 1; cancelling what has ended is a conflict; retry makes a new task."""
    runner = taxiway.start("runner", "start", "--slots", "1")
    failed = taxiway("submit", "--wait", "--json", "--shell", "test -e mended")
    assert failed.returncode == 1
    task = json.loads(failed.stdout)
    assert (task["state"], task["reason"], task["exit_code"]) == ("failed", "exit_code", 1)
    late = taxiway("task", "cancel", task["id"])
    assert late.returncode == 4
    assert "what has ended is final" in late.stderr
    (taxiway.folder / "mended").touch()
    (again,) = taxiway.json("task", "retry", task["id"])["items"]
    assert again["retry_of"] == task["id"]
    assert taxiway("task", "wait", again["id"]).returncode == 0
    taxiway.interrupt(runner)
    runner.communicate(timeout=30)


def test_a_task_is_named_as_its_plan_names_it(taxiway: CommandLine) -> None:
    """Every TASK is an id, a part of one, a name, or a name with its queue; what fits several is refused with them."""
    for queue in ("one", "two"):
        plan = taxiway.plan(queue, {"build": {"command": ["echo", queue]}, f"only-{queue}": {"command": ["true"]}})
        assert taxiway("run", plan).returncode == 0
    assert taxiway.json("task", "show", "only-one")["queue"] == "one"
    assert taxiway("task", "logs", "two/build").stdout == "two\n"
    assert taxiway("task", "logs", "build", "--queue", "one").stdout == "one\n"
    task = taxiway.json("task", "show", "one/build")["id"]
    assert taxiway.json("task", "wait", "--queue", "one", task[-6:])["id"] == task
    refused = taxiway("task", "remove", "build")
    assert refused.returncode == 2
    assert "'build' fits 2 tasks; give more of the id, or write QUEUE/NAME" in refused.stderr
    assert re.search(rf"^  {task}  one/build  completed", refused.stderr, re.MULTILINE)
    assert "did you mean 'build'?" in taxiway("task", "explain", "biuld").stderr
    waits = taxiway.json("submit", "--after", "one/build=finished", "--after", "only-two", "--", "true")
    assert waits["after"][task] == "finished"
    assert taxiway.json("task", "cancel", waits["id"][-6:], "--queue", "default")["items"][0]["state"] == "cancelled"


def test_a_handled_failure_is_told_as_one_and_a_prune_counts_tasks(taxiway: CommandLine) -> None:
    """The end of a plan says which failure needs nobody; what was forgotten is told in tasks."""
    tasks: dict[str, Any] = {"bad": {"shell": "exit 3"}, "mend": {"command": ["true"], "after": {"bad": "failed"}}}
    done = taxiway("run", taxiway.plan("mended", tasks))
    assert done.returncode == 0
    assert re.search(r"^\w+ +bad +failed/exit_code, handled +1 +[\d.]+m?s$", done.stdout, re.MULTILINE)
    assert "bad failed/exit_code: it exited with status 3; handled by mend" in done.stdout
    assert "mended completed: 1 completed, 1 failed (handled), in" in done.stdout
    pruned = taxiway("db", "prune", "--older-than", "0s").stdout
    assert re.fullmatch(r"2 tasks and \d+ lines of the change log forgotten\n", pruned)


def test_lists_are_pages_with_a_cursor(taxiway: CommandLine) -> None:
    """{"items": […], "cursor": …}: going on behind the cursor shows every task once; filters hold together."""
    plan = taxiway.plan("many", {f"t{number}": {"command": ["true"], "labels": {"n": number}} for number in range(5)})
    assert taxiway("submit", plan).returncode == 0
    first = taxiway.json("task", "list", "--queue", "many", "--limit", "3")
    rest = taxiway.json("task", "list", "--queue", "many", "--limit", "3", "--cursor", first["cursor"])
    assert [task["name"] for task in first["items"] + rest["items"]] == ["t0", "t1", "t2", "t3", "t4"]
    assert rest["cursor"] is None
    told = taxiway("task", "list", "--queue", "many", "--limit", "3").stderr
    assert told == f"3 of 5 tasks; more with --limit N, or go on with --cursor {first['cursor']}\n"
    labelled = taxiway.json("task", "list", "--label", "n=3", "--state", "queued")
    assert [task["name"] for task in labelled["items"]] == ["t3"]
    ambiguous = taxiway("task", "show", first["items"][0]["id"][:12], "--json")
    assert ambiguous.returncode == 2
    assert len(json.loads(ambiguous.stderr)["error"]["candidates"]) == 5


def test_the_default_store_lies_in_a_closed_folder_and_the_doctor_is_content(taxiway: CommandLine) -> None:
    """0700 for the folder, 0600 for the file; every value of the configuration knows where it came from."""
    del taxiway.environ["TAXIWAY_STORE"]
    (taxiway.folder / "taxiway.toml").write_text('[runner]\nslots = 3\n[secrets]\nkey = {env = "NOT_SET"}\n')
    assert taxiway("lane", "list").returncode == 0
    store = taxiway.folder / "state" / "taxiway" / "taxiway.db"
    assert (store.stat().st_mode & 0o777, store.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    findings = taxiway.json("doctor", "--check")["findings"]
    assert {finding["verdict"] for finding in findings} == {"ok"}, findings
    values = taxiway.json("doctor", "--config")["values"]
    assert values["runner.slots"] == {"value": 3, "origin": f"{taxiway.folder}/taxiway.toml:2"}
    assert values["secrets.key"]["value"] == "the variable NOT_SET"
    refused = taxiway("do", "--", "true")
    assert refused.returncode == 2
    assert "secrets.key: the variable NOT_SET is not set on this runner" in refused.stderr


def on_a_terminal(taxiway: CommandLine, *arguments: str | Path, **environ: str) -> str:
    """What a command writes when it sits at a terminal of 100 columns and 30 lines."""
    master, slave = pty.openpty()
    sized = {"COLUMNS": "100", "LINES": "30", **environ}
    program = taxiway.start(*arguments, stdin=slave, stdout=slave, stderr=slave, environ=sized)
    os.close(slave)
    written, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([master], [], [], 0.5)
        try:
            piece = os.read(master, 65_536) if ready else b""
        except OSError:  # the last writer has gone
            break
        written += piece
    program.wait(timeout=10)
    os.close(master)
    return written.decode()


def test_a_terminal_gets_a_live_view_and_no_orders_from_programs(taxiway: CommandLine) -> None:
    """Lanes, what runs with its last line, what waits; titles and colours of a program's output never get through."""
    hostile = r"printf '\033]0;owned\007\033[31mred \342\200\256txt\n'; sleep 1.5; exit 3"
    tasks: dict[str, Any] = {"noisy": {"shell": hostile}, "after": {"command": ["true"], "after": ["noisy"]}}
    seen = on_a_terminal(taxiway, "run", taxiway.plan("shown", tasks, lanes={"main": 1}))
    plain = ANSI.sub("", seen)
    assert "main 1/1" in plain
    assert "1 for other tasks" in plain
    assert "red <U+202E>txt" in plain
    assert "noisy failed/exit_code: it exited with status 3" in plain
    assert "\x1b]0;" not in seen
    assert "owned" not in seen
    assert seen.endswith("\r\n")
    assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l"), "the cursor is shown again"


def test_no_color_is_honoured_on_a_terminal(taxiway: CommandLine) -> None:
    """The live view moves the cursor, and colours nothing."""
    seen = on_a_terminal(taxiway, "run", taxiway.plan("grey", {"bad": {"command": ["false"]}}), NO_COLOR="1")
    assert not re.search(r"\x1b\[(3[0-7]|9[0-7]|38)", seen)
    assert "grey failed: 1 failed" in ANSI.sub("", seen)
