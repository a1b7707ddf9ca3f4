"""Keeping: forgetting what is old, copying a live store (B33, I4, I9, I21)."""

from __future__ import annotations

from pathlib import Path

import pytest

from taxiway.core.errors import Conflict, Gap, NotFound
from taxiway.core.task import TaskState
from taxiway.store.protocol import TaskFilter
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, plan_of, spec_of


class Keeping(Suite):
    """Prune and backup."""

    async def test_what_ended_before_the_time_is_forgotten(self, bench: Bench) -> None:
        """B33: with a tombstone; what ended later stays, and what is open stays however old it is."""
        old = await bench.submit()
        waits = await bench.submit(delay_s=10**6)
        await bench.drain()
        bench.clock.advance(100)
        young = await bench.submit()
        await bench.drain()
        before = await bench.store.last_version()
        pruned = await bench.store.prune(bench.clock.now_ms() - 50_000, 100, ACTOR)
        assert (pruned.tasks, pruned.changes > 1) == (1, True), "tasks are counted apart from lines of the log"
        left = {task.id for task in (await bench.store.tasks(TaskFilter(), 10, None)).items}
        assert left == {waits, young}
        assert [(change.id, change.state) for change in await bench.store.changes(before, 10)] == [(old, "removed")]

    async def test_pruning_is_bounded_and_comes_to_its_end(self, bench: Bench) -> None:
        """I18: page by page, down to nothing."""
        for _ in range(10):
            await bench.submit()
        await bench.drain()
        bench.clock.advance(1)
        pages = 0
        while await bench.store.prune(bench.clock.now_ms(), 4, ACTOR):
            pages += 1
            assert pages < 50
        assert (await bench.store.tasks(TaskFilter(), 10, None)).items == []

    async def test_the_change_log_goes_on_counting_after_a_prune(self, bench: Bench) -> None:
        """I21: a version is never used again."""
        await bench.submit()
        await bench.drain()
        before = await bench.store.last_version()
        bench.clock.advance(1)
        while await bench.store.prune(bench.clock.now_ms(), 100, ACTOR):
            bench.clock.advance(1)
            if await bench.store.last_version() > before + 5:
                break
        newest = await bench.store.last_version()
        assert newest > before
        await bench.submit()
        assert await bench.store.last_version() == newest + 1

    async def test_a_submission_number_is_not_given_again_after_a_prune(self, bench: Bench) -> None:
        """A24: a prune may forget the newest task too."""
        numbers = []
        for _ in range(2):
            numbers.append((await bench.task(await bench.submit())).seq)
            await bench.drain()
            bench.clock.advance(1)
            await bench.store.prune(bench.clock.now_ms(), 100, ACTOR)
            await bench.fail_once()
        assert numbers[0] < numbers[1]

    async def test_a_parent_that_an_open_task_waits_for_stays(self, bench: Bench) -> None:
        """I8: its child may still want its output."""
        parent = await bench.submit(name="p")
        child = await bench.submit(after=["p"], delay_s=1_000)
        await bench.drain()
        bench.clock.advance(500)
        await bench.store.prune(bench.clock.now_ms(), 100, ACTOR)
        assert (await bench.task(parent)).state is TaskState.COMPLETED
        assert (await bench.task(child)).state is TaskState.SCHEDULED

    async def test_a_plan_that_goes_on_loses_nothing(self, bench: Bench) -> None:
        """Running it again must find what has completed."""
        plan = plan_of(spec_of(name="a"), spec_of(name="b", delay_s=1_000))
        await bench.run_plan(plan)
        await bench.drain()
        bench.clock.advance(500)
        await bench.store.prune(bench.clock.now_ms(), 100, ACTOR)
        assert (await bench.run_plan(plan)).kept == 1

    async def test_a_pruned_tasks_key_is_free_again(self, bench: Bench) -> None:
        """I9: for as long as the task exists."""
        await bench.submit(idempotency_key="k")
        await bench.drain()
        bench.clock.advance(1)
        await bench.store.prune(bench.clock.now_ms(), 100, ACTOR)
        assert (await bench.submit_all(bench.new(idempotency_key="k")))[0].created

    async def test_a_wall_clock_that_went_back_leaves_no_hole_in_the_change_log(self, bench: Bench) -> None:
        """I20, I21: lines go in the order of their versions."""
        await bench.submit(delay_s=10**6)
        bench.clock.jump(-3600)
        await bench.submit(delay_s=10**6)
        bench.clock.jump(3600)
        await bench.submit(delay_s=10**6)
        await bench.store.prune(bench.clock.now_ms() - 1_000_000, 100, ACTOR)
        versions = [change.version for change in await bench.store.changes(0, 1000)]
        assert versions == list(range(versions[0], versions[-1] + 1))

    async def test_a_reader_whose_place_was_forgotten_is_told(self, bench: Bench) -> None:
        """I21: what changed since is not to be had any more, and silence would pass for "nothing did"."""
        await bench.submit(delay_s=10**6)
        old = await bench.store.last_version()
        for _ in range(2):
            await bench.submit(delay_s=10**6)
        bench.clock.advance(10)
        newest = await bench.store.last_version()
        await bench.store.prune(bench.clock.now_ms(), 100, ACTOR)
        for after in (1, old, newest - 2):
            with pytest.raises(Gap, match=f"{newest - 1}") as told:
                await bench.store.changes(after, 10)
            details = told.value.details
            assert (details["after"], details["oldest"], details["newest"]) == (after, newest, newest)
        assert [change.version for change in await bench.store.changes(newest - 1, 10)] == [newest]
        assert await bench.store.changes(newest, 10) == []
        assert [change.version for change in await bench.store.changes(0, 10)] == [newest], (
            "0 is no place: all there is"
        )

    async def test_runners_that_are_gone_are_forgotten(self, bench: Bench) -> None:
        """I18: nothing grows for ever; the living stay."""
        await bench.store.retire(bench.runner, "gone")
        alive = await bench.register()
        bench.clock.advance(10)
        await bench.store.prune(bench.clock.now_ms(), 100, ACTOR)
        assert [runner.id for runner in await bench.store.runners()] == [alive]

    async def test_facts_are_told_also_when_the_old_changes_are_gone(self, bench: Bench) -> None:
        """Surface, explain: since when is never unknown."""
        task = await bench.submit(delay_s=10**6)
        bench.clock.advance(10)
        await bench.submit()
        await bench.store.prune(bench.clock.now_ms(), 100, ACTOR)
        [obstacle] = await bench.explained(task)
        assert obstacle.since == (await bench.task(task)).created_at

    async def test_a_backup_is_made_beside_live_work_and_never_over_anything(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        """I1: as it is at one moment; an existing file is refused and left alone."""
        await bench.submit()
        await bench.take()
        target = tmp_path / "copy"
        await bench.store.backup(str(target))
        assert target.stat().st_size > 0
        assert target.stat().st_mode & 0o077 == 0
        before = target.read_bytes()
        with pytest.raises(Conflict, match="exists"):
            await bench.store.backup(str(target))
        assert target.read_bytes() == before

    async def test_pruned_tasks_are_not_found(self, bench: Bench) -> None:
        """B33."""
        task = await bench.submit()
        await bench.drain()
        bench.clock.advance(1)
        await bench.store.prune(bench.clock.now_ms(), 100, ACTOR)
        with pytest.raises(NotFound):
            await bench.task(task)
