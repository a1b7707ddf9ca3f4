"""Files that git does not track, copied into a worktree: what ``include`` names, and nothing from outside."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from pathlib import Path
from typing import Final

from taxiway.core.errors import WorkspaceRefused
from taxiway.core.limits import INCLUDE_BYTES_MAX, INCLUDE_FILES_MAX
from taxiway.core.safe import safe_line
from taxiway.workspaces.checkout import Checkout

_CLONE: Final = 0x40049409  #: FICLONE: the copy shares the blocks of the file until one of them is written
_CANNOT_CLONE: Final = {errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.EPERM, errno.ENOSYS}


async def included(checkout: Checkout, globs: tuple[str, ...]) -> list[str]:
    """The untracked files, ignored ones too, that the globs name, relative to the checkout's top."""
    if not globs:
        return []
    patterns = [f":(top,glob){pattern}" for glob in globs for pattern in (glob, f"{glob.rstrip('/')}/**")]
    found = await checkout.git.must(checkout.top, "ls-files", "--others", "-z", "--", *patterns)
    if len(found.words) > INCLUDE_FILES_MAX:
        raise WorkspaceRefused(f"include names {len(found.words)} files; there may be {INCLUDE_FILES_MAX}")
    return [path for path in found.words if not path.endswith("/")]


def copy_files(source: str, target: str, paths: list[str]) -> int:
    """Copy them; how many there are. What is neither a file nor a link inside the tree is left out. Blocks.

    Raises ``WorkspaceRefused`` when they are too much, or cannot be copied.
    """
    top, copied, room = Path(target).resolve(), 0, INCLUDE_BYTES_MAX
    for path in paths:
        here, there = Path(source, path), Path(target, path)
        try:
            found = here.lstat()
            room -= found.st_size
            if room < 0:
                raise WorkspaceRefused(f"include names more than {INCLUDE_BYTES_MAX} bytes")
            # A link that was committed may lead out of the new tree.
            if not os.path.lexists(there) and there.parent.resolve().is_relative_to(top):
                copied += _copied(Path(source).resolve(), here, there, found.st_mode)
        except OSError as error:
            raise WorkspaceRefused(f"{safe_line(path)} cannot be copied: {error.strerror}") from None
    return copied


def _copied(source: Path, here: Path, there: Path, mode: int) -> bool:
    if stat.S_ISLNK(mode):
        target = here.readlink()
        if target.is_absolute() or not here.resolve().is_relative_to(source):
            return False
        there.parent.mkdir(parents=True, exist_ok=True)
        there.symlink_to(target)
        return True
    if not stat.S_ISREG(mode):
        return False
    there.parent.mkdir(parents=True, exist_ok=True)
    with here.open("rb") as old, there.open("xb") as new:
        try:
            fcntl.ioctl(new, _CLONE, old.fileno())
        except OSError as error:
            if error.errno not in _CANNOT_CLONE:
                raise
            shutil.copyfileobj(old, new, 1 << 20)
    shutil.copystat(here, there)
    return True
