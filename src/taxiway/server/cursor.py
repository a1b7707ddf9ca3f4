"""Where a reader of live streams stands: one text for the change log and all run logs that it follows."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from taxiway.core.errors import Invalid

RUNS_MAX: Final = 20  #: run logs that one stream follows
_CURSOR: Final = re.compile(r"(?P<version>\d{1,18})(?P<runs>(\.run_[0-9a-z]{26}:\d{1,18})*)")


class Cursor(msgspec.Struct, frozen=True):
    """What has been read: changes up to ``version``, and of each run's log the events up to a number."""

    version: int
    runs: dict[str, int] = {}

    def __str__(self) -> str:
        return str(self.version) + "".join(f".{run}:{seq}" for run, seq in self.runs.items())


def read_cursor(text: str) -> Cursor:
    """The place that a cursor names. Raises ``Invalid`` where it is none."""
    found = _CURSOR.fullmatch(text)
    if found is None or found["runs"].count(".") > RUNS_MAX:
        raise Invalid(f"'{text[:80]}' is no cursor of a stream")
    parts = [part.split(":") for part in found["runs"].split(".") if part]
    return Cursor(int(found["version"]), {run: int(seq) for run, seq in parts})
