"""Workspaces for whoever has only the command line: a diff looked at, applied or refused, and what is left removed."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import CommandLine, until
from tests.engine.repositories import git, make_repo

PLAN = r"""
defaults: {workspace: {kind: worktree, keep: always}, cwd: repo}
tasks:
  edit: {command: [sh, -c, 'printf "\033]0;owned\007\342\200\256two\n" > a.txt']}
  fail: {shell: "echo half > half.txt; exit 1"}
  here: {shell: "echo here", workspace: dir}
"""


@pytest.fixture
def worked(taxiway: CommandLine) -> CommandLine:
    """Three tasks have run: one changed a file, one failed half way, one had no workspace."""
    make_repo(taxiway.folder / "repo", {"a.txt": "one\n"})
    (taxiway.folder / "plan.yaml").write_text(PLAN)
    assert taxiway("run", "plan.yaml").returncode == 1
    return taxiway


def test_a_diff_is_shown_so_that_a_terminal_is_safe_and_written_as_it_is(worked: CommandLine) -> None:
    """CWE-150: what an agent wrote is hostile; a file gets the patch itself."""
    shown = worked("task", "diff", "edit")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "\x1b" not in shown.stdout
    assert "+<U+202E>two" in shown.stdout
    assert worked("task", "diff", "edit", "--output", "x.patch").stdout == ""
    assert b"+\x1b]0;owned\x07" in (worked.folder / "x.patch").read_bytes()
    found = worked.json("task", "diff", "edit")
    assert (found["changed"], found["files"][0]["path"], found["truncated"]) == (1, "a.txt", False)
    assert "+half" in worked("task", "diff", "fail").stdout
    missing = worked("task", "diff", "here")
    assert (missing.returncode, "no workspace but its folder" in missing.stderr) == (3, True)


def test_a_diff_is_applied_whole_or_refused_with_the_reason(worked: CommandLine) -> None:
    """Exit status 4 with the file's name, and the tree as it was."""
    repo = worked.folder / "repo"
    assert worked("task", "apply", "fail", "--to", "repo", "--check").returncode == 0
    assert not (repo / "half.txt").exists()
    (repo / "a.txt").write_text("eins\n")
    refused = worked("task", "apply", "edit", "--to", "repo")
    assert (refused.returncode, (repo / "a.txt").read_text()) == (4, "eins\n")
    assert "changed the same places of a.txt" in refused.stderr
    (repo / "a.txt").write_text("one\n")
    applied = worked.json("task", "apply", "edit", "--to", "repo")
    assert (applied["paths"], applied["applied"]) == (["a.txt"], True)
    assert git(repo, "diff", "--name-only") == "a.txt"
    nowhere = worked("task", "apply", "edit")
    assert (nowhere.returncode, "no checkout" in nowhere.stderr) == (4, True)


def test_workspaces_are_listed_and_removed_by_the_end_of_their_ids(worked: CommandLine) -> None:
    """What was in one is kept in a bundle until it is forgotten."""
    listed = worked.json("workspace", "list")["items"]
    assert {one["stand"] for one in listed} == {"ready"}
    assert all(Path(one["path"]).is_dir() for one in listed)
    first, second = (one["id"] for one in listed)
    removed = worked("workspace", "remove", first[-6:])
    assert re.search(r"kept in a bundle: \S+-1\.bundle", removed.stdout)
    again = worked("workspace", "remove", first)
    assert (again.returncode, "removed before" in again.stdout) == (0, True)
    assert worked("workspace", "remove", "--forget", first, second).returncode == 0
    assert worked.json("workspace", "list")["items"] == []
    assert git(worked.folder / "repo", "branch", "--format=%(refname:short)") == "main"
    unknown = worked("workspace", "remove", "nothing")
    assert (unknown.returncode, "no workspace" in unknown.stderr) == (3, True)


def test_a_mistake_in_a_workspace_is_told_before_anything_is_stored(taxiway: CommandLine) -> None:
    """All of them, with the code that programs match on."""
    wanted = '{"kind": "bundle", "repo": "ext::sh -c x", "commit": "main"}'
    done = taxiway("--json", "submit", "--workspace", wanted, "--", "true")
    assert done.returncode == 2
    assert '"code": "invalid"' in done.stderr
    assert "workspace.repo" in done.stderr
    assert "workspace.commit" in done.stderr
    assert taxiway("submit", "--workspace", "tree", "--", "true").returncode == 2
    assert taxiway.json("task", "list")["items"] == []


def test_a_run_that_was_killed_goes_on_in_the_same_workspace(taxiway: CommandLine) -> None:
    """Taxiway and all dies; what the first attempt had written is there for the next one."""
    make_repo(taxiway.folder / "repo")
    shell = "echo attempt >> log; test -e again || { touch again; echo waits; sleep 300; }; wc -l < log"
    plan = {"tasks": {"one": {"shell": shell, "cwd": "repo", "workspace": {"kind": "worktree", "setup": ["true"]}}}}
    (taxiway.folder / "plan.json").write_text(json.dumps(plan))
    first = taxiway.start("run", "plan.json", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    trees = taxiway.folder / "store.db.d" / "workspaces"
    until(lambda: list(trees.glob("task_*/again")), "the first attempt has begun")
    first.kill()
    first.wait()
    assert taxiway("run", "plan.json").returncode == 0
    done = taxiway.tasks("plan")["one"]
    assert (done["state"], done["output"]) == ("completed", "2\n")
    assert taxiway.json("task", "diff", "one", "--stat")["changed"] == 2
    assert taxiway.json("workspace", "list")["items"][0]["stand"] == "removed"
