"""Rules of runs that no other test shows alone: what is tried again, what a task keeps, and what ends it."""

import asyncio
import shutil
from pathlib import Path

from taxiway.core.plan import Plan
from taxiway.core.specs import checked_spec
from tests.engine.conftest import DEADLINE_S, changed, ended, said


async def test_what_could_not_be_started_for_a_passing_cause_starts_when_it_has_passed(tw, bench) -> None:
    """DA9, DB18: a program that somebody is writing is no failure and no attempt; it is tried until it can run."""
    program = Path(shutil.copy("/bin/true", bench.file("program")))
    with program.open("r+b"):
        handle = await tw.submit(command=[str(program)], retries=0, backoff={"first": 0.1, "jitter": 0})
        await changed(tw, handle.id, "scheduled/backoff")
        task = await handle.get()
        assert (task.attempt, task.crashes) == (0, 0)
    task = await ended(handle)
    assert (task.state, task.attempt) == ("completed", 1)
    assert {run.outcome for run in (await handle.runs())[:-1]} == {"deferred"}


async def test_a_program_that_stands_still_is_ended_by_its_clock_and_gives_its_slot_back(bench) -> None:
    """B32, DB12: stopped by SIGSTOP it neither escapes its timeout nor keeps anybody waiting."""
    async with bench.open(slots=1) as tw:
        stuck = await tw.submit(shell="echo up; kill -STOP $$; echo on", timeout=0.5)
        await said(stuck, "up")
        after = await tw.submit(command=["true"])
        task = await ended(stuck)
        assert (task.state, task.reason) == ("failed", "timeout")
        assert (await ended(after)).state == "completed"
        [run] = await stuck.runs()
        assert run.ended_at <= (await after.get()).started_at


async def test_every_task_has_its_own_retries_clock_priority_and_folder(bench) -> None:
    """DA14: one plan, and each task is treated as it asks."""
    folder, log = bench.file("elsewhere"), bench.file("log")
    folder.mkdir()
    tasks = [
        {"name": "low", "shell": f"echo low >> '{log}'", "priority": -1},
        {"name": "slow", "command": ["sleep", "300"], "timeout": 0.2, "priority": 1, "retries": 3},
        {"name": "flaky", "shell": 'test "$TAXIWAY_ATTEMPT" -ge 2', "retries": 1, "backoff": {"first": 0}},
        {"name": "there", "command": ["pwd"], "cwd": str(folder)},
        {"name": "high", "shell": f"echo high >> '{log}'", "priority": 9},
    ]
    specs = tuple(checked_spec({"queue": "p", **fields}) for fields in tasks)
    plan = Plan(queue="p", project="", source="test", tasks=specs)
    async with bench.open(slots=1) as tw:
        ids = (await tw.run_plan(plan)).ids
        found = {name: await tw.wait(task, 20) for name, task in ids.items()}
    assert log.read_text().split() == ["high", "low"]
    assert (found["slow"].reason, found["slow"].attempt) == ("timeout", 1)
    assert (found["flaky"].state, found["flaky"].attempt) == ("completed", 2)
    assert found["there"].output == f"{folder}\n"


async def test_a_task_that_is_tried_again_stays_itself_and_shows_its_last_attempt(tw) -> None:
    """B20: id, creation, priority and what was asked stay; output and error are those of the last attempt."""
    fails = "echo try $TAXIWAY_ATTEMPT; echo why $TAXIWAY_ATTEMPT >&2; exit $TAXIWAY_ATTEMPT"
    handle = await tw.submit(shell=fails, retries=1, priority=7, backoff={"first": 0.2})
    await changed(tw, handle.id, "scheduled/backoff")
    before = await handle.get()
    after = await ended(handle)
    kept = ("id", "seq", "created_at", "spec", "queue")
    assert [getattr(before, name, None) for name in kept] == [getattr(after, name, None) for name in kept]
    assert (after.spec.priority, after.exit_code, after.output) == (7, 2, "try 2\n")
    assert "2" in after.error
    assert [run.exit_code for run in await handle.runs()] == [1, 2]


async def test_what_a_child_writes_after_its_parent_has_ended_is_kept(tw, bench) -> None:
    """DB13: the program ends first, its child says a last word when it is asked to end."""
    gate = bench.gate()
    child = f"trap 'echo late; exit 0' TERM; echo > '{gate.path}'; while :; do sleep 0.02; done"
    handle = await tw.submit(shell=f'(sh -c "$CHILD") & {gate.wait}; echo early', env={"CHILD": child})
    task = await ended(handle)
    assert (task.state, task.output) == ("completed", "early\nlate\n")


async def test_draining_twice_is_draining_once(bench) -> None:
    """B35: idempotent; what is submitted meanwhile is kept for the next start, not refused and not lost."""
    async with bench.open() as tw:
        running = await tw.submit(shell="test -e again || { touch again; echo up; sleep 300; }", cwd=str(bench.folder))
        await said(running, "up")
        await tw.crew.drain()
        await tw.crew.drain()
        assert (await running.get()).state == "queued"
        late = await tw.submit(command=["true"])
        assert ((await late.get()).state, tw.crew.working) == ("queued", 0)
    async with bench.open() as tw:
        for handle in (running, late):
            assert (await tw.wait(handle.id, 20)).state == "completed"


async def test_a_draining_runner_says_so_until_it_is_gone(bench) -> None:
    """B35, I21: whoever looks sees that it takes nothing more, while what runs there comes to its end."""
    gate = bench.gate()
    async with bench.open(term_grace_s=20) as tw:
        runner = tw.runner
        running = await tw.submit(shell=f"trap 'read _ < {gate.path}; exit' TERM; echo up; while :; do sleep 0.1; done")
        await said(running, "up")
        async with asyncio.TaskGroup() as group:
            group.create_task(tw.crew.drain())
            await changed(tw, runner, "draining")
            [found] = await tw.store.runners()
            assert (found.id, found.state, tw.crew.working) == (runner, "draining", 1)
            late = await tw.submit(command=["true"])
            assert await tw.store.claim(runner, found.scope, 1) == []
            gate.open()
        [found] = await tw.store.runners()
        assert (found.state, (await late.get()).state) == ("draining", "queued")
    async with bench.open() as tw:
        assert (await tw.wait(late.id, DEADLINE_S)).state == "completed"
        rows = [row.state for row in await tw.store.changes(0, 1000) if row.id == runner]
        assert rows == ["live", "draining", "gone"]
        await tw.cancel(running.id)
        assert (await tw.wait(running.id, DEADLINE_S)).state == "cancelled"


async def test_a_retry_goes_before_equals_that_were_submitted_later(bench) -> None:
    """B7: due again while another one holds the slot, it has kept its place in the order of submission."""
    log, gate = bench.file("log"), bench.gate()
    async with bench.open(slots=1) as tw:
        await tw.move_queue("default", "pause")
        backoff = {"first": 0.05, "jitter": 0}
        flaky = await tw.submit(shell=f"echo a >> '{log}'; test $TAXIWAY_ATTEMPT = 2", retries=1, backoff=backoff)
        holder = await tw.submit(shell=f"echo b >> '{log}'; echo up; {gate.wait}")
        later = await tw.submit(shell=f"echo c >> '{log}'")
        await tw.move_queue("default", "resume")
        failed = await changed(tw, flaky.id, "scheduled/backoff")
        await said(holder, "up")
        await changed(tw, flaky.id, "queued", after=failed.version)
        gate.open()
        assert [(await ended(handle)).state for handle in (flaky, later)] == ["completed"] * 2
    assert log.read_text().split() == ["a", "b", "a", "c"]
