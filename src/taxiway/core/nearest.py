"""The nearest legal name for one that was mistyped."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final

LIKENESS_MIN: Final = 0.6  #: of 1.0; below it a suggestion would only confuse
NAME_CHARS_COMPARED_MAX: Final = 200


def nearest(name: str, legal: Iterable[str]) -> str | None:
    """The name in ``legal`` that is most like ``name`` (case aside), or ``None`` when none is near.

    One pass over ``legal``; of equally near names the first in the alphabet.
    """
    wanted = name[:NAME_CHARS_COMPARED_MAX].casefold()
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    best, best_ratio = None, LIKENESS_MIN
    for candidate in legal:
        length = len(candidate)
        # The bound on the ratio by lengths alone: it spares most names the real comparison.
        if not wanted or 2 * min(length, len(wanted)) < best_ratio * (length + len(wanted)):
            continue
        matcher.set_seq1(candidate.casefold())
        if matcher.quick_ratio() < best_ratio or (ratio := matcher.ratio()) < best_ratio:
            continue
        if best is None or ratio > best_ratio or candidate < best:
            best, best_ratio = candidate, ratio
    return best


def suggestion(name: str, legal: Iterable[str]) -> str:
    """A hint such as ``did you mean 'timeout'?``, or the empty text when no legal name is near."""
    found = nearest(name, legal)
    return f"did you mean '{found}'?" if found is not None else ""
