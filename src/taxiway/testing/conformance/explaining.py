"""Explaining: the facts say what the claim does, neither more nor less (semantics, "The claim"; I14)."""

from __future__ import annotations

import pytest

from taxiway.core.errors import Full
from taxiway.core.limits import CASCADE_ROWS_MAX
from taxiway.core.readiness import ObstacleKind, Scope
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed


class Explaining(Suite):
    """Nothing stands in the way if and only if the next claim takes it."""

    async def _kinds(self, bench: Bench, task: str) -> list[ObstacleKind]:
        return [obstacle.kind for obstacle in await bench.explained(task)]

    async def test_what_nothing_stands_in_the_way_of_is_taken_next(self, bench: Bench) -> None:
        """I14: one by one, until nothing is left."""
        await bench.store.set_lane("x", 2, ACTOR)
        await bench.store.make_queue("q", 1, ACTOR)
        tasks = [
            await bench.submit(lane=("main", "x")[index % 2], queue=("default", "q")[index % 3 == 0])
            for index in range(12)
        ]
        tasks += [await bench.submit(delay_s=5), await bench.submit(after=[tasks[0]])]
        live = []
        for step in range(40):
            free = {task for task in tasks if await self._kinds(bench, task) == []}
            claimed = await bench.claim(1)
            assert {run.task for run in claimed} <= free, step
            assert bool(claimed) == bool(free), step
            live += claimed
            if step % 2 or not claimed:
                if not live:
                    break
                await bench.finish(live.pop(0))
        assert [await self._kinds(bench, task) for task in tasks].count([ObstacleKind.ENDED]) == 13

    @pytest.mark.parametrize("slots", [1, 2, 3, 5, 8])
    async def test_what_nothing_stands_in_the_way_of_is_exactly_what_the_next_claim_takes(
        self, bench: Bench, slots: int
    ) -> None:
        """I14: over lanes and queues that share limits, with more waiting than there is room for."""
        await bench.store.set_lane("x", 2, ACTOR)
        await bench.store.set_lane("y", 1, ACTOR)
        await bench.store.set_lane("main", None, ACTOR)
        await bench.store.make_queue("q", 2, ACTOR)
        tasks = [
            await bench.submit(
                lane=("main", "x", "y")[index % 3], queue=("default", "q")[index % 4 == 0], priority=index * 7 % 5
            )
            for index in range(24)
        ]
        await bench.store.retire(bench.runner, "gone")
        await bench.register(slots)
        for _ in range(6):
            free = {task for task in tasks if await self._kinds(bench, task) == []}
            claimed = await bench.claim(slots)
            assert {run.task for run in claimed} == free
            for run in claimed[::2]:
                await bench.finish(run)
            slots = len(claimed[::2])

    async def test_what_goes_first_through_another_gate_is_counted(self, bench: Bench) -> None:
        """A24: a runner's last slot goes to the most urgent task, whatever its lane and queue."""
        await bench.store.set_lane("x", 9, ACTOR)
        await bench.store.retire(bench.runner, "gone")
        await bench.register(1)
        task = await bench.submit()
        assert await self._kinds(bench, task) == []
        for _ in range(2):
            await bench.submit(lane="x", priority=1)
        [obstacle] = await bench.explained(task)
        assert obstacle.kind is ObstacleKind.TURN
        assert "2 ready tasks" in obstacle.text
        with pytest.raises(Full):
            await bench.submit(no_wait=True)

    async def test_work_of_another_queue_goes_first_through_a_shared_lane(self, bench: Bench) -> None:
        """I3: one slot of a lane, two gates before it; work in other lanes does not count."""
        await bench.store.set_lane("x", 1, ACTOR)
        await bench.store.make_queue("q", None, ACTOR)
        for lane in ("main", "main", "x"):
            await bench.submit(lane=lane, queue="q")
        [obstacle] = await bench.explained(await bench.submit(lane="x"))
        assert obstacle.kind is ObstacleKind.TURN
        assert "1 ready task goes" in obstacle.text

    async def test_two_runners_with_room_leave_nobody_behind(self, bench: Bench) -> None:
        """Semantics, "The claim": what another runner takes does not go before."""
        await bench.store.retire(bench.runner, "gone")
        await bench.register(1, Scope(lanes=frozenset({"main"})))
        await bench.store.set_lane("x", 9, ACTOR)
        await bench.register(1)
        first, second, third = await bench.submit(priority=1), await bench.submit(lane="x"), await bench.submit()
        assert [await self._kinds(bench, task) for task in (first, second, third)] == [[], [], [ObstacleKind.TURN]]

    @pytest.mark.parametrize("queue", [None, "q"])
    async def test_a_cancel_of_all_that_is_under_way_is_named(self, bench: Bench, queue: str | None) -> None:
        """I6: nothing that it may reach starts before its last page, and explain and no_wait say so."""
        await bench.store.make_queue("q", None, ACTOR)
        await bench.submit_all(*(bench.new(queue="q") for _ in range(CASCADE_ROWS_MAX)))
        await bench.store.cancel_all(ACTOR, queue)
        later, beside = await bench.submit(queue="q"), await bench.submit(priority=-1)
        [obstacle] = await bench.explained(later)
        assert obstacle.kind is ObstacleKind.CANCEL_ALL
        assert (await self._kinds(bench, beside) == []) == (queue is not None)
        assert [run.task for run in await bench.claim()] == ([] if queue is None else [beside])
        with pytest.raises(Full, match="cancel"):
            await bench.submit(queue="q", no_wait=True)
        await bench.settle()
        assert later in await bench.drain()

    async def test_a_delay_and_a_backoff_say_until_when(self, bench: Bench) -> None:
        """Surface, explain: the time is named."""
        delayed = await bench.submit(delay_s=5, position=2)
        [obstacle] = await bench.explained(delayed)
        assert (obstacle.kind, obstacle.until) == (ObstacleKind.DELAY, bench.clock.now_ms() + 5_000)
        retried = await bench.submit(retries=1)
        await bench.end_next(failed())
        [obstacle] = await bench.explained(retried)
        assert (obstacle.kind, obstacle.until) == (ObstacleKind.BACKOFF, bench.clock.now_ms() + 2_000)

    async def test_a_dependency_is_named_with_its_state(self, bench: Bench) -> None:
        """A19: only those that are not settled yet."""
        first, second = await bench.submit(name="first"), await bench.submit(name="second")
        child = await bench.submit(after=["first", "second"])
        assert [obstacle.holders for obstacle in await bench.explained(child)] == [(first,), (second,)]
        await bench.end_next()
        [obstacle] = await bench.explained(child)
        assert obstacle.holders == (second,)
        assert "second" in obstacle.text

    async def test_a_full_lane_names_who_holds_it(self, bench: Bench) -> None:
        """I3."""
        await bench.store.set_lane("x", 1, ACTOR)
        holder, waiting = await bench.submit(lane="x"), await bench.submit(lane="x")
        await bench.claim()
        [obstacle] = await bench.explained(waiting)
        assert (obstacle.kind, obstacle.holders) == (ObstacleKind.LANE_FULL, (holder,))

    async def test_a_lane_that_was_unlimited_names_its_holders_too(self, bench: Bench) -> None:
        """I3, A30."""
        await bench.store.set_lane("x", None, ACTOR)
        holder, waiting = await bench.submit(lane="x"), await bench.submit(lane="x")
        await bench.claim(1)
        await bench.store.set_lane("x", 1, ACTOR)
        [obstacle] = await bench.explained(waiting)
        assert (obstacle.kind, obstacle.holders) == (ObstacleKind.LANE_FULL, (holder,))

    async def test_a_full_queue_names_who_holds_it(self, bench: Bench) -> None:
        """I3."""
        await bench.store.make_queue("q", 1, ACTOR)
        holder, waiting = await bench.submit(queue="q"), await bench.submit(queue="q")
        await bench.claim()
        [obstacle] = await bench.explained(waiting)
        assert (obstacle.kind, obstacle.holders) == (ObstacleKind.QUEUE_FULL, (holder,))

    @pytest.mark.parametrize("verb", ["pause", "stop"])
    async def test_a_queue_that_does_not_run_is_named(self, bench: Bench, verb: str) -> None:
        """A8, A10."""
        await bench.submit()
        await bench.take()
        waiting = await bench.submit()
        await bench.store.move_queue("default", verb, ACTOR)
        kinds = await self._kinds(bench, waiting)
        assert kinds in ([ObstacleKind.QUEUE_STATE], [ObstacleKind.ENDED])
        assert await bench.claim() == []

    async def test_who_goes_first_is_counted(self, bench: Bench) -> None:
        """A24."""
        await bench.store.retire(bench.runner, "gone")
        await bench.register(2)
        for _ in range(3):
            await bench.submit()
        [obstacle] = await bench.explained(await bench.submit())
        assert obstacle.kind is ObstacleKind.TURN
        assert "3" in obstacle.text

    async def test_runners_that_are_gone_narrow_or_busy_are_told_apart(self, bench: Bench) -> None:
        """Semantics, "The claim": claim and explain judge by the same scope."""
        task = await bench.submit(position=1)
        await bench.store.retire(bench.runner, "gone")
        assert await self._kinds(bench, task) == [ObstacleKind.NO_RUNNER]
        await bench.register(1, Scope(lanes=frozenset({"x"})))
        assert await self._kinds(bench, task) == [ObstacleKind.RUNNER_SCOPE]
        await bench.register(1)
        assert await self._kinds(bench, task) == []
        await bench.submit()
        await bench.take()
        assert await self._kinds(bench, task) == [ObstacleKind.RUNNER_FULL]

    async def test_what_runs_or_has_ended_says_so(self, bench: Bench) -> None:
        """Surface, explain."""
        task = await bench.submit()
        run = await bench.take()
        assert await self._kinds(bench, task) == [ObstacleKind.RUNNING]
        await bench.finish(run)
        assert await self._kinds(bench, task) == [ObstacleKind.ENDED]
