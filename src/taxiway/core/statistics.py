"""How a store is doing: what is open, what lately ran and how it ended, and what live runs use of this host."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

QUANTILES: Final = (0.5, 0.9, 0.99)
BOUNDS_S: Final = (0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0)
LATELY_S: Final = 60


class ChangeCount(msgspec.Struct, frozen=True):
    """So many lines of the change log of one kind, state and reason."""

    kind: str
    state: str
    reason: str | None
    count: int


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant has, or all have, at one moment. ``ready``, ``scheduled`` and ``approvals`` are counted up to a
    bound. ``submitted``: tasks, ever. ``version``: that of the newest change. Runners belong to the tenant ``default``,
    and accounts of the configuration are counted for everybody."""

    version: int
    submitted: int
    open: int
    ready: int
    scheduled: int
    approvals: int
    live: dict[str, int]
    runners: dict[str, int]
    slots: int
    accounts: dict[str, int]


class RunFacts(msgspec.Struct, frozen=True):
    """What statistics know of one run that has ended; times in milliseconds since 1970 UTC. ``asked_at``: when its task
    was submitted; ``None`` for a task that had run before, or was removed."""

    outcome: str
    reason: str | None
    claimed_at: int
    ended_at: int
    asked_at: int | None


class TreeUse(msgspec.Struct, frozen=True):
    """What processes of live runs on this host use."""

    processes: int = 0
    memory_bytes: int = 0
    cpu_s: float = 0.0


class Bucket(msgspec.Struct, frozen=True):
    """So many took at most so many seconds, and more than those of the bucket before; ``None``: however many."""

    at_most_s: float | None
    count: int


class Durations(msgspec.Struct, frozen=True):
    """How long something took: how often it was measured, and in seconds its mean, quantiles (``p50``), buckets."""

    count: int
    mean_s: float | None
    quantiles_s: dict[str, float]
    buckets: list[Bucket]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What ``GET /v1/metrics-summary`` tells. ``recent`` and what stands below it speak of the last runs that ended, at
    most as many as ``recent_max``; ``success_rate`` is of those that completed or failed."""

    tally: Tally
    use: TreeUse
    cpu: float | None
    recent: int
    recent_max: int
    by_outcome: dict[str, int]
    by_reason: dict[str, int]
    success_rate: float | None
    ended_last_minute: int
    throughput_per_s: float
    queue_time: Durations
    run_time: Durations
    generated_at: int


def summary_of(
    tally: Tally, use: TreeUse, cpu: float | None, runs: Sequence[RunFacts], recent_max: int, now_ms: int
) -> Summary:
    """The summary of what was found. ``cpu``: processors in use by runs, on average since the last look."""
    outcomes = Counter(run.outcome for run in runs)
    judged = outcomes["completed"] + outcomes["failed"]
    last_minute = sum(run.ended_at > now_ms - LATELY_S * 1000 for run in runs)
    return Summary(
        tally=tally,
        use=use,
        cpu=cpu,
        recent=len(runs),
        recent_max=recent_max,
        by_outcome=dict(sorted(outcomes.items())),
        by_reason=dict(sorted(Counter(run.reason for run in runs if run.reason).items())),
        success_rate=outcomes["completed"] / judged if judged else None,
        ended_last_minute=last_minute,
        throughput_per_s=_throughput(runs, last_minute, recent_max, now_ms),
        queue_time=durations([run.claimed_at - run.asked_at for run in runs if run.asked_at is not None]),
        run_time=durations([run.ended_at - run.claimed_at for run in runs]),
        generated_at=now_ms,
    )


def durations(milliseconds: Sequence[int]) -> Durations:
    """How long these took."""
    seconds = sorted(max(0, one) / 1000 for one in milliseconds)
    if not seconds:
        return Durations(0, None, {}, [])
    quantiles = {f"p{100 * share:g}": seconds[math.ceil(share * len(seconds)) - 1] for share in QUANTILES}
    bounds = (*BOUNDS_S, math.inf)
    edges = [sum(one <= bound for one in seconds) for bound in bounds]
    hits = [upper - lower for lower, upper in zip([0, *edges], edges, strict=False)]
    buckets = [Bucket(None if bound == math.inf else bound, count) for bound, count in zip(bounds, hits, strict=True)]
    return Durations(len(seconds), sum(seconds) / len(seconds), quantiles, buckets)


def _throughput(runs: Sequence[RunFacts], last_minute: int, recent_max: int, now_ms: int) -> float:
    """Runs ended a second, in the last minute; where more ended than are looked at, in the time that those took."""
    if last_minute < recent_max:
        return last_minute / LATELY_S
    span_ms = now_ms - min(run.ended_at for run in runs)
    return last_minute / max(0.001, span_ms / 1000)
