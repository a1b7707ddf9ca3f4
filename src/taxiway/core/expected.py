"""What a caller has seen of a thing that it wants changed: it is changed while that is still so, else not at all."""

from __future__ import annotations

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.errors import PreconditionFailed


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """The versions of one thing that a change may meet; ``queue`` owns it where it is a lane of a queue."""

    kind: ChangeKind
    ref: str
    versions: frozenset[int]
    queue: str | None = None
    project: str | None = None

    def check(self, version: int | None) -> None:
        """Raise ``PreconditionFailed`` unless the thing has one of these versions now (``None``: it is not there)."""
        if version not in self.versions:
            now = "is not there" if version is None else f"has version {version} by now"
            raise PreconditionFailed(
                f"the {self.kind} '{self.ref}' {now}: read it again, and decide anew", ref=self.ref, version=version
            )
