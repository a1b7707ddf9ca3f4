"""Real git repositories for tests, and a workshop without a store."""

import os
import subprocess
from pathlib import Path
from typing import Any

from taxiway.core.redact import Scrubber
from taxiway.core.workspace import Claim, Workspace, WorkspaceKind
from taxiway.workspaces.workshop import Workshop

GIT = ("git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main")
CLEAN = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"


def git(folder: Path, *words: str, status: int = 0) -> str:
    """What git answers, as a person would ask it."""
    asked = subprocess.run(
        [*GIT, "-C", str(folder), *words], capture_output=True, text=True, timeout=60, env={**os.environ, **CLEAN}
    )
    assert asked.returncode == status, asked.stderr
    return asked.stdout.rstrip("\n")


def make_repo(folder: Path, files: dict[str, str] | None = None) -> Path:
    """A repository with one commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    for name, text in (files or {"a.txt": "one\ntwo\nthree\n", "src/b.txt": "b\n"}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    commit(folder, "first")
    return folder


def commit(folder: Path, message: str) -> str:
    """Everything that is there, as a commit; its number."""
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


class Shop:
    """A workshop in a folder, and the tasks that come to it."""

    def __init__(self, folder: Path, protocols: str = "https:ssh", secrets: tuple[str, ...] = ()) -> None:
        self.folder = folder / "store.d"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.workshop = Workshop(self.folder, dict(os.environ), lambda: 1_000, Scrubber(secrets), protocols)
        self.trees = self.folder / "workspaces"

    def claim(self, folder: Path | str, number: int = 1, session: str | None = None, **fields: Any) -> Claim:
        """A run of task ``number`` that wants a worktree of ``folder``, or whatever else ``fields`` say."""
        wanted = Workspace(**({"kind": WorkspaceKind.WORKTREE} | fields))
        return Claim(
            task=name("task", number), run=name("run", number), folder=str(folder), wanted=wanted, session=session
        )

    def tree(self, claim: Claim) -> Path:
        """Where a task's workspace is."""
        return self.trees / claim.task


def name(prefix: str, number: int) -> str:
    """An id."""
    return f"{prefix}_{BASE32[number % 32] * 26}"
