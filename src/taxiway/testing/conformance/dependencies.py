"""Dependencies: the whole table, all-of joins, and ends that reach every descendant (A16-A20, I8)."""

from __future__ import annotations

import pytest

from taxiway.core.run import Cancelled, Completed, Failed
from taxiway.core.task import Condition, Reason, TaskState
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed

READY = (TaskState.QUEUED, None)
FELL = (TaskState.CANCELLED, Reason.DEPENDENCY_FAILED)
SKIPPED = (TaskState.CANCELLED, Reason.SKIPPED)

#: How a parent ends, what its dependent wants, and what becomes of the dependent (semantics, "Dependencies").
TABLE = [
    ("completed", Condition.COMPLETED, READY),
    ("completed", Condition.FAILED, SKIPPED),
    ("completed", Condition.FINISHED, READY),
    ("failed", Condition.COMPLETED, FELL),
    ("failed", Condition.FAILED, READY),
    ("failed", Condition.FINISHED, READY),
    ("cancelled", Condition.COMPLETED, FELL),
    ("cancelled", Condition.FAILED, SKIPPED),
    ("cancelled", Condition.FINISHED, READY),
    ("skipped", Condition.COMPLETED, SKIPPED),
    ("skipped", Condition.FAILED, SKIPPED),
    ("skipped", Condition.FINISHED, READY),
]


