"""What a screen has gained: the lines that are there now and were not before."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

LINES_COMPARED_MAX = 500  #: more than a screen; what comes after so many is new


def gained(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The new lines, in order; blank lines at begin and end do not count.

    A program that writes line by line leaves the old lines above the new ones; a full-screen one draws everything
    again, with the old lines moved, changed, or between the new ones. What was changed counts as new.
    """
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    old, new = before[same:], after[same:]
    compared = new[:LINES_COMPARED_MAX]
    matcher = difflib.SequenceMatcher(None, old[:LINES_COMPARED_MAX], compared, autojunk=False)
    found = [
        line
        for kind, _, _, first, last in matcher.get_opcodes()
        if kind in ("insert", "replace")
        for line in compared[first:last]
    ]
    found += new[LINES_COMPARED_MAX:]
    shown = [number for number, line in enumerate(found) if line.strip()]
    return found[shown[0] : shown[-1] + 1] if shown else []
