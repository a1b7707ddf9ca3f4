"""How a store is doing, at a cost that its depth does not change: counts end at a bound, and so do pages of logs."""

from __future__ import annotations

from typing import Final, NamedTuple

from taxiway.core.run import ProcessMark
from taxiway.core.statistics import ChangeCount, RunFacts, Tally
from taxiway.store.tx import NOBODY, Tx
from taxiway.store.verbs.reading import decode_mark

COUNTED_MAX: Final = 10_000
CHANGES_COUNTED_MAX: Final = 50_000  #: lines of the change log that one look counts; the next one goes on


class _Counts(NamedTuple):
    """The statements of a tally that find what one tenant has otherwise than what all have."""

    version: str
    queues: str
    ready: str
    scheduled: str
    approvals: str


_OF_ONE: Final = _Counts("newest_change", "tally_queues", "tally_ready", "tally_scheduled", "tally_approvals")
_OF_ALL: Final = _Counts(
    "last_version", "tally_all_queues", "tally_all_ready", "tally_all_scheduled", "tally_all_approvals"
)


def tally(tx: Tx) -> Tally:
    """What a tenant has now; no number depends on what others have (I10)."""
    return _tally(tx, _OF_ONE, tx.tenant)


def tally_all(tx: Tx) -> Tally:
    """What there is now, whoever has it."""
    return _tally(tx, _OF_ALL, NOBODY)


def count_changes(tx: Tx, after: int) -> tuple[int, list[ChangeCount]]:
    """What changed behind a version, whoever's it is, and the version to go on behind."""
    until = min(_number(tx, "last_version"), after + CHANGES_COUNTED_MAX)
    rows = tx.all("tally_changes", after=after, until=until)
    return max(after, until), [ChangeCount(*row) for row in rows]


def recent_runs(tx: Tx, limit: int) -> list[RunFacts]:
    """Of a tenant's runs that have ended those that began last."""
    return [RunFacts(*row) for row in tx.all("recent_runs", tenant=tx.tenant, limit=limit)]


def live_processes(tx: Tx, tenant: str) -> list[ProcessMark]:
    """Those of live runs of a tenant, or with ``NOBODY`` of all."""
    return [decode_mark(mark) for (mark,) in tx.all("live_processes", tenant=tenant)]


def _tally(tx: Tx, counts: _Counts, tenant: str) -> Tally:
    [(submitted, open)] = tx.all(counts.queues, tenant=tenant)
    runners = tx.all("tally_runners", tenant=tenant)
    return Tally(
        version=_number(tx, counts.version, tenant=tenant),
        submitted=submitted or 0,
        open=open or 0,
        ready=_number(tx, counts.ready, tenant=tenant, most=COUNTED_MAX),
        scheduled=_number(tx, counts.scheduled, tenant=tenant, most=COUNTED_MAX),
        approvals=_number(tx, counts.approvals, tenant=tenant, most=COUNTED_MAX),
        live=dict(tx.all("tally_runs", tenant=tenant)),
        runners={state: count for state, count, _ in runners},
        slots=sum(slots for state, _, slots in runners if state == "live"),
        accounts=dict(tx.all("tally_accounts", tenant=tenant)),
    )


def _number(tx: Tx, statement: str, **parameters: object) -> int:
    row = tx.one(statement, **parameters)
    found: int = row[0] if row and row[0] is not None else 0
    return found
