"""Fences: whoever writes for a run proves that it is theirs, and what comes late changes nothing (I2, I4, I12)."""

from __future__ import annotations

import pytest

from taxiway.core.errors import LeaseLost, NotFound
from taxiway.core.event import EventType, NewEvent
from taxiway.core.run import Completed, Lost, ProcessMark, RunState, StopCause
from taxiway.core.task import Reason, TaskState
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed

MARK = ProcessMark("tag", 10, 100, 11, 110, "boot", 4026531836)


class Fencing(Suite):
    """One writer per run."""

    async def test_the_fence_grows_with_every_claim(self, bench: Bench) -> None:
        """I2: and is never used again."""
        await bench.submit()
        fences = []
        for _ in range(2):
            run = await bench.take()
            fences.append(run.fence)
            await bench.finish(run, Lost())
        assert fences == [1, 2]

    async def test_stale_writes_change_nothing(self, bench: Bench) -> None:
        """C13, I2: after the task was taken by another, its old owner may neither start, record, stop nor finish."""
        task = await bench.submit()
        old = await bench.take()
        await bench.finish(old, Lost())
        new = await bench.take()
        version = await bench.store.last_version()
        for write in (
            bench.store.started(old.run, old.fence, MARK),
            bench.store.record(old.run, old.fence, 1, [_line("late")]),
            bench.store.request_stop(old.run, old.fence, StopCause.TIMEOUT),
        ):
            with pytest.raises(LeaseLost):
                await write
        assert not (await bench.finish(old, Completed(output="late"))).applied
        found = await bench.task(task)
        assert (found.state, found.fence, found.output, found.run) == (TaskState.RUNNING, new.fence, None, new.run)
        assert await bench.store.last_version() == version

    async def test_a_wrong_fence_on_a_live_run_changes_nothing(self, bench: Bench) -> None:
        """I2."""
        await bench.submit()
        run = await bench.take()
        with pytest.raises(LeaseLost):
            await bench.store.record(run.run, run.fence + 1, 1, [_line("x")])
        assert not (await bench.store.finish(run.run, run.fence + 1, Completed(), 0.5)).applied
        assert (await bench.store.run(run.run)).state is RunState.RUNNING

    async def test_a_run_that_nobody_knows_is_not_found(self, bench: Bench) -> None:
        """I2: unknown is told from stale."""
        with pytest.raises(NotFound):
            await bench.store.finish("run_nobody", 1, Completed(), 0.5)
        with pytest.raises(NotFound):
            await bench.store.record("run_nobody", 1, 1, [])

    async def test_the_first_finish_wins_and_a_late_one_is_kept_as_an_event(self, bench: Bench) -> None:
        """C44, I12, B24: late results are visible, never applied."""
        task = await bench.submit()
        run = await bench.take()
        assert (await bench.finish(run, failed())).applied
        late = await bench.finish(run, Completed(output="late"))
        assert (late.applied, late.state) == (False, None)
        found = await bench.task(task)
        assert (found.state, found.output, found.exit_code) == (TaskState.FAILED, None, 1)
        events = await bench.store.events(run.run, 0, 10)
        assert [event.seq for event in events] == [1, 2, 3]
        assert events[-1].data["phase"] == "late_result"
        assert events[-1].data["outcome"] == "completed"

    async def test_a_late_finish_that_is_repeated_is_kept_once(self, bench: Bench) -> None:
        """I4, I12: however often its owner says it again, the log of an ended run grows by one event at most."""
        await bench.submit()
        run = await bench.take()
        await bench.finish(run, Lost())
        for _ in range(3):
            assert not (await bench.finish(run, Completed(output="late"))).applied
        assert not (await bench.finish(run, failed())).applied
        events = await bench.store.events(run.run, 0, 10)
        assert [event.data.get("phase") for event in events] == [None, None, "late_result"]

    async def test_the_same_finish_again_is_no_late_result(self, bench: Bench) -> None:
        """I4, I12: its answer was lost, so its owner says it again."""
        await bench.submit()
        run = await bench.take()
        for applied in (True, False, False):
            assert (await bench.finish(run, failed())).applied is applied
        events = await bench.store.events(run.run, 0, 10)
        assert [event.data.get("phase") for event in events] == [None, None]

    async def test_a_batch_that_comes_twice_is_stored_once(self, bench: Bench) -> None:
        """C24, I4: a reply may be lost, and the batch sent again."""
        await bench.submit()
        run = await bench.take()
        batch = [_line("a"), _line("b")]
        assert await bench.store.record(run.run, run.fence, 1, batch) == 3
        assert await bench.store.record(run.run, run.fence, 1, batch) == 3
        assert await bench.store.record(run.run, run.fence, 2, [_line("c")]) == 4
        events = await bench.store.events(run.run, 1, 10)
        assert [event.data["text"] for event in events] == ["a", "b", "c"]

    async def test_a_batch_that_leaves_a_gap_is_refused(self, bench: Bench) -> None:
        """C24, I4: one is missing, so nothing is stored."""
        await bench.submit()
        run = await bench.take()
        with pytest.raises(LeaseLost, match="missing"):
            await bench.store.record(run.run, run.fence, 2, [_line("b")])
        assert len(await bench.store.events(run.run, 0, 10)) == 1

    async def test_nothing_is_recorded_behind_the_end(self, bench: Bench) -> None:
        """I4, I12: the last word is the finish."""
        await bench.submit()
        run = await bench.take()
        await bench.finish(run)
        with pytest.raises(LeaseLost):
            await bench.store.record(run.run, run.fence, 1, [_line("x")])

    async def test_a_process_is_on_record_before_its_program_starts(self, bench: Bench) -> None:
        """I7: the two-step start; what lives can be found by anybody."""
        await bench.submit(command=("true",))
        run = await bench.take()
        assert (await bench.store.run(run.run)).state is RunState.STARTING
        assert await bench.store.started(run.run, run.fence, MARK) is None
        found = await bench.store.run(run.run)
        assert (found.state, found.process, found.started_at) == (RunState.RUNNING, MARK, bench.clock.now_ms())
        [live] = await bench.store.live_runs(bench.runner)
        assert (live.run, live.fence, live.process) == (run.run, run.fence, MARK)

    async def test_a_run_of_several_processes_counts_from_its_first(self, bench: Bench) -> None:
        """What it took is the whole of it, also where commands accept the work after a turn."""
        await bench.submit()
        run = await bench.take()
        await bench.store.started(run.run, run.fence, MARK)
        began = bench.clock.now_ms()
        bench.clock.advance(30)
        await bench.store.started(run.run, run.fence, None)
        assert (await bench.store.run(run.run)).started_at == began

    async def test_a_stop_that_came_first_keeps_the_program_from_starting(self, bench: Bench) -> None:
        """I6: a cancel between claim and spawn."""
        task = await bench.submit(command=("true",))
        run = await bench.take()
        await bench.store.cancel(task, ACTOR)
        assert await bench.store.started(run.run, run.fence, MARK) is StopCause.CANCEL
        assert (await bench.store.run(run.run)).state is RunState.STOPPING

    async def test_a_run_is_not_given_up_as_not_begun_when_it_has_begun_since(self, bench: Bench) -> None:
        """I2: who looked for its processes saw none; the runner that was taken for dead woke, and started one."""
        await bench.submit(command=("true",))
        run = await bench.take()
        unseen = Lost("its lease ran out", unstarted=True)
        await bench.store.started(run.run, run.fence, MARK)
        assert not (await bench.finish(run, unseen)).applied
        assert (await bench.finish(run, Lost())).applied
        again = await bench.take()
        assert (await bench.finish(again, unseen)).applied

    async def test_an_owner_may_stop_its_own_run(self, bench: Bench) -> None:
        """B14: a timeout is the runner's own; the run keeps its slots, and its task is not cancelled by it."""
        task = await bench.submit()
        run = await bench.take()
        await bench.store.request_stop(run.run, run.fence, StopCause.TIMEOUT)
        found = await bench.store.run(run.run)
        assert (found.state, found.stop) == (RunState.STOPPING, StopCause.TIMEOUT)
        assert await bench.standing(task) == (TaskState.RUNNING, None)
        await bench.finish(run, failed(Reason.TIMEOUT, None))
        assert await bench.standing(task) == (TaskState.FAILED, Reason.TIMEOUT)

    async def test_live_runs_are_listed_until_they_have_ended(self, bench: Bench) -> None:
        """C29, I7: of one runner, or of all."""
        for _ in range(3):
            await bench.submit()
        mine = await bench.claim(2)
        first = bench.runner
        await bench.register()
        others = await bench.claim(2)
        assert [live.run for live in await bench.store.live_runs(first)] == [run.run for run in mine]
        await bench.finish(mine[0])
        assert {live.run for live in await bench.store.live_runs()} == {mine[1].run, others[0].run}

    async def test_a_runner_that_is_gone_may_take_nothing(self, bench: Bench) -> None:
        """I2: it was declared dead; its beat says so too."""
        await bench.submit()
        await bench.store.retire(bench.runner, "gone")
        with pytest.raises(LeaseLost):
            await bench.claim()
        assert not await bench.store.beat(bench.runner)
        await bench.store.retire(bench.runner, "draining")
        assert not await bench.store.beat(bench.runner)

    async def test_a_runner_is_not_gone_while_a_run_of_it_is_live(self, bench: Bench) -> None:
        """I14: one that was about to be declared dead may claim at the last moment; somebody must settle that too."""
        await bench.submit()
        run = await bench.take()
        await bench.store.retire(bench.runner, "gone")
        assert [runner.id for runner in await bench.store.runners()] == [bench.runner]
        await bench.finish(run)
        await bench.store.retire(bench.runner, "gone")
        assert await bench.store.runners() == []

    async def test_a_silent_runner_loses_its_lease_before_its_runs_are_settled(self, bench: Bench) -> None:
        """C7, C8, C12, I2: it may not beat, drain or take more, while what it has is settled; then it is gone."""
        await bench.submit(), await bench.submit()
        run = await bench.take()
        assert await bench.store.declare_lost(bench.runner, 0)
        assert await bench.store.declare_lost(bench.runner, 0)  # a repeated one is nothing new
        assert not await bench.store.beat(bench.runner)
        assert not await bench.store.retire(bench.runner, "draining")
        with pytest.raises(LeaseLost):
            await bench.claim()
        assert [runner.state for runner in await bench.store.runners()] == ["lost"]
        await bench.finish(run)
        assert await bench.store.retire(bench.runner, "gone")
        assert not await bench.store.declare_lost(bench.runner, 0)

    async def test_a_runner_that_has_beaten_since_keeps_its_lease(self, bench: Bench) -> None:
        """I2, I20: who judged its silence stood still between looking and writing; what it saw is not so any more."""
        await bench.store.beat(bench.runner)
        assert not await bench.store.declare_lost(bench.runner, 0)
        assert await bench.store.beat(bench.runner)
        assert not await bench.store.declare_lost("runner_nobody", 0)


def _line(text: str) -> NewEvent:
    return NewEvent(EventType.OUTPUT, 0, {"stream": "stdout"}, text.encode())
