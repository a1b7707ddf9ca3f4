"""Claiming: exact order, limits that hold at every commit, and each runner's scope (A24-A30, B7-B9, I3)."""

from __future__ import annotations

import asyncio

import pytest

from taxiway.core.errors import Invalid, LeaseLost
from taxiway.core.limits import CLAIM_TASKS_MAX, COUNTED_TASKS_MAX
from taxiway.core.readiness import Scope
from taxiway.core.run import Lost
from taxiway.core.task import TaskState
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, plan_of, spec_of


class Ordering(Suite):
    """Which task goes first."""

    async def test_priority_then_position_then_submission_decides(self, bench: Bench) -> None:
        """Decision 1, A24, B7: priority descending, position ascending, submission order."""
        keys = [(0, 0), (0, 5), (2, 9), (2, 1), (-1, 0), (2, 1), (0, 0), (0, -3)]
        tasks = [await bench.submit(priority=priority, position=position) for priority, position in keys]
        ranked = sorted(range(len(keys)), key=lambda index: (-keys[index][0], keys[index][1], index))
        assert [run.task for run in await bench.claim()] == [tasks[index] for index in ranked]

    async def test_order_is_exact_across_lanes_queues_and_needs(self, bench: Bench) -> None:
        """Semantics, "The claim": priority is exact across the open groups that a runner may take."""
        await bench.store.make_queue("q", None, ACTOR)
        for lane in ("a", "b", "c"):
            await bench.store.set_lane(lane, 100, ACTOR)
        keys: list[tuple[int, int]] = []
        tasks: list[str] = []
        for index in range(60):
            priority = (index * 7) % 5
            keys.append((-priority, index))
            lane = ("main", "a", "b", "c")[index % 4]
            tasks.append(
                await bench.submit(
                    queue=("default", "q")[index % 2], lane=lane, job=("x", "y")[index % 3 == 0], priority=priority
                )
            )
        ranked = [tasks[index] for _, index in sorted(keys)]
        assert [run.task for run in await bench.claim(60)] == ranked

    async def test_one_by_one_is_the_same_order_as_all_at_once(self, bench: Bench) -> None:
        """A29: passes never overlap, so their sizes change nothing."""
        tasks = [await bench.submit(priority=index % 3, job=f"j{index % 4}") for index in range(12)]
        ranked = sorted(range(12), key=lambda index: (-(index % 3), index))
        taken = [(await bench.take()).task for _ in range(12)]
        assert taken == [tasks[index] for index in ranked]

    async def test_a_retry_goes_back_to_its_own_place(self, bench: Bench) -> None:
        """Semantics, "Order inside a session": a retry keeps its place."""
        first = await bench.submit()
        await bench.submit()
        await bench.finish((await bench.claim(1))[0], Lost())
        assert (await bench.take()).task == first

    async def test_a_claim_takes_no_more_than_was_asked_and_no_more_than_its_bound(self, bench: Bench) -> None:
        """A28, I18."""
        for _ in range(CLAIM_TASKS_MAX + 5):
            await bench.submit()
        assert await bench.claim(0) == []
        assert len(await bench.claim(3)) == 3
        assert len(await bench.claim(10_000)) == CLAIM_TASKS_MAX

    async def test_claims_at_the_same_time_never_share_a_task(self, bench: Bench) -> None:
        """A29, C7, I2."""
        tasks = {await bench.submit() for _ in range(40)}
        rounds = await asyncio.gather(*(bench.claim(3) for _ in range(20)))
        taken = [run.task for claimed in rounds for run in claimed]
        assert sorted(taken) == sorted(tasks)

    async def test_a_claim_records_the_run_before_anything_is_sent(self, bench: Bench) -> None:
        """C3, A26: the task runs, with its run, its start and its first event."""
        task = await bench.submit()
        run = await bench.take()
        found = await bench.task(task)
        assert (found.state, found.run, found.fence, found.started_at) == (
            TaskState.RUNNING,
            run.run,
            run.fence,
            bench.clock.now_ms(),
        )
        [event] = await bench.store.events(run.run, 0, 10)
        assert (event.seq, event.type) == (1, "run.started")


