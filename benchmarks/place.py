"""Where a benchmark keeps its data: a folder of its own on a real disk, gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from taxiway.store.sqlite.connection import file_system

NO_DISK = frozenset({"tmpfs", "ramfs"})
CANDIDATES = ("/var/tmp", str(Path.home()), str(Path(__file__).parent.parent))


class Place:
    """Hands out fresh paths."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count(1)

    def fresh(self, stem: str) -> Path:
        """A folder that nobody has used."""
        made = self.folder / f"{stem}-{next(self._numbers)}"
        made.mkdir()
        return made

    def forget(self, folder: Path) -> None:
        """Give the disk back."""
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def place_on_disk(wanted: str | None) -> Iterator[Place]:
    """A place in ``wanted``, or in the first usual folder that is no memory file system."""
    for candidate in [wanted] if wanted else CANDIDATES:
        if Path(candidate).is_dir() and file_system(Path(candidate)) not in NO_DISK:
            folder = Path(tempfile.mkdtemp(prefix="taxiway-benchmarks-", dir=candidate))
            break
    else:
        raise SystemExit("no folder on a real disk was found; name one with --folder")
    try:
        yield Place(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
