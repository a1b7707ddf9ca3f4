"""Running a plan, and running it again: what stays, what goes on, what is made anew (semantics, "Running it again")."""

from __future__ import annotations

import pytest

from taxiway.core.errors import Conflict, QueueStopping
from taxiway.core.queue import QueueState
from taxiway.core.run import Lost, Released
from taxiway.core.task import Reason, TaskSpec, TaskState
from taxiway.store.protocol import TaskFilter
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed, plan_of, spec_of

A = spec_of(name="a")
B = spec_of(name="b", after=["a"])
C = spec_of(name="c", after=["b"])
X = spec_of(name="x")


class Planning(Suite):
    """Plans are admitted whole, and compared when they come again."""

    async def test_a_plan_fills_its_queue_and_starts_it(self, bench: Bench) -> None:
        """A4: ids by name, in the order of the file."""
        admitted = await bench.run_plan(plan_of(A, B, C, X))
        assert (admitted.new, admitted.kept, admitted.going_on, admitted.replaced) == (4, 0, 0, 0)
        assert list(admitted.ids) == ["a", "b", "c", "x"]
        queue = await bench.store.queue("plan", "/p")
        assert (queue.state, queue.open, queue.plan, queue.standing) == (QueueState.RUNNING, 4, "plan.yaml", False)
        assert await bench.standing(admitted.ids["c"]) == (TaskState.BLOCKED, Reason.DEPENDENCY)

    async def test_a_child_may_stand_before_its_parent_in_the_file(self, bench: Bench) -> None:
        """A20: whatever the list order."""
        await bench.run_plan(plan_of(C, B, A))
        assert [(await bench.task(task)).spec.name for task in await bench.drain()] == ["a", "b", "c"]

    async def test_a_plan_that_completed_runs_nothing_again(self, bench: Bench) -> None:
        """Completed and unchanged stays."""
        first = await bench.run_plan(plan_of(A, B))
        await bench.drain()
        again = await bench.run_plan(plan_of(A, B))
        assert (again.ids, again.kept, again.new) == (first.ids, 2, 0)
        assert await bench.claim() == []
        assert (await bench.store.queue("plan")).state is QueueState.COMPLETED

    async def test_what_waits_goes_on(self, bench: Bench) -> None:
        """A plan that was interrupted goes on where it stopped."""
        first = await bench.run_plan(plan_of(A, B, C))
        await bench.end_next()
        run = await bench.take()
        await bench.finish(run, Released())
        await bench.store.move_queue("plan", "pause", ACTOR)
        again = await bench.run_plan(plan_of(A, B, C))
        assert (again.ids, again.kept, again.going_on) == (first.ids, 1, 2)
        assert await bench.drain() == [first.ids["b"], first.ids["c"]]

    async def test_what_runs_goes_on_beside_a_second_run_of_its_plan(self, bench: Bench) -> None:
        """Two runs of one plan: nothing runs twice."""
        first = await bench.run_plan(plan_of(A, B))
        run = await bench.take()
        again = await bench.run_plan(plan_of(A, B))
        assert (again.ids, again.going_on) == (first.ids, 2)
        assert await bench.claim() == []
        await bench.finish(run)
        assert await bench.drain() == [first.ids["b"]]

    async def test_crashes_count_anew_when_a_person_runs_the_plan_again(self, bench: Bench) -> None:
        """Semantics, "Counters"."""
        admitted = await bench.run_plan(plan_of(A))
        for _ in range(2):
            await bench.end_next(Lost())
        await bench.run_plan(plan_of(A))
        assert (await bench.task(admitted.ids["a"])).crashes == 0

    async def test_a_changed_task_and_everything_after_it_run_anew(self, bench: Bench) -> None:
        """Completed or not; what does not depend on it stays."""
        first = await bench.run_plan(plan_of(A, B, C, X))
        await bench.drain()
        again = await bench.run_plan(plan_of(A, spec_of(name="b", after=["a"], priority=1), C, X))
        assert (again.kept, again.replaced, again.new) == (2, 2, 0)
        assert (again.ids["a"], again.ids["x"]) == (first.ids["a"], first.ids["x"])
        assert await bench.drain() == [again.ids["b"], again.ids["c"]]
        assert (await bench.task(again.ids["b"])).retry_of == first.ids["b"]
        old = await bench.task(first.ids["b"])
        assert (old.state, old.superseded) == (TaskState.COMPLETED, True)

    async def test_a_failed_task_is_replaced_with_all_that_fell_with_it(self, bench: Bench) -> None:
        """Failed, cancelled and skipped are made anew (retry_of); terminal tasks never change."""
        first = await bench.run_plan(plan_of(A, B, C, X))
        await bench.end_next(failed())
        await bench.drain()
        assert (await bench.store.queue("plan")).state is QueueState.FAILED
        again = await bench.run_plan(plan_of(A, B, C, X))
        assert (again.kept, again.replaced) == (1, 3)
        assert await bench.drain() == [again.ids["a"], again.ids["b"], again.ids["c"]]
        assert (await bench.store.queue("plan")).state is QueueState.COMPLETED
        assert (await bench.task(first.ids["a"])).state is TaskState.FAILED
        assert (await bench.task(again.ids["c"])).retry_of == first.ids["c"]

    async def test_a_task_that_a_person_cancelled_is_replaced(self, bench: Bench) -> None:
        """Running the plan again asks for it again."""
        first = await bench.run_plan(plan_of(A, B))
        await bench.store.cancel(first.ids["b"], ACTOR)
        await bench.drain()
        again = await bench.run_plan(plan_of(A, B))
        assert (again.kept, again.replaced) == (1, 1)
        assert await bench.drain() == [again.ids["b"]]

    async def test_fresh_runs_all_anew(self, bench: Bench) -> None:
        """`--fresh`."""
        first = await bench.run_plan(plan_of(A, B))
        await bench.drain()
        again = await bench.run_plan(plan_of(A, B), fresh=True)
        assert again.replaced == 2
        assert not set(first.ids.values()) & set(again.ids.values())
        assert await bench.drain() == list(again.ids.values())

    async def test_a_task_that_left_the_plan_is_set_aside(self, bench: Bench) -> None:
        """If it waited, it is cancelled; either way it counts no more."""
        first = await bench.run_plan(plan_of(A, spec_of(name="x", delay_s=60)))
        await bench.run_plan(plan_of(A))
        assert await bench.standing(first.ids["x"]) == (TaskState.CANCELLED, Reason.RESET)
        names = [task.spec.name for task in (await bench.store.tasks(TaskFilter(queue="plan"), 9, None)).items]
        assert names == ["a"]
        await bench.drain()
        assert (await bench.store.queue("plan")).state is QueueState.COMPLETED

    async def test_a_failure_that_left_the_plan_fails_it_no_more(self, bench: Bench) -> None:
        """What is left is all completed, and the queue says so."""
        await bench.run_plan(plan_of(A, X))
        await bench.end_next()
        await bench.end_next(failed())
        assert (await bench.store.queue("plan")).state is QueueState.FAILED
        await bench.run_plan(plan_of(A))
        assert (await bench.store.queue("plan")).state is QueueState.COMPLETED

    async def test_running_it_again_never_shows_an_end_in_between(self, bench: Bench) -> None:
        """A50: setting the old tasks aside is no end of the queue."""
        await bench.run_plan(plan_of(A))
        before = await bench.store.last_version()
        await bench.run_plan(plan_of(spec_of(name="a", priority=1)))
        states = {change.state for change in await bench.store.changes(before, 100) if change.kind == "queue"}
        assert states == {"running"}

    async def test_a_task_that_runs_with_older_text_refuses_the_plan(self, bench: Bench) -> None:
        """It is somebody's: nothing is changed, and the text names it."""
        first = await bench.run_plan(plan_of(A, B))
        await bench.take()
        version = await bench.store.last_version()
        with pytest.raises(Conflict, match=first.ids["a"]):
            await bench.run_plan(plan_of(spec_of(name="a", priority=1), B))
        assert await bench.store.last_version() == version

    async def test_a_handled_failure_is_no_failure_of_the_plan(self, bench: Bench) -> None:
        """Semantics, "Dependencies": a dependent that named it with `failed` completed."""
        first = await bench.run_plan(plan_of(A, spec_of(name="rescue", after=[("a", "failed")])))
        await bench.end_next(failed())
        await bench.end_next()
        assert (await bench.store.queue("plan")).state is QueueState.COMPLETED
        again = await bench.run_plan(plan_of(A, spec_of(name="rescue", after=[("a", "failed")])))
        assert (again.ids, again.kept) == (first.ids, 2)

    async def test_a_failure_whose_rescue_failed_is_not_handled(self, bench: Bench) -> None:
        """Semantics, "Dependencies"."""
        await bench.run_plan(plan_of(A, spec_of(name="rescue", after=[("a", "failed")])))
        await bench.drain(failed())
        assert (await bench.store.queue("plan")).state is QueueState.FAILED

    async def test_a_rescue_that_was_replaced_handles_nothing(self, bench: Bench) -> None:
        """Semantics, "Dependencies": the failure is left, for the new rescue never came to its end."""
        await bench.run_plan(plan_of(A, spec_of(name="rescue", after=[("a", "failed")])))
        await bench.end_next(failed())
        await bench.end_next()
        again = await bench.run_plan(plan_of(A, spec_of(name="rescue", after=[("a", "failed")], priority=1)))
        assert (again.kept, again.replaced) == (1, 1)
        await bench.store.cancel(again.ids["rescue"], ACTOR)
        assert (await bench.store.queue("plan")).state is QueueState.FAILED

    @pytest.mark.parametrize("rest", [(), (spec_of(name="rescue", after=[("x", "failed")]), X)])
    async def test_a_failure_whose_rescue_left_the_plan_is_tried_again(
        self, bench: Bench, rest: tuple[TaskSpec, ...]
    ) -> None:
        """Or rescues something else now: nothing in the plan handles it any more."""
        first = await bench.run_plan(plan_of(A, spec_of(name="rescue", after=[("a", "failed")])))
        await bench.end_next(failed())
        await bench.end_next()
        again = await bench.run_plan(plan_of(A, *rest))
        assert again.ids["a"] != first.ids["a"]
        await bench.drain(failed())
        assert (await bench.store.queue("plan")).state is QueueState.FAILED

    async def test_an_unnamed_failure_in_its_queue_fails_the_plan_until_it_is_run_again(self, bench: Bench) -> None:
        """A12: what is not in the file cannot be made anew; running the plan again sets it aside, its record stays."""
        await bench.run_plan(plan_of(A))
        stray = await bench.submit(project="/p", queue="plan", priority=1)
        await bench.end_next(failed())
        late = await bench.submit(project="/p", queue="plan", delay_s=60)
        await bench.end_next()
        await bench.store.cancel(late, ACTOR)
        assert (await bench.store.queue("plan")).state is QueueState.FAILED
        assert (await bench.run_plan(plan_of(A))).kept == 1
        assert (await bench.store.queue("plan")).state is QueueState.COMPLETED
        assert [(await bench.task(task)).superseded for task in (stray, late)] == [True, True]

    async def test_an_unnamed_task_that_waits_in_its_queue_goes_on_with_the_plan(self, bench: Bench) -> None:
        """Semantics, "Running a plan": waiting ones go on, and what completed stays."""
        await bench.run_plan(plan_of(A))
        done = await bench.submit(project="/p", queue="plan", priority=1)
        await bench.end_next()
        waits = await bench.submit(project="/p", queue="plan")
        again = await bench.run_plan(plan_of(A))
        assert await bench.drain() == [again.ids["a"], waits]
        assert not (await bench.task(done)).superseded

    async def test_what_fell_with_a_handled_failure_still_fails_the_plan(self, bench: Bench) -> None:
        """Semantics, "Dependencies": or a `dependency_failed` is left. Running it again tries the failure again."""
        plan = plan_of(A, B, spec_of(name="rescue", after=[("a", "failed")]))
        first = await bench.run_plan(plan)
        await bench.end_next(failed())
        await bench.drain()
        assert (await bench.store.queue("plan")).state is QueueState.FAILED
        again = await bench.run_plan(plan)
        assert (again.replaced, again.kept) == (3, 0)
        assert again.ids["a"] != first.ids["a"]
        await bench.drain()
        assert (await bench.store.queue("plan")).state is QueueState.COMPLETED

    async def test_a_skipped_rescue_is_no_failure_and_stays(self, bench: Bench) -> None:
        """Semantics: skipped is a cancellation reason that is no failure."""
        plan = plan_of(A, spec_of(name="rescue", after=[("a", "failed")]))
        await bench.run_plan(plan)
        await bench.drain()
        assert (await bench.store.queue("plan")).state is QueueState.COMPLETED
        assert (await bench.run_plan(plan)).kept == 2

    async def test_a_plan_is_refused_while_its_queue_stops(self, bench: Bench) -> None:
        """A52."""
        await bench.run_plan(plan_of(A))
        await bench.take()
        await bench.store.move_queue("plan", "stop", ACTOR)
        with pytest.raises(QueueStopping):
            await bench.run_plan(plan_of(A))

    async def test_a_standing_queue_is_not_for_plans(self, bench: Bench) -> None:
        """Its tasks are other people's."""
        await bench.store.make_queue("q", None, ACTOR)
        with pytest.raises(Conflict, match="standing"):
            await bench.run_plan(plan_of(A, queue="q", project=""))

    async def test_a_plan_after_a_reset_runs_anew(self, bench: Bench) -> None:
        """A13: what was cleared is not kept, also while the reset has pages left."""
        first = await bench.run_plan(plan_of(A, B))
        await bench.drain()
        await bench.store.move_queue("plan", "reset", ACTOR)
        again = await bench.run_plan(plan_of(A, B))
        await bench.settle()
        assert (again.new, again.kept) == (2, 0)
        assert not set(first.ids.values()) & set(again.ids.values())
        assert await bench.drain() == list(again.ids.values())

    async def test_the_plans_slots_hold_and_may_change(self, bench: Bench) -> None:
        """A30: with the next run of the plan."""
        specs = [spec_of(name=f"t{index}") for index in range(4)]
        await bench.run_plan(plan_of(*specs, slots=1))
        assert len(await bench.claim()) == 1
        await bench.run_plan(plan_of(*specs, slots=3))
        assert len(await bench.claim()) == 2

    async def test_an_empty_plan_completes_at_once(self, bench: Bench) -> None:
        """A7."""
        await bench.run_plan(plan_of())
        assert (await bench.store.queue("plan")).state is QueueState.COMPLETED
