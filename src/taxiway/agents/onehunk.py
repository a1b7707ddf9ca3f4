"""A change of a text as a unified diff in one hunk: what is the same at both ends is left out. Linear in its length."""

from __future__ import annotations

from itertools import takewhile
from typing import Final

CONTEXT_LINES: Final = 3


def one_hunk(path: str, old: str | None, new: str) -> str:
    """The diff that makes ``new`` of ``old`` (``None``: the file is new); empty where nothing changes."""
    before, after = (old or "").splitlines(), new.splitlines()
    head = _same(before, after)
    tail = _same(before[head:][::-1], after[head:][::-1])
    gone, come = before[head : len(before) - tail], after[head : len(after) - tail]
    if not gone and not come:
        return ""
    path = " ".join(path.splitlines())
    start = max(0, head - CONTEXT_LINES)
    end = len(before) - tail
    above, below = before[start:head], before[end : end + CONTEXT_LINES]
    around = len(above) + len(below)
    lines = [
        f"--- {'/dev/null' if old is None else path}",
        f"+++ {path}",
        f"@@ -{_span(start, around + len(gone))} +{_span(start, around + len(come))} @@",
        *(f" {line}" for line in above),
        *(f"-{line}" for line in gone),
        *(f"+{line}" for line in come),
        *(f" {line}" for line in below),
    ]
    return "\n".join(lines) + "\n"


def _same(one: list[str], other: list[str]) -> int:
    """How many lines are the same from the start."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _span(start: int, lines: int) -> str:
    return f"{start + 1 if lines else start},{lines}"
