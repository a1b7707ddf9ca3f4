"""Rules of queues and lists that no other test shows alone: who is told, what starts a pass, and what counts."""

import pytest

import taxiway
from taxiway.engine import canceller, dispatcher, feed
from taxiway.store.protocol import TaskFilter
from tests.engine.conftest import changed, ended, said, story


@pytest.fixture
def no_polls(monkeypatch) -> None:
    """The polls that nothing depends on come after an hour: what happens in a test happened by a hint."""
    for module in (dispatcher, feed, canceller):
        monkeypatch.setattr(module, "SAFETY_POLL_S", 3600.0)


async def test_whatever_makes_room_or_work_starts_a_pass_without_a_poll(no_polls, bench) -> None:
    """A9, A27, A30: submit, an end, a met dependency, a backoff, resume, start, and either limit raised."""
    async with bench.open(slots=2) as tw:
        await tw.set_lane("one", 1)
        await tw.make_queue("narrow", slots=1)
        flaky = await tw.submit(shell='test "$TAXIWAY_ATTEMPT" -ge 2', retries=1, backoff={"first": 0.05})
        child = await tw.submit(command=["true"], after=[flaky])
        assert (await ended(child)).state == "completed"
        for room, more in (("lane", tw.set_lane), ("queue", tw.set_queue)):
            name = {"lane": "one", "queue": "narrow"}[room]
            gates = [bench.gate(f"{room}-{index}") for index in range(3)]
            tasks = [await tw.submit(shell=f"echo up; {gate.wait}", **{room: name}) for gate in gates]
            await said(tasks[0], "up")
            await more(name, 2)
            await said(tasks[1], "up")
            gates[0].open()
            await said(tasks[2], "up")
            for gate in gates[1:]:
                gate.open()
            for task in tasks:
                assert (await ended(task)).state == "completed"
        await tw.move_queue("default", "pause")
        waiting = await tw.submit(command=["true"])
        await tw.move_queue("default", "resume")
        assert (await ended(waiting)).state == "completed"


async def test_a_cancel_needs_no_poll_either(no_polls, tw) -> None:
    """B27: what runs is reached by a hint."""
    handle = await tw.submit(shell="echo up; sleep 300")
    await said(handle, "up")
    await handle.cancel()
    assert (await ended(handle)).state == "cancelled"


async def test_a_task_is_announced_in_the_state_that_the_scheduler_gave_it(tw) -> None:
    """A15, A18: the first line in the change log has it already; a state of the caller's own is refused."""
    fails = await tw.submit(command=["false"], name="fails")
    assert (await ended(fails)).state == "failed"
    later = await tw.submit(command=["true"], delay=300)
    behind = await tw.submit(command=["true"], after=[later])
    fell = await tw.submit(command=["true"], after=[fails])
    firsts = [(await story(tw, handle))[0] for handle in (fails, later, behind, fell)]
    assert firsts == ["queued", "scheduled/delay", "blocked/dependency", "cancelled/dependency_failed"]
    with pytest.raises(taxiway.Invalid, match="state"):
        await tw.submit(command=["true"], state="completed")
    await tw.cancel_all()


async def test_what_was_read_or_handed_in_is_nobodys_way_into_the_store(tw) -> None:
    """A49: records are frozen, and what they hold is a copy; what the caller does to it changes nothing."""
    labels = {"team": "red"}
    asked = {"command": ["true"], "delay": 300, "labels": labels, "metadata": {"deep": [1]}}
    handle = await tw.submit(**asked)
    labels["team"] = "blue"
    asked["metadata"]["deep"].append(2)
    task = await handle.get()
    with pytest.raises(AttributeError):
        task.state = "completed"
    task.spec.labels["team"] = "green"
    task.spec.metadata["deep"].clear()
    stats = await tw.queue_stats("default")
    stats.by_state.clear()
    (await tw.queues()).clear()
    found = await handle.get()
    assert (found.spec.labels, found.spec.metadata) == ({"team": "red"}, {"deep": [1]})
    assert (await tw.queue_stats("default")).by_state == {"scheduled": 1}
    assert [queue.name for queue in await tw.queues()] == ["default"]
    await handle.cancel()


async def test_counts_are_of_tasks_and_add_up(tw) -> None:
    """B31, DB11: three attempts are one failure; timeouts and cancelled tasks have counters of their own."""
    tired = await tw.submit(command=["false"], retries=2, backoff={"first": 0})
    slow = await tw.submit(command=["sleep", "300"], timeout=0.2)
    gone = await tw.submit(command=["true"], delay=300)
    good = await tw.submit(command=["true"])
    await gone.cancel()
    for handle in (tired, slow, gone, good):
        await ended(handle)
    assert (await tired.get()).attempt == 3
    stats = await tw.queue_stats("default")
    assert stats.by_reason == {"failed/exit_code": 1, "failed/timeout": 1, "cancelled/requested": 1}
    assert stats.by_state == {"failed": 2, "cancelled": 1, "completed": 1}
    assert (stats.total, stats.live) == (len((await tw.tasks(TaskFilter())).items), 0)
    assert stats.total == sum(stats.by_state.values()) == 4


async def test_an_idle_queue_is_started_by_its_verb_alone(no_polls, tw) -> None:
    """A5, A27: what was kept while it was idle starts with it, and no poll is waited for."""
    await tw.make_queue("q")
    first = await tw.submit(command=["true"], queue="q")
    assert (await ended(first)).state == "completed"
    await tw.move_queue("q", "stop")
    await changed(tw, "q", "completed")
    await tw.move_queue("q", "reset")
    kept = await tw.submit(command=["true"], queue="q")
    assert [str(obstacle.kind) for obstacle in await kept.explain()] == ["queue_state"]
    await tw.move_queue("q", "start")
    assert (await ended(kept)).state == "completed"
