"""Who is silent for a lease is settled by others, on this host too; who only seems silent is not (faults 6 and 8)."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from taxiway.agents.settle import boot_id
from taxiway.app import Taxiway
from taxiway.core.errors import LeaseLost
from taxiway.core.readiness import Scope
from taxiway.core.run import Lost
from taxiway.engine.reaper import Host, Reaper
from taxiway.observe.observer import nobody
from taxiway.runner import HostEvidence
from taxiway.store.protocol import Runner, TaskFilter
from taxiway.store.sqlite.locks import RunnerLock
from taxiway.testing.clock import HandClock
from tests.engine.conftest import DEADLINE_S, Bench

LEASE_S = 30.0
OTHER = "runner_other"


class Watcher:
    """A reaper of another process of this host, whose clock the test moves; ``other`` is the one that it watches."""

    def __init__(self, tw: Taxiway, bench: Bench) -> None:
        self.clock = HandClock()
        self.store = tw.store
        self.folder = bench.path.with_name("store.db.d")
        self.lock = RunnerLock(self.folder, OTHER)
        host = Host(socket.gethostname(), boot_id())
        self.reaper = Reaper(tw.store, self.clock, host, None, HostEvidence(self.folder), nobody, LEASE_S)

    async def look_for(self, seconds: float) -> None:
        """Look as often as a service does, for so long."""
        for _ in range(int(seconds / 0.5)):
            await self.reaper.step()
            self.clock.advance(0.5)

    async def known(self) -> bool:
        """Whether the other one still counts as there."""
        return OTHER in [runner.id for runner in await self.store.runners()]


@pytest.fixture
async def watcher(bench: Bench) -> AsyncIterator[Watcher]:
    """A runner of this host that holds its lock and a run, and the one who watches it."""
    async with bench.open(slots=0) as tw:
        watcher = Watcher(tw, bench)
        await tw.store.register(Runner(id=OTHER, host=socket.gethostname(), boot_id=boot_id(), pid=1, slots=1))
        await tw.submit(command=["true"])
        [_] = await tw.store.claim(OTHER, Scope(), 1)
        yield watcher
        watcher.lock.release()
        await tw.cancel_all()
        for run in await tw.store.live_runs():
            await tw.store.finish(run.run, run.fence, Lost("over"), 0.5)
        await tw.store.retire(OTHER, "gone")


async def test_a_runner_that_holds_its_lock_and_says_nothing_is_settled_after_its_lease(watcher) -> None:
    """Fault 6, I2, I14: its process is stopped; after the lease and the margin its run goes back to the queue."""
    await watcher.look_for(LEASE_S)
    assert await watcher.known()
    await watcher.look_for(10)
    assert not await watcher.known()
    assert await watcher.store.live_runs() == []
    [task] = (await watcher.store.tasks(TaskFilter(), 10, None)).items
    assert (task.state, task.crashes) == ("queued", 1)
    assert not (watcher.folder / f"{OTHER}.lock").exists()


async def test_a_runner_that_is_heard_of_keeps_its_runs(watcher) -> None:
    """I20: each beat starts the silence anew."""
    for _ in range(4):
        await watcher.look_for(LEASE_S - 1)
        await watcher.store.beat(OTHER)
    assert await watcher.known()


async def test_who_stood_still_itself_counts_no_silence_meanwhile(watcher) -> None:
    """Fault 8: a host that was stopped wakes; nobody is lost before a full lease of silence that somebody observed."""
    await watcher.look_for(5)
    watcher.clock.advance(100 * LEASE_S)
    await watcher.look_for(LEASE_S - 10)
    watcher.clock.advance(100 * LEASE_S)
    await watcher.look_for(5)
    assert await watcher.known()
    await watcher.look_for(10)
    assert not await watcher.known()


async def test_silence_while_the_store_takes_no_writes_is_nobodys_silence(watcher) -> None:
    """Fault 9: somebody held the lock of the file; who could not beat gets the time to beat when it is free again."""
    taken, free = asyncio.Event(), asyncio.Event()
    honest = watcher.store.wake_due

    async def locked(limit: int) -> int:
        taken.set()
        await free.wait()
        return await honest(limit)

    watcher.store.wake_due = locked
    async with asyncio.TaskGroup() as group:
        group.create_task(watcher.look_for(2 * LEASE_S))
        await asyncio.wait_for(taken.wait(), DEADLINE_S)
        watcher.clock.advance(100 * LEASE_S)
        await watcher.store.beat(OTHER)
        free.set()
    assert await watcher.known()


async def test_a_runner_that_wakes_while_it_is_settled_takes_nothing_more(watcher) -> None:
    """I2, I14: its lease is taken before its runs are, so that nothing is begun that is settled a moment later."""
    await watcher.look_for(LEASE_S)
    finish = watcher.store.finish

    async def wake_before(run, fence, outcome, chance):
        settled = await finish(run, fence, outcome, chance)
        assert not await watcher.store.beat(OTHER)
        with pytest.raises(LeaseLost):
            await watcher.store.claim(OTHER, Scope(), 1)
        return settled

    watcher.store.finish = wake_before
    await watcher.look_for(10)
    assert not await watcher.known()
    assert await watcher.store.live_runs() == []


async def test_a_runner_that_beats_between_the_look_and_the_word_keeps_its_runs(watcher) -> None:
    """I2, I20: the one who judges may stand still in between; what it saw is not so any more when it writes."""
    await watcher.look_for(LEASE_S)
    declare_lost = watcher.store.declare_lost

    async def wake_before(runner, beat):
        assert await watcher.store.beat(OTHER)
        return await declare_lost(runner, beat)

    watcher.store.declare_lost = wake_before
    await watcher.look_for(10)
    watcher.store.declare_lost = declare_lost
    [run] = await watcher.store.live_runs()
    assert run.fence == 1
    assert await watcher.store.beat(OTHER)


async def test_who_dies_after_it_took_the_lease_leaves_the_rest_to_others(watcher) -> None:
    """I14: a runner that is lost already is settled by whoever looks next, without another lease of waiting."""
    await watcher.store.declare_lost(OTHER, 0)
    await watcher.look_for(0.5)
    assert not await watcher.known()
    assert await watcher.store.live_runs() == []
