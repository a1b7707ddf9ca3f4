"""Messages to sessions: what admitting one costs beside a plain submit, and a claim with 100,000 sessions waiting."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path

from benchmarks.claiming import CLAIMS, FREE, compare
from benchmarks.figure import Figure, at_most, paired
from benchmarks.place import Place
from benchmarks.stores import in_parallel, new_task, opened_store
from taxiway.clock import Ids
from taxiway.core.policy import MailboxPolicy
from taxiway.core.task import TaskSpec
from taxiway.store.protocol import NewTask

ROUNDS = 5
CALLERS = 256
MESSAGES = 256 * 15
FEW = 100
MANY = 100_000
ROOMY = MailboxPolicy(cap=1_000_000)


async def admission(place: Place) -> list[Figure]:
    """256 callers who submit plain tasks, and 256 who send messages: to one session, and to a thousand."""
    return [
        await _admission(place, "to one session", 1),
        await _admission(place, "to 1,000 sessions", 1_000),
    ]


async def _admission(place: Place, name: str, sessions: int) -> Figure:
    rounds = []
    for _ in range(ROUNDS):
        plain = await _submits(place.fresh("plain"), None)
        rounds.append((plain, await _submits(place.fresh("messages"), sessions)))
    measured, raw, ratio = paired(rounds)
    return Figure(
        scenario="admission",
        name=f"admission of a message {name}, 256 callers",
        unit="us",
        measured=measured,
        raw=raw,
        raw_name="a plain task",
        ratio=ratio,
        goals=(at_most(1.3, "ratio"),),
    )


async def _submits(folder: Path, sessions: int | None) -> float:
    """Microseconds for each of ``MESSAGES`` submits, of plain tasks or to so many sessions in turn."""
    numbers = count()
    async with opened_store(folder) as (opened, ids):

        def new() -> NewTask:
            return new_task(ids) if sessions is None else message(ids, next(numbers) % sessions)

        for _ in range(sessions or 0):
            await opened.store.submit([new()], "bench")
        began = time.perf_counter()
        await in_parallel(CALLERS, MESSAGES, lambda: opened.store.submit([new()], "bench"))
        return (time.perf_counter() - began) / MESSAGES * 1e6


async def many_sessions(place: Place) -> list[Figure]:
    """A claim where a hundred sessions have messages waiting, and where a hundred thousand have."""
    few, many = await _filled(place, FEW), await _filled(place, MANY)
    raw, measured, ratio = await compare(few, many)
    return [
        Figure(
            scenario="claim-sessions",
            name="cost of a claimed message, 100,000 sessions with messages waiting",
            unit="us",
            measured=measured,
            raw=raw,
            raw_name="100 sessions",
            ratio=ratio,
            goals=(at_most(1.5, "ratio"),),
        )
    ]


async def _filled(place: Place, sessions: int) -> Path:
    """Sessions with messages: at least two in each, and as many in all as the claims will take."""
    folder = place.fresh("sessions")
    each = max(2, 2 * CLAIMS * FREE // sessions)
    async with opened_store(folder) as (opened, ids):
        numbers = [number for _ in range(each) for number in range(sessions)]
        for start in range(0, len(numbers), 1_000):
            page = [message(ids, number) for number in numbers[start : start + 1_000]]
            await opened.store.submit(page, "bench")
    return folder


def message(ids: Ids, session: int) -> NewTask:
    """A message that a job answers."""
    return NewTask(ids.new("task"), TaskSpec(job="noop", session=f"s{session}"), b"hash", "", ROOMY)
