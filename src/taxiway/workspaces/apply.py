"""Applying a run's diff to somebody's own tree: the whole of it or nothing, and never outside.

What shall come of it is made first in an index of its own, by a three-way merge with what is there. Only a result
without conflicts is laid into the tree, as a patch of what is there now, which git checks whole before it writes.
"""

from __future__ import annotations

import ast
import os
import posixpath
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

from taxiway.core.errors import WorkspaceRefused
from taxiway.core.limits import DIFF_BYTES_MAX
from taxiway.core.safe import safe_line
from taxiway.core.workspace import Applied, RunDiff, TaskDiff
from taxiway.workspaces.checkout import Checkout, open_checkout
from taxiway.workspaces.contents import Contents, contents_of
from taxiway.workspaces.diff import PATCH
from taxiway.workspaces.git import Git, failure

_LINK: Final = b"120000"
_MODULE: Final = b"160000"
APPLIED_BYTES_MAX: Final = 4 * DIFF_BYTES_MAX
_MOVED: Final = re.compile(rb"^(?:rename|copy) from (.*)$", re.MULTILINE)


async def apply(git: Git, wanted: TaskDiff, folder: str, check: bool = False) -> Applied:
    """Apply a diff to the checkout that holds ``folder``, or only see whether it fits (``check``).

    Raises ``WorkspaceRefused`` with the reason when it does not fit, was cut or scrubbed, or leads out of the tree;
    the tree and its index are then as they were.
    """
    _refuse_incomplete(wanted.diff)
    checkout = await open_checkout(git, folder)
    if not wanted.patch:
        return Applied(checkout.top, (), check)
    async with contents_of(checkout, await _touched(checkout, wanted.patch)) as there:
        merged = await _merged(checkout, there, wanted.patch)
        paths = await _judged(checkout, there, merged)
        found = await checkout.git.must(
            *(checkout.top, *PATCH, "--no-renames", there.tree, merged), env=there.env, limit=APPLIED_BYTES_MAX
        )
        if found.out:
            await _lay(checkout, found.out, check)
    return Applied(checkout.top, paths, check)


async def committed(checkout: Checkout, begun: TaskDiff) -> str:
    """A commit of the repository that holds a diff, right above the one that the diff was taken from: its number.

    Nothing but the commit is made: no branch moves, and no file changes. Raises ``WorkspaceRefused``.
    """
    _refuse_incomplete(begun.diff)
    base = await checkout.commit(begun.diff.base)
    if not begun.patch:
        return base
    folder = tempfile.mkdtemp(prefix="taxiway-")
    try:
        env = {"GIT_INDEX_FILE": f"{folder}/index"}
        await checkout.git.must(checkout.top, "read-tree", base, env=env)
        await checkout.git.must(checkout.top, "apply", "--cached", "-", given=begun.patch, env=env)
        tree = (await checkout.git.must(checkout.top, "write-tree", env=env)).text
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    words = ("commit-tree", "-p", base, "-m", f"What {begun.diff.task} changed", tree)
    return (await checkout.git.must(checkout.top, *words)).text


async def _touched(checkout: Checkout, patch: bytes) -> list[str]:
    """The paths that a patch speaks of; refused where a link stands in the way to one."""
    words = ("apply", "--numstat", "-z", "-")
    found = await checkout.git.ask(checkout.top, *words, given=patch)
    if found.status:
        raise WorkspaceRefused(f"the diff cannot be read: {failure(words, found)}")
    paths = [word.split("\t", 2)[2] for word in found.words] + [_unquoted(name) for name in _MOVED.findall(patch)]
    for path in paths:
        if _behind_a_link(checkout.top, path):
            raise WorkspaceRefused(f"the diff does not fit: a link stands in the way to {safe_line(path)}")
    return list(dict.fromkeys(paths))


def _unquoted(name: bytes) -> str:
    """A name as a patch's header has it: in quotes, with C's escapes, where it needs them."""
    return os.fsdecode(ast.literal_eval("b" + name.decode("ascii")) if name.startswith(b'"') else name)


def _behind_a_link(top: str, path: str) -> bool:
    return any(Path(top, parent).is_symlink() for parent in Path(path).parents)


def _refuse_incomplete(diff: RunDiff) -> None:
    if diff.truncated:
        raise WorkspaceRefused("the diff was longer than what is kept of one, so it cannot be applied", run=diff.run)
    if diff.scrubbed:
        why = "a declared secret stood in the diff and was taken out, so what would be applied is not what was made"
        raise WorkspaceRefused(why, run=diff.run)
    if diff.left_out:
        named = ", ".join(safe_line(path) for path in diff.left_out[:3])
        raise WorkspaceRefused(f"the diff does not hold all that was changed: {named} was left out", run=diff.run)


async def _merged(checkout: Checkout, there: Contents, patch: bytes) -> str:
    """The tree that comes of it, made in the index of ``there``."""
    words = ("apply", "--cached", "--3way", "-")
    found = await checkout.git.ask(checkout.top, *words, given=patch, env=there.env)
    if found.status:
        unmerged = await checkout.git.must(checkout.top, "diff", "--name-only", "--diff-filter=U", "-z", env=there.env)
        if unmerged.words:
            named = ", ".join(sorted({safe_line(path) for path in unmerged.words})[:5])
            raise WorkspaceRefused(f"the diff does not fit: it and this tree changed the same places of {named}")
        raise WorkspaceRefused(f"the diff does not fit: {failure(words, found)}")
    return (await checkout.git.must(checkout.top, "write-tree", env=there.env)).text


async def _judged(checkout: Checkout, there: Contents, merged: str) -> tuple[str, ...]:
    """The paths that change; refuses links that lead out of the tree, and repositories inside it."""
    words = ("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", there.tree, merged)
    listed = (await checkout.git.must(checkout.top, *words, env=there.env)).out.split(b"\0")
    paths = []
    for what, path in zip(listed[::2], listed[1::2], strict=False):
        _, mode, _, blob, _ = what.split(b" ")
        name = os.fsdecode(path)
        paths.append(name)
        if mode == _MODULE:
            raise WorkspaceRefused(f"the diff makes {safe_line(name)} a repository of its own (a submodule)")
        if mode == _LINK:
            found = await checkout.git.must(checkout.top, "cat-file", "blob", blob.decode(), env=there.env)
            _refuse_outside(name, os.fsdecode(found.out))
    return tuple(paths)


def _refuse_outside(name: str, target: str) -> None:
    lands = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    if target.startswith("/") or lands == ".." or lands.startswith("../") or lands.split("/")[0] == ".git":
        said = f"the diff makes {safe_line(name)} a link that leads out of the tree, to {safe_line(target)}"
        raise WorkspaceRefused(said)


async def _lay(checkout: Checkout, patch: bytes, check: bool) -> None:
    """Into the tree, whose index stays as it is."""
    words = ("apply", "--check", "-") if check else ("apply", "-")
    found = await checkout.git.ask(checkout.top, *words, given=patch)
    if found.status:
        raise WorkspaceRefused(f"the diff does not fit: {failure(words, found)}")
