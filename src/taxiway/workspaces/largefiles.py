"""Large files (git-lfs): which of them are no change, since they are what their pointer in the commit says.

git-lfs itself is not asked: settings of the repository may name commands for it to run.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from taxiway.workspaces.checkout import Checkout

FILTER: Final = "lfs"
_POINTER: Final = "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"
_SHA1_DIGITS: Final = 40


async def fetched_large_files(checkout: Checkout, env: Mapping[str, str], paths: Collection[str]) -> set[str]:
    """Those of ``paths`` (in the checkout, ``env`` says where its index is) whose pointer the last commit holds."""
    large = [path for path in await _marked(checkout, env, paths) if "\n" not in path]
    if not large:
        return set()
    asked = "".join(f"HEAD:{path}\n" for path in large)
    words = ("cat-file", "--batch-check=%(objectname)")
    found = await checkout.git.must(checkout.top, *words, given=os.fsencode(asked), env=env)
    committed = dict(zip(large, found.text.split("\n"), strict=True))
    return await asyncio.to_thread(_as_their_pointers_say, checkout.top, committed)


async def _marked(checkout: Checkout, env: Mapping[str, str], paths: Collection[str]) -> Sequence[str]:
    """Those that the repository's attributes call large files."""
    if not paths:
        return ()
    given = b"".join(os.fsencode(path) + b"\0" for path in paths)
    found = await checkout.git.must(checkout.top, "check-attr", "-z", "--stdin", "filter", given=given, env=env)
    words = found.words
    return [path for path, value in zip(words[::3], words[2::3], strict=True) if value == FILTER]


def _as_their_pointers_say(top: str, committed: Mapping[str, str]) -> set[str]:
    return {path for path, object_name in committed.items() if _pointer_name(Path(top, path), object_name)}


def _pointer_name(path: Path, object_name: str) -> bool:
    """Whether git would call the pointer of this file by that name."""
    if path.is_symlink() or not path.is_file():
        return False
    with suppress(OSError), path.open("rb") as file:
        oid = hashlib.file_digest(file, "sha256").hexdigest()
        blob = _POINTER.format(oid=oid, size=file.tell()).encode()
        whole = b"blob %d\0%s" % (len(blob), blob)
        short = len(object_name) == _SHA1_DIGITS
        digest = hashlib.sha1(whole, usedforsecurity=False) if short else hashlib.sha256(whole)
        return digest.hexdigest() == object_name
    return False
