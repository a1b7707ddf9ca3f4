"""Removing worktrees after anything that people and agents do with git: all of it can be had again."""

import os
import random
import subprocess
from pathlib import Path

import pytest

from tests.engine.repositories import CLEAN, GIT, Shop, git, make_repo

STEPS = 14


class Worker:
    """Somebody who does things in a worktree, and remembers every content and every commit there has ever been."""

    def __init__(self, tree: Path, chance: random.Random) -> None:
        self.tree = tree
        self.chance = chance
        self.number = 0
        self.commits: set[str] = set()

    def step(self) -> None:
        """One thing; git may refuse some of them."""
        often = [self.write, self.write, self.write, self.commit, self.commit]
        seldom = [self.delete, self.move, self.stage, self.stash, self.detach, self.branch, self.reset, self.amend]
        self.chance.choice([*often, *seldom, self.link])()
        head = self.git("rev-parse", "HEAD")
        self.commits.add(head)

    def git(self, *words: str) -> str:
        """git, whatever comes of it."""
        asked = subprocess.run(
            [*GIT, "-C", str(self.tree), *words],
            capture_output=True,
            text=True,
            env={**os.environ, **CLEAN},
            timeout=30,
        )
        return asked.stdout.strip()

    def write(self) -> None:
        self.number += 1
        path = self.tree / self.chance.choice(["a.txt", "new", "deep/er/file", f"n{self.number}", "ü ß"])
        if not path.parent.is_symlink():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"content {self.chance.random()}\n")

    def delete(self) -> None:
        self.pick().unlink(missing_ok=True)

    def move(self) -> None:
        path = self.pick()
        if path.is_file():
            path.rename(path.with_name(path.name + "-moved"))

    def link(self) -> None:
        self.number += 1
        (self.tree / f"link{self.number}").symlink_to(self.chance.choice(["a.txt", "/etc/passwd", "nowhere"]))

    def stage(self) -> None:
        self.git("add", "--all")

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "step")

    def amend(self) -> None:
        self.git("commit", "--quiet", "--amend", "--allow-empty", "-m", f"amended {self.chance.random()}")

    def stash(self) -> None:
        self.git("stash", "--quiet", "--include-untracked")

    def detach(self) -> None:
        self.git("checkout", "--quiet", "--detach")

    def branch(self) -> None:
        self.number += 1
        self.git("checkout", "--quiet", "-b", f"side{self.number}")

    def reset(self) -> None:
        self.git("reset", "--quiet", "--hard", self.chance.choice(["HEAD", "HEAD~1"]))

    def pick(self) -> Path:
        """Some file that is there."""
        there = sorted(path for path in self.tree.rglob("*") if path.is_file() and ".git" not in path.parts)
        return self.chance.choice(there or [self.tree / "nothing"])

    def files(self) -> dict[str, str]:
        """What is there now: texts, and where links lead."""
        found = {}
        for path in self.tree.rglob("*"):
            name = path.relative_to(self.tree).as_posix()
            if path.is_symlink():
                found[name] = str(path.readlink())
            elif path.is_file() and name != ".git":
                found[name] = path.read_text()
        return found


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("rounds", [8, pytest.param(150, marks=pytest.mark.proof)])
async def test_whatever_was_done_in_a_worktree_can_be_had_again_when_it_is_gone(tmp_path: Path, rounds: int) -> None:
    """Files as they were, and each commit that its head has been at: on branches, in the stash, or in the snapshot."""
    saved = 0
    for seed in range(rounds):
        chance = random.Random(seed)
        folder = tmp_path / str(seed)
        repo = make_repo(folder / "repo")
        shop = Shop(folder)
        claim = shop.claim(repo)
        async with shop.workshop.work_in(claim) as made:
            worker = Worker(Path(made.path), chance)
            for _ in range(STEPS):
                worker.step()
            files, head = worker.files(), git(Path(made.path), "rev-parse", "HEAD")
        left = await shop.workshop.leave(claim)
        assert not left.kept, f"seed {seed}: {left.text}"
        tip = head
        if left.snapshot is not None:
            saved += 1
            git(repo, "fetch", "--quiet", str(shop.trees / left.snapshot), "refs/heads/*:refs/back/*")
            tip = git(repo, "rev-parse", "refs/back/taxiway-snapshot")
        again = folder / "again"
        git(repo, "worktree", "add", "--quiet", "--detach", str(again), tip)
        assert Worker(again, chance).files() == files, f"seed {seed}"
        reachable = set(git(repo, "rev-list", "--all", "--reflog").split())
        kept = set(
            git(repo, "rev-list", "--branches", "--tags", "--remotes", "--glob=refs/stash", "--glob=refs/back").split()
        )
        assert worker.commits <= kept, f"seed {seed}: {worker.commits - kept} ({len(reachable)} reachable at all)"
    print(f"{rounds} worktrees, {saved} needed a snapshot")
    assert saved > 0
