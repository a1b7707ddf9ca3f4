"""Cancel at every moment of a task's life: one outcome, told truthfully, and nothing left (B21-B26, I6, I15)."""

import asyncio

import pytest

import taxiway
from taxiway import EventType
from taxiway.observe.observer import Moment
from tests.engine.conftest import DEADLINE_S, changed, ended, said, story


async def test_an_unknown_task_is_not_found(tw) -> None:
    """B21."""
    with pytest.raises(taxiway.NotFound):
        await tw.cancel("task_00000000000000000000000000")


async def test_what_waits_is_cancelled_at_once_and_never_starts(bench) -> None:
    """B21: queued, blocked and delayed alike; the answer is the task as it then is."""
    async with bench.open(slots=0) as tw:
        queued = await tw.submit(shell="echo never")
        blocked = await tw.submit(shell="echo never", after=[queued])
        delayed = await tw.submit(shell="echo never", delay=300)
        for handle in (delayed, blocked, queued):
            task = await handle.cancel()
            assert (task.state, task.reason, task.attempt) == ("cancelled", "requested", 0)
            assert task.finished_at is not None
    async with bench.open() as tw:
        assert (await ended(await tw.submit(command=["true"]))).state == "completed"
        assert [len(await tw.runs(handle.id)) for handle in (queued, blocked, delayed)] == [0, 0, 0]


async def test_what_runs_is_asked_to_end_and_is_cancelled_when_it_has(tw) -> None:
    """B22, B24, DB1: running/cancelling until its tree is gone, then cancelled, and nothing after it."""
    handle = await tw.submit(shell="trap 'echo tidy; exit 3' TERM; echo up; sleep 300 & wait", retries=5)
    await said(handle, "up")
    task = await handle.cancel()
    assert (task.state, task.reason) in {("running", "cancelling"), ("cancelled", "requested")}
    task = await ended(handle)
    assert (task.state, task.reason, task.exit_code, task.output) == ("cancelled", "requested", 3, "up\ntidy\n")
    assert await story(tw, handle) == ["queued", "running", "running/cancelling", "cancelled/requested"]
    assert len(await handle.runs()) == 1


async def test_a_program_that_ignores_sigterm_is_killed_with_its_whole_tree(tw) -> None:
    """B23, DB4, DB8, I6: the grandchildren in sessions of their own, too (the bench looks for their tags)."""
    stubborn = "trap '' TERM; setsid sh -c \"trap '' TERM; echo deep; while :; do sleep 0.1; done\" & wait; sleep 300"
    handle = await tw.submit(shell=stubborn)
    await said(handle, "deep")
    await handle.cancel()
    task = await ended(handle)
    assert (task.state, task.reason) == ("cancelled", "requested")


async def test_a_run_that_is_being_stopped_keeps_its_slot_until_it_is_dead(bench) -> None:
    """B8, B22, DB12, I3: nothing starts beside the one that ignores SIGTERM."""
    log = bench.file("log")
    async with bench.open(slots=1, term_grace_s=0.5) as tw:
        await tw.set_lane("narrow", 1)
        old = await tw.submit(
            # Renamed into place: a kill between emptying and writing would leave nothing to read.
            shell=f"trap '' TERM; date +%s%N > '{log}'; echo up; "
            f"while :; do date +%s%N > '{log}.new'; mv '{log}.new' '{log}'; sleep 0.02; done",
            lane="narrow",
        )
        await said(old, "up")
        new = await tw.submit(shell=f"date +%s%N; cat '{log}'", lane="narrow")
        await old.cancel()
        began, last = (await ended(new)).output.split()
        assert int(last) <= int(began)
        assert (await old.get()).state == "cancelled"


async def test_cancelling_what_has_ended_changes_nothing(tw) -> None:
    """B25, DB9: the answer says how it ended; no row is written."""
    for command, state in ((["true"], "completed"), (["false"], "failed")):
        handle = await tw.submit(command=command)
        before = await ended(handle)
        version = await tw.store.last_version()
        assert (await handle.cancel()).state == state
        assert await handle.get() == before
        assert await tw.store.last_version() == version


async def test_cancelling_during_a_backoff_prevents_the_retry(tw) -> None:
    """B26, DB10: it never comes back."""
    handle = await tw.submit(command=["false"], retries=3, backoff={"first": 0.3, "jitter": 0})
    await changed(tw, handle.id, "scheduled/backoff")
    assert (await handle.cancel()).state == "cancelled"
    later = await tw.submit(command=["true"], delay=0.5)  # proves that the backoff's time has passed
    await ended(later)
    assert (await handle.get()).state == "cancelled"
    assert len(await handle.runs()) == 1


async def test_a_run_that_is_being_stopped_is_observed_once(bench, monkeypatch) -> None:
    """A46, B23: the canceller looks again and again while the program takes its time; whoever listens hears it once."""
    monkeypatch.setattr("taxiway.engine.canceller.SAFETY_POLL_S", 0.01)
    stopping: list[str] = []

    def watch(moment, **facts):
        if moment is Moment.RUN_STOPPING:
            stopping.append(facts["run"])

    async with bench.open(observer=watch, term_grace_s=0.5) as tw:
        handle = await tw.submit(shell="trap '' TERM; echo up; while :; do sleep 0.1; done")
        await said(handle, "up")
        await handle.cancel()
        await ended(handle)
        assert stopping == [run.id for run in await handle.runs()]


