"""How a store is doing, at a cost that its depth does not change: counts end at a bound, and so do pages of logs."""

from __future__ import annotations

from typing import Final

from taxiway.core.statistics import ChangeCount, RunFacts, Tally
from taxiway.store.tx import Tx

COUNTED_MAX: Final = 10_000
CHANGES_COUNTED_MAX: Final = 50_000  #: lines of the change log that one look counts; the next one goes on


def tally(tx: Tx) -> Tally:
    """What is counted now."""
    live = tx.all("tally_runs")
    runners = tx.all("tally_runners", tenant=tx.tenant)
    return Tally(
        version=_number(tx, "last_version"),
        submitted=_number(tx, "last_seq"),
        open=_number(tx, "count_open_tasks", tenant=tx.tenant, queue=0),
        ready=_number(tx, "tally_ready", most=COUNTED_MAX),
        scheduled=_number(tx, "tally_scheduled", most=COUNTED_MAX),
        approvals=_number(tx, "tally_approvals", most=COUNTED_MAX),
        live=dict(live),
        runners={state: count for state, count, _ in runners},
        slots=sum(slots for state, _, slots in runners if state == "live"),
        accounts=dict(tx.all("tally_accounts", tenant=tx.tenant)),
    )


def count_changes(tx: Tx, after: int) -> tuple[int, list[ChangeCount]]:
    """What changed behind a version, and the version to go on behind."""
    until = min(_number(tx, "last_version"), after + CHANGES_COUNTED_MAX)
    rows = tx.all("tally_changes", tenant=tx.tenant, after=after, until=until)
    return max(after, until), [ChangeCount(*row) for row in rows]


def recent_runs(tx: Tx, limit: int) -> list[RunFacts]:
    """Of the last ``limit`` runs that began, those that have ended."""
    return [RunFacts(*row) for row in tx.all("recent_runs", limit=limit)]


def _number(tx: Tx, statement: str, **parameters: object) -> int:
    row = tx.one(statement, **parameters)
    found: int = row[0] if row and row[0] is not None else 0
    return found
