"""Runs examples/fanout.yaml with the live view, judges what the store says afterwards, and tells how to look into it.

Exit status: 0 when everything went as the plan was made to go (one task fails on purpose), 1 when not, 130 on Ctrl-C.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

PLAN = Path("examples/fanout.yaml")
TAXIWAY = Path(sys.executable).parent / "taxiway"
WORK_FAILED, INTERRUPTED = 1, 130
PAGE_TASKS = 500
FLAKY_ATTEMPT = 3

Task = dict[str, Any]


def main() -> int:
    """The demo from start to end."""
    given = os.environ.get("TAXIWAY_STORE")
    store = given or str(Path(tempfile.mkdtemp(prefix="taxiway-demo-")) / "demo.db")
    environment = {**os.environ, "TAXIWAY_STORE": store}

    signal.signal(
        signal.SIGINT, lambda *_: None
    )  # Ctrl-C is for `taxiway run`, which hears it too: once drains, twice kills
    status = run_plan(environment)
    if status == INTERRUPTED:
        print(f"\nStopped. Going on where it stopped: TAXIWAY_STORE={store} scripts/demo")
        return INTERRUPTED
    if status not in {0, WORK_FAILED}:
        print(f"\n`taxiway run {PLAN}` ended with exit status {status}; the demo stops here.", file=sys.stderr)
        return 1

    tasks = stored_tasks(environment)
    faults = faults_of(tasks, status)
    print()
    print("\n".join(["The demo did not go as designed:", *faults] if faults else as_designed(tasks)))
    print("\n".join(how_to_look(tasks, store, is_temporary=given is None)))
    return 1 if faults else 0


def run_plan(environment: dict[str, str]) -> int:
    """Run the plan on this terminal; its exit status."""
    return subprocess.run([TAXIWAY, "run", PLAN], env=environment, check=False).returncode


def stored_tasks(environment: dict[str, str]) -> list[Task]:
    """Every task of the plan's queue, as `taxiway task list` tells them."""
    queue = yaml.safe_load(PLAN.read_text("utf-8")).get("queue", PLAN.stem)
    command = [str(TAXIWAY), "task", "list", "--queue", queue, "--limit", str(PAGE_TASKS), "--json"]
    tasks: list[Task] = []
    cursor: str | None = None
    while True:
        more = ["--cursor", cursor] if cursor else []
        page = json.loads(subprocess.run([*command, *more], env=environment, check=True, capture_output=True).stdout)
        tasks += page["items"]
        cursor = page["cursor"]
        if cursor is None:
            return tasks


def in_state(tasks: list[Task], state: str) -> list[Task]:
    """The tasks in one state."""
    return [task for task in tasks if task["state"] == state]


def flaky(tasks: list[Task]) -> list[Task]:
    """The tasks that were completed, but not at once."""
    return [task for task in in_state(tasks, "completed") if task["attempt"] > 1]


def faults_of(tasks: list[Task], status: int) -> list[str]:
    """What is otherwise than the plan was made to go; empty when nothing is."""
    failed, cancelled = in_state(tasks, "failed"), in_state(tasks, "cancelled")
    open_tasks = len(tasks) - len(in_state(tasks, "completed")) - len(failed) - len(cancelled)
    checks = {
        f"`taxiway run` should end with {WORK_FAILED}, because one task fails; it ended with {status}": status
        == WORK_FAILED,
        f"the plan has 200 commands or more; the store has {len(tasks)}": len(tasks) >= 200,
        f"every task should have ended; {open_tasks} have not": open_tasks == 0,
        f"one task should fail; {len(failed)} did": len(failed) == 1,
        "what depends on it, and nothing else, should be cancelled": bool(cancelled)
        and all(task["reason"] == "dependency_failed" for task in cancelled),
        "one task should succeed at its third attempt": [task["attempt"] for task in flaky(tasks)] == [FLAKY_ATTEMPT],
    }
    return [f"- {fault}" for fault, holds in checks.items() if not holds]


def as_designed(tasks: list[Task]) -> list[str]:
    """What happened, in words."""
    failed, cancelled = in_state(tasks, "failed")[0], in_state(tasks, "cancelled")
    return [
        f"The demo went as designed: {len(in_state(tasks, 'completed'))} of {len(tasks)} tasks were completed.",
        f"- {flaky(tasks)[0]['name']} failed twice and succeeded at its third attempt.",
        f"- {failed['name']} failed on purpose: the {len(cancelled)} tasks after it were cancelled and never started.",
        "- Everything else went on to its end.",
    ]


def how_to_look(tasks: list[Task], store: str, *, is_temporary: bool) -> list[str]:
    """Commands to type."""
    lines = ["", "Look into it:", f"  export TAXIWAY_STORE={store}"]
    program = os.path.relpath(TAXIWAY)
    lines += [
        f"  {program} task logs {task['name']:<12} # why {task['name']} failed"
        for task in in_state(tasks, "failed")[:1]
    ]
    lines += [
        f"  {program} task explain {task['name']:<9} # why {task['name']} never ran"
        for task in in_state(tasks, "cancelled")[:1]
    ]
    lines += [f"  {program} task show {task['name']:<12} # the attempts of {task['name']}" for task in flaky(tasks)[:1]]
    lines += [f"  {program} task list --state failed"]
    return lines + ([f"Done with it: rm -r {Path(store).parent}"] if is_temporary else [])


if __name__ == "__main__":
    sys.exit(main())
