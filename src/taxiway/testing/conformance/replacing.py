"""Retrying and removing: terminal tasks never change, and nobody is stranded (A22, A23, I8, I12)."""

from __future__ import annotations

from typing import Any

import pytest

from taxiway.core.errors import Conflict, NotFound
from taxiway.core.queue import QueueState
from taxiway.core.run import Cancelled, Completed, Failed, Lost
from taxiway.core.task import Reason, TaskState
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed, plan_of, spec_of


class Retrying(Suite):
    """A new task takes the place of one that failed or was cancelled."""

    async def test_a_failed_task_is_tried_again_as_a_new_one(self, bench: Bench) -> None:
        """I12: the old one stays as it ended; the new one counts anew."""
        old = await bench.submit(name="a", priority=4)
        await bench.end_next(failed())
        [new] = await bench.store.retry(old, ACTOR)
        found = await bench.task(new)
        assert (found.state, found.retry_of, found.attempt, found.spec.priority) == (TaskState.QUEUED, old, 0, 4)
        before = await bench.task(old)
        assert (before.state, before.superseded) == (TaskState.FAILED, True)
        assert await bench.drain() == [new]

    async def test_a_retry_of_what_was_replaced_names_what_stands_in_its_place(self, bench: Bench) -> None:
        """A20: the newest try, however often it was tried; and says so when there is none."""
        old = await bench.submit()
        await bench.end_next(failed())
        [second] = await bench.store.retry(old, ACTOR)
        await bench.end_next(failed())
        [third] = await bench.store.retry(second, ACTOR)
        with pytest.raises(Conflict, match=f"{old} was replaced by {third}, which is queued$") as refused:
            await bench.store.retry(old, ACTOR)
        assert refused.value.details["by"] == third
        await bench.end_next(failed())
        with pytest.raises(Conflict, match=f"replaced by {third}, which is failed; try that one again"):
            await bench.store.retry(second, ACTOR)
        assert await bench.store.remove(third, ACTOR)
        with pytest.raises(Conflict, match="nothing stands in its place"):
            await bench.store.retry(second, ACTOR)

    async def test_what_fell_with_it_is_tried_again_too(self, bench: Bench) -> None:
        """Semantics: and waits for the new parents."""
        a = await bench.submit(name="a")
        await bench.submit(name="b", after=["a"])
        await bench.submit(name="c", after=["b", "a"])
        await bench.end_next(failed())
        ids = await bench.store.retry(a, ACTOR)
        assert [(await bench.task(task)).spec.name for task in ids] == ["a", "b", "c"]
        assert (await bench.task(ids[2])).unmet == 2
        assert await bench.drain() == ids

    async def test_what_had_completed_beside_it_is_not_run_again(self, bench: Bench) -> None:
        """Semantics: only what fell."""
        a = await bench.submit(name="a")
        await bench.submit(name="rescue", after=[("a", "failed")])
        await bench.submit(name="always", after=[("a", "finished")])
        await bench.end_next(failed())
        await bench.drain()
        assert len(await bench.store.retry(a, ACTOR)) == 1

    async def test_crashes_count_anew(self, bench: Bench) -> None:
        """I13: a person said so."""
        old = await bench.submit()
        for _ in range(3):
            await bench.end_next(Lost())
        [new] = await bench.store.retry(old, ACTOR)
        assert (await bench.task(new)).crashes == 0
        assert await bench.drain() == [new]

    async def test_an_ended_plan_goes_on_with_the_retry(self, bench: Bench) -> None:
        """And ends anew with what comes of it."""
        admitted = await bench.run_plan(plan_of(spec_of(name="a"), spec_of(name="b", after=["a"])))
        await bench.drain(failed())
        await bench.store.retry(admitted.ids["a"], ACTOR)
        assert (await bench.store.queue("plan")).state is QueueState.RUNNING
        await bench.drain()
        assert (await bench.store.queue("plan")).state is QueueState.COMPLETED

    async def test_what_fell_in_another_plan_goes_on_there(self, bench: Bench) -> None:
        """I14: the queue of everything that is made anew runs again, not only that of the task itself."""
        a = await bench.submit(name="a")
        await bench.run_plan(plan_of(spec_of(name="p", delay_s=1)))
        await bench.submit(project="/p", queue="plan", name="b", after=[a])
        await bench.end_next(failed())
        await bench.pass_time(1)
        await bench.drain()
        assert (await bench.store.queue("plan")).state is QueueState.FAILED
        ids = await bench.store.retry(a, ACTOR)
        assert await bench.drain() == ids
        assert (await bench.store.queue("plan")).state is QueueState.COMPLETED

    @pytest.mark.parametrize("end", ["queued", "running", "completed"])
    async def test_only_what_failed_or_was_cancelled_is_tried_again(self, bench: Bench, end: str) -> None:
        """I12: the text says what it is instead."""
        task = await bench.submit()
        if end != "queued":
            run = await bench.take()
            if end == "completed":
                await bench.finish(run)
        with pytest.raises(Conflict, match=end):
            await bench.store.retry(task, ACTOR)

    async def test_a_task_is_replaced_once(self, bench: Bench) -> None:
        """Retrying what was replaced already is refused."""
        old = await bench.submit()
        await bench.end_next(failed())
        await bench.store.retry(old, ACTOR)
        with pytest.raises(Conflict):
            await bench.store.retry(old, ACTOR)

    async def test_what_would_fall_again_at_once_is_refused(self, bench: Bench) -> None:
        """A20: the text names the parent that must be tried first; nothing is made, the queue stays ended."""
        admitted = await bench.run_plan(plan_of(spec_of(name="a"), spec_of(name="b", after=["a"])))
        await bench.drain(failed())
        with pytest.raises(Conflict, match=admitted.ids["a"]):
            await bench.store.retry(admitted.ids["b"], ACTOR)
        assert (await bench.store.queue("plan")).state is QueueState.FAILED

    async def test_an_unknown_task_cannot_be_tried_again(self, bench: Bench) -> None:
        """B21."""
        with pytest.raises(NotFound):
            await bench.store.retry(bench.ids.new("task"), ACTOR)

    async def test_a_retried_task_does_not_take_over_the_key(self, bench: Bench) -> None:
        """I9: the key goes on standing for the task that it made."""
        old = await bench.submit(idempotency_key="k")
        await bench.end_next(failed())
        [new] = await bench.store.retry(old, ACTOR)
        assert (await bench.task(new)).spec.idempotency_key is None
        [answer] = await bench.submit_all(bench.new(idempotency_key="k"))
        assert (answer.id, answer.created) == (old, False)

    async def test_a_retried_task_reads_the_newest_try_of_its_parent(self, bench: Bench) -> None:
        """Semantics, "Running a plan": as running it again would have it; also where the parent was retried twice."""
        a = await bench.submit(name="a")
        always = await bench.submit(after=[(a, "finished")])
        for outcome in (failed(), failed()):
            await bench.end_next(outcome)
        [second] = await bench.store.retry(a, ACTOR)
        await bench.end_next(failed())
        [third] = await bench.store.retry(second, ACTOR)
        [again] = await bench.store.retry(always, ACTOR)
        assert await bench.standing(again) == (TaskState.BLOCKED, Reason.DEPENDENCY)
        assert await bench.end_next(Completed(output="new")) == third
        assert await bench.end_next() == again

    async def test_a_retried_task_takes_what_the_newest_try_of_its_parent_left(self, bench: Bench) -> None:
        """Semantics, "Templates": the output of the older try is what failed."""
        a = await bench.submit(name="a")
        reader = await bench.submit(after=[("a", "finished")], template=True, args={"text": "${{ a.output }}"})
        for outcome in (Failed(Reason.EXIT_CODE, "x", 1, output="old"), failed()):
            await bench.end_next(outcome)
        await bench.store.retry(a, ACTOR)
        await bench.end_next(Completed(output="new"))
        await bench.store.retry(reader, ACTOR)
        assert (await bench.take()).parents[0].output == "new"

    async def test_a_parent_without_a_newer_try_stays_the_parent(self, bench: Bench) -> None:
        """A13, A22: what a reset cleared has no successor, and a successor may be gone."""
        await bench.store.make_queue("q", None, ACTOR)
        cleared, retried = await bench.submit(queue="q"), await bench.submit()
        child = await bench.submit(after=[(cleared, "finished"), (retried, "finished")])
        await bench.drain(failed())
        await bench.store.move_queue("q", "stop", ACTOR)
        await bench.store.move_queue("q", "reset", ACTOR)
        [newer] = await bench.store.retry(retried, ACTOR)
        assert await bench.store.remove(newer, ACTOR)
        [again] = await bench.store.retry(child, ACTOR)
        assert await bench.drain() == [again]

    async def test_a_retry_that_the_newest_try_of_its_parent_makes_needless_is_refused(self, bench: Bench) -> None:
        """A20: a rescue is no more wanted once what it rescued has completed; the text names that try."""
        a = await bench.submit(name="a")
        rescue = await bench.submit(after=[(a, "failed")])
        await bench.drain(failed())
        [newer] = await bench.store.retry(a, ACTOR)
        await bench.drain()
        with pytest.raises(Conflict, match=f"{newer}.*completed") as refused:
            await bench.store.retry(rescue, ACTOR)
        assert refused.value.details["parent"] == newer

    async def test_a_join_of_two_failures_is_repaired_one_by_one(self, bench: Bench) -> None:
        """Semantics: after both were tried again, the join runs."""
        a, b = await bench.submit(name="a"), await bench.submit(name="b")
        await bench.submit(name="join", after=["a", "b"])
        for run in await bench.claim():
            await bench.finish(run, failed())
        [_, fallen] = await bench.store.retry(a, ACTOR)
        assert await bench.standing(fallen) == (TaskState.CANCELLED, Reason.DEPENDENCY_FAILED)
        [_, join] = await bench.store.retry(b, ACTOR)
        assert (await bench.drain())[-1] == join


