"""What a person may get wrong about agents and workspaces: a sentence and a code each time, and never a trace."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import CommandLine
from tests.engine.repositories import git, make_repo

MISTAKE = "by its own mistake"


@pytest.fixture
def asking(taxiway: CommandLine) -> CommandLine:
    """A folder with an agent that says what it hears."""
    command = f"command = ['{sys.executable}', '-m', 'taxiway', 'fake-agent']"
    (taxiway.folder / "taxiway.toml").write_text(f"[agents.fake]\n{command}\n")
    return taxiway


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (b"a\0b", "holds a NUL"),
        (b"a\xff\xfeb", "prompt: is no UTF-8 text (byte 2 is 0xff)"),
        (b"", "is empty"),
        (b"x" * 1_100_000, "prompt: is longer than the 1048576 bytes"),
    ],
)
def test_a_prompt_from_standard_input_that_is_no_text_is_refused(
    asking: CommandLine, tmp_path: Path, given: bytes, why: str
) -> None:
    """By its own name, with what to do instead; nothing is stored."""
    (tmp_path / "prompt").write_bytes(given)
    for words in (("ask", "fake", "-"), ("session", "send", "s", "-")):
        with (tmp_path / "prompt").open("rb") as stream:
            done = asking(*words, stdin=stream)
        assert (done.returncode, why in done.stderr, "--stdin" in done.stderr) == (2, True, False), done.stderr
        assert "Traceback" not in done.stderr
    assert asking.json("task", "list")["items"] == []


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        (("ask", "fak", "hi"), 2, "did you mean 'fake'?"),
        (("ask", "fake", "hi", "--cwd", "/nowhere"), 2, "/nowhere does not exist"),
        (("ask", "fake", "hi", "--workspace", "worktree"), 1, "is no checkout of a git repository"),
        (("ask", "fake", "hi", "--workspace", "worktre"), 2, "did you mean 'worktree'?"),
        (("ask", "fake", "hi", "--result-schema", "{"), 2, "no JSON"),
        (("task", "diff", "nope"), 3, "there is no task"),
        (("task", "apply", "nope"), 3, "there is no task"),
        (("workspace", "remove", "../../etc"), 3, "there is no workspace"),
        (("agent", "probe", "\udcff"), 3, "there is no agent"),
        (("--store", "/", "workspace", "list"), 5, "folder"),
        (("--store", ".", "task", "list"), 5, "folder"),
    ],
)
def test_a_slip_is_answered_with_a_sentence_and_its_status(
    asking: CommandLine, words: tuple[str, ...], status: int, why: str
) -> None:
    """Typing errors, folders that are not there, no repository, no store."""
    done = asking(*words)
    assert (done.returncode, why in done.stderr) == (status, True), done.stderr
    assert MISTAKE not in done.stderr


def test_workspaces_that_somebody_has_damaged_by_hand_are_told_and_never_touched(taxiway: CommandLine) -> None:
    """Files taken away or put in their place, a record that cannot be read, a lock, a folder that is none."""
    repo = make_repo(taxiway.folder / "repo")
    shell = {"shell": "echo x > x", "cwd": "repo", "workspace": {"kind": "worktree", "keep": "always"}}
    plan = taxiway.plan("plan", dict.fromkeys(("gone", "locked", "unreadable", "other"), shell))
    assert taxiway("run", plan).returncode == 0
    ids = {name: task["id"] for name, task in taxiway.tasks("plan").items()}
    trees = taxiway.folder / "store.db.d" / "workspaces"

    def removed(name: str, *flags: str) -> subprocess.CompletedProcess[str]:
        done = taxiway("workspace", "remove", *flags, ids[name])
        assert MISTAKE not in done.stderr
        return done

    shutil.rmtree(trees / ids["gone"])
    git(repo, "worktree", "lock", str(trees / ids["locked"]))
    (trees / f"{ids['unreadable']}.json").unlink()
    (trees / f"{ids['unreadable']}.json").mkdir()
    shutil.rmtree(trees / ids["other"])
    (trees / ids["other"]).symlink_to("/etc")
    stands = {one["id"]: one["stand"] for one in taxiway.json("workspace", "list")["items"]}
    assert stands == {ids["gone"]: "ready", ids["locked"]: "ready", ids["unreadable"]: "unknown", ids["other"]: "ready"}
    for name, why in (
        ("gone", "--forget"),
        ("locked", "git worktree lock"),
        ("unreadable", "cannot be read"),
        ("other", "are gone from"),
    ):
        done = removed(name)
        assert (done.returncode, why in done.stderr) == (4, True), done.stderr
    assert removed("other", "--forget").returncode == 4
    assert removed("gone", "--forget").returncode == 0
    assert (trees / ids["locked"] / "x").exists()
    assert ids["gone"] not in [one["id"] for one in taxiway.json("workspace", "list")["items"]]
    assert ids["gone"] not in git(repo, "worktree", "list")
    assert ids["gone"].replace("_", "-") not in git(repo, "branch", "--list")
    trees.rename(trees.with_name("away"))
    trees.write_text("no folder")
    done = taxiway("workspace", "list")
    assert (done.returncode, "cannot be listed" in done.stderr) == (4, True), done.stderr
