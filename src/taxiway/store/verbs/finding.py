"""Finding by what people type: a whole id, or a unique prefix or suffix of one."""

from __future__ import annotations

from typing import Final

from taxiway.core.errors import Ambiguous, Invalid, NotFound
from taxiway.core.ids import is_full_id
from taxiway.store.tx import Tx

REF_CHARS_MIN: Final = 4


def find(tx: Tx, ref: str, prefix: str, statements: tuple[str, str]) -> str:
    """The whole id that ``ref`` stands for; ``statements`` find by a prefix and by a suffix."""
    if is_full_id(ref, prefix):
        return ref
    if len(ref.removeprefix(f"{prefix}_")) < REF_CHARS_MIN:
        raise Invalid(f"'{ref}' is too short for an id: give {REF_CHARS_MIN} or more characters of its start or end")
    bare = ref.removeprefix(f"{prefix}_")
    start = f"{prefix}_{bare}"
    found: set[str] = {row[0] for row in tx.all(statements[0], start=start, end=start + "\x7f")}
    found |= {row[0] for row in tx.all(statements[1], suffix=bare)}
    if not found:
        raise NotFound(f"there is no {prefix} '{ref}'", ref=ref)
    if len(found) > 1:
        candidates = sorted(found)
        shown = ", ".join(candidates[:10])
        raise Ambiguous(f"'{ref}' fits {len(candidates)} {prefix}s: {shown}", candidates=candidates)
    return found.pop()
