"""Queues as people use them: start, pause, resume, stop, reset, and what each does to work (A1-A14, A46-A50)."""

import pytest

import taxiway
from taxiway.core.plan import Plan
from taxiway.core.specs import checked_spec
from tests.engine.conftest import changed, ended, said


def plan(*tasks: dict, name: str = "p", slots: int | None = None, lanes: dict | None = None) -> Plan:
    """A checked plan, as a plan file gives it."""
    specs = tuple(checked_spec({"queue": name, **fields}) for fields in tasks)
    return Plan(queue=name, project="", source="test", tasks=specs, slots=slots, lanes=lanes or {})


async def queue_ended(tw, name: str) -> str:
    """Wait for the end of a queue."""
    return (await changed(tw, name, "completed", "failed")).state


async def test_a_plan_runs_to_its_end_and_its_queue_says_completed(tw) -> None:
    """A4, A12: running it returns before the work is done; the queue ends by itself when all is terminal."""
    admitted = await tw.run_plan(
        plan({"name": "a", "command": ["true"]}, {"name": "b", "command": ["true"], "after": ["a"]})
    )
    assert admitted.new == 2
    assert await queue_ended(tw, "p") == "completed"
    stats = await tw.queue_stats("p")
    assert stats.by_state == {"completed": 2}


async def test_one_failure_fails_the_plan_while_other_branches_complete(tw) -> None:
    """A12: failed if one failed; cancelled dependents do not hide it, and independent work goes on."""
    tasks = [
        {"name": "bad", "command": ["false"]},
        {"name": "after-bad", "command": ["true"], "after": ["bad"]},
        {"name": "good", "command": ["true"]},
        {"name": "after-good", "command": ["true"], "after": ["good"]},
    ]
    admitted = await tw.run_plan(plan(*tasks))
    assert await queue_ended(tw, "p") == "failed"
    states = {name: (await tw.task(task)).state for name, task in admitted.ids.items()}
    assert states == {"bad": "failed", "after-bad": "cancelled", "good": "completed", "after-good": "completed"}


async def test_a_handled_failure_does_not_fail_the_plan(tw) -> None:
    """Semantics, Dependencies: a dependent that named it with 'failed' completed."""
    tasks = [
        {"name": "bad", "command": ["false"]},
        {"name": "mend", "command": ["true"], "after": {"bad": "failed"}},
        {"name": "never", "command": ["true"], "after": {"mend": "failed"}},
        {"name": "always", "command": ["true"], "after": {"never": "finished"}},
    ]
    admitted = await tw.run_plan(plan(*tasks))
    assert await queue_ended(tw, "p") == "completed"
    never = await tw.task(admitted.ids["never"])
    assert (never.state, never.reason) == ("cancelled", "skipped")
    assert (await tw.task(admitted.ids["always"])).state == "completed"


async def test_running_a_plan_again_keeps_what_completed(tw, bench) -> None:
    """Semantics, Running it again: completed stays, failed and what fell is replaced, and only that runs."""
    log, fixed = bench.file("log"), bench.file("fixed")
    tasks = [
        {"name": "a", "shell": f"echo a >> '{log}'"},
        {"name": "b", "shell": f"echo b >> '{log}'; [ -e '{fixed}' ]", "after": ["a"]},
        {"name": "c", "shell": f"echo c >> '{log}'", "after": ["b"]},
    ]
    await tw.run_plan(plan(*tasks))
    assert await queue_ended(tw, "p") == "failed"
    fixed.touch()
    again = await tw.run_plan(plan(*tasks))
    assert (again.new, again.kept, again.going_on, again.replaced) == (0, 1, 0, 2)
    for task in again.ids.values():
        assert (await tw.wait(task, 20)).state == "completed"
    assert (await tw.queue("p")).state == "completed"
    assert log.read_text().split() == ["a", "b", "b", "c"]


async def test_pause_lets_what_runs_end_and_starts_nothing(tw, bench) -> None:
    """A8: its end is recorded while the queue is paused."""
    gate = bench.gate()
    running = await tw.submit(shell=f"echo up; {gate.wait}")
    await said(running, "up")
    assert (await tw.move_queue("default", "pause")).state == "paused"
    waiting = await tw.submit(command=["true"])
    assert waiting.state == "queued"
    gate.open()
    assert (await ended(running)).state == "completed"
    proof = await tw.submit(command=["true"], delay=0.3)
    await changed(tw, proof.id, "queued")
    assert (await waiting.get()).state == "queued"
    assert [obstacle.kind for obstacle in await waiting.explain()] == ["queue_state"]
    assert (await tw.move_queue("default", "resume")).state == "running"
    assert (await ended(waiting)).state == "completed"


async def test_resuming_a_queue_whose_work_ended_while_it_was_paused_ends_it(tw, bench) -> None:
    """A9: the pass after resume completes it."""
    gate = bench.gate()
    admitted = await tw.run_plan(plan({"name": "a", "shell": f"echo up; {gate.wait}"}))
    await changed(tw, admitted.ids["a"], "running")
    await tw.move_queue("p", "pause")
    gate.open()
    await tw.wait(admitted.ids["a"], 20)
    assert (await tw.queue("p")).state == "paused"
    assert (await tw.move_queue("p", "resume")).state == "completed"


