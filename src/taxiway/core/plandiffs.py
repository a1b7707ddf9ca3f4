"""Diffs that one task of a plan hands on to another: who asks for one names a task that has one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from taxiway.core.fault import Fault
from taxiway.core.placeholders import templated
from taxiway.core.specs import Draft
from taxiway.core.template import Field, Ref, read

HINT: Final = "give it a workspace: worktree"


def check_diffs(drafts: Sequence[Draft], defaults: Mapping[str, Any]) -> Iterator[Fault]:
    """Placeholders for the diff of a task that works in its folder itself, where none is taken."""
    without = {draft.fields.get("name") for draft in drafts if not _may_have_diff(draft, defaults)}
    for draft in drafts:
        if not draft.fields.get("template", defaults.get("template", True)):
            continue
        names = frozenset(edge.task for edge in draft.fields.get("after", ()))
        for path, text in templated(draft.fields):
            for part in read(text, names):
                if isinstance(part, Ref) and part.field is Field.DIFF and part.task in without:
                    said = f"{part} asks what '{part.task}' changed, and that has no workspace to take a diff of"
                    yield Fault((*draft.path, *path), said, HINT)


def _may_have_diff(draft: Draft, defaults: Mapping[str, Any]) -> bool:
    """Also where its workspace cannot be read: that is told by itself."""
    if "workspace" in draft.fields:
        return draft.fields["workspace"] is not None
    if any(fault.path[len(draft.path) : len(draft.path) + 1] == ("workspace",) for fault in draft.faults):
        return True
    return "workspace" not in draft.cleared and "job" not in draft.fields and defaults.get("workspace") is not None