class Depending(Suite):
    """What a task's end does to those that wait for it."""

    async def _parent(self, bench: Bench, end: str) -> tuple[str, str]:
        """A parent that will end so, and the task whose end brings it about."""
        if end != "skipped":
            parent = await bench.submit(name="parent")
            return parent, parent
        first = await bench.submit(name="first")
        return await bench.submit(name="parent", after=[("first", "failed")]), first

    async def _end(self, bench: Bench, task: str, end: str) -> None:
        if end == "cancelled":
            await bench.store.cancel(task, ACTOR)
        else:
            await bench.end_next(failed() if end == "failed" else Completed())

    @pytest.mark.parametrize(("end", "wanted", "becomes"), TABLE)
    async def test_a_waiting_dependent_becomes_what_the_table_says(
        self, bench: Bench, end: str, wanted: Condition, becomes: tuple[TaskState, Reason | None]
    ) -> None:
        """A19, A20, I8: the parent ends while its dependent waits."""
        _, mover = await self._parent(bench, end)
        child = await bench.submit(after=[("parent", wanted)])
        assert await bench.standing(child) == (TaskState.BLOCKED, Reason.DEPENDENCY)
        await self._end(bench, mover, end)
        assert await bench.standing(child) == becomes

    @pytest.mark.parametrize(("end", "wanted", "becomes"), TABLE)
    async def test_a_late_dependent_becomes_what_the_table_says(
        self, bench: Bench, end: str, wanted: Condition, becomes: tuple[TaskState, Reason | None]
    ) -> None:
        """A16, A17, I8: the parent had ended before its dependent came."""
        parent, mover = await self._parent(bench, end)
        await self._end(bench, mover, end)
        assert await bench.standing(await bench.submit(after=[(parent, wanted)])) == becomes

    async def test_a_join_waits_for_all_its_parents(self, bench: Bench) -> None:
        """A19: the last one counts, whichever it is."""
        parents = [await bench.submit() for _ in range(5)]
        child = await bench.submit(after=parents)
        for left in range(5, 0, -1):
            assert (await bench.task(child)).unmet == left
            assert (await bench.standing(child))[0] is TaskState.BLOCKED
            await bench.end_next()
        assert await bench.standing(child) == READY

    async def test_a_join_falls_with_the_first_parent_that_lets_it_down(self, bench: Bench) -> None:
        """A20: the others may still run, and end without harm."""
        await bench.submit(name="a")
        await bench.submit(name="b")
        child = await bench.submit(after=["a", "b"])
        first, second = await bench.claim(2)
        await bench.finish(first, failed())
        fallen = await bench.task(child)
        assert (fallen.state, fallen.reason, fallen.error) == (*FELL, "Dependency failed or was cancelled")
        await bench.finish(second)
        assert await bench.standing(child) == FELL

    async def test_a_fall_reaches_every_descendant(self, bench: Bench) -> None:
        """A20, DA5: transitively, whatever the order."""
        await bench.submit(name="t0")
        chain = [await bench.submit(name=f"t{depth}", after=[f"t{depth - 1}"]) for depth in range(1, 30)]
        await bench.end_next(failed())
        assert {await bench.standing(task) for task in chain} == {FELL}
        assert (await bench.store.queue("default")).open == 0

    async def test_a_retried_failure_lets_nobody_down(self, bench: Bench) -> None:
        """I8: only the end counts, not an attempt."""
        await bench.submit(name="p", retries=1)
        child = await bench.submit(after=["p"])
        await bench.end_next(failed())
        assert (await bench.standing(child))[0] is TaskState.BLOCKED
        await bench.pass_time(10)
        await bench.end_next()
        assert await bench.standing(child) == READY

    async def test_a_dependent_becomes_ready_exactly_once(self, bench: Bench) -> None:
        """I8: late and stale reports of the parent count nothing down again."""
        await bench.submit(name="p")
        await bench.submit(name="other")
        child = await bench.submit(after=["p", "other"])
        run = await bench.take()
        assert (await bench.finish(run)).applied
        assert not (await bench.finish(run)).applied
        assert not (await bench.finish(run, Failed(Reason.EXIT_CODE, "late"))).applied
        assert (await bench.task(child)).unmet == 1

    async def test_a_dependent_of_another_queue_is_released_too(self, bench: Bench) -> None:
        """I8: by id, over queues."""
        await bench.store.make_queue("q", None, ACTOR)
        parent = await bench.submit()
        child = await bench.submit(queue="q", after=[parent])
        await bench.end_next()
        assert await bench.standing(child) == READY

    async def test_a_delay_counts_from_submission_also_behind_a_parent(self, bench: Bench) -> None:
        """Semantics, "Configuration": delay counts from submission; the parent took less, so the rest remains."""
        await bench.submit(name="p")
        child = await bench.submit(after=["p"], delay_s=10)
        bench.clock.advance(4)
        await bench.end_next()
        found = await bench.task(child)
        assert (found.state, found.reason) == (TaskState.SCHEDULED, Reason.DELAY)
        assert found.due_at == found.created_at + 10_000
        assert await bench.pass_time(6) == 1
        assert await bench.standing(child) == READY

    async def test_a_delay_that_is_over_when_the_parent_ends_holds_nothing(self, bench: Bench) -> None:
        """Semantics, "Configuration"."""
        await bench.submit(name="p")
        child = await bench.submit(after=["p"], delay_s=10)
        bench.clock.advance(11)
        await bench.end_next()
        assert await bench.standing(child) == READY

    async def test_what_a_parent_left_travels_with_the_claim(self, bench: Bench) -> None:
        """Semantics, "Templates": output, result, exit code and state, by the name that the child uses."""
        await bench.submit(name="p")
        await bench.submit(template=True, after=[("p", "finished")])
        await bench.end_next(Completed(output="text", result={"n": [1]}, exit_code=0))
        [parent] = (await bench.take()).parents
        assert (parent.name, parent.state, parent.output) == ("p", TaskState.COMPLETED, "text")
        assert (parent.result, parent.exit_code) == ({"n": [1]}, 0)

    async def test_a_cancelled_run_lets_its_dependents_down_when_it_has_ended(self, bench: Bench) -> None:
        """B24, I6: not before its processes are gone."""
        parent = await bench.submit(name="p")
        child = await bench.submit(after=["p"])
        run = await bench.take()
        await bench.store.cancel(parent, ACTOR)
        assert (await bench.standing(child))[0] is TaskState.BLOCKED
        await bench.finish(run, Cancelled(Reason.REQUESTED))
        assert await bench.standing(child) == FELL
