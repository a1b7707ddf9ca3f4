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

SNAPSHOT_REF: Final = "refs/heads/taxiway-snapshot"  #: what was there; ``…-1`` and on: commits that nothing else has
MESSAGE: Final = "What was in a workspace when it was removed"
HEADS_MAX: Final = 5_000  #: places where the head of a workspace may have been
_LASTING: Final = ("refs/heads", "refs/tags", "refs/remotes")  #: what keeps commits for people
_KEPT: Final = ("--not", "--branches", "--tags", "--remotes", "--glob=refs/stash")


async def save(checkout: Checkout, record: Record, scratch: Path, target: Path) -> bool:
    """Write what would be lost with a workspace to ``target``; ``False``: nothing would be.

    That is what was not committed, and commits that are on no branch, whether they are the head's or it has only been
    there. Raises ``WorkspaceRefused`` when something in it cannot be saved; then it must stay.
    """
    nested = await asyncio.to_thread(_nested, checkout.top)
    async with contents(checkout, scratch, SNAPSHOT_FILE_BYTES_MAX) as there:
        for path in set(nested) - await _modules(checkout, there):
            raise WorkspaceRefused(f"it holds a repository of its own in {safe_line(path)}, which no snapshot can hold")
        for path in there.left_out:
            raise WorkspaceRefused(f"it holds {safe_line(path)}, which is too large for a snapshot")
        head = await checkout.commit("HEAD")
        lost = await _lost(checkout, record)
        if not lost and not there.changed and there.tree == await _tree_of(checkout, head):
            return False
        words = ("commit-tree", "-p", head, "-m", MESSAGE, there.tree)
        last = (await checkout.git.must(checkout.top, *words, env=there.env)).text
        await _bundle(checkout, there, [last, *lost], await _known(checkout, record), target)
    return True


async def _tree_of(checkout: Checkout, commit: str) -> str:
    return (await checkout.git.must(checkout.top, "rev-parse", "--verify", f"{commit}^{{tree}}")).text


async def _lost(checkout: Checkout, record: Record) -> list[str]:
    """Commits that go with the workspace: of a worktree those that its head has been at and nothing keeps, of a bundle,
    which is a repository of its own, everything that was not fetched."""
    git, top = checkout.git, checkout.top
    been = [(await git.must(top, "rev-list", "-g", f"--max-count={HEADS_MAX}", "HEAD")).text]
    kept: tuple[str, ...] = _KEPT
    if record.branch is None:
        kept = ("--not", record.base)
        been.append((await git.must(top, "for-each-ref", "--format=%(objectname)")).text)
        been.append((await git.ask(top, "rev-list", "-g", "refs/stash", "--")).text)
    heads = list(dict.fromkeys([await checkout.commit("HEAD"), *"\n".join(been).split()]))
    if len(heads) > HEADS_MAX:
        raise WorkspaceRefused(f"its head has been at more than {HEADS_MAX} commits")
    found = await git.must(top, "rev-list", "--stdin", *kept, given="\n".join(heads).encode() + b"\n")
    gone = set(found.text.split())
    return [head for head in heads if head in gone]


async def _known(checkout: Checkout, record: Record) -> str | None:
    """The commit that whoever takes the snapshot back has anyway; ``None``: it must hold the whole history."""
    if record.branch is None:
        return record.base
    words = ("for-each-ref", "--contains", record.base, "--format=%(refname)", "--count=3", *_LASTING)
    found = await checkout.git.must(checkout.top, *words)
    others = [name for name in found.text.split("\n") if name and name != f"refs/heads/{record.branch}"]
    return record.base if others else None


async def _bundle(checkout: Checkout, there: Contents, commits: list[str], known: str | None, target: Path) -> None:
    """Refs in a repository of its own that sees the objects of both; the bundle is whole on the disk at the end."""
    git = checkout.git
    folder = tempfile.mkdtemp(prefix="bundle-", dir=there.folder)
    env = {name: value for name, value in there.env.items() if "OBJECT" in name}
    env |= {"GIT_DIR": folder, "GIT_SHALLOW_FILE": f"{checkout.common}/shallow"}
    refs = {f"{SNAPSHOT_REF}-{place}" if place else SNAPSHOT_REF: commit for place, commit in enumerate(commits)}
    orders = "".join(f"create {ref} {commit}\n" for ref, commit in refs.items())
    await git.must(folder, "init", "--quiet", "--bare", "--template=", folder)
    await git.must(folder, "update-ref", "--stdin", given=orders.encode(), env=env)
    fresh = target.with_name(target.name + ".new")
    words = ("bundle", "create", "--quiet", str(fresh), "--branches", *([f"^{known}"] if known else []))
    await git.must(folder, *words, env=env, seconds=REMOTE_S_MAX)
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
