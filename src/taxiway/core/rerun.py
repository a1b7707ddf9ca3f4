"""Running a plan again: which tasks stay, which go on, which are made anew (semantics, "Running it again")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import assert_never

import msgspec

from taxiway.core.task import Condition, Reason, TaskSpec, TaskState
from taxiway.core.toposort import parents_first


class Fate(StrEnum):
    """What becomes of one named task of a plan."""

    KEEP = "keep"  #: it ended well (or its failure was handled) and is unchanged
    GO_ON = "go_on"  #: it has not ended and is unchanged
    ANEW = "anew"  #: a new task is made; an older one of that name is superseded


class Known(msgspec.Struct, frozen=True):
    """What the store holds under a name; a failure is ``handled`` when a dependent that named it completed and none
    fell with it."""

    state: TaskState
    reason: Reason | None
    hash: bytes
    handled: bool = False


def fates(
    specs: Sequence[TaskSpec], hashes: Sequence[bytes], known: Mapping[str, Known], fresh: bool
) -> dict[str, Fate]:
    """Decide for every task of a plan whose names are unique and whose dependencies form no cycle.

    Completed and unchanged stays; changed, and everything after it, runs anew; failed and cancelled are replaced;
    what waits goes on. A failure that was handled stays, and so does a skip whose cause stays; one that is replaced
    takes its handler with it, for it may not fail again. What runs cannot be replaced, so it keeps what it came from.
    """
    order = parents_first({spec.name or "": [edge.task for edge in spec.after] for spec in specs})
    kept = _needed_by_what_runs(specs, order, known)
    by_name = {spec.name or "": (spec, digest) for spec, digest in zip(specs, hashes, strict=True)}
    decided: dict[str, Fate] = {}
    changed: set[str] = set()
    for name in order:
        spec, digest = by_name[name]
        old = known.get(name)
        parents = [edge.task for edge in spec.after]
        if fresh or old is None or old.hash != digest or any(parent in changed for parent in parents):
            changed.add(name)
            decided[name] = Fate.ANEW
        else:
            decided[name] = _unchanged(old, spec, decided, name in kept)
    return {spec.name or "": decided[spec.name or ""] for spec in specs}


def _unchanged(old: Known, spec: TaskSpec, decided: Mapping[str, Fate], kept: bool) -> Fate:
    replaced = [edge for edge in spec.after if decided[edge.task] is Fate.ANEW]
    match old.state:
        case TaskState.COMPLETED:
            return Fate.ANEW if any(edge.on is Condition.FAILED for edge in replaced) else Fate.KEEP
        case TaskState.FAILED:
            return Fate.KEEP if old.handled or kept else Fate.ANEW
        case TaskState.CANCELLED:
            stays = old.reason is Reason.SKIPPED and all(decided[edge.task] is Fate.KEEP for edge in spec.after)
            return Fate.KEEP if stays else Fate.ANEW
        case TaskState.RUNNING | TaskState.WAITING:
            # It started after the old parent had finished, which was all that it wanted of it.
            return Fate.ANEW if any(edge.on is not Condition.FINISHED for edge in replaced) else Fate.GO_ON
        case TaskState.SCHEDULED | TaskState.BLOCKED | TaskState.QUEUED:
            # A waiting task whose parent is made anew must wait for the new one.
            return Fate.ANEW if replaced else Fate.GO_ON
    assert_never(old.state)


def _needed_by_what_runs(specs: Sequence[TaskSpec], order: Sequence[str], known: Mapping[str, Known]) -> set[str]:
    """Names whose way of ending let something start that runs now: a failure that is just being handled."""
    after = {spec.name or "": spec.after for spec in specs}
    needed: set[str] = set()
    for name in reversed(order):
        old = known.get(name)
        if name in needed or (old is not None and old.state in (TaskState.RUNNING, TaskState.WAITING)):
            needed.update(edge.task for edge in after[name] if edge.on is not Condition.FINISHED)
    return needed
