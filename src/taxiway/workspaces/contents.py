"""What is in a checkout now, committed or not, as a tree of git's: nothing of the repository itself is written."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from taxiway.workspaces.checkout import Checkout
from taxiway.workspaces.largefiles import fetched_large_files


class Contents(msgspec.Struct, frozen=True):
    """A tree, and where git finds it (``env``). ``changed`` are the paths that differ from the last commit,
    ``left_out`` those of them that are too large, or folders that are repositories of their own (``sub/``)."""

    tree: str
    env: dict[str, str]
    folder: str
    changed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def index(self) -> str:
        """The index that the tree was written from."""
        return self.env["GIT_INDEX_FILE"]


@asynccontextmanager
async def contents(checkout: Checkout, scratch: Path, largest: int) -> AsyncIterator[Contents]:
    """Gather what is there, in a folder below ``scratch`` that lasts as long as the block.

    Files of more than ``largest`` bytes are left out. Raises ``WorkspaceRefused``.
    """
    folder = tempfile.mkdtemp(prefix="contents-", dir=scratch)
    try:
        yield await _gathered(checkout, folder, largest)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def contents_of(checkout: Checkout, paths: list[str]) -> AsyncIterator[Contents]:
    """The index of a checkout, with these paths as they are now; everything else is not even looked at."""
    folder = tempfile.mkdtemp(prefix="taxiway-")
    try:
        env = await _seeded(checkout, folder)
        yield Contents(await _taken(checkout, env, paths), env, folder, tuple(paths))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _gathered(checkout: Checkout, folder: str, largest: int) -> Contents:
    env = await _seeded(checkout, folder)
    hidden = await _unhide(checkout, env)
    differing = await _changed(checkout, env)
    fetched = await fetched_large_files(checkout, env, (*differing, *hidden))
    changed = tuple(path for path in differing if path not in fetched)
    paths = tuple(path for path in dict.fromkeys([*changed, *hidden]) if path not in fetched)
    left_out = tuple(path for path in paths if path.endswith("/") or (_size(checkout.top, path) or 0) > largest)
    tree = await _taken(checkout, env, [path for path in paths if path not in set(left_out)])
    return Contents(tree, env, folder, changed, left_out)


async def _seeded(checkout: Checkout, folder: str) -> dict[str, str]:
    """An index like the checkout's own, and a place for objects, in ``folder``: where git finds them."""
    env = {
        "GIT_INDEX_FILE": f"{folder}/index",
        "GIT_OBJECT_DIRECTORY": f"{folder}/objects",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(checkout.objects),
        "GIT_LITERAL_PATHSPECS": "1",
    }
    if not _begun(checkout.index, folder):
        await checkout.git.must(checkout.top, "read-tree", "HEAD", env=env)
    return env


async def _taken(checkout: Checkout, env: dict[str, str], paths: list[str]) -> str:
    """The tree with these paths as they are now."""
    if paths:
        await checkout.git.must(checkout.top, "update-index", *_TAKE, given=_listed(paths), env=env)
    return (await checkout.git.must(checkout.top, "write-tree", env=env)).text


_TAKE = ("--add", "--remove", "--replace", "-z", "--stdin")


async def _changed(checkout: Checkout, env: dict[str, str]) -> tuple[str, ...]:
    """Paths whose files differ from the last commit. A rename counts as two."""
    words = ("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=none")
    found = await checkout.git.must(checkout.top, *words, env=env)
    return tuple(word[3:] for word in found.words)


async def _unhide(checkout: Checkout, env: dict[str, str]) -> list[str]:
    """Files that the index was told not to look at (``assume-unchanged``, ``skip-worktree``), and that are there."""
    found = await checkout.git.must(checkout.top, "ls-files", "-v", "-z", env=env)
    hidden = [word[2:] for word in found.words if word[:1] == "S" or word[:1].islower()]
    there = [path for path in hidden if _size(checkout.top, path) is not None]
    if there:
        for flag in ("--no-assume-unchanged", "--no-skip-worktree"):
            await checkout.git.must(checkout.top, "update-index", flag, "-z", "--stdin", given=_listed(there), env=env)
    return there


def _begun(index: str, folder: str) -> bool:
    """Make a place for objects, and a copy of the index, if there is one."""
    Path(folder, "objects").mkdir()
    with suppress(FileNotFoundError):
        shutil.copyfile(index, Path(folder, "index"))
        return True
    return False


def _size(top: str, path: str) -> int | None:
    """How many bytes a file has; ``None`` where there is none."""
    with suppress(OSError):
        return Path(top, path).lstat().st_size
    return None


def _listed(paths: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def _quoted(path: str) -> str:
    """One path in a list that is parted by colons."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
