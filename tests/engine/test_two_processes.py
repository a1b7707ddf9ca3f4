"""Two processes on one file: both work, limits hold across both, and each hears of the other (I3, I14)."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import taxiway
from taxiway.agents.settle import boot_id
from taxiway.core.plan import Plan
from taxiway.core.readiness import Scope
from taxiway.core.run import Failed
from taxiway.core.task import Reason
from taxiway.store.protocol import Runner
from taxiway.store.sqlite.locks import RunnerLock
from tests.engine.conftest import DEADLINE_S, Bench, ended, said
from tests.engine.test_limits import SAMPLE, highest

NEIGHBOUR = Path(__file__).parent / "neighbour.py"


class Neighbour:
    """The other process, as a conversation of JSON lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def heard(self) -> Any:
        """Its next answer."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 2 * DEADLINE_S)
        assert line, "the neighbour has ended"
        return json.loads(line)

    async def do(self, verb: str, **order: Any) -> Any:
        """Give it an order and hear the answer."""
        await self.say(verb, **order)
        return await self.heard()

    async def say(self, verb: str, **order: Any) -> None:
        """Give it an order."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": verb, **order}).encode() + b"\n")
        await self.process.stdin.drain()


@asynccontextmanager
async def neighbour(bench: Bench, slots: int) -> AsyncIterator[Neighbour]:
    """Another process with a runner of ``slots`` slots (0: none), until the block ends."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(NEIGHBOUR), str(bench.path), str(slots), stdin=pipe, stdout=pipe
    )
    other = Neighbour(process)
    try:
        assert await other.heard() == "open"
        yield other
        assert process.stdin is not None
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), DEADLINE_S) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_work_submitted_by_another_process_is_run_here(bench) -> None:
    """Issue 2, I14: a process without a runner submits, waits and watches; the one with slots works."""
    async with bench.open() as tw, neighbour(bench, 0) as other:
        [task] = await other.do("submit", tasks=[{"shell": "echo hello"}])
        assert await other.do("wait", tasks=[task]) == ["completed"]
        assert (await tw.task(task)).output == "hello\n"
        assert await other.do("events", task=task) == ["run.started", "output", "run.finished"]


async def test_a_cancel_from_another_process_reaches_the_run(bench) -> None:
    """B27, I6: control has a wake-up of its own, across processes too."""
    async with bench.open() as tw, neighbour(bench, 0) as other:
        handle = await tw.submit(shell="echo up; sleep 300")
        await said(handle, "up")
        assert await other.do("cancel", task=handle.id) == "running"
        assert (await ended(handle)).state == "cancelled"


async def test_limits_hold_across_both_and_nothing_runs_twice(bench) -> None:
    """I2, I3, issue 2: both submit and both run; the lane is never overfull; each task has exactly one run."""
    folder, log = bench.file("live"), bench.file("log")
    folder.mkdir()
    task = {"shell": f"echo $TAXIWAY_TASK >> '{log}'; {SAMPLE.format(d=folder)}", "lane": "three"}
    async with bench.open(slots=4) as tw, neighbour(bench, 4) as other:
        await tw.set_lane("three", 3)
        theirs = await other.do("submit", tasks=[task] * 15)
        ours = await tw.submit_many([task] * 15)
        assert await highest(ours) <= 3
        assert await other.do("wait", tasks=theirs) == ["completed"] * 15
        runs = [await tw.runs(one) for one in [*theirs, *(handle.id for handle in ours)]]
    assert [len(found) for found in runs] == [1] * 30
    assert len({found[0].runner for found in runs}) == 2
    ids = log.read_text().split()
    assert sorted(ids) == sorted({*ids})
    assert len(ids) == 30


async def test_a_slot_that_one_process_frees_is_used_by_the_other(bench) -> None:
    """A27, I14: by a hint, not by a poll that somebody must wait for; with a lane of one they take turns."""
    gate = bench.gate()
    async with bench.open(slots=1) as tw, neighbour(bench, 1) as other:
        await tw.set_lane("one", 1)
        first = await tw.submit(shell=f"echo up; {gate.wait}", lane="one")
        await said(first, "up")
        [second] = await other.do("submit", tasks=[{"command": ["true"], "lane": "one"}])
        assert str((await tw.task(second)).state) == "queued"
        gate.open()
        assert await other.do("wait", tasks=[second]) == ["completed"]
        assert (await ended(first)).state == "completed"


async def test_a_bigger_lane_set_elsewhere_starts_more_here(bench) -> None:
    """A30: the change is seen in the other process at once."""
    gates = [bench.gate(f"g{index}") for index in range(2)]
    async with bench.open() as tw, neighbour(bench, 0) as other:
        await tw.set_lane("one", 1)
        tasks = [await tw.submit(shell=f"echo up; {gate.wait}", lane="one") for gate in gates]
        await said(tasks[0], "up")
        assert await other.do("lane", name="one", size=2) == 2
        await said(tasks[1], "up")
        for gate, task in zip(gates, tasks, strict=True):
            gate.open()
            assert (await ended(task)).state == "completed"


async def test_what_one_process_leaves_the_other_takes_over(bench) -> None:
    """Semantics, Counters: a drained task is queued at once, and runs where there is room."""
    marker = bench.file("second")
    async with bench.open(slots=0) as tw:
        async with neighbour(bench, 1) as other:
            [task] = await other.do(
                "submit", tasks=[{"shell": f"[ -e '{marker}' ] && exit 0; touch '{marker}'; echo up; sleep 300"}]
            )
            handle = next(iter((await tw.tasks()).items))
            assert handle.id == task
            async for event in tw.events(task):
                if "up" in event.data.get("text", ""):
                    break
        assert (await tw.task(task)).state == "queued"
        async with bench.open(slots=1):
            assert (await tw.wait(task, DEADLINE_S)).state == "completed"
        assert (await tw.task(task)).attempt == 1


async def test_a_plan_is_run_again_at_once_although_its_handler_died_with_its_runner(bench) -> None:
    """I7, semantics, "Running it again": what the dead left live is no reason to refuse; it goes on."""
    document = {"queue": "p", "tasks": {"a": {"shell": "exit 1"}, "h": {"shell": "true", "after": {"a": "failed"}}}}
    path = bench.file("plan.json")
    path.write_text(json.dumps(document))
    plan = taxiway.read_plan(path)
    async with bench.open(slots=0) as tw:
        await tw.run_plan(plan)
        lock = RunnerLock(bench.path.with_name("store.db.d"), "runner_dead")
        me = Runner(id="runner_dead", host=socket.gethostname(), boot_id=boot_id(), pid=1, slots=1)
        await tw.store.register(me)
        [run] = await tw.store.claim(me.id, Scope(), 1)
        await tw.store.finish(run.run, run.fence, Failed(Reason.EXIT_CODE, "it exited with status 1"), 0.5)
        assert len(await tw.store.claim(me.id, Scope(), 1)) == 1
    lock.release()
    async with bench.open() as tw:
        again = await tw.run_plan(plan)
        assert again.replaced == 0
        assert [(await tw.wait(task, DEADLINE_S)).state for task in again.ids.values()] == ["failed", "completed"]


async def test_a_runner_that_is_there_for_a_plan_takes_nothing_before_the_plan_is_admitted(bench) -> None:
    """Semantics, "Running it again": else it could start a task's older text, which then refuses the new one."""
    path = bench.file("plan.json")

    def plan(said: str) -> Plan:
        path.write_text(json.dumps({"queue": "p", "tasks": {"a": {"command": ["echo", said]}}}))
        return taxiway.read_plan(path)

    async with bench.open(slots=0) as tw:
        await tw.run_plan(plan("old"))
    async with bench.open(plan_first=True) as tw:
        other = await tw.submit(command=["true"])
        with pytest.raises(TimeoutError):
            await other.wait(0.3)
        again = await tw.run_plan(plan("new"))
        assert (again.replaced, (await tw.wait(again.ids["a"], DEADLINE_S)).output) == (1, "new\n")
        assert (await ended(other)).state == "completed"
