"""Who follows the change log and falls behind a prune is told, or looks again: nobody waits for what was forgotten."""

import asyncio

import pytest

from taxiway import Gap, NotFound, Taxiway
from taxiway.cli.following import Following
from taxiway.core.plan import Plan
from taxiway.core.task import TaskSpec
from taxiway.engine.feed import Feed
from tests.engine.conftest import DEADLINE_S


class Silence:
    """Hints that nobody gives."""

    def subscribe(self, topics: object) -> "Silence":
        return self

    async def wait(self, timeout_s: float) -> bool:
        return False

    def close(self) -> None:
        """Nothing is held."""


def feed_of(tw: Taxiway) -> Feed:
    """A feed that moves only when the test says so."""
    return Feed(tw.store, Silence())


async def forget(tw: Taxiway) -> None:
    """Prune all that has ended, and of the change log all but its last line."""
    [last] = await tw.store.changes(await tw.store.last_version() - 1, 1)
    while (page := await tw.intake.prune(last.at + 60_000, 1_000)).tasks or page.changes:
        pass


async def follows(feed: Feed) -> None:
    """Until somebody who waits has come so far that the feed follows the log for him."""
    async with asyncio.timeout(DEADLINE_S):
        while feed._version is None:
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)


class Quiet:
    """Nobody looks; the first look lets the test go on, and waits for it."""

    def __init__(self) -> None:
        self.looked_once, self.go_on = asyncio.Event(), asyncio.Event()

    async def moved(self, row: object, change: object) -> None:
        """Not shown."""

    async def looked(self, queue: object) -> None:
        self.looked_once.set()
        await self.go_on.wait()


async def test_a_plan_is_followed_to_its_end_over_a_gap(bench) -> None:
    """I21: `taxiway run` reads its board anew when somebody pruned what it had not read."""
    async with bench.open(slots=0, project="/p") as tw:
        task = TaskSpec(name="a", queue="p", command=("true",), delay_s=300)
        plan = Plan(queue="p", project="/p", source="p.yaml", tasks=(task,))
        admitted = await tw.run_plan(plan)
        watcher = Quiet()
        following = asyncio.ensure_future(Following(tw, plan.queue, plan.project).to_the_end(watcher))
        async with asyncio.timeout(DEADLINE_S):
            await watcher.looked_once.wait()
            await tw.cancel(admitted.ids["a"])
            await tw.set_lane("later", 2)
            await forget(tw)
            watcher.go_on.set()
            assert (await following).state == "completed"


@pytest.mark.parametrize("forgotten", [True, False])
async def test_who_waits_for_an_end_whose_line_was_forgotten_looks_for_himself(bench, forgotten: bool) -> None:
    """I14, I21: the end is not in the log any more, and the waiter hears of it all the same."""
    async with bench.open(slots=0) as tw:
        task, other = await tw.submit(command=["true"], delay=300), await tw.submit(command=["true"], delay=300)
        if not forgotten:  # an open task waits for both, so the record stays and only its line goes
            await tw.submit(command=["true"], after={task.id: "finished", other.id: "finished"})
        feed = feed_of(tw)
        waiting = asyncio.ensure_future(feed.ended(task.id))
        await follows(feed)
        await task.cancel()
        await tw.set_lane("later", 2)
        await forget(tw)
        async with asyncio.timeout(DEADLINE_S):
            while not waiting.done():
                await feed.step()
                await asyncio.sleep(0.001)
        if forgotten:
            assert isinstance(waiting.exception(), NotFound)
        else:
            assert waiting.result().state == "cancelled"
        await tw.cancel_all()


async def test_a_watcher_behind_a_prune_is_told_of_the_gap(bench) -> None:
    """Surface 6, stream: it goes on where it was, or is told that there is a gap; then it may go on from the newest."""
    async with bench.open(slots=0) as tw:
        seen = await tw.store.last_version()
        for size in (2, 3, 4):
            await tw.set_lane("x", size)
        await forget(tw)
        with pytest.raises(Gap) as told:
            await anext(feed_of(tw).changes(seen))
        task = await tw.submit(command=["true"], delay=300)
        assert (await anext(feed_of(tw).changes(told.value.details["newest"]))).id == task.id
        await task.cancel()
