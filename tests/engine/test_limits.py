"""Limits as the programs themselves see them, and the order in which work starts (I3, B7-B9, A24-A29)."""

import asyncio

import pytest

import taxiway
from tests.engine.conftest import ended, said

#: Counts how many go at once: each makes a file, lists how many there are, and takes it away.
SAMPLE = "touch '{d}/'$$; ls '{d}' | wc -l; sleep 0.05; ls '{d}' | wc -l; rm '{d}/'$$"


async def highest(tasks: list, /) -> int:
    """The most that any of the programs saw at once."""
    outputs = [(await ended(task)).output for task in tasks]
    return max(int(line) for output in outputs for line in output.split())


@pytest.mark.parametrize(("slots", "size", "most"), [(2, 64, 2), (6, 3, 3), (6, 1, 1)])
async def test_never_more_at_once_than_slots_and_lane_allow(bench, slots, size, most) -> None:
    """A25, B8, I3, DA2: sampled from inside the programs; and the limit is really reached."""
    folder = bench.file("live")
    folder.mkdir()
    async with bench.open(slots=slots) as tw:
        await tw.set_lane("l", size)
        made = await tw.submit_many([{"shell": SAMPLE.format(d=folder), "lane": "l"} for _ in range(14)])
        assert await highest(made) == most


async def test_a_queues_own_slots_bound_it_beside_others(bench) -> None:
    """I3: two queues share a runner; one is narrow, the other fills what is left."""
    folder = bench.file("live")
    folder.mkdir()
    gate = bench.gate()
    async with bench.open(slots=4) as tw:
        await tw.make_queue("narrow", slots=2)
        narrow = await tw.submit_many([{"shell": SAMPLE.format(d=folder), "queue": "narrow"} for _ in range(8)])
        other = await tw.submit(shell=f"echo up; {gate.wait}")
        await said(other, "up")
        assert await highest(narrow) == 2
        gate.open()
        await ended(other)


async def test_free_slots_are_used_at_once(bench) -> None:
    """B9, DB2, A28: N free slots start N tasks; they can only end when all of them are there."""
    folder = bench.file("meet")
    folder.mkdir()
    meet = f"touch '{folder}/'$$; while [ $(ls '{folder}' | wc -l) -lt 5 ]; do sleep 0.02; done"
    async with bench.open(slots=5) as tw:
        tasks = await tw.submit_many([{"shell": meet, "timeout": 20} for _ in range(5)])
        for task in tasks:
            assert (await ended(task)).state == "completed"


async def test_more_slots_than_one_claim_takes_are_filled_without_waiting(bench) -> None:
    """B9: 100 jobs wait for each other; a claim takes 64 at most."""
    there = 0
    all_there = asyncio.Event()

    async def meet() -> None:
        nonlocal there
        there += 1
        if there == 100:
            all_there.set()
        await all_there.wait()

    async with bench.open(slots=100, main_size=200, jobs={"meet": meet}) as tw:
        tasks = await tw.submit_many([{"job": "meet", "timeout": 20} for _ in range(100)])
        for task in tasks:
            assert (await ended(task)).state == "completed"


async def test_order_is_priority_then_position_then_submission(bench) -> None:
    """B7, A24, decision 1: as observed by the programs, with negatives; FIFO within equals."""
    log = bench.file("log")
    asked = [("e", 0, 0), ("f", 0, 0), ("g", 0, 5), ("h", -1, 0), ("a", 9, 3), ("d", 0, -2), ("b", 9, 4), ("c", 1, 99)]
    async with bench.open(slots=1) as tw:
        await tw.move_queue("default", "pause")
        tasks = [
            await tw.submit(shell=f"echo {name} >> '{log}'", priority=priority, position=position)
            for name, priority, position in asked
        ]
        await tw.move_queue("default", "resume")
        for task in tasks:
            await ended(task)
    assert log.read_text().split() == list("abcdefgh")


async def test_priority_holds_across_queues_and_lanes(bench) -> None:
    """Semantics, The claim: exact across the open groups; a full lane in front holds nobody else up."""
    log = bench.file("log")
    gate = bench.gate()
    async with bench.open(slots=2) as tw:
        await tw.set_lane("full", 1)
        await tw.make_queue("other")
        holder = await tw.submit(shell=f"echo up; {gate.wait}", lane="full")
        await said(holder, "up")
        await tw.move_queue("default", "pause")
        await tw.move_queue("other", "pause")
        stuck = await tw.submit(command=["true"], lane="full", priority=99)
        tasks = [
            await tw.submit(shell=f"echo {name} >> '{log}'", priority=priority, queue=queue)
            for name, priority, queue in [("c", 1, "other"), ("a", 3, "other"), ("b", 2, "other"), ("d", 0, "other")]
        ]
        await tw.move_queue("default", "resume")
        await tw.move_queue("other", "resume")
        for task in tasks:
            await ended(task)
        assert (await stuck.get()).state == "queued"
        gate.open()
        assert (await ended(stuck)).state == "completed"
    assert log.read_text().split() == ["a", "b", "c", "d"]


async def test_no_wait_is_refused_when_it_would_have_to_wait(bench) -> None:
    """B3, decision 13: refused with what it would wait for, nothing stored; taken when there is room."""
    gate = bench.gate()
    async with bench.open(slots=1) as tw:
        first = await tw.submit(shell=f"echo up; {gate.wait}", no_wait=True)
        await said(first, "up")
        with pytest.raises(taxiway.Full) as caught:
            await tw.submit(command=["true"], no_wait=True)
        assert caught.value.details["obstacles"] == ["runner_full"]
        for waits in ({"delay": 5}, {"after": [first]}):
            with pytest.raises((taxiway.Full, taxiway.Invalid), match="no_wait"):
                await tw.submit(command=["true"], no_wait=True, **waits)
        assert len((await tw.tasks()).items) == 1
        gate.open()
        await ended(first)


async def test_an_unknown_lane_or_queue_is_refused_with_the_nearest_name(tw) -> None:
    """Decision 14."""
    with pytest.raises(taxiway.Invalid, match="did you mean 'main'"):
        await tw.submit(command=["true"], lane="mian")
    with pytest.raises(taxiway.NotFound, match="did you mean 'default'"):
        await tw.submit(command=["true"], queue="defualt")


async def test_the_same_key_twice_is_the_same_task(tw) -> None:
    """I9, decision 4: also when it is terminal; another payload is refused; many at once make one."""
    spec = {"command": ["true"], "idempotency_key": "k"}
    handles = await asyncio.gather(*(tw.submit(**spec) for _ in range(20)))
    assert len({handle.id for handle in handles}) == 1
    assert [handle.created for handle in handles].count(True) == 1
    await ended(handles[0])
    again = await tw.submit(**spec)
    assert (again.id, again.created, again.state) == (handles[0].id, False, "completed")
    with pytest.raises(taxiway.IdempotencyMismatch):
        await tw.submit(command=["false"], idempotency_key="k")
    assert len(await handles[0].runs()) == 1
