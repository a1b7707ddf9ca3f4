"""Leaving: drain, errors in the block, and what the next start finds (B35-B39, I7)."""

import asyncio
import threading

import pytest

import taxiway
from taxiway.observe.observer import Moment
from tests.engine.conftest import DEADLINE_S, changed, ended, said, story


async def test_leaving_the_block_gives_running_work_back(bench) -> None:
    """B35, B37, DB3, semantics, Counters: asked to stop, queued again, no attempt counted; the next start runs it."""
    marker = bench.file("second")
    async with bench.open() as tw:
        handle = await tw.submit(shell=f"[ -e '{marker}' ] && exit 0; touch '{marker}'; echo up; sleep 300", retries=0)
        await said(handle, "up")
    async with bench.open(slots=0) as tw:
        task = await tw.task(handle.id)
        assert (task.state, task.reason, task.attempt, task.crashes, task.run) == ("queued", None, 0, 0, None)
    async with bench.open() as tw:
        task = await tw.wait(handle.id, DEADLINE_S)
        assert (task.state, task.attempt, task.fence) == ("completed", 1, 2)
        assert await story(tw, handle) == ["queued", "running", "queued", "running", "completed"]


async def test_a_program_that_will_not_stop_is_killed_when_the_block_is_left(bench) -> None:
    """B35, DB4: shutdown leaves no process behind, however stubborn."""
    async with bench.open(term_grace_s=0.3) as tw:
        handle = await tw.submit(shell="trap '' TERM; echo up; while :; do sleep 0.1; done")
        await said(handle, "up")
    async with bench.open(slots=0) as tw:
        assert (await tw.task(handle.id)).state == "queued"
        await tw.cancel_all()
        await changed(tw, handle.id, "cancelled")


async def test_a_cancel_that_was_asked_for_wins_over_a_drain(bench) -> None:
    """B24, I15: it is cancelled, not queued again."""
    async with bench.open(term_grace_s=0.5) as tw:
        handle = await tw.submit(shell="trap '' TERM; echo up; while :; do sleep 0.1; done")
        await said(handle, "up")
        await handle.cancel()
    async with bench.open(slots=0) as tw:
        assert (await tw.task(handle.id)).state == "cancelled"


async def test_a_claim_on_its_way_is_not_lost_by_a_drain(bench) -> None:
    """I7, I12: what is claimed while the engine drains goes back to its queue (the bench looks for live runs)."""
    async with bench.open(slots=4) as tw:
        claim = tw.store.claim
        claiming, go_on = asyncio.Event(), asyncio.Event()

        async def slow_claim(runner, scope, free):
            claimed = await claim(runner, scope, free)
            if claimed:
                claiming.set()
                await go_on.wait()
            return claimed

        tw.store.claim = slow_claim
        handle = await tw.submit(command=["sleep", "300"])
        await asyncio.wait_for(claiming.wait(), DEADLINE_S)
        asyncio.get_running_loop().call_later(0.1, go_on.set)
    async with bench.open(slots=0) as tw:
        task = await tw.task(handle.id)
        assert (task.state, task.attempt) == ("queued", 0)
        await tw.cancel_all()
        await changed(tw, handle.id, "cancelled")


@pytest.mark.parametrize("error", [ValueError("mine"), asyncio.CancelledError()], ids=["error", "cancelled"])
async def test_an_error_in_the_block_leaves_in_the_same_good_order(bench, error) -> None:
    """I7: the error is the caller's, unchanged; work goes back to its queue and nothing is left."""
    with pytest.raises(type(error)) as caught:  # noqa: PT012 a block is what is left
        async with bench.open() as tw:
            handle = await tw.submit(shell="echo up; sleep 300")
            await said(handle, "up")
            raise error
    assert caught.value is error
    async with bench.open(slots=0) as tw:
        task = await tw.task(handle.id)
        assert (task.state, task.crashes) == ("queued", 0)
        await tw.cancel_all()
        await changed(tw, handle.id, "cancelled")


async def test_after_leaving_nothing_is_taken(bench) -> None:
    """B2: a verb on a closed store is refused with a clear error."""
    async with bench.open() as tw:
        pass
    with pytest.raises(taxiway.Error):
        await tw.submit(command=["true"])


async def test_a_store_is_opened_again_and_again(bench) -> None:
    """B35, DB17: nothing of an earlier opening is in the way, in one process."""
    for index in range(5):
        async with bench.open() as tw:
            assert (await ended(await tw.submit(command=["echo", str(index)]))).output == f"{index}\n"
    assert not [thread for thread in threading.enumerate() if thread.name == "taxiway-writer"]


async def test_a_missing_store_is_made_and_starts_empty(bench) -> None:
    """B39: no exception, nothing invented."""
    assert not bench.path.exists()
    async with bench.open() as tw:
        assert (await tw.tasks()).items == []
        assert [queue.name for queue in await tw.queues()] == ["default"]
    assert bench.path.stat().st_mode & 0o777 == 0o600


async def test_what_waited_waits_on_after_a_restart(bench) -> None:
    """B36, B37: queued, blocked, delayed and ended tasks are all there, with their order."""
    log = bench.file("log")
    async with bench.open(slots=0) as tw:
        low = await tw.submit(shell=f"echo low >> '{log}'")
        high = await tw.submit(shell=f"echo high >> '{log}'", priority=5)
        child = await tw.submit(shell=f"echo child >> '{log}'", after=[low, high])
    async with bench.open(slots=1) as tw:
        assert (await tw.wait(child.id, DEADLINE_S)).state == "completed"
    async with bench.open(slots=0) as tw:
        assert [(await tw.task(handle.id)).state for handle in (low, high, child)] == ["completed"] * 3
    assert log.read_text().split() == ["high", "low", "child"]


async def test_a_run_whose_outcome_cannot_be_stored_fails_alone(bench) -> None:
    """I13: one poisoned outcome does not stop the others."""
    moments: list[Moment] = []

    def watch(moment, **facts):
        moments.append(moment)

    async with bench.open(observer=watch) as tw:
        finish = tw.store.finish

        async def picky(run, fence, outcome, chance):
            if getattr(outcome, "output", None) == "poison\n":
                raise TypeError("cannot bind this")
            return await finish(run, fence, outcome, chance)

        tw.store.finish = picky
        bad = await ended(await tw.submit(command=["echo", "poison"]))
        assert (bad.state, bad.reason) == ("failed", "internal")
        assert (await ended(await tw.submit(command=["true"]))).state == "completed"
    assert Moment.SERVICE_FAILED in moments


async def test_a_service_that_stumbles_is_observed_and_goes_on(bench) -> None:
    """I14: a step that raises is tried again; nothing wedges."""
    moments: list[dict] = []

    def watch(moment, **facts):
        if moment is Moment.SERVICE_FAILED:
            moments.append(facts)

    async with bench.open(observer=watch) as tw:
        claim = tw.store.claim
        failures = iter([RuntimeError("once"), RuntimeError("twice")])

        async def flaky(runner, scope, free):
            error = next(failures, None)
            if error is not None:
                raise error
            return await claim(runner, scope, free)

        tw.store.claim = flaky
        assert (await ended(await tw.submit(command=["true"]))).state == "completed"
    assert [fact["service"] for fact in moments] == ["dispatcher", "dispatcher"]