async def test_cancelling_twice_is_cancelling_once(tw) -> None:
    """I15: the second one finds it done, or on its way."""
    handle = await tw.submit(shell="echo up; sleep 300")
    await said(handle, "up")
    await asyncio.gather(*(handle.cancel() for _ in range(5)))
    assert (await ended(handle)).state == "cancelled"
    assert (await story(tw, handle)).count("running/cancelling") == 1


@pytest.mark.parametrize("moment", ["claimed", "opened", "recorded"])
async def test_a_task_cancelled_between_claim_and_start_never_executes(bench, moment) -> None:
    """I6, I7: whatever the moment, the go is not given; it is told as not started, and its tree is confirmed gone."""
    effects = bench.file("effects")
    there, heard, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def watch(seen, **facts):
        if seen is Moment.RUN_STOPPING:
            heard.set()

    async def here() -> None:
        there.set()
        await go_on.wait()

    async with bench.open(observer=watch) as tw:
        claim, started = tw.store.claim, tw.store.started

        async def slow_claim(runner, scope, free):
            claimed = await claim(runner, scope, free)
            if claimed and moment == "claimed":
                await here()
            return claimed

        async def slow_started(run, fence, mark):
            if moment == "opened":
                await here()
            asked = await started(run, fence, mark)
            if moment == "recorded":
                await here()
            return asked

        tw.store.claim, tw.store.started = slow_claim, slow_started
        handle = await tw.submit(shell=f"echo x >> '{effects}'; sleep 300")
        async with asyncio.timeout(DEADLINE_S):
            await there.wait()
            await handle.cancel()
            if moment != "claimed":  # else the run is not here yet: it hears of it when it wants to start
                await heard.wait()
        go_on.set()
        task = await ended(handle)
        assert (task.state, task.reason, task.output) == ("cancelled", "requested", None)
        assert len(await handle.runs()) == 1
        assert not effects.exists()


async def test_a_result_that_came_before_the_stop_wins(bench) -> None:
    """Decision 5, I15: the program had ended when the cancel came; while its last words are written it stays ended."""
    async with bench.open() as tw:
        writing, go_on = asyncio.Event(), asyncio.Event()
        record = tw.store.record

        async def slow_record(run, fence, batch, events):
            writing.set()
            await go_on.wait()
            return await record(run, fence, batch, events)

        tw.store.record = slow_record
        handle = await tw.submit(shell="echo done", timeout=0.6)
        await asyncio.wait_for(writing.wait(), DEADLINE_S)
        await handle.cancel()
        proof = await tw.submit(command=["true"], delay=0.9)  # the timeout passes as well
        await ended(proof)
        go_on.set()
        task = await ended(handle)
        assert (task.state, task.exit_code, task.output) == ("completed", 0, "done\n")


async def test_cancel_and_completion_race_to_one_outcome(bench) -> None:
    """I12, I15: many tasks end while they are cancelled; each has exactly one end, and the answer was true."""
    gate = bench.gate()
    async with bench.open(slots=4) as tw:
        for index in range(20):
            handle = await tw.submit(shell=f"echo up; {gate.wait}", metadata={"index": index})
            await said(handle, "up")
            gate.open()
            for _ in range(index):  # the later ones let it come further towards its end
                await tw.store.last_version()
            answer = await handle.cancel()
            task = await ended(handle)
            assert task.state in {"completed", "cancelled"}
            if answer.ended:
                assert task == answer
            ends = [state for state in await story(tw, handle) if not state.startswith(("queued", "running"))]
            assert len(ends) == 1
            for run in await handle.runs():
                events = await tw.store.events(run.id, 0, 500)
                assert [event.type for event in events].count(EventType.RUN_FINISHED) == 1


async def test_cancelling_a_queue_cancels_all_of_it_and_nothing_else(tw) -> None:
    """B21, B22: waiting and running, of this queue only."""
    await tw.make_queue("side")
    running = await tw.submit(shell="echo up; sleep 300", queue="side")
    waiting = await tw.submit(command=["true"], queue="side", delay=300)
    other = await tw.submit(shell="echo up; sleep 300")
    await said(running, "up")
    await said(other, "up")
    assert await tw.cancel_all("side") == 2
    assert [(await ended(handle)).reason for handle in (running, waiting)] == ["requested", "requested"]
    assert (await other.get()).state == "running"
    assert await tw.cancel_all() == 1
    assert (await ended(other)).state == "cancelled"


async def test_cancelling_everything_reaches_a_thousand_in_pages(bench) -> None:
    """I6, A20: more than one page, dependents among them, each with one row in the change log."""
    async with bench.open(slots=0) as tw:
        first = await tw.submit_many([{"command": ["true"], "name": f"t{i}"} for i in range(900)])
        tied = await tw.submit_many([{"command": ["true"], "after": [first[i].id]} for i in range(900)])
        assert await tw.cancel_all() == 1800
        for handle in (first[0], first[-1], tied[0], tied[-1]):
            assert (await ended(handle)).state == "cancelled"
        stats = await tw.queue_stats("default")
        assert stats.by_state == {"cancelled": 1800}


async def test_a_dependent_of_a_cancelled_task_falls_and_says_why(tw) -> None:
    """A20, DA5: transitively, whatever the order of submission; the text is fixed."""
    a = await tw.submit(command=["true"], delay=300, name="a")
    chain = [a]
    for _ in range(6):
        chain.append(await tw.submit(command=["true"], after=[chain[-1]]))
    await a.cancel()
    for handle in chain[1:]:
        task = await ended(handle)
        assert (task.state, task.reason) == ("cancelled", "dependency_failed")
        assert task.error == "Dependency failed or was cancelled"
