"""Explain is truthful in every state: it names what holds a task, who holds it, and nothing that does not."""

from taxiway.core.readiness import Scope
from tests.engine.conftest import changed, ended, said


async def kinds(handle) -> list[str]:
    """The kinds of obstacles, in the order they are told."""
    return [str(obstacle.kind) for obstacle in await handle.explain()]


async def test_a_running_and_an_ended_task_say_so(tw) -> None:
    """Surface 5, explain."""
    handle = await tw.submit(shell="echo up; sleep 300")
    await said(handle, "up")
    assert await kinds(handle) == ["running"]
    await handle.cancel()
    await ended(handle)
    assert await kinds(handle) == ["ended"]


async def test_what_waits_for_time_says_until_when(tw) -> None:
    """Delay and backoff are told apart, with the time."""
    delayed = await tw.submit(command=["true"], delay=300)
    [obstacle] = await delayed.explain()
    assert (str(obstacle.kind), obstacle.until) == ("delay", (await delayed.get()).due_at)
    flaky = await tw.submit(command=["false"], retries=1, backoff={"first": 300})
    await changed(tw, flaky.id, "scheduled/backoff")
    assert await kinds(flaky) == ["backoff"]
    await tw.cancel_all()


async def test_what_waits_for_others_names_each_that_has_not_ended(tw) -> None:
    """DA4: blocked, with holders; one that has ended is not named any more."""
    done = await tw.submit(command=["true"], name="done")
    slow = await tw.submit(command=["true"], delay=300, name="slow")
    late = await tw.submit(command=["true"], delay=300, name="late")
    handle = await tw.submit(command=["true"], after=[done, slow, late])
    await ended(done)
    obstacles = [obstacle for obstacle in await handle.explain() if obstacle.kind == "dependency"]
    assert {obstacle.holders for obstacle in obstacles} == {(slow.id,), (late.id,)}
    await tw.cancel_all()


async def test_what_waits_for_room_names_who_holds_it(bench) -> None:
    """I3: a full lane and a full queue with their holders, a busy runner, and a turn behind others."""
    gate = bench.gate()
    async with bench.open(slots=3) as tw:
        await tw.set_lane("one", 1)
        await tw.make_queue("narrow", slots=1)
        holder = await tw.submit(shell=f"echo up; {gate.wait}", lane="one", queue="narrow")
        await said(holder, "up")
        in_lane = await tw.submit(command=["sleep", "300"], lane="one")
        in_queue = await tw.submit(command=["sleep", "300"], queue="narrow")
        [lane] = await in_lane.explain()
        [queue] = await in_queue.explain()
        assert (str(lane.kind), lane.holders) == ("lane_full", (holder.id,))
        assert (str(queue.kind), queue.holders) == ("queue_full", (holder.id,))
        busy = [await tw.submit(shell="echo up; sleep 300") for _ in range(2)]
        for handle in busy:
            await said(handle, "up")
        waiting = await tw.submit(command=["true"])
        assert await kinds(waiting) == ["runner_full"]
        assert await kinds(in_lane) == ["lane_full", "runner_full"]
        await tw.cancel_all()
        gate.open()


async def test_without_a_runner_or_with_one_for_other_work_it_says_so(bench) -> None:
    """Semantics, The claim: by the same scope as the claim itself."""
    async with bench.open(slots=0) as tw:
        handle = await tw.submit(command=["true"])
        assert await kinds(handle) == ["no_runner"]
        async with bench.open(scope=Scope(queues=frozenset({("", "elsewhere")}))):
            assert await kinds(handle) == ["runner_scope"]
        assert await kinds(handle) == ["no_runner"]
        await handle.cancel()


async def test_every_reason_is_told_at_once(bench) -> None:
    """Surface 5: every condition, not only the first."""
    async with bench.open(slots=0) as tw:
        parent = await tw.submit(command=["true"], delay=300)
        handle = await tw.submit(command=["true"], after=[parent])
        await tw.move_queue("default", "pause")
        assert await kinds(handle) == ["dependency", "queue_state", "no_runner"]
        await tw.cancel_all()
