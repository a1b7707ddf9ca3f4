"""A checkout: a folder with files of a git repository in it, and where that repository keeps its things."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from taxiway.core.errors import WorkspaceRefused
from taxiway.core.safe import safe_line
from taxiway.workspaces.git import Git, failure

_ASKED: Final = ("--show-toplevel", "--git-common-dir", "--git-dir", "--git-path", "objects", "--git-path", "index")
#: Settings that name a command for files that attributes point out; a merge is git's own instead.
_COMMANDS: Final = r"^(filter|merge)\..*\.(clean|smudge|process|required|driver)$"
_INSTEAD: Final = {"required": "false", "driver": "git merge-file --quiet -- %A %O %B"}


class Checkout(msgspec.Struct, frozen=True):
    """``within`` is how far below its top the folder lies that it was found by (empty, or ``a/b``)."""

    git: Git
    top: str
    common: str
    private: str
    objects: str
    index: str
    within: str

    async def commit(self, name: str) -> str:
        """The number of the commit that ``name`` means; raises ``WorkspaceRefused``."""
        found = await self.git.ask(
            self.top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
        if found.status or not found.text:
            empty = name == "HEAD"
            why = "has no commit yet" if empty else f"has no commit that is called {safe_line(name)}"
            raise WorkspaceRefused(f"the repository {safe_line(self.top)} {why}")
        return found.text

    async def has_branch(self, name: str) -> str | None:
        """Where a branch stands; ``None`` where there is none."""
        found = await self.git.ask(self.top, "rev-parse", "--verify", "--quiet", f"refs/heads/{name}")
        return found.text if not found.status and found.text else None


async def open_checkout(git: Git, folder: str) -> Checkout:
    """The checkout that holds ``folder``; raises ``WorkspaceRefused`` where there is none."""
    if not is_folder(folder):
        raise WorkspaceRefused(f"the folder {safe_line(folder)} does not exist (any more)")
    words = ("rev-parse", "--path-format=absolute", *_ASKED, "--show-prefix")
    found = await git.ask(folder, *words)
    if found.status:
        raise WorkspaceRefused(f"{safe_line(folder)} is no checkout of a git repository: {failure(words, found)}")
    lines = found.text.split("\n")
    if len(lines) == len(_ASKED) - 2:  # no line for a prefix that is empty
        lines.append("")
    if len(lines) != len(_ASKED) - 1:
        raise WorkspaceRefused(f"the paths of {safe_line(folder)} hold line ends, which no workspace can be made of")
    top, common, private, objects, index, prefix = lines
    if not _lies_in(folder, top):
        raise WorkspaceRefused(f"the repository of {safe_line(folder)} says that its files are elsewhere, in {top}")
    overruled = await _commands(git, top)
    return Checkout(git.overruling(overruled), top, common, private, objects, index, prefix.rstrip("/"))


def is_folder(path: str) -> bool:
    """Whether there is one now."""
    return Path(path).is_dir()


def is_file(path: str) -> bool:
    """Whether there is one now."""
    return Path(path).is_file()


def same_place(one: str | Path, other: str | Path) -> bool:
    """Whether two paths lead to the same."""
    return Path(one).resolve() == Path(other).resolve()


def _lies_in(folder: str, top: str) -> bool:
    return Path(folder).resolve().is_relative_to(Path(top).resolve())


async def _commands(git: Git, top: str) -> dict[str, str]:
    """Every setting of the repository that names a command for some files, with what holds instead."""
    found = await git.ask(top, "config", "-z", "--includes", "--name-only", "--get-regexp", _COMMANDS)
    return {name: _INSTEAD.get(name.rpartition(".")[2].lower(), "") for name in found.words}
