"""Forgetting, end by end: nothing that has ended is kept for ever because of the way in which it ended."""

from pathlib import Path

import pytest

from taxiway.clock import Ids, seeded_chance
from taxiway.core.errors import NotFound
from taxiway.core.event import EventType, NewEvent
from taxiway.core.limits import CRASHES_MAX
from taxiway.core.run import Lost
from taxiway.core.task import Reason
from taxiway.store.protocol import TaskFilter
from taxiway.testing.clock import HandClock
from taxiway.testing.conformance import Bench
from taxiway.testing.conformance.bench import ACTOR, failed
from tests.store.conftest import open_by_hand


async def test_every_kind_of_end_is_forgotten_with_its_runs_and_events(tmp_path: Path) -> None:
    """B33, DB20: completed, failed, timed out, poisoned, cancelled, expired and fallen tasks alike."""
    clock = HandClock()
    opened = await open_by_hand(tmp_path / "a.db", clock)
    store, bench = opened.store, Bench(opened.store, clock, Ids(clock, seeded_chance(5)))
    await bench.register()
    tasks = [await bench.submit(priority=9)]
    run = await bench.take()
    await store.record(run.run, run.fence, 1, [NewEvent(EventType.OUTPUT, 1, {"stream": "stdout"}, b"x")])
    await bench.finish(run)
    for reason in (Reason.TIMEOUT, Reason.EXIT_CODE):
        tasks.append(await bench.submit(priority=9))
        await bench.end_next(failed(reason))
    tasks.append(await bench.submit(after=[tasks[-1]]))
    tasks.append(await bench.submit(priority=9))
    for _ in range(CRASHES_MAX):
        await bench.end_next(Lost())
    tasks.append(await bench.submit(delay_s=60))
    await store.cancel(tasks[-1], ACTOR)
    tasks.append(await bench.submit(delay_s=60, expires_s=1))
    await bench.pass_time(2)
    ends = {(await bench.standing(task))[1] for task in tasks}
    assert ends == {
        None,
        Reason.TIMEOUT,
        Reason.EXIT_CODE,
        Reason.DEPENDENCY_FAILED,
        Reason.POISONED,
        Reason.REQUESTED,
        Reason.EXPIRED,
    }
    clock.advance(3600)
    while await store.prune(clock.now_ms(), 100, ACTOR):
        pass
    assert (await store.tasks(TaskFilter(superseded=True), 100, None)).items == []
    with pytest.raises(NotFound):
        await store.run(run.run)
    assert await store.check() == []
    await opened.close()