class Limiting(Suite):
    """How many may go at once."""

    async def test_a_lane_never_holds_more_than_its_size(self, bench: Bench) -> None:
        """A25, B8, I3: over many claims and ends."""
        await bench.store.set_lane("small", 3, ACTOR)
        for _ in range(20):
            await bench.submit(lane="small")
        live = await bench.claim()
        done = 0
        while live:
            assert len(live) <= 3
            await bench.finish(live.pop(0))
            done += 1
            live.extend(await bench.claim())
        assert done == 20

    async def test_a_queue_never_holds_more_than_its_slots(self, bench: Bench) -> None:
        """A25, I3: over all its lanes."""
        await bench.store.make_queue("q", 2, ACTOR)
        await bench.store.set_lane("other", 10, ACTOR)
        for index in range(6):
            await bench.submit(queue="q", lane=("main", "other")[index % 2])
        runs = await bench.claim()
        assert len(runs) == 2
        await bench.finish(runs[0])
        assert len(await bench.claim()) == 1
        assert await bench.claim() == []

    async def test_the_narrower_of_lane_and_queue_decides(self, bench: Bench) -> None:
        """I3: both limits hold."""
        await bench.store.make_queue("q", 2, ACTOR)
        await bench.store.set_lane("one", 1, ACTOR)
        for lane in ("one", "one", "main", "main"):
            await bench.submit(queue="q", lane=lane)
        runs = await bench.claim()
        assert [run.spec.lane for run in runs] == ["one", "main"]

    async def test_a_full_lane_holds_up_no_other(self, bench: Bench) -> None:
        """I14: closed groups are not looked at."""
        await bench.store.set_lane("one", 1, ACTOR)
        for _ in range(3):
            await bench.submit(lane="one", priority=9)
        free = await bench.submit()
        assert [run.task for run in await bench.claim()][1:] == [free]

    async def test_every_free_slot_is_used_at_once(self, bench: Bench) -> None:
        """B9, DB2: N free slots start N tasks."""
        await bench.store.set_lane("five", 5, ACTOR)
        for _ in range(9):
            await bench.submit(lane="five")
        assert len(await bench.claim()) == 5

    async def test_raising_a_lane_starts_more_at_once(self, bench: Bench) -> None:
        """A30."""
        await bench.store.set_lane("x", 1, ACTOR)
        for _ in range(5):
            await bench.submit(lane="x")
        assert len(await bench.claim()) == 1
        assert (await bench.store.set_lane("x", 3, ACTOR)).size == 3
        assert len(await bench.claim()) == 2

    async def test_lowering_a_lane_ends_nothing_and_starts_nothing(self, bench: Bench) -> None:
        """A30, I3."""
        await bench.store.set_lane("x", 4, ACTOR)
        for _ in range(8):
            await bench.submit(lane="x")
        runs = await bench.claim()
        await bench.store.set_lane("x", 2, ACTOR)
        assert {(await bench.store.run(run.run)).state for run in runs} == {"running"}
        for left in (3, 2):
            await bench.finish(runs.pop())
            assert await bench.claim() == [], f"{left} still run"
        await bench.finish(runs.pop())
        assert len(await bench.claim()) == 1

    async def test_raising_and_lowering_a_queue_holds_the_same(self, bench: Bench) -> None:
        """A30."""
        await bench.store.make_queue("q", 1, ACTOR)
        for _ in range(6):
            await bench.submit(queue="q")
        runs = await bench.claim()
        await bench.store.set_queue("q", 3, ACTOR)
        runs += await bench.claim()
        assert len(runs) == 3
        await bench.store.set_queue("q", 1, ACTOR)
        await bench.finish(runs.pop())
        await bench.finish(runs.pop())
        assert await bench.claim() == []
        await bench.finish(runs.pop())
        assert len(await bench.claim()) == 1

    async def test_a_limit_may_be_lifted(self, bench: Bench) -> None:
        """Decision 11: unlimited is written null."""
        await bench.store.set_lane("x", 1, ACTOR)
        for _ in range(5):
            await bench.submit(lane="x")
        await bench.claim()
        await bench.store.set_lane("x", None, ACTOR)
        assert len(await bench.claim()) == 4

    async def test_a_limit_set_on_a_lane_counts_what_already_runs_there(self, bench: Bench) -> None:
        """A30, I3: runs that started while the lane was unlimited hold their places like any other."""
        await bench.store.set_lane("x", None, ACTOR)
        for _ in range(6):
            await bench.submit(lane="x")
        runs = await bench.claim(3)
        await bench.store.set_lane("x", 2, ACTOR)
        assert await bench.claim() == []
        await bench.finish(runs.pop())
        assert await bench.claim() == []
        await bench.finish(runs.pop())
        assert len(await bench.claim()) == 1

    async def test_a_limit_set_on_a_queue_counts_what_already_runs_there(self, bench: Bench) -> None:
        """A30, I3."""
        await bench.store.make_queue("q", None, ACTOR)
        for _ in range(6):
            await bench.submit(queue="q")
        runs = await bench.claim(3)
        await bench.store.set_queue("q", 2, ACTOR)
        assert await bench.claim() == []
        for _ in range(2):
            await bench.finish(runs.pop())
        assert len(await bench.claim()) == 1

    async def test_a_limit_taken_away_and_set_again_still_counts_all(self, bench: Bench) -> None:
        """A30, I3: numbered and unnumbered places side by side."""
        await bench.store.set_lane("x", 2, ACTOR)
        for _ in range(9):
            await bench.submit(lane="x")
        runs = await bench.claim()
        await bench.store.set_lane("x", None, ACTOR)
        runs += await bench.claim(2)
        await bench.store.set_lane("x", 5, ACTOR)
        assert len(await bench.claim()) == 1

    @pytest.mark.parametrize("size", [0, -1])
    async def test_a_limit_below_one_is_refused(self, bench: Bench, size: int) -> None:
        """Decision 11: it would freeze the system."""
        with pytest.raises(Invalid):
            await bench.store.set_lane("x", size, ACTOR)
        with pytest.raises(Invalid):
            await bench.store.make_queue("q", size, ACTOR)
        with pytest.raises(Invalid):
            await bench.store.set_queue("default", size, ACTOR)

    async def test_a_plans_lane_is_its_own(self, bench: Bench) -> None:
        """Semantics, "Queues": lanes listed in a plan belong to its queue; others of that name are strangers."""
        await bench.store.set_lane("build", 5, ACTOR)
        await bench.run_plan(
            plan_of(*(spec_of(name=f"t{index}", lane="build") for index in range(3)), lanes={"build": 1})
        )
        await bench.submit(lane="build")
        claimed = await bench.claim()
        assert sorted(run.spec.name or "-" for run in claimed) == ["-", "t0"]
        assert {(lane.queue, lane.size) for lane in await bench.store.lanes() if lane.name == "build"} == {
            (None, 5),
            ("plan", 1),
        }

    async def test_lanes_tell_what_runs_and_what_waits(self, bench: Bench) -> None:
        """A46: the counts that a person sees."""
        await bench.store.set_lane("x", 2, ACTOR)
        for _ in range(5):
            await bench.submit(lane="x")
        await bench.claim()
        lane = next(lane for lane in await bench.store.lanes() if lane.name == "x")
        assert (lane.size, lane.live, lane.ready) == (2, 2, 3)

    async def test_an_unlimited_lane_tells_what_runs_too(self, bench: Bench) -> None:
        """A46: its runs hold no slots."""
        await bench.store.set_lane("x", None, ACTOR)
        for _ in range(5):
            await bench.submit(lane="x")
        await bench.claim(3)
        lane = await bench.store.set_lane("x", None, ACTOR)
        assert (lane.size, lane.live, lane.ready) == (None, 3, 2)
        lane = await bench.store.set_lane("x", 1, ACTOR)
        assert (lane.size, lane.live, lane.ready) == (1, 3, 2)

    async def test_what_waits_in_a_lane_is_counted_up_to_a_bound(self, bench: Bench) -> None:
        """I18: a view that looks every second costs the same with a million waiting, behind whatever gates."""
        await bench.store.make_queue("q", None, ACTOR)
        await bench.store.move_queue("q", "pause", ACTOR)
        half = COUNTED_TASKS_MAX // 2
        await bench.submit_all(*(bench.new(queue=queue) for queue in ("q", "default") for _ in range(half)))
        [lane] = await bench.store.lanes()
        assert lane.ready == COUNTED_TASKS_MAX
        await bench.submit()
        assert await bench.store.lanes() == [lane]

    async def test_a_run_keeps_its_slot_until_it_has_ended(self, bench: Bench) -> None:
        """A25, B22, DB12: being stopped frees nothing."""
        await bench.store.set_lane("x", 1, ACTOR)
        task = await bench.submit(lane="x")
        await bench.submit(lane="x")
        await bench.claim()
        await bench.store.cancel(task, ACTOR)
        assert await bench.claim() == []


