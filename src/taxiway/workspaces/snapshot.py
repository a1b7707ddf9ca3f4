"""A snapshot: everything that is in a workspace and nowhere else, committed or not, as one git bundle."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Final

from taxiway.core.errors import WorkspaceRefused
from taxiway.core.limits import SNAPSHOT_FILE_BYTES_MAX
from taxiway.core.safe import safe_line
from taxiway.core.workspace import Record
from taxiway.workspaces.checkout import Checkout
from taxiway.workspaces.contents import Contents, contents
from taxiway.workspaces.git import REMOTE_S_MAX

SNAPSHOT_REF: Final = "refs/heads/taxiway-snapshot"
_LASTING: Final = ("refs/heads", "refs/tags", "refs/remotes")  #: what keeps commits for people
MESSAGE: Final = "What was in a workspace when it was removed"


async def save(checkout: Checkout, record: Record, scratch: Path, target: Path) -> bool:
    """Write what would be lost with a workspace to ``target``; ``False``: nothing would be.

    Raises ``WorkspaceRefused`` when something in it cannot be saved; then it must stay.
    """
    nested = await asyncio.to_thread(_nested, checkout.top)
    async with contents(checkout, scratch, SNAPSHOT_FILE_BYTES_MAX) as there:
        if there.left_out:
            raise WorkspaceRefused(f"it holds {safe_line(there.left_out[0])}, which is too large for a snapshot")
        for path in set(nested) - await _modules(checkout, there):
            raise WorkspaceRefused(f"it holds a repository of its own in {safe_line(path)}, which no snapshot can hold")
        head = await checkout.commit("HEAD")
        if there.changed or there.tree != await _tree_of(checkout, head):
            words = ("commit-tree", "-p", head, "-m", MESSAGE, there.tree)
            last = (await checkout.git.must(checkout.top, *words, env=there.env)).text
        elif await _reachable(checkout, head, record):
            return False
        else:
            last = head
        await _bundle(checkout, there, (last, await _known(checkout, record)), target)
    return True


async def _tree_of(checkout: Checkout, commit: str) -> str:
    return (await checkout.git.must(checkout.top, "rev-parse", "--verify", f"{commit}^{{tree}}")).text


async def _reachable(checkout: Checkout, commit: str, record: Record) -> bool:
    """Whether it stays when the workspace goes: some branch or tag has it, or it is what was fetched."""
    if commit == record.base:
        return True
    found = await checkout.git.must(checkout.top, "for-each-ref", "--contains", commit, "--count=1", *_LASTING)
    return bool(found.out) and record.branch is not None


async def _known(checkout: Checkout, record: Record) -> str | None:
    """The commit that whoever takes the snapshot back has anyway; ``None``: it must hold the whole history."""
    if record.branch is None:
        return None
    words = ("for-each-ref", "--contains", record.base, "--format=%(refname)", "--count=3", *_LASTING)
    found = await checkout.git.must(checkout.top, *words)
    others = [name for name in found.text.split("\n") if name and name != f"refs/heads/{record.branch}"]
    return record.base if others else None


async def _bundle(checkout: Checkout, there: Contents, commits: tuple[str, str | None], target: Path) -> None:
    """One ref in a repository of its own that sees the objects of both; the bundle is whole on the disk at the end."""
    last, known = commits
    git = checkout.git
    folder = tempfile.mkdtemp(prefix="bundle-", dir=there.folder)
    alone = {"GIT_DIR": folder}
    objects = {name: value for name, value in there.env.items() if name.endswith("_DIRECTORIES") or "OBJECT" in name}
    await git.must(folder, "init", "--quiet", "--bare", "--template=", folder)
    await git.must(folder, "update-ref", SNAPSHOT_REF, last, env=alone | objects)
    fresh = target.with_name(target.name + ".new")
    words = ("bundle", "create", "--quiet", str(fresh), SNAPSHOT_REF, *([f"^{known}"] if known else []))
    await git.must(folder, *words, env=alone | objects, seconds=REMOTE_S_MAX)
    await git.must(checkout.top, "bundle", "verify", "--quiet", str(fresh))
    await asyncio.to_thread(_settle, fresh, target)


def _settle(fresh: Path, target: Path) -> None:
    fresh.chmod(0o600)
    for path in (fresh, fresh.parent):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    fresh.replace(target)


async def _modules(checkout: Checkout, there: Contents) -> set[str]:
    """Submodules in which nothing has changed: whoever has the commit can fetch them again."""
    found = await checkout.git.must(checkout.top, "ls-files", "--stage", "-z")
    modules = {word.partition("\t")[2] for word in found.words if word.startswith("160000 ")}
    return modules - set(there.changed)


def _nested(top: str) -> list[str]:
    """Folders below the top that have a ``.git`` of their own."""
    return [
        os.path.relpath(folder, top)
        for folder, folders, files in os.walk(top)
        if folder != top and (".git" in folders or ".git" in files)
    ]
