"""Cancelling: what waits ends at once, what runs is asked to, what has ended stays (B21-B26, I6, I15)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from taxiway.core.errors import NotFound
from taxiway.core.run import Cancelled, Completed, Deferred, Lost, Outcome, Released, RunState, StopCause
from taxiway.core.task import Reason, TaskState
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed

CANCELLED = (TaskState.CANCELLED, Reason.REQUESTED)


class Cancelling(Suite):
    """What a cancel does, and what it answers."""

    async def test_cancelling_what_nobody_knows_is_not_found(self, bench: Bench) -> None:
        """B21."""
        with pytest.raises(NotFound):
            await bench.store.cancel(bench.ids.new("task"), ACTOR)

    @pytest.mark.parametrize("waits", ["queued", "scheduled", "blocked"])
    async def test_a_waiting_task_ends_at_once_and_never_starts(self, bench: Bench, waits: str) -> None:
        """B21, I15: the answer shows it ended."""
        fields: dict[str, Any] = {}
        if waits == "scheduled":
            fields["delay_s"] = 1
        if waits == "blocked":
            fields["after"] = [await bench.submit(name="p", position=9)]
        task = await bench.submit(**fields)
        answer = await bench.store.cancel(task, ACTOR)
        assert (answer.state, answer.reason, answer.finished_at) == (*CANCELLED, bench.clock.now_ms())
        await bench.pass_time(10)
        assert task not in await bench.drain()

    async def test_a_running_task_is_asked_to_end(self, bench: Bench) -> None:
        """B22, I6: it is cancelled only when its run has ended."""
        task = await bench.submit()
        run = await bench.take()
        answer = await bench.store.cancel(task, ACTOR)
        assert (answer.state, answer.reason) == (TaskState.RUNNING, Reason.CANCELLING)
        assert (await bench.store.run(run.run)).state is RunState.STOPPING
        [request] = await bench.store.stop_requests(bench.runner)
        assert (request.run, request.fence, request.cause) == (run.run, run.fence, StopCause.CANCEL)
        await bench.finish(run, Cancelled(Reason.REQUESTED))
        assert await bench.standing(task) == CANCELLED
        assert await bench.store.stop_requests(bench.runner) == []

    @pytest.mark.parametrize("outcome", [Completed(), failed()])
    async def test_an_ended_task_is_left_as_it_is(self, bench: Bench, outcome: Outcome) -> None:
        """B25, DB9: nothing is changed, not even the change log."""
        task = await bench.submit()
        await bench.end_next(outcome)
        before, version = await bench.task(task), await bench.store.last_version()
        assert await bench.store.cancel(task, ACTOR) == before
        assert await bench.store.last_version() == version

    async def test_cancelling_twice_is_cancelling_once(self, bench: Bench) -> None:
        """B25, I15: waiting or running."""
        waiting, running = await bench.submit(position=2), await bench.submit(position=1)
        run = await bench.take()
        for task in (waiting, running):
            await bench.store.cancel(task, ACTOR)
            version = await bench.store.last_version()
            await bench.store.cancel(task, ACTOR)
            assert await bench.store.last_version() == version
        await bench.finish(run, Cancelled(Reason.REQUESTED))

    @pytest.mark.parametrize(
        "outcome",
        [Lost(), Released(), Deferred("x"), failed(), Cancelled(Reason.REQUESTED)],
        ids=lambda one: type(one).__name__,
    )
    async def test_a_cancelled_run_never_comes_back(self, bench: Bench, outcome: Outcome) -> None:
        """B24, B26, I6: what would go back to waiting is cancelled."""
        task = await bench.submit(retries=5)
        run = await bench.take()
        await bench.store.cancel(task, ACTOR)
        await bench.finish(run, outcome)
        assert await bench.standing(task) == CANCELLED
        assert await bench.pass_time(1_000) == 0

    async def test_a_result_that_came_before_the_stop_wins(self, bench: Bench) -> None:
        """Decision 5."""
        task = await bench.submit()
        run = await bench.take()
        await bench.store.cancel(task, ACTOR)
        await bench.finish(run, Completed(output="done"))
        found = await bench.task(task)
        assert (found.state, found.reason, found.output) == (TaskState.COMPLETED, None, "done")

    async def test_a_failure_without_attempts_left_stays_a_failure(self, bench: Bench) -> None:
        """Decision 5: it had ended by itself."""
        task = await bench.submit()
        run = await bench.take()
        await bench.store.cancel(task, ACTOR)
        await bench.finish(run, failed())
        assert await bench.standing(task) == (TaskState.FAILED, Reason.EXIT_CODE)

    async def test_cancel_and_finish_that_race_give_one_outcome(self, bench: Bench) -> None:
        """I15: exactly one, and the cancel's answer says which."""
        for _ in range(20):
            task = await bench.submit()
            run = await bench.take()
            answer, _ = await asyncio.gather(bench.store.cancel(task, ACTOR), bench.finish(run))
            assert (answer.state, answer.reason) in (
                (TaskState.COMPLETED, None),
                (TaskState.RUNNING, Reason.CANCELLING),
            )
            assert await bench.standing(task) == (TaskState.COMPLETED, None)

    async def test_cancel_and_claim_that_race_leave_no_ghost(self, bench: Bench) -> None:
        """I6, I15: cancelled before it started, or running and asked to stop."""
        for _ in range(20):
            task = await bench.submit()
            answer, claimed = await asyncio.gather(bench.store.cancel(task, ACTOR), bench.claim())
            if claimed:
                assert (answer.state, answer.reason) == (TaskState.RUNNING, Reason.CANCELLING)
                await bench.finish(claimed[0], Cancelled(Reason.REQUESTED))
            assert await bench.standing(task) == CANCELLED

    async def test_cancelling_the_head_of_a_lane_lets_the_next_one_through(self, bench: Bench) -> None:
        """I14: order goes on behind it."""
        first, second, third = [await bench.submit(priority=priority) for priority in (2, 1, 0)]
        await bench.store.cancel(first, ACTOR)
        assert [run.task for run in await bench.claim()] == [second, third]

    async def test_everything_can_be_cancelled_at_once(self, bench: Bench) -> None:
        """I6: what waits ends, what runs is asked to; the answer counts both."""
        await bench.submit(name="p")
        tasks = [await bench.submit(after=["p"]), await bench.submit(delay_s=9), await bench.submit(position=5)]
        run = (await bench.claim(1))[0]
        assert await bench.store.cancel_all(ACTOR) == 4
        await bench.settle()
        assert {(await bench.standing(task))[0] for task in tasks} == {TaskState.CANCELLED}
        assert [request.run for request in await bench.store.stop_requests(bench.runner)] == [run.run]
        await bench.finish(run, Cancelled(Reason.REQUESTED))
        assert (await bench.store.queue("default")).open == 0

    async def test_cancelling_a_queue_leaves_the_others_alone(self, bench: Bench) -> None:
        """I6."""
        await bench.store.make_queue("q", None, ACTOR)
        gone, stays = await bench.submit(queue="q"), await bench.submit()
        assert await bench.store.cancel_all(ACTOR, "q") == 1
        await bench.settle()
        assert await bench.standing(gone) == CANCELLED
        assert await bench.drain() == [stays]

    async def test_nothing_starts_once_a_cancel_of_all_is_acknowledged(self, bench: Bench) -> None:
        """I6: however many pages it takes."""
        tasks = [bench.new() for _ in range(1_500)]
        for start in range(0, 1_500, 500):
            await bench.submit_all(*tasks[start : start + 500])
        assert await bench.store.cancel_all(ACTOR) == 1_500
        assert await bench.claim() == []
        await bench.settle()
        assert (await bench.store.queue_stats("default")).by_reason == {"cancelled/requested": 1_500}

    async def test_what_comes_after_a_cancel_of_all_is_not_cancelled(self, bench: Bench) -> None:
        """I15: it cancels what was there when it was asked for."""
        tasks = [bench.new() for _ in range(1_200)]
        await bench.submit_all(*tasks)
        await bench.store.cancel_all(ACTOR)
        later = await bench.submit(priority=1)
        await bench.settle()
        assert await bench.drain() == [later]