class Scoping(Suite):
    """What a runner takes."""

    async def test_a_runner_takes_only_its_queues(self, bench: Bench) -> None:
        """Semantics, "Running a plan": a runner that takes only that queue."""
        await bench.store.make_queue("q", None, ACTOR)
        await bench.submit(priority=9)
        mine = await bench.submit(queue="q")
        scope = Scope(queues=frozenset({("", "q")}))
        assert [run.task for run in await bench.claim(scope=scope)] == [mine]

    async def test_a_plans_queue_is_told_from_another_projects(self, bench: Bench) -> None:
        """Semantics, "Queues": two checkouts never share a queue by accident."""
        await bench.run_plan(plan_of(spec_of(name="a"), project="/one"))
        admitted = await bench.run_plan(plan_of(spec_of(name="a"), project="/two"))
        scope = Scope(queues=frozenset({("/two", "plan")}))
        assert [run.task for run in await bench.claim(scope=scope)] == [admitted.ids["a"]]

    async def test_a_runner_takes_only_its_lanes(self, bench: Bench) -> None:
        """Semantics, "The claim"."""
        await bench.store.set_lane("x", 5, ACTOR)
        await bench.submit(priority=9)
        mine = await bench.submit(lane="x")
        assert [run.task for run in await bench.claim(scope=Scope(lanes=frozenset({"x"})))] == [mine]

    async def test_a_runner_takes_only_work_that_it_can_do(self, bench: Bench) -> None:
        """Semantics, "The claim": jobs it knows, processes if it has them."""
        await bench.submit(job="unknown", priority=9)
        await bench.submit(command=("true",), priority=8)
        mine = await bench.submit(job="known")
        scope = Scope(needs=frozenset({"job:known"}))
        assert [run.task for run in await bench.claim(scope=scope)] == [mine]

    async def test_order_is_exact_within_a_narrow_scope(self, bench: Bench) -> None:
        """A24: what the runner does not take neither hides nor reorders what it takes."""
        for lane in ("a", "b", "c"):
            await bench.store.set_lane(lane, 50, ACTOR)
        tasks = []
        for index in range(45):
            lane, job = ("a", "b", "c")[index % 3], ("x", "y")[index % 2]
            task = await bench.submit(lane=lane, job=job, priority=index % 4)
            if lane in "ac" and job == "x":
                tasks.append((-(index % 4), index, task))
        scope = Scope(lanes=frozenset({"a", "c"}), needs=frozenset({"job:x"}))
        assert [run.task for run in await bench.claim(scope=scope)] == [task for *_, task in sorted(tasks)]

    async def test_a_lane_of_a_plan_is_that_of_its_project(self, bench: Bench) -> None:
        """Semantics, "Queues": two checkouts never share a queue by accident, nor its lanes."""
        for project in ("/a", "/b"):
            plan = plan_of(spec_of(name="t", lane="own"), project=project, lanes={"own": 2})
            await bench.run_plan(plan)
        lane = await bench.store.set_lane("own", 7, ACTOR, "plan", "/b")
        assert lane.size == 7
        assert sorted(lane.size or 0 for lane in await bench.store.lanes() if lane.queue == "plan") == [2, 7]

    async def test_a_draining_runner_takes_nothing_new(self, bench: Bench) -> None:
        """Semantics, "Running a plan": nothing new starts."""
        await bench.submit()
        await bench.store.retire(bench.runner, "draining")
        assert await bench.claim() == []

    async def test_a_runner_that_nobody_knows_may_take_nothing(self, bench: Bench) -> None:
        """I2."""
        with pytest.raises(LeaseLost):
            await bench.claim(runner="runner_nobody")

    async def test_a_beat_is_counted_and_dated(self, bench: Bench) -> None:
        """C8, I2: expiry watches the counter, never a clock."""
        bench.clock.advance(3)
        assert await bench.store.beat(bench.runner)
        [runner] = await bench.store.runners()
        assert (runner.id, runner.beat, runner.seen_at) == (bench.runner, 1, bench.clock.now_ms())
