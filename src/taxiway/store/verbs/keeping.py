"""Keeping a store healthy: its invariants checked, its old tasks forgotten."""

from __future__ import annotations

from taxiway.core.change import ChangeKind
from taxiway.store.protocol import CheckFinding, Pruned
from taxiway.store.statements import load_checks
from taxiway.store.tx import Tx
from taxiway.store.verbs.ending import task_row
from taxiway.store.verbs.replacing import forget

_SHOWN = 5


def check(tx: Tx) -> list[CheckFinding]:
    """Run every invariant query in one snapshot; an empty list is a healthy store."""
    findings = []
    for invariant, name, meaning, statement in load_checks():
        rows = tx.query(statement)
        if rows:
            shown = ", ".join(str(row[0]) for row in rows[:_SHOWN])
            more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
            findings.append(CheckFinding(invariant, name, f"{meaning}: {shown}{more}"))
    return findings


def prune(tx: Tx, before_ms: int, limit: int, actor: str) -> Pruned:
    """Forget up to ``limit`` tasks of the tenant that ended before a time, and as many old lines of its change log.

    Tasks that an open task waits for stay, and so does everything of a plan's queue that has not ended.
    """
    rows = tx.all("prunable", tenant=tx.tenant, before=before_ms, after=0, limit=limit)
    for (seq,) in rows:
        forget(tx, task_row(tx, seq), actor, "prune")
    changes = tx.all("prune_changes", tenant=tx.tenant, before=before_ms, limit=limit)
    if changes:
        tx.run("note_forgotten", tenant=tx.tenant, version=max(version for (version,) in changes))
    tx.run("prune_runners", before=before_ms)
    for session, name in tx.all("prune_sessions", tenant=tx.tenant, before=before_ms):
        for statement in ("delete_read_marks", "delete_lines"):
            tx.run(statement, session=session)
        tx.change(ChangeKind.SESSION, name, "removed", None, actor, "prune")
    return Pruned(len(rows), len(changes))
