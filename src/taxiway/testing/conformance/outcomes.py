"""How a run ended, and what becomes of its task: semantics' table, row by row (B12-B19, I12, I13)."""

from __future__ import annotations

from typing import Any

import pytest

from taxiway.core.limits import CRASHES_MAX
from taxiway.core.run import Cancelled, Completed, Deferred, Failed, Lost, Outcome, Released, RunState
from taxiway.core.task import Reason, TaskState, Usage
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed

RETRIED = (Reason.EXIT_CODE, Reason.SIGNAL, Reason.AGENT_ERROR, Reason.PROVIDER, Reason.STALLED)
FINAL = (Reason.TIMEOUT, Reason.SPAWN_ERROR, Reason.AUTH, Reason.BUDGET, Reason.GAVE_UP, Reason.INTERNAL)


class Ending(Suite):
    """One outcome, one next state."""

    async def test_a_completed_run_completes_its_task(self, bench: Bench) -> None:
        """B13: with what it left behind."""
        task = await bench.submit()
        run = await bench.take()
        bench.clock.advance(2)
        usage = Usage(input_tokens=3, usd=0.5)
        answer = await bench.finish(run, Completed(output="out", result={"a": 1}, exit_code=0, usage=usage))
        assert (answer.applied, answer.state) == (True, TaskState.COMPLETED)
        found = await bench.task(task)
        assert (found.state, found.attempt, found.output, found.result) == (TaskState.COMPLETED, 1, "out", {"a": 1})
        assert (found.exit_code, found.usage, found.finished_at) == (0, usage, bench.clock.now_ms())
        assert found.run is None
        ended = await bench.store.run(run.run)
        assert (ended.state, ended.outcome, ended.ended_at) == (RunState.ENDED, "completed", bench.clock.now_ms())

    @pytest.mark.parametrize("reason", RETRIED)
    async def test_a_failure_of_this_kind_is_tried_again_while_attempts_are_left(
        self, bench: Bench, reason: Reason
    ) -> None:
        """B17, semantics, "Counters"."""
        task = await bench.submit(retries=1)
        await bench.end_next(failed(reason))
        assert await bench.standing(task) == (TaskState.SCHEDULED, Reason.BACKOFF)
        await bench.pass_time(60)
        await bench.end_next(failed(reason))
        found = await bench.task(task)
        assert (found.state, found.reason, found.attempt) == (TaskState.FAILED, reason, 2)

    @pytest.mark.parametrize("reason", FINAL)
    async def test_a_failure_of_this_kind_is_not_tried_again(self, bench: Bench, reason: Reason) -> None:
        """B19, semantics, "Counters"."""
        task = await bench.submit(retries=5)
        await bench.end_next(failed(reason))
        found = await bench.task(task)
        assert (found.state, found.reason, found.attempt) == (TaskState.FAILED, reason, 1)

    async def test_what_a_failed_attempt_wrote_is_not_the_output_of_the_next(self, bench: Bench) -> None:
        """Semantics, "Templates": a task's output is what its last run wrote, also when that was nothing."""
        task = await bench.submit(retries=1)
        await bench.end_next(Failed(Reason.EXIT_CODE, "it exited with status 1", exit_code=1, output="half of it"))
        await bench.pass_time(60)
        await bench.end_next(Completed())
        assert (await bench.task(task)).output is None

    async def test_no_retries_means_one_attempt(self, bench: Bench) -> None:
        """B18, DB5."""
        task = await bench.submit(retries=0)
        await bench.end_next(failed())
        assert await bench.standing(task) == (TaskState.FAILED, Reason.EXIT_CODE)

    async def test_retry_on_replaces_the_set_of_what_is_tried_again(self, bench: Bench) -> None:
        """Semantics, "Counters": retry_on may change this set, and may name a timeout."""
        fields: dict[str, Any] = {"retries": 3, "retry_on": (Reason.TIMEOUT,)}
        named, other = await bench.submit(**fields), await bench.submit(**fields)
        await bench.end_next(failed(Reason.TIMEOUT))
        await bench.end_next(failed(Reason.EXIT_CODE))
        assert (await bench.standing(named))[0] is TaskState.SCHEDULED
        assert (await bench.standing(other))[0] is TaskState.FAILED

    async def test_every_attempt_is_kept(self, bench: Bench) -> None:
        """B20: a task keeps all its runs, and its record shows the last."""
        task = await bench.submit(retries=2)
        for code in (3, 4):
            await bench.end_next(failed(exit_code=code))
            await bench.pass_time(60)
        await bench.end_next()
        runs = await bench.store.runs(task)
        assert [(run.fence, run.attempt, run.outcome, run.exit_code) for run in runs] == [
            (1, 1, "failed", 3),
            (2, 2, "failed", 4),
            (3, 3, "completed", None),
        ]

    async def test_a_signal_is_told_from_an_exit_code(self, bench: Bench) -> None:
        """B16, DB7: only our own kill is a timeout."""
        task = await bench.submit()
        await bench.end_next(Failed(Reason.SIGNAL, "killed by signal 9", signal=9))
        found = await bench.task(task)
        assert (found.state, found.reason, found.signal, found.exit_code) == (TaskState.FAILED, Reason.SIGNAL, 9, None)

    @pytest.mark.parametrize(
        ("outcome", "state"), [(Released(), TaskState.QUEUED), (Deferred("no memory"), TaskState.SCHEDULED)]
    )
    async def test_what_was_nobodys_fault_counts_no_attempt(
        self, bench: Bench, outcome: Outcome, state: TaskState
    ) -> None:
        """Semantics, "Counters": drain and passing causes."""
        task = await bench.submit()
        await bench.end_next(outcome)
        found = await bench.task(task)
        assert (found.state, found.attempt, found.crashes, found.fence) == (state, 0, 0, 1)

    async def test_a_lost_run_counts_a_crash_and_goes_at_once(self, bench: Bench) -> None:
        """I13, semantics, "Counters"."""
        task = await bench.submit()
        await bench.end_next(Lost())
        found = await bench.task(task)
        assert (found.state, found.attempt, found.crashes) == (TaskState.QUEUED, 0, 1)

    async def test_a_task_that_keeps_crashing_is_poisoned(self, bench: Bench) -> None:
        """I13: three runs that ended without a report; retries do not matter."""
        task = await bench.submit(retries=100)
        for _ in range(CRASHES_MAX):
            await bench.end_next(Lost())
        found = await bench.task(task)
        assert (found.state, found.reason, found.crashes) == (TaskState.FAILED, Reason.POISONED, CRASHES_MAX)
        assert await bench.claim() == []

    async def test_a_failed_attempt_does_not_wipe_the_crashes(self, bench: Bench) -> None:
        """I13: they are counted apart."""
        task = await bench.submit(retries=9)
        for _ in range(CRASHES_MAX - 1):
            await bench.end_next(Lost())
        await bench.end_next(failed())
        await bench.pass_time(60)
        await bench.end_next(Lost())
        assert await bench.standing(task) == (TaskState.FAILED, Reason.POISONED)

    async def test_a_poisoned_task_stops_no_other(self, bench: Bench) -> None:
        """I13."""
        await bench.submit(priority=9)
        other = await bench.submit()
        for _ in range(CRASHES_MAX):
            await bench.end_next(Lost())
        assert await bench.drain() == [other]

    @pytest.mark.parametrize("outcome", [Completed(), failed(), Cancelled(Reason.REQUESTED)])
    async def test_what_has_ended_stays_as_it_is(self, bench: Bench, outcome: Outcome) -> None:
        """I12: whatever comes later."""
        task = await bench.submit(retries=3, retry_on=())
        run = await bench.take()
        await bench.finish(run, outcome)
        ended = await bench.task(task)
        for late in (Completed(output="x"), failed(), Cancelled(Reason.RESET), Lost(), Released(), Deferred("x")):
            assert not (await bench.finish(run, late)).applied
        await bench.store.cancel(task, ACTOR)
        await bench.pass_time(1_000)
        assert await bench.task(task) == ended

    async def test_the_last_event_of_a_run_tells_its_outcome(self, bench: Bench) -> None:
        """B12, B13, I21."""
        await bench.submit()
        run = await bench.take()
        await bench.finish(run, Failed(Reason.SPAWN_ERROR, "no such file: x", None))
        last = (await bench.store.events(run.run, 0, 10))[-1]
        assert (last.type, last.data) == (
            "run.finished",
            {"outcome": "failed", "reason": "spawn_error", "error": "no such file: x"},
        )

    async def test_the_output_of_a_failure_is_kept(self, bench: Bench) -> None:
        """B13: what it said last helps most."""
        task = await bench.submit()
        await bench.end_next(Failed(Reason.EXIT_CODE, "exit 2", 2, output="tail"))
        assert (await bench.task(task)).output == "tail"
