"""Queues: six states, every legal and every illegal move, stops, resets and ends by themselves (A1-A14, A46-A50)."""

from __future__ import annotations

import re

import pytest

from taxiway.core.errors import Conflict, IllegalTransition, Invalid, NotFound, QueueEnded
from taxiway.core.queue import QueueState
from taxiway.core.run import Cancelled, Completed, Outcome, Released
from taxiway.core.task import Reason, TaskState
from taxiway.store.protocol import TaskFilter
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed, plan_of, spec_of

#: Verb by verb, from which states it leads where (semantics, "Queues").
LEGAL = {
    ("idle", "start"): "running",
    ("idle", "resume"): "running",
    ("running", "pause"): "paused",
    ("running", "stop"): "stopping",
    ("paused", "start"): "running",
    ("paused", "resume"): "running",
    ("paused", "stop"): "stopping",
    ("completed", "reset"): "idle",
    ("failed", "reset"): "idle",
}
VERBS = ("start", "pause", "resume", "stop", "reset")


class Queueing(Suite):
    """The state machine of a queue, over one plan's queue with work in it."""

    async def _queue_in(self, bench: Bench, state: QueueState) -> None:
        """Bring the plan's queue into a state; while it is not ended, one task runs and one waits."""
        await bench.run_plan(plan_of(spec_of(name="a"), spec_of(name="b", after=["a"])))
        match state:
            case QueueState.RUNNING | QueueState.PAUSED | QueueState.STOPPING:
                await bench.take()
                if state is not QueueState.RUNNING:
                    await bench.store.move_queue("plan", {"paused": "pause", "stopping": "stop"}[state], ACTOR)
            case QueueState.COMPLETED:
                await bench.drain()
            case QueueState.FAILED:
                await bench.drain(failed())
            case QueueState.IDLE:
                await bench.drain()
                await bench.store.move_queue("plan", "reset", ACTOR)
                await bench.submit(project="/p", queue="plan")
        assert (await bench.store.queue("plan")).state is state

    async def test_a_standing_queue_that_was_stopped_is_opened_again_as_its_refusal_says(self, bench: Bench) -> None:
        """A52: the refusal of a submit names the verbs, and they lead back to work."""
        await bench.store.move_queue("default", "stop", ACTOR)
        with pytest.raises(QueueEnded) as refused:
            await bench.submit()
        for verb in re.findall(r"'taxiway queue (\w+) default'", refused.value.message):
            await bench.store.move_queue("default", verb, ACTOR)
        task = await bench.submit()
        assert await bench.drain() == [task]

    async def test_a_refused_move_names_the_verb_that_helps(self, bench: Bench) -> None:
        """A3: beside the states."""
        await bench.store.move_queue("default", "pause", ACTOR)
        with pytest.raises(IllegalTransition, match="taxiway queue resume default"):
            await bench.store.move_queue("default", "pause", ACTOR)

    @pytest.mark.parametrize("verb", VERBS)
    @pytest.mark.parametrize("state", QueueState)
    async def test_every_move_is_in_the_table_or_is_refused(self, bench: Bench, state: QueueState, verb: str) -> None:
        """A3, A6, A13: an illegal one names both states and what is allowed, and changes nothing."""
        await self._queue_in(bench, state)
        before = await bench.store.last_version()
        wanted = LEGAL.get((state, verb))
        if wanted is not None:
            assert (await bench.store.move_queue("plan", verb, ACTOR)).state == wanted
            return
        with pytest.raises(IllegalTransition, match=f"Invalid state transition: {state} -> .*allowed"):
            await bench.store.move_queue("plan", verb, ACTOR)
        assert await bench.store.last_version() == before
        assert (await bench.store.queue("plan")).state is state

    async def test_an_unknown_verb_is_refused(self, bench: Bench) -> None:
        """A3: with those that there are."""
        with pytest.raises(Invalid, match="start"):
            await bench.store.move_queue("default", "explode", ACTOR)

    async def test_a_new_standing_queue_runs_and_is_empty(self, bench: Bench) -> None:
        """A1, semantics, "Queues": a standing queue is started when it is made."""
        made = await bench.store.make_queue("q", 3, ACTOR)
        assert (made.state, made.standing, made.slots, made.open) == (QueueState.RUNNING, True, 3, 0)
        assert made.created_at == bench.clock.now_ms()
        assert {queue.name for queue in await bench.store.queues()} == {"default", "q"}

    async def test_a_queue_is_made_once(self, bench: Bench) -> None:
        """A second one of that name is a conflict."""
        with pytest.raises(Conflict):
            await bench.store.make_queue("default", None, ACTOR)

    async def test_an_unknown_queue_is_not_found(self, bench: Bench) -> None:
        """Decision 14: with the nearest name."""
        with pytest.raises(NotFound, match="default"):
            await bench.store.queue("defalt")

    async def test_a_standing_queue_stays_running_when_it_is_empty(self, bench: Bench) -> None:
        """Surface, section 2."""
        await bench.submit()
        await bench.drain()
        assert (await bench.store.queue("default")).state is QueueState.RUNNING

    async def test_what_runs_goes_on_when_its_queue_pauses(self, bench: Bench) -> None:
        """A8, I15: to its end, and nothing new starts."""
        first = await bench.submit()
        await bench.submit()
        run = (await bench.claim(1))[0]
        await bench.store.move_queue("default", "pause", ACTOR)
        assert await bench.claim() == []
        await bench.finish(run)
        assert await bench.standing(first) == (TaskState.COMPLETED, None)
        assert await bench.claim() == []

    async def test_resume_starts_exactly_what_was_ready(self, bench: Bench) -> None:
        """A9, I15: with what became ready meanwhile, in order."""
        await bench.submit(name="p")
        child = await bench.submit(after=["p"], priority=5)
        run = await bench.take()
        late = await bench.submit(delay_s=1)
        await bench.store.move_queue("default", "pause", ACTOR)
        await bench.finish(run)
        await bench.pass_time(1)
        await bench.store.move_queue("default", "resume", ACTOR)
        assert [run.task for run in await bench.claim()] == [child, late]

    async def test_a_full_queue_that_pauses_and_resumes_is_still_full(self, bench: Bench) -> None:
        """I3, I14: and healthy at every step."""
        await bench.store.make_queue("q", 1, ACTOR)
        for _ in range(2):
            await bench.submit(queue="q")
        [run] = await bench.claim()
        for verb in ("pause", "resume"):
            await bench.store.move_queue("q", verb, ACTOR)
            assert await bench.store.check() == []
        assert await bench.claim() == []
        await bench.finish(run)
        assert len(await bench.claim()) == 1

    async def test_a_plan_that_ended_while_it_was_paused_ends_with_the_resume(self, bench: Bench) -> None:
        """A9."""
        await bench.run_plan(plan_of(spec_of(name="a")))
        run = await bench.take()
        await bench.store.move_queue("plan", "pause", ACTOR)
        await bench.finish(run)
        assert (await bench.store.queue("plan")).state is QueueState.PAUSED
        assert (await bench.store.move_queue("plan", "resume", ACTOR)).state is QueueState.COMPLETED

    @pytest.mark.parametrize(("outcome", "end"), [(Completed(), "completed"), (failed(), "failed")])
    async def test_a_plans_queue_ends_by_itself(self, bench: Bench, outcome: Outcome, end: str) -> None:
        """A12: when all is terminal, failed if an unhandled failure is left."""
        await bench.run_plan(plan_of(spec_of(name="a"), spec_of(name="b")))
        run, other = await bench.claim()
        await bench.finish(run, outcome)
        assert (await bench.store.queue("plan")).state is QueueState.RUNNING
        await bench.finish(other)
        assert (await bench.store.queue("plan")).state == end

    async def test_a_plan_whose_tasks_were_cancelled_has_not_failed(self, bench: Bench) -> None:
        """A12: cancelled by a person is no failure."""
        admitted = await bench.run_plan(plan_of(spec_of(name="a")))
        await bench.store.cancel(admitted.ids["a"], ACTOR)
        assert (await bench.store.queue("plan")).state is QueueState.COMPLETED

    async def test_a_stop_cancels_what_waits_and_waits_for_what_runs(self, bench: Bench) -> None:
        """A10, decision 9: each with a reason, and an announcement for each (A11)."""
        await bench.store.make_queue("q", None, ACTOR)
        running = await bench.submit(queue="q", name="r")
        run = await bench.take()
        waiting = [await bench.submit(queue="q", **more) for more in ({}, {"delay_s": 9}, {"after": ["r"]})]
        assert (await bench.store.move_queue("q", "stop", ACTOR)).state is QueueState.STOPPING
        await bench.settle()
        for task in waiting:
            found = await bench.task(task)
            assert (found.state, found.reason) == (TaskState.CANCELLED, Reason.QUEUE_STOPPED)
            assert found.error
        assert await bench.standing(running) == (TaskState.RUNNING, None)
        await bench.finish(run)
        assert (await bench.store.queue("q")).state is QueueState.COMPLETED
        announced = {change.id for change in await bench.store.changes(0, 1000) if change.state == "cancelled"}
        assert announced == set(waiting)

    async def test_a_stopped_queue_has_failed_if_any_task_failed(self, bench: Bench) -> None:
        """A10: also one that failed before the stop."""
        await bench.store.make_queue("q", None, ACTOR)
        await bench.submit(queue="q")
        await bench.end_next(failed())
        await bench.submit(queue="q")
        await bench.store.move_queue("q", "stop", ACTOR)
        await bench.settle()
        assert (await bench.store.queue("q")).state is QueueState.FAILED

    async def test_stopping_an_empty_queue_ends_it_at_once(self, bench: Bench) -> None:
        """A10."""
        await bench.store.make_queue("q", None, ACTOR)
        assert (await bench.store.move_queue("q", "stop", ACTOR)).state is QueueState.COMPLETED

    @pytest.mark.parametrize("outcome", [failed(), Released()])
    async def test_nothing_goes_back_to_waiting_in_a_stopping_queue(self, bench: Bench, outcome: Outcome) -> None:
        """A10: a retry or a release ends as the others did."""
        await bench.store.make_queue("q", None, ACTOR)
        task = await bench.submit(queue="q", retries=5)
        run = await bench.take()
        await bench.store.move_queue("q", "stop", ACTOR)
        await bench.settle()
        await bench.finish(run, outcome)
        assert await bench.standing(task) == (TaskState.CANCELLED, Reason.QUEUE_STOPPED)
        assert (await bench.store.queue("q")).state is QueueState.COMPLETED

    async def test_a_paused_queue_may_be_stopped(self, bench: Bench) -> None:
        """A10."""
        await bench.store.make_queue("q", None, ACTOR)
        task = await bench.submit(queue="q")
        await bench.store.move_queue("q", "pause", ACTOR)
        await bench.store.move_queue("q", "stop", ACTOR)
        await bench.settle()
        assert await bench.standing(task) == (TaskState.CANCELLED, Reason.QUEUE_STOPPED)
        assert (await bench.store.queue("q")).state is QueueState.COMPLETED

    async def test_a_reset_clears_the_queue_and_forgets_nothing(self, bench: Bench) -> None:
        """A13: the list is empty, the tasks are still there, the queue is idle."""
        await self._queue_in(bench, QueueState.FAILED)
        await bench.store.move_queue("plan", "reset", ACTOR)
        await bench.settle()
        assert (await bench.store.queue("plan")).state is QueueState.IDLE
        assert (await bench.store.tasks(TaskFilter(queue="plan"), 10, None)).items == []
        assert len((await bench.store.tasks(TaskFilter(queue="plan", superseded=True), 10, None)).items) == 2
        assert (await bench.store.queue_stats("plan")).total == 0

    async def test_what_comes_after_a_reset_is_not_cleared_by_it(self, bench: Bench) -> None:
        """A5, A13: however many pages the reset has left."""
        specs = [spec_of(name=f"t{index}") for index in range(1_100)]
        await bench.run_plan(plan_of(*specs))
        await bench.store.cancel_all(ACTOR)
        await bench.settle()
        await bench.store.move_queue("plan", "reset", ACTOR)
        kept = await bench.submit(project="/p", queue="plan", name="t1099")
        await bench.settle()
        page = await bench.store.tasks(TaskFilter(queue="plan"), 10, None)
        assert [task.id for task in page.items] == [kept]

    async def test_an_idle_queue_keeps_what_comes_until_it_is_started(self, bench: Bench) -> None:
        """A4, A5, A14."""
        await self._queue_in(bench, QueueState.IDLE)
        assert await bench.claim() == []
        await bench.store.move_queue("plan", "start", ACTOR)
        assert len(await bench.claim()) == 1

    async def test_starting_an_empty_plan_queue_completes_it_at_once(self, bench: Bench) -> None:
        """A7."""
        await self._queue_in(bench, QueueState.COMPLETED)
        await bench.store.move_queue("plan", "reset", ACTOR)
        assert (await bench.store.move_queue("plan", "start", ACTOR)).state is QueueState.COMPLETED

    async def test_removing_the_last_open_task_lets_the_queue_end(self, bench: Bench) -> None:
        """A23."""
        admitted = await bench.run_plan(plan_of(spec_of(name="a"), spec_of(name="b", delay_s=60)))
        await bench.end_next()
        assert await bench.store.remove(admitted.ids["b"], ACTOR)
        assert (await bench.store.queue("plan")).state is QueueState.COMPLETED

    async def test_a_name_that_several_projects_use_must_be_told_apart(self, bench: Bench) -> None:
        """Semantics, "Queues"."""
        for project in ("/one", "/two"):
            await bench.run_plan(plan_of(spec_of(name="a"), project=project))
        with pytest.raises(Conflict, match="/one, /two"):
            await bench.store.queue("plan")
        assert (await bench.store.queue("plan", "/two")).project == "/two"

    async def test_stats_count_by_state_reason_and_lane(self, bench: Bench) -> None:
        """C48, A46: what newer tasks replaced does not count."""
        await bench.store.set_lane("x", 5, ACTOR)
        await bench.submit(lane="x")
        await bench.submit(delay_s=5)
        fell = await bench.submit(priority=9)
        await bench.end_next(failed())
        await bench.claim(1)
        await bench.store.retry(fell, ACTOR)
        stats = await bench.store.queue_stats("default")
        assert stats.by_state == {"running": 1, "scheduled": 1, "queued": 1}
        assert stats.by_reason == {"scheduled/delay": 1}
        assert stats.by_lane == {"x": 1, "main": 2}
        assert (stats.total, stats.live) == (3, 1)
        assert stats.max_version == await bench.store.last_version()

    async def test_a_queue_tells_of_each_of_its_moves(self, bench: Bench) -> None:
        """A47, A50: the last state of a queue is always in the change log."""
        await bench.run_plan(plan_of(spec_of(name="a")))
        await bench.store.move_queue("plan", "pause", ACTOR)
        await bench.store.move_queue("plan", "resume", ACTOR)
        await bench.drain()
        await bench.store.move_queue("plan", "reset", ACTOR)
        moves = [change.state for change in await bench.store.changes(0, 1000) if change.id == "plan"]
        assert moves == ["idle", "running", "paused", "running", "completed", "idle"]

    async def test_a_cancelled_run_in_a_stopping_queue_ends_it(self, bench: Bench) -> None:
        """A10, B24."""
        await bench.store.make_queue("q", None, ACTOR)
        task = await bench.submit(queue="q")
        run = await bench.take()
        await bench.store.cancel(task, ACTOR)
        await bench.store.move_queue("q", "stop", ACTOR)
        await bench.finish(run, Cancelled(Reason.REQUESTED))
        assert (await bench.store.queue("q")).state is QueueState.COMPLETED
