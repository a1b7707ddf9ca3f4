"""Taxiway killed in the middle of a fetch: the next one brings the bundle, and nothing of the first is left."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import CommandLine, until
from tests.engine.httpd import CERTIFICATE, Serving, serving
from tests.engine.repositories import git, make_repo

TOKEN = "ghp_canary0123456789abcdef"


@pytest.fixture
def private(tmp_path: Path) -> Iterator[tuple[str, type[Serving]]]:
    """A git server that wants a token, with one repository."""
    repo = make_repo(tmp_path / "served" / "one", {"a.txt": "one\n"})
    (repo / "big").write_bytes(os.urandom(1 << 20))
    git(repo, "add", "big")
    git(repo, "commit", "--quiet", "-m", "big")
    with serving(tmp_path / "served", tls=True, token=TOKEN) as (address, server):
        yield f"{address}/one/.git", server


def fetching(folder: Path) -> list[psutil.Process]:
    """Every git that works below a folder."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        words = process.info["cmdline"] or ()
        if process.info["name"].startswith("git") and any(str(folder) in word for word in words):
            found.append(process)
    return found


def test_taxiway_killed_in_the_middle_of_a_fetch_begins_it_anew(
    taxiway: CommandLine, private: tuple[str, type[Serving]]
) -> None:
    """I6, I7: the git that was left behind ends, the half-made bundle goes, the token was nowhere, and the work is
    done once."""
    address, server = private
    head = git(taxiway.folder / "served" / "one", "rev-parse", "HEAD")
    (taxiway.folder / "token").write_text(TOKEN + "\n")
    (taxiway.folder / "taxiway.toml").write_text("[secrets]\ngit-token = {file = 'token'}\n")
    wanted = {"kind": "bundle", "repo": address, "commit": head, "token": "secret://git-token", "keep": "always"}
    plan = {"tasks": {"one": {"shell": "echo done >> log; cat log; wc -c < big", "workspace": wanted}}}
    (taxiway.folder / "plan.json").write_text(json.dumps(plan))
    trusting = {"GIT_SSL_CAINFO": str(CERTIFICATE)}
    server.stalls.set()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    first = taxiway.start("run", "plan.json", environ=trusting, **quiet)
    until(server.stalled.is_set, "half of the pack has been sent")
    first.kill()
    first.wait()
    trees = taxiway.folder / "store.db.d" / "workspaces"
    [left] = taxiway.json("workspace", "list")["items"]
    assert left["stand"] == "making"
    assert fetching(trees)
    server.stalls.clear()
    done = taxiway("run", "plan.json", environ=trusting)
    assert done.returncode == 0, done.stderr
    task = taxiway.tasks("plan")["one"]
    assert (task["state"], task["output"]) == ("completed", f"done\n{1 << 20}\n")
    until(lambda: not fetching(trees), "no git is left")
    assert [one["stand"] for one in taxiway.json("workspace", "list")["items"]] == ["ready"]
    kept = [path for path in (taxiway.folder / "store.db.d").rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in [*kept, taxiway.store] if TOKEN.encode() in path.read_bytes()]
