"""Trouble with the disk is a reason like any other: work that is done does not fail for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from taxiway.core.errors import WorkspaceRefused
from taxiway.core.safe import safe_line


@contextmanager
def told_as_refusal(what: str) -> Iterator[None]:
    """``OSError`` inside the block is a ``WorkspaceRefused`` that says what could not be done."""
    try:
        yield
    except OSError as error:
        where = f" ({safe_line(str(error.filename))})" if error.filename else ""
        raise WorkspaceRefused(f"{what}: {error.strerror or error}{where}") from error
