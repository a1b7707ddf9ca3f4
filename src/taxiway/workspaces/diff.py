"""The diff of a run: everything that differs from the commit that its workspace was made from, as one patch."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from taxiway.core.limits import DIFF_BYTES_MAX, DIFF_FILE_BYTES_MAX, DIFF_FILES_NAMED_MAX
from taxiway.core.redact import Scrubber
from taxiway.core.workspace import FileChange, Made, RunDiff
from taxiway.workspaces.checkout import Checkout
from taxiway.workspaces.contents import Contents, contents

#: A patch that git applies again as it is, whatever the repository says about how differences are shown.
PATCH: Final = ("diff-tree", "-r", "-p", "--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv")
_FIND_RENAMES: Final = ("-M", "-l200")
_COUNTS: Final = ("diff-tree", "-r", "--numstat", "-z", "--no-renames", "--no-ext-diff", "--no-textconv")
LEFT_OUT_NAMED_MAX: Final = 50


class Taken(msgspec.Struct, frozen=True):
    """A diff and its patch."""

    diff: RunDiff
    patch: bytes


async def take_diff(checkout: Checkout, made: Made, names: tuple[str, str], scratch: Path, scrubber: Scrubber) -> Taken:
    """The diff of a workspace against its base; ``names`` are the run and its task. Raises ``WorkspaceRefused``."""
    run, task = names
    async with contents(checkout, scratch, DIFF_FILE_BYTES_MAX) as there:
        found = await checkout.git.ask(
            *(checkout.top, *PATCH, *_FIND_RENAMES, made.base, there.tree), env=there.env, limit=DIFF_BYTES_MAX
        )
        files = await _counted(checkout, made.base, there)
    patch = scrubber.data(found.out)
    diff = RunDiff(
        run=run,
        task=task,
        workspace=made.id,
        base=made.base,
        size=len(patch),
        digest=hashlib.sha256(patch).hexdigest(),
        files=tuple(FileChange(scrubber.text(one.path), one.added, one.removed) for one in files)[
            :DIFF_FILES_NAMED_MAX
        ],
        changed=len(files),
        added=sum(one.added or 0 for one in files),
        removed=sum(one.removed or 0 for one in files),
        truncated=found.cut,
        scrubbed=patch != found.out,
        left_out=tuple(scrubber.text(path) for path in there.left_out[:LEFT_OUT_NAMED_MAX]),
    )
    return Taken(diff, patch)


async def _counted(checkout: Checkout, base: str, there: Contents) -> list[FileChange]:
    found = await checkout.git.must(checkout.top, *_COUNTS, base, there.tree, env=there.env)
    changes = []
    for word in found.words:
        added, removed, path = word.split("\t", 2)
        changes.append(FileChange(_said(path), _count(added), _count(removed)))
    return changes


def _count(word: str) -> int | None:
    return int(word) if word.isdecimal() else None


def _said(path: str) -> str:
    """A path as text; bytes that are none are replaced."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