async def test_stop_waits_for_what_runs_and_cancels_what_waits(tw, bench) -> None:
    """A10, A11, decision 9: in-flight work ends by itself; the rest is cancelled, each with reason and row."""
    gate = bench.gate()
    tasks = [
        {"name": "runs", "shell": f"echo up; {gate.wait}; echo end"},
        {"name": "waits", "command": ["true"], "after": ["runs"]},
        {"name": "delayed", "command": ["true"], "delay": 300},
    ]
    admitted = await tw.run_plan(plan(*tasks))
    await changed(tw, admitted.ids["runs"], "running")
    assert (await tw.move_queue("p", "stop")).state == "stopping"
    with pytest.raises(taxiway.Conflict, match="stopping"):
        await tw.submit(command=["true"], queue="p")
    for name in ("waits", "delayed"):
        change = await changed(tw, admitted.ids[name], "cancelled/queue_stopped")
        assert change.actor == "tester"
    gate.open()
    assert await queue_ended(tw, "p") == "completed"
    runs = await tw.task(admitted.ids["runs"])
    assert (runs.state, "end" in runs.output) == ("completed", True)


async def test_a_stopped_queue_with_a_failure_has_failed(tw) -> None:
    """A10: one that failed before the stop counts; cancelled ones do not."""
    admitted = await tw.run_plan(
        plan({"name": "bad", "command": ["false"]}, {"name": "late", "command": ["true"], "delay": 300})
    )
    await tw.wait(admitted.ids["bad"], 20)
    await tw.move_queue("p", "stop")
    assert await queue_ended(tw, "p") == "failed"


async def test_a_retry_does_not_outlive_a_stop(tw, bench) -> None:
    """A10: what would be tried again is cancelled with its queue."""
    gate = bench.gate()
    admitted = await tw.run_plan(plan({"name": "a", "shell": f"echo up; {gate.wait}; exit 1", "retries": 3}))
    await changed(tw, admitted.ids["a"], "running")
    await tw.move_queue("p", "stop")
    gate.open()
    assert await queue_ended(tw, "p") in {"completed", "failed"}
    task = await tw.task(admitted.ids["a"])
    assert (task.state, len(await tw.runs(task.id))) == ("cancelled", 1)


async def test_a_reset_queue_is_empty_and_idle_and_can_be_filled_again(tw) -> None:
    """A13: only from completed or failed; its old tasks are gone from lists."""
    await tw.run_plan(plan({"name": "a", "command": ["true"]}))
    await queue_ended(tw, "p")
    version = await tw.store.last_version()
    assert (await tw.move_queue("p", "reset")).state == "idle"
    await changed(
        tw,
        (await tw.task((await tw.tasks(taxiway.TaskFilter(superseded=True))).items[0].id)).id,
        "removed",
        after=version,
    )
    assert (await tw.tasks(taxiway.TaskFilter(queue="p"))).items == []
    kept = await tw.submit(command=["true"], queue="p")
    assert (await kept.explain())[0].kind == "queue_state"
    await tw.move_queue("p", "start")
    assert (await ended(kept)).state == "completed"


@pytest.mark.parametrize("verb", ["start", "resume", "reset"])
async def test_an_illegal_move_names_both_states_and_changes_nothing(tw, verb) -> None:
    """A3."""
    version = await tw.store.last_version()
    with pytest.raises(taxiway.Conflict, match=r"Invalid state transition: running -> \w+ .*allowed from running"):
        await tw.move_queue("default", verb)
    assert (await tw.queue("default")).state == "running"
    assert await tw.store.last_version() == version


async def test_more_slots_start_more_at_once_and_fewer_stop_nothing(bench) -> None:
    """A30: for queues and lanes alike, while work runs; no polling is waited for (A27)."""
    async with bench.open(slots=8) as tw:
        await tw.make_queue("q", slots=1)
        await tw.set_lane("l", 8)
        gates = [bench.gate(f"g{i}") for i in range(4)]
        tasks = [await tw.submit(shell=f"echo up; {gate.wait}", queue="q", lane="l") for gate in gates]
        await said(tasks[0], "up")
        await tw.set_queue("q", 2)
        await said(tasks[1], "up")
        await tw.set_queue("q", 1)
        assert (await tw.queue_stats("q")).live == 2
        await tw.set_lane("l", 2)
        await tw.set_queue("q", None)
        gates[0].open()
        await ended(tasks[0])
        await said(tasks[2], "up")
        assert (await tasks[3].get()).state == "queued"
        await tw.set_lane("l", None)
        await said(tasks[3], "up")
        for gate in gates[1:]:
            gate.open()
        for task in tasks:
            assert (await ended(task)).state == "completed"


async def test_a_queue_of_no_slots_is_refused(tw) -> None:
    """DA17, decision 11: 0 would freeze it."""
    with pytest.raises(taxiway.Invalid):
        await tw.make_queue("frozen", slots=0)
    with pytest.raises(taxiway.Invalid):
        await tw.set_lane("main", 0)


async def test_removing_work_strands_nobody(tw, bench) -> None:
    """A22, A23, DA7: a running task is not removed; the dependents of a removed one are told."""
    gate = bench.gate()
    running = await tw.submit(shell=f"echo up; {gate.wait}")
    await said(running, "up")
    assert await running.remove() is False
    waiting = await tw.submit(command=["true"], delay=300)
    child = await tw.submit(command=["true"], after=[waiting])
    assert await waiting.remove() is True
    with pytest.raises(taxiway.NotFound):
        await waiting.get()
    assert (await ended(child)).state == "cancelled"
    gate.open()
    assert (await ended(running)).state == "completed"
    assert await running.remove() is True


async def test_a_listener_that_raises_never_touches_the_work(bench) -> None:
    """A46: the observer fails at every moment."""

    def broken(moment, **facts):
        raise RuntimeError("listener")

    async with bench.open(observer=broken) as tw:
        handle = await tw.submit(shell="exit 3", retries=1, backoff={"first": 0})
        assert (await ended(handle)).attempt == 2
        stopped = await tw.submit(command=["sleep", "300"])
        await changed(tw, stopped.id, "running")
        await stopped.cancel()
        assert (await ended(stopped)).state == "cancelled"
