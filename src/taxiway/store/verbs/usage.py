"""What agents used, summed up over the runs that are kept."""

from __future__ import annotations

from taxiway.core.task import Usage
from taxiway.core.usage import UsageBy, UsageLine
from taxiway.store.tx import Row, Tx


def usage(tx: Tx, by: UsageBy, since: int, until: int, limit: int) -> list[UsageLine]:
    """One line for each group, by name."""
    return [
        _line(row) for row in tx.all("usage_of_runs", tenant=tx.tenant, by=by, since=since, until=until, limit=limit)
    ]


def _line(row: Row) -> UsageLine:
    name, ref, runs, tasks, turns, given, made, cached, usd, computed, unmeasured, unpriced = row
    return UsageLine(
        name=name,
        id=ref,
        runs=runs,
        tasks=tasks,
        usage=Usage(given, made, cached, usd, turns, bool(computed)),
        unmeasured=unmeasured,
        unpriced=unpriced,
    )