class Removing(Suite):
    """Forgetting a task."""

    async def test_a_removed_task_is_gone_and_leaves_a_tombstone(self, bench: Bench) -> None:
        """A22: with its runs and its events."""
        task = await bench.submit()
        run = await bench.take()
        await bench.finish(run)
        assert await bench.store.remove(task, ACTOR)
        for read in (bench.store.task(task), bench.store.run(run.run), bench.store.events(run.run, 0, 10)):
            with pytest.raises(NotFound):
                await read
        last = (await bench.store.changes(0, 1000))[-1]
        assert (last.id, last.state, last.actor) == (task, "removed", ACTOR)

    async def test_a_running_task_is_not_removed(self, bench: Bench) -> None:
        """A22: false, and nothing is changed."""
        task = await bench.submit()
        await bench.take()
        version = await bench.store.last_version()
        assert not await bench.store.remove(task, ACTOR)
        assert await bench.store.last_version() == version

    async def test_an_unknown_task_is_not_found(self, bench: Bench) -> None:
        """A22: and no event."""
        version = await bench.store.last_version()
        with pytest.raises(NotFound):
            await bench.store.remove(bench.ids.new("task"), ACTOR)
        assert await bench.store.last_version() == version

    @pytest.mark.parametrize("waits", ["queued", "scheduled", "blocked"])
    async def test_a_waiting_task_is_removed_and_never_starts(self, bench: Bench, waits: str) -> None:
        """A22."""
        shapes: dict[str, dict[str, Any]] = {"queued": {}, "scheduled": {"delay_s": 1}, "blocked": {"after": ["p"]}}
        keeper = await bench.submit(name="p")
        task = await bench.submit(**shapes[waits])
        assert await bench.store.remove(task, ACTOR)
        await bench.pass_time(2)
        assert await bench.drain() == [keeper]

    async def test_removing_strands_nobody(self, bench: Bench) -> None:
        """A23, DA7: for those that waited, it ended as cancelled."""
        parent = await bench.submit(name="p")
        child = await bench.submit(name="c", after=["p"])
        grandchild = await bench.submit(after=["c"])
        always = await bench.submit(after=[("p", "finished")])
        assert await bench.store.remove(parent, ACTOR)
        await bench.settle()
        for task in (child, grandchild):
            assert await bench.standing(task) == (TaskState.CANCELLED, Reason.DEPENDENCY_FAILED)
        assert await bench.drain() == [always]

    async def test_removing_an_ended_task_changes_nothing_for_its_dependents(self, bench: Bench) -> None:
        """A23: for them it ended as it stands."""
        parent = await bench.submit(name="p")
        other = await bench.submit(name="o")
        child = await bench.submit(after=["p", "o"])
        await bench.end_next()
        assert await bench.store.remove(parent, ACTOR)
        assert await bench.drain() == [other, child]

    @pytest.mark.parametrize("moment", ["waits", "runs", "backs off"])
    async def test_a_parent_whose_output_an_open_child_reads_is_not_removed(self, bench: Bench, moment: str) -> None:
        """A23: the text names the child, and nothing is changed; once the child has ended, it may go."""
        reader: dict[str, Any] = {"job": "echo", "args": {"text": "${{ p.output }}"}, "template": True}
        parent = await bench.submit(name="p")
        await bench.end_next(Completed(output="found"))
        child = await bench.submit(name="reader", after=["p"], retries=1, **reader)
        if moment != "waits":
            run = await bench.take()
            assert run.parents[0].output == "found"
        if moment == "backs off":
            await bench.finish(run, failed())
        version = await bench.store.last_version()
        with pytest.raises(Conflict, match="'reader'") as refused:
            await bench.store.remove(parent, ACTOR)
        assert refused.value.details["child"] == child
        assert await bench.store.last_version() == version
        await bench.store.cancel(child, ACTOR)
        if moment == "runs":
            await bench.finish(run, Cancelled(Reason.REQUESTED))
        assert await bench.store.remove(parent, ACTOR)

    async def test_a_child_that_goes_on_without_its_parent_keeps_what_it_reads(self, bench: Bench) -> None:
        """A23: it would start without knowing its parent at all; a cancel of the parent leaves it the empty text."""
        parent = await bench.submit(name="p", delay_s=60)
        reader: dict[str, Any] = {"args": {"text": "${{ p.output }}"}, "template": True}
        await bench.submit(after=[("p", "finished")], **reader)
        fallen = await bench.submit(after=["p"], **reader)
        with pytest.raises(Conflict, match="reads"):
            await bench.store.remove(parent, ACTOR)
        assert (await bench.standing(fallen))[0] is TaskState.BLOCKED

    async def test_a_parent_that_a_child_only_waited_for_is_removed(self, bench: Bench) -> None:
        """A23: what reads another task's output, or writes `$${{`, takes nothing of this one."""
        waited, read = await bench.submit(name="w"), await bench.submit(name="r")
        await bench.drain(Completed(output="x"))
        args = {"text": "${{ r.output }} $${{ w.output }}"}
        await bench.submit(after=["w", "r"], args=args, template=True)
        assert await bench.store.remove(waited, ACTOR)
        with pytest.raises(Conflict):
            await bench.store.remove(read, ACTOR)

    async def test_a_task_that_many_wait_for_can_be_removed(self, bench: Bench) -> None:
        """A23: more of them than one page holds."""
        parent = await bench.submit(name="p")
        children = [bench.new(after=["p"]) for _ in range(1_100)]
        await bench.submit_all(*children)
        assert await bench.store.remove(parent, ACTOR)
        await bench.settle()
        assert (await bench.store.queue_stats("default")).by_reason == {"cancelled/dependency_failed": 1_100}

    async def test_removing_the_head_lets_the_next_one_through(self, bench: Bench) -> None:
        """I14."""
        head, behind = await bench.submit(priority=1), await bench.submit()
        await bench.store.remove(head, ACTOR)
        assert [run.task for run in await bench.claim()] == [behind]

    async def test_a_removed_tasks_key_is_free_again(self, bench: Bench) -> None:
        """I9: for as long as the task exists."""
        task = await bench.submit(idempotency_key="k")
        await bench.store.remove(task, ACTOR)
        assert (await bench.submit_all(bench.new(idempotency_key="k")))[0].created

    async def test_a_submission_number_is_never_given_twice(self, bench: Bench) -> None:
        """A22, A24: not even that of the newest task, once it is gone; sweeps and cursors end at such numbers."""
        first, newest = await bench.submit(), await bench.submit()
        number = (await bench.task(newest)).seq
        for task in (newest, first):
            assert await bench.store.remove(task, ACTOR)
        await bench.fail_once()
        again = await bench.submit()
        assert (await bench.task(again)).seq == number + 1

    async def test_removing_one_task_frees_no_key_of_another(self, bench: Bench) -> None:
        """I9: a plan's task may have been written with the same key."""
        await bench.submit(project="/p", idempotency_key="k")
        plan = await bench.run_plan(plan_of(spec_of(name="a", idempotency_key="k")))
        await bench.store.remove(plan.ids["a"], ACTOR)
        [answer] = await bench.submit_all(bench.new("/p", idempotency_key="k"))
        assert not answer.created

    async def test_a_fallen_task_whose_parent_was_removed_can_be_tried_again(self, bench: Bench) -> None:
        """A23: what it waited for is not there any more."""
        parent = await bench.submit(name="p")
        child = await bench.submit(after=["p"])
        await bench.store.remove(parent, ACTOR)
        [new] = await bench.store.retry(child, ACTOR)
        run = await bench.take()
        assert run.task == new
        assert (await bench.finish(run, Completed())).applied
