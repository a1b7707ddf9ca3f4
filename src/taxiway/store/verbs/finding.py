"""Finding the task or run that somebody means: by its id, by a part of the id, or by the task's name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from taxiway.core.errors import Ambiguous, Invalid, NotFound, Problem
from taxiway.core.ids import is_full_id
from taxiway.core.nearest import nearest
from taxiway.store.tx import Tx

REF_CHARS_MIN: Final = 4
CANDIDATES_SHOWN: Final = 10
SEPARATOR: Final = "/"
BY_PART: Final = {
    "task": ("task_by_prefix", "task_by_suffix"),
    "run": ("run_by_prefix", "run_by_suffix"),
    "sess": ("session_by_prefix", "session_by_suffix"),
    "appr": ("approval_by_prefix", "approval_by_suffix"),
}


def find_task(tx: Tx, ref: str, project: str | None = None) -> str:
    """The whole id of the task that ``ref`` means: an id, four or more characters of its start or end, a name; or one
    of these behind ``QUEUE/``.

    A name means the newest present task that has it, as in ``after``; tasks of ``project`` go before those of others.
    Raises ``Ambiguous`` with every candidate when more than one is left.
    """
    if is_full_id(ref, "task"):
        return ref
    found = _named(tx, ref, project) | _by_part(tx, ref, "task") or _by_part_in_queue(tx, ref)
    if len(found) == 1:
        return found.pop()
    if found:
        raise _ambiguous(tx, ref, found)
    if len(_bare(ref, "task")) < REF_CHARS_MIN:
        raise Invalid(f"there is no task named '{ref}', and of an id {REF_CHARS_MIN} or more characters are needed")
    hint = nearest(ref.rpartition(SEPARATOR)[2], [row[0] for row in tx.all("recent_names", tenant=tx.tenant)])
    raise NotFound(f"there is no task '{ref}'" + (f"; did you mean '{hint}'?" if hint else ""), ref=ref)


def find_run(tx: Tx, ref: str) -> str:
    """The whole id of a run, by its id or four or more characters of its start or end."""
    return find(tx, ref, "run")


def find(tx: Tx, ref: str, prefix: str) -> str:
    """The whole id (``run_…``, ``sess_…``, ``appr_…``) that begins or ends so."""
    if is_full_id(ref, prefix):
        return ref
    if len(_bare(ref, prefix)) < REF_CHARS_MIN:
        raise Invalid(f"'{ref}' is too short for an id: give {REF_CHARS_MIN} or more characters of its start or end")
    found = _by_part(tx, ref, prefix)
    if not found:
        raise NotFound(f"there is no {prefix} '{ref}'", ref=ref)
    if len(found) > 1:
        candidates = sorted(found)
        shown = ", ".join(candidates[:CANDIDATES_SHOWN])
        raise Ambiguous(f"'{ref}' fits {len(candidates)} ids: {shown}", candidates=candidates)
    return found.pop()


def _bare(ref: str, prefix: str) -> str:
    return ref.removeprefix(f"{prefix}_")


def _by_part(tx: Tx, ref: str, prefix: str) -> set[str]:
    """Ids that begin or end so; none where that is too little to go by."""
    bare = _bare(ref, prefix)
    if len(bare) < REF_CHARS_MIN:
        return set()
    by_prefix, by_suffix = BY_PART[prefix]
    start = f"{prefix}_{bare}"
    found: set[str] = {row[0] for row in tx.all(by_prefix, tenant=tx.tenant, start=start, end=start + "\x7f")}
    return found | {row[0] for row in tx.all(by_suffix, tenant=tx.tenant, suffix=bare)}


def _by_part_in_queue(tx: Tx, ref: str) -> set[str]:
    queue, _, part = ref.rpartition(SEPARATOR)
    found = {part} if is_full_id(part, "task") else _by_part(tx, part, "task")
    words = {task: tx.one("task_words", tenant=tx.tenant, id=task) for task in found}
    return {task for task, row in words.items() if row is not None and row[0] == queue}


def _named(tx: Tx, ref: str, project: str | None) -> set[str]:
    """Tasks of this name, or of this ``QUEUE/NAME`` (names may hold ``/`` too): those of the project if there are."""
    rows = tx.all("tasks_named", tenant=tx.tenant, queue=None, name=ref)
    cut = ref.find(SEPARATOR)
    while cut >= 0:
        rows += tx.all("tasks_named", tenant=tx.tenant, queue=ref[:cut], name=ref[cut + 1 :])
        cut = ref.find(SEPARATOR, cut + 1)
    own = {row[0] for row in rows if row[1] == project}
    return own or {row[0] for row in rows}


def _ambiguous(tx: Tx, ref: str, found: Collection[str]) -> Ambiguous:
    candidates = sorted(found)
    problems = []
    for task in candidates[:CANDIDATES_SHOWN]:
        row = tx.one("task_words", tenant=tx.tenant, id=task)
        if row is not None:
            queue, name, state, project = row
            where = f"{queue}/{name}" if name else f"in {queue}"
            problems.append(Problem(f"{task}  {where}  {state}" + (f"  of {project}" if project else "")))
    more = f" (the first {CANDIDATES_SHOWN} of them below)" if len(candidates) > CANDIDATES_SHOWN else ""
    message = f"'{ref}' fits {len(candidates)} tasks{more}; give more of the id, or write QUEUE/NAME"
    return Ambiguous(message, problems, candidates=candidates)
