"""The change log: every change one row, in commit order, with who and why; and the watchers that live on it (I21)."""

import asyncio

import pytest

from taxiway import EventType, NotFound, Task
from taxiway.core.change import ChangeKind
from taxiway.core.readiness import Scope
from taxiway.core.run import Completed, Lost
from taxiway.store.protocol import Runner
from tests.engine.conftest import DEADLINE_S, ended, said


async def test_every_change_of_a_task_is_one_row_with_actor_and_cause(tw) -> None:
    """I21: who asked, which runner claimed, which run ended it; versions grow by one in commit order."""
    handle = await tw.submit(command=["false"], retries=1, backoff={"first": 0})
    await ended(handle)
    rows = [row for row in await tw.store.changes(0, 1000) if row.id == handle.id]
    runs = [run.id for run in await handle.runs()]
    assert [(row.state, row.reason) for row in rows] == [
        ("queued", None),
        ("running", None),
        ("scheduled", "backoff"),
        ("queued", None),
        ("running", None),
        ("failed", "exit_code"),
    ]
    assert [row.actor for row in rows] == ["tester", tw.runner, runs[0], "timekeeper", tw.runner, runs[1]]
    assert all(row.cause for row in rows)
    every = [row.version for row in await tw.store.changes(0, 1000)]
    assert every == list(range(every[0], every[0] + len(every)))
    assert (await handle.get()).version == rows[-1].version


async def test_a_cancel_names_who_asked(tw) -> None:
    """I21, surface 4: the request and the end are rows of their own."""
    handle = await tw.submit(shell="echo up; sleep 300")
    await said(handle, "up")
    await handle.cancel()
    await ended(handle)
    rows = [row for row in await tw.store.changes(0, 1000) if row.id == handle.id]
    assert [(row.state, row.reason) for row in rows[2:]] == [("running", "cancelling"), ("cancelled", "requested")]
    assert rows[2].actor == "tester"


async def test_runners_come_and_go_in_the_change_log(bench) -> None:
    """I21: live at the start, at the end in good order draining, then gone."""
    async with bench.open() as tw:
        runner = tw.runner
    async with bench.open(slots=0) as tw:
        rows = [
            row.state for row in await tw.store.changes(0, 1000) if row.kind is ChangeKind.RUNNER and row.id == runner
        ]
    assert rows == ["live", "draining", "gone"]
    assert list(bench.path.with_name("store.db.d").iterdir()) == []


async def test_the_feed_gives_every_version_once_and_in_order(bench) -> None:
    """A47, A50, DA11, I4: a slow reader loses nothing; the last state of everything is seen."""
    async with bench.open(jobs={"noop": lambda: None}) as tw:
        tasks = await tw.submit_many([{"job": "noop"} for _ in range(200)])
        seen: list[int] = []

        async def follow() -> None:
            async for change in tw.feed.changes(0):
                seen.append(change.version)
                if len(seen) % 50 == 0:  # slow: more happens before it reads on
                    await ended(tasks[min(len(seen) // 2, 199)])
                if change.id == "the-end":
                    return

        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
            group.create_task(follow())
            for task in tasks:
                await ended(task)
            await tw.make_queue("the-end")
        assert seen == list(range(1, await tw.store.last_version() + 1))


async def test_events_come_live_and_a_late_reader_gets_the_same(tw, bench) -> None:
    """I4: the same numbers and the same content for who watched and for who comes when all is over."""
    gate = bench.gate()
    handle = await tw.submit(shell=f"echo one; {gate.wait}; echo two; exit 1", retries=1, backoff={"first": 0})

    watching = asyncio.Event()

    async def watch() -> list:
        seen = []
        async for event in handle.events():
            seen.append(event)
            watching.set()
        return seen

    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        live = group.create_task(watch())
        await watching.wait()
        await said(handle, "one")
        gate.open()
        gate.open()
    watched = live.result()
    assert watched == await watch()
    assert [event.type for event in watched].count(EventType.RUN_STARTED) == 2
    runs = await handle.runs()
    assert [event async for event in tw.feed.run_events(runs[0].id, after=1)] == [
        event for event in watched if event.run == runs[0].id and event.seq > 1
    ]


async def test_who_asks_for_what_came_after_the_end_of_a_run_is_told_at_once_that_nothing_did(tw) -> None:
    """I14: a reader who goes on from the last event it has seen does not wait for ever."""
    handle = await tw.submit(command=["true"])
    await ended(handle)
    [run] = await handle.runs()
    async with asyncio.timeout(DEADLINE_S):
        for after in (run.events - 1, run.events, run.events + 7):
            seen = [event.type async for event in tw.feed.run_events(run.id, after)]
            assert seen == ([EventType.RUN_FINISHED] if after < run.events else [])


async def test_many_waiters_are_all_told(bench) -> None:
    """I14: no wake-up is lost between looking and waiting."""
    async with bench.open(jobs={"noop": lambda: None}) as tw:
        for _ in range(30):
            handle = await tw.submit(job="noop")
            async with asyncio.timeout(DEADLINE_S):
                tasks = await asyncio.gather(*(handle.wait() for _ in range(5)))
            assert {task.state for task in tasks} == {"completed"}


async def test_waiting_with_a_deadline_gives_up_without_touching_the_task(tw) -> None:
    """Surface 7: TimeoutError, and the task goes on."""
    handle = await tw.submit(shell="echo up; sleep 300")
    await said(handle, "up")
    try:
        await handle.wait(0.05)
        raise AssertionError("it should not have ended")
    except TimeoutError:
        pass
    assert (await handle.get()).state == "running"
    await handle.cancel()


async def test_who_waits_for_a_task_that_is_removed_is_told(tw) -> None:
    """A23: not found, instead of waiting for ever."""
    handle = await tw.submit(command=["true"], delay=300)
    looked, task = asyncio.Event(), tw.store.task

    async def look(ref: str) -> Task:
        try:
            return await task(ref)
        finally:
            looked.set()

    async def wait() -> None:
        with pytest.raises(NotFound):
            await handle.wait(DEADLINE_S)

    tw.store.task = look
    async with asyncio.TaskGroup() as group:
        group.create_task(wait())
        await looked.wait()  # it has seen that the task has not ended, and waits
        assert await handle.remove()


async def test_two_who_settle_one_run_leave_one_word_of_it(bench) -> None:
    """I4, I12: the loser of two reapers says nothing; only a result that came too late is kept as an event."""
    async with bench.open(slots=0) as tw:
        await tw.store.register(Runner(id="runner_x", host="elsewhere", boot_id="b", pid=1, slots=1))
        handle = await tw.submit(command=["true"])
        [claim] = await tw.store.claim("runner_x", Scope(), 1)
        assert (await tw.store.finish(claim.run, claim.fence, Lost("died"), 0.5)).applied
        assert not (await tw.store.finish(claim.run, claim.fence, Lost("died"), 0.5)).applied
        types = [event.type for event in await tw.store.events(claim.run, 0, 500)]
        assert types == [EventType.RUN_STARTED, EventType.RUN_FINISHED]
        assert not (await tw.store.finish(claim.run, claim.fence, Completed(), 0.5)).applied
        [*_, late] = await tw.store.events(claim.run, 0, 500)
        assert late.data == {"phase": "late_result", "outcome": "completed"}
        await handle.cancel()
        await tw.store.retire("runner_x", "gone")
