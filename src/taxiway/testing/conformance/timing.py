"""Times that are stored, not timers: delay, expiry, backoff (semantics, "Words" and "Counters"; B17, B26, DB6, I20)."""

from __future__ import annotations

from typing import Any

import pytest

from taxiway.core.run import Deferred, Lost
from taxiway.core.task import Backoff, Reason, TaskState
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed


class Timing(Suite):
    """When a task may start, and when it is too late."""

    async def test_a_delayed_task_starts_no_earlier(self, bench: Bench) -> None:
        """Delay counts from submission."""
        task = await bench.submit(delay_s=5)
        assert await bench.standing(task) == (TaskState.SCHEDULED, Reason.DELAY)
        assert await bench.pass_time(4.999) == 0
        assert await bench.claim() == []
        assert await bench.pass_time(0.001) == 1
        assert (await bench.take()).task == task

    async def test_the_next_due_time_is_the_earliest_of_all(self, bench: Bench) -> None:
        """I14: one timekeeper sleeps until then instead of polling."""
        assert await bench.store.next_due() is None
        await bench.submit(delay_s=9)
        await bench.submit(delay_s=4)
        assert await bench.store.next_due() == bench.clock.now_ms() + 4_000
        await bench.submit(expires_s=2)
        assert await bench.store.next_due() == bench.clock.now_ms() + 2_000

    async def test_nothing_is_due_when_all_has_started_or_ended(self, bench: Bench) -> None:
        """I14: a run that started cannot expire any more."""
        await bench.submit(expires_s=2)
        run = await bench.take()
        assert await bench.store.next_due() is None
        await bench.finish(run)
        assert await bench.store.next_due() is None

    async def test_waking_is_bounded_and_idempotent(self, bench: Bench) -> None:
        """I14: any process may do it, in pages, and twice is as good as once."""
        for _ in range(7):
            await bench.submit(delay_s=1)
        bench.clock.advance(1)
        assert [await bench.store.wake_due(3) for _ in range(4)] == [3, 3, 1, 0]
        assert len(await bench.claim()) == 7

    @pytest.mark.parametrize("how", ["queued", "scheduled", "blocked"])
    async def test_what_cannot_start_in_time_expires(self, bench: Bench, how: str) -> None:
        """The clock of waiting to start: cancelled with a reason of its own, whatever it waited for."""
        fields: dict[str, Any] = {"expires_s": 5}
        if how == "scheduled":
            fields["delay_s"] = 60
        if how == "blocked":
            fields["after"] = [await bench.submit()]
        task = await bench.submit(**fields)
        assert await bench.pass_time(4.999) == 0
        assert await bench.pass_time(0.001) == 1
        assert await bench.standing(task) == (TaskState.CANCELLED, Reason.EXPIRED)

    async def test_a_claim_never_starts_what_has_expired(self, bench: Bench) -> None:
        """I20: also when the timekeeper has not come by yet."""
        late = await bench.submit(expires_s=5)
        good = await bench.submit()
        bench.clock.advance(6)
        assert [run.task for run in await bench.claim()] == [good]
        await bench.store.wake_due(10)
        assert await bench.standing(late) == (TaskState.CANCELLED, Reason.EXPIRED)

    async def test_an_expired_task_lets_its_dependents_down(self, bench: Bench) -> None:
        """A20."""
        await bench.submit(name="p", expires_s=1)
        child = await bench.submit(after=["p"])
        await bench.pass_time(1)
        assert await bench.standing(child) == (TaskState.CANCELLED, Reason.DEPENDENCY_FAILED)

    async def test_parent_and_child_may_expire_together(self, bench: Bench) -> None:
        """I12: whichever falls first, each ends once."""
        parent = await bench.submit(name="p", expires_s=1)
        child = await bench.submit(after=["p"], expires_s=1)
        await bench.pass_time(1)
        assert (await bench.standing(parent))[1] is Reason.EXPIRED
        assert (await bench.standing(child))[0] is TaskState.CANCELLED

    async def test_a_task_that_has_run_once_does_not_expire_in_its_backoff(self, bench: Bench) -> None:
        """Expiry bounds the first start."""
        task = await bench.submit(expires_s=1, retries=1)
        await bench.end_next(failed())
        await bench.pass_time(2)
        assert await bench.standing(task) == (TaskState.QUEUED, None)

    async def test_backoff_grows_and_is_capped(self, bench: Bench) -> None:
        """B17, DB6: first, doubled, doubled, then the cap; stored, so that it survives any restart."""
        task = await bench.submit(retries=5, backoff=Backoff(first_s=2, factor=2, max_s=9))
        for expected in (2, 4, 8, 9, 9):
            answer = await bench.finish(await bench.take(), failed())
            assert (answer.state, answer.reason) == (TaskState.SCHEDULED, Reason.BACKOFF)
            assert answer.due_at == bench.clock.now_ms() + expected * 1000
            assert (await bench.task(task)).due_at == answer.due_at
            assert await bench.pass_time(expected - 0.001) == 0
            assert await bench.pass_time(0.001) == 1

    @pytest.mark.parametrize(("chance", "expected"), [(0.0, 8_000), (0.5, 10_000), (0.999999, 11_999)])
    async def test_backoff_is_jittered_by_the_chance_that_is_handed_in(
        self, bench: Bench, chance: float, expected: int
    ) -> None:
        """DB6: both ways, within its share."""
        await bench.submit(retries=1, backoff=Backoff(first_s=10, jitter=0.2))
        answer = await bench.finish(await bench.take(), failed(), chance)
        assert answer.due_at is not None
        assert abs(answer.due_at - bench.clock.now_ms() - expected) <= 1

    async def test_a_cancel_during_backoff_prevents_the_retry(self, bench: Bench) -> None:
        """B26, DB10."""
        task = await bench.submit(retries=3)
        await bench.end_next(failed())
        await bench.store.cancel(task, ACTOR)
        assert await bench.pass_time(1_000) == 0
        assert await bench.standing(task) == (TaskState.CANCELLED, Reason.REQUESTED)

    async def test_what_could_not_be_made_backs_off_longer_each_time(self, bench: Bench) -> None:
        """Semantics, "Counters": no attempt is counted, and the pace still slows."""
        task = await bench.submit()
        waits = []
        for _ in range(3):
            answer = await bench.finish(await bench.take(), Deferred("no memory"))
            assert answer.due_at is not None
            waits.append(answer.due_at - bench.clock.now_ms())
            await bench.pass_time(waits[-1] / 1000)
        assert waits == sorted(set(waits))
        assert (await bench.task(task)).attempt == 0

    async def test_a_wall_clock_that_goes_back_wakes_nothing_early_and_loses_nothing(self, bench: Bench) -> None:
        """I20: stored instants are of one clock."""
        task = await bench.submit(delay_s=10)
        bench.clock.jump(-3600)
        assert await bench.pass_time(10) == 0
        assert await bench.pass_time(3600) == 1
        assert (await bench.take()).task == task

    async def test_a_lost_run_waits_for_nothing(self, bench: Bench) -> None:
        """Semantics, "Counters": queued at once."""
        task = await bench.submit()
        answer = await bench.finish(await bench.take(), Lost())
        assert (answer.state, answer.due_at) == (TaskState.QUEUED, None)
        assert (await bench.take()).task == task
