"""Workspaces whose maker is killed with -9 at any moment: nothing that was written is lost, nothing is left stuck."""

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.engine.repositories import Shop, git, make_repo

ROOT = Path(__file__).parents[2]


def worked(folder: Path, repo: Path, token: str, word: str, seconds: float) -> list[str]:
    """One process of them, killed so long after it said a word (or began); what it had said by then."""
    command = [sys.executable, "-m", "tests.faults.working_in", str(folder), str(repo), token]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said)
        until = time.monotonic() + 60
        while word.encode() not in os.pread(said.fileno(), 1_000, 0) and time.monotonic() < until:
            time.sleep(0.002)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        said.seek(0)
        return said.read().decode().split()


def everywhere(shop: Shop, repo: Path, saved: dict[str, set[str]]) -> set[str]:
    """The names of all files that are in the workspace now, or in one of its snapshots; ``saved`` is what is known of
    these by now. One that nobody had written down before the kill is made again."""
    for bundle in shop.trees.glob("*.bundle"):
        version = f"{bundle.name} {bundle.stat().st_ino}"
        if version not in saved:
            git(repo, "fetch", "--quiet", str(bundle), "+taxiway-snapshot:refs/back")
            saved[version] = set(git(repo, "ls-tree", "--name-only", "refs/back").split())
            git(repo, "update-ref", "-d", "refs/back")
    return {path.name for path in shop.tree(shop.claim(repo)).glob("token-*")}.union(*saved.values())


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kills", [10, pytest.param(100, marks=pytest.mark.proof)])
async def test_killed_at_any_moment_nothing_that_was_written_is_lost(tmp_path: Path, kills: int) -> None:
    """The next one goes on in the same workspace, whatever its maker was at when it died."""
    chance = random.Random(4)
    repo, shop = make_repo(tmp_path / "repo"), Shop(tmp_path)
    git(repo, "branch", "other")
    written = {"token-whole"}
    stands: set[str] = set()
    saved: dict[str, set[str]] = {}
    began = time.monotonic()
    assert "left" in await asyncio.to_thread(worked, tmp_path, repo, "token-whole", "", 60.0)
    whole_s = time.monotonic() - began
    for number in range(kills):
        token = f"token-{number}"
        word = chance.choice(["", "made", token])
        seconds = chance.uniform(0.2, 1.0) * whole_s if not word else chance.uniform(0.0, 0.4) * whole_s
        said = await asyncio.to_thread(worked, tmp_path, repo, token, word, seconds)
        written |= {token} & set(said)
        stands |= {one.record.stand for one in await shop.workshop.all()}
        assert written <= everywhere(shop, repo, saved), f"after {number + 1} kills"
    claim = shop.claim(repo)
    async with shop.workshop.work_in(claim) as made:
        assert Path(made.path, "a.txt").exists()
    assert not (await shop.workshop.leave(claim)).kept
    assert written <= everywhere(shop, repo, saved)
    assert len(written) > 1, "no process that was killed came far enough to write something"
    print(f"{kills} kills, {len(written)} times something had been written; found at {sorted(stands)}")
    git(repo, "fsck", "--connectivity-only")
    assert git(repo, "worktree", "list").count("\n") == 0
    assert set(git(repo, "branch", "--format=%(refname:short)").split()) == {"main", "other"}
    left = {path.suffix for path in shop.trees.iterdir()}
    assert left == {".json", ".lock", ".bundle"}
