"""Whole Taxiway processes, their guardians and fork servers die or freeze; others take over what they held."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import apsw
import pytest

import taxiway
from taxiway import EventType
from taxiway.agents.guardian.sweep import tagged
from taxiway.app import Taxiway
from taxiway.client.handle import TaskHandle

WORKER = Path(__file__).parent / "worker.py"
DEADLINE_S = 40.0
STUBBORN = "trap '' TERM; setsid sleep 300 & echo up; while :; do sleep 0.2; done"


class Worker:
    """A process with a runner on the test's store."""

    def __init__(self, process: asyncio.subprocess.Process, runner: str) -> None:
        self.process = process
        self.runner = runner

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def freeze(self, store: Path) -> None:
        """SIGSTOP it, at a moment when it does not hold the store's write lock (that is a test of its own)."""
        while True:
            self.signal(signal.SIGSTOP)
            if not locked(store):
                return
            self.signal(signal.SIGCONT)
            await asyncio.sleep(0.05)

    async def kill(self) -> float:
        """kill -9; the moment of it."""
        self.process.kill()
        at = time.monotonic()
        await self.process.wait()
        return at


@pytest.fixture
async def tw(tmp_path: Path) -> AsyncIterator[Taxiway]:
    """The store, without a runner in this process; a lane of 64."""
    async with taxiway.open(tmp_path / "store.db", slots=0, main_size=64, project="") as tw:
        yield tw


@pytest.fixture
async def worker(tw: Taxiway, tmp_path: Path) -> AsyncIterator[Callable]:
    """Starts workers; afterwards the store is sound, no run is live, and no process of any run is left (I6, I7)."""
    workers: list[Worker] = []

    async def start(**settings) -> Worker:
        settings = {"slots": 2, "term_grace_s": 0.5} | settings
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(WORKER), str(tmp_path / "store.db"), json.dumps(settings), stdin=pipe, stdout=pipe
        )
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)
        workers.append(Worker(process, json.loads(line)["runner"]))
        return workers[-1]

    yield start
    await tw.cancel_all()
    for one in workers:
        if one.process.returncode is None:
            one.process.stdin.close()
            await asyncio.wait_for(one.process.wait(), DEADLINE_S)
    await until(lambda: none_live(tw))
    assert await tw.store.check() == []
    tags = {
        run.process.tag for task in (await tw.tasks(limit=500)).items for run in await tw.runs(task.id) if run.process
    }
    await until(lambda: settled(lambda: not [tag for _, tag in tagged() if tag in tags]))


async def settled(what: Callable[[], bool]) -> bool:
    """A plain condition as an awaitable one."""
    return what()


def locked(store: Path) -> bool:
    """Whether somebody keeps the store's write lock, for half a second at least."""
    connection = apsw.Connection(str(store))
    try:
        connection.set_busy_timeout(500)
        connection.execute("BEGIN IMMEDIATE; ROLLBACK")
    except apsw.BusyError:
        return True
    finally:
        connection.close()
    return False


async def none_live(tw: Taxiway) -> bool:
    """Whether no run is live in the store."""
    return await tw.store.live_runs() == []


async def until(what: Callable, within: float = DEADLINE_S) -> None:
    """Poll with a deadline."""
    async with asyncio.timeout(within):
        while not await what():
            await asyncio.sleep(0.02)


async def said(handle: TaskHandle, text: str, times: int = 1) -> None:
    """Wait until the task's programs have written ``text`` so often."""
    heard = ""
    async with asyncio.timeout(DEADLINE_S):
        async for event in handle.events():
            heard += event.data.get("text", "") if event.type is EventType.OUTPUT else ""
            if heard.count(text) >= times:
                return
    raise AssertionError(f"it ended without saying {text!r} {times} times: {heard!r}")


async def lost(tw: Taxiway, handle: TaskHandle, crashes: int = 1) -> float:
    """Wait until a task counts so many crashes; the moment that was seen."""

    async def counted() -> bool:
        return (await handle.get()).crashes >= crashes

    await until(counted)
    return time.monotonic()


async def mark_of(handle: TaskHandle):
    """The process of the task's newest run."""
    async with asyncio.timeout(DEADLINE_S):
        while not (runs := await handle.runs()) or runs[-1].process is None:
            await asyncio.sleep(0.02)
    return runs[-1].process


async def test_a_killed_guardian_loses_its_run_which_starts_again_at_once(tw, worker) -> None:
    """Fault 5, semantics, Counters: lost, no attempt counted, crashes + 1; the tree is gone before it starts again."""
    await worker()
    handle = await tw.submit(shell=STUBBORN)
    await said(handle, "up")
    os.kill((await mark_of(handle)).guardian_pid, signal.SIGKILL)
    await said(handle, "up", times=2)
    task = await handle.get()
    assert (task.state, task.attempt, task.crashes, task.fence) == ("running", 0, 1, 2)
    assert [run.outcome for run in await handle.runs()] == ["lost", None]


async def test_the_third_run_that_ends_without_a_report_is_poisoned(tw, worker) -> None:
    """I13: quarantined with a sentence, while others go on; a person's retry counts anew."""
    await worker()
    handle = await tw.submit(shell="echo up; kill -9 $PPID; sleep 300", retries=5)
    other = await tw.submit(shell="sleep 0.5; echo fine")
    task = await handle.wait(DEADLINE_S)
    assert (task.state, task.reason, task.crashes, task.attempt) == ("failed", "poisoned", 3, 0)
    assert "3 runs ended without a report" in task.error
    assert (await other.wait(DEADLINE_S)).state == "completed"
    [again] = await handle.retry()
    assert (await again.get()).crashes == 0


async def test_a_killed_fork_server_is_replaced_and_no_run_notices(tw, worker) -> None:
    """I14: guardians live on without it; the next start makes a new one."""
    await worker()
    handle = await tw.submit(shell="echo up; sleep 1; echo end")
    await said(handle, "up")
    guardian = (await mark_of(handle)).guardian_pid
    server = int(Path(f"/proc/{guardian}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(server, signal.SIGKILL)
    assert (await (await tw.submit(command=["echo", "next"])).wait(DEADLINE_S)).output == "next\n"
    task = await handle.wait(DEADLINE_S)
    assert (task.state, task.output, task.crashes) == ("completed", "up\nend\n", 0)


async def test_a_living_process_settles_the_runs_of_a_killed_one_within_2_s(tw, worker) -> None:
    """I7: by the free lock and the dead trees, without waiting for a lease; it then runs them itself."""
    first = await worker()
    handles = [await tw.submit(shell=STUBBORN) for _ in range(2)]
    for handle in handles:
        await said(handle, "up")
    second = await worker()
    at = await first.kill()
    for handle in handles:
        seen = await lost(tw, handle)
        assert seen - at < 2.0, f"{seen - at:.2f} s"
    for handle in handles:
        await said(handle, "up", times=2)
        runs = await handle.runs()
        assert [(run.runner, run.outcome) for run in runs] == [(first.runner, "lost"), (second.runner, None)]


async def test_a_process_without_a_runner_settles_too(tw, worker) -> None:
    """I7: any living Taxiway process of the host; here the one that only watches."""
    first = await worker()
    handle = await tw.submit(shell=STUBBORN)
    await said(handle, "up")
    at = await first.kill()
    assert await lost(tw, handle) - at < 2.0
    assert (await handle.get()).state == "queued"


async def test_a_child_that_a_job_forked_does_not_keep_its_dead_runner_alive(tw, worker, tmp_path) -> None:
    """I7, I14: a fork without exec has every descriptor of its parent, and the lock must not be among them."""
    first = await worker()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    forked = await (await tw.submit(job="fork", args={"pipe": str(pipe)})).wait(DEADLINE_S)
    handle = await tw.submit(shell=STUBBORN)
    await said(handle, "up")
    at = await first.kill()
    try:
        assert await lost(tw, handle) - at < 2.0
        os.kill(forked.result, 0)  # the child lives
        await until(lambda: settled(lambda: not list((tmp_path / "store.db.d").glob("*.lock"))))
    finally:
        pipe.write_text("go")


async def test_a_killed_runner_is_forgotten_with_its_lock(tw, worker, tmp_path) -> None:
    """I7, I18: nothing piles up beside the store."""
    first = await worker()
    lock = tmp_path / "store.db.d" / f"{first.runner}.lock"
    assert lock.exists()
    await first.kill()
    await until(lambda: settled(lambda: not lock.exists()))
    assert first.runner not in {runner.id for runner in await tw.store.runners()}


async def test_fifty_live_programs_die_with_their_taxiway(tw, worker) -> None:
    """I7, I6: 50 trees at once, settled together within 2 s of the next look; none is left."""
    first = await worker(slots=50)
    handles = await tw.submit_many([{"shell": "setsid sleep 300 & echo up; sleep 300"} for _ in range(50)])
    for handle in handles:
        await said(handle, "up")
    at = await first.kill()
    await until(lambda: none_live(tw))
    assert time.monotonic() - at < 4.0
    assert {(await handle.get()).crashes for handle in handles} == {1}


async def test_a_frozen_runner_loses_its_programs_at_the_end_of_its_lease(tw, worker, tmp_path) -> None:
    """Fault 6, I2: the guardian ends the tree by its own clock; thawed before others took over, the runner goes on."""
    first = await worker(lease_s=1.5)
    handle = await tw.submit(shell=STUBBORN)
    await said(handle, "up")
    mark = await mark_of(handle)
    await first.freeze(tmp_path / "store.db")
    try:
        await until(lambda: settled(lambda: not [tag for _, tag in tagged() if tag == mark.tag]))
        task = await handle.get()
        assert (task.state, task.crashes) == ("running", 0)  # the one who watches here gives it the usual 30 s
    finally:
        first.signal(signal.SIGCONT)
    await said(handle, "up", times=2)
    assert (await handle.get()).crashes == 1
    assert [run.outcome for run in await handle.runs()] == ["lost", None]


@pytest.mark.parametrize("host", [None, "elsewhere"], ids=["same host", "other host"])
async def test_a_runner_that_froze_past_its_lease_is_fenced_off(tw, worker, tmp_path, host) -> None:
    """Fault 6, I2: declared dead by its lease although it holds its lock; thawed, its writes are refused, its tree is
    dead, and it ends itself."""
    first = await worker(lease_s=1.0, host=host)
    handle = await tw.submit(shell=STUBBORN)
    await said(handle, "up")
    mark = await mark_of(handle)
    second = await worker(lease_s=1.0)
    await first.freeze(tmp_path / "store.db")
    try:
        await said(handle, "up", times=2)
        assert [tag for _, tag in tagged() if tag == mark.tag] == []
        runs = await handle.runs()
        assert [(run.runner, run.outcome) for run in runs] == [(first.runner, "lost"), (second.runner, None)]
        with pytest.raises(taxiway.LeaseLost):
            await tw.store.record(runs[0].id, runs[0].fence, 99, [])
    finally:
        first.signal(signal.SIGCONT)
    assert await asyncio.wait_for(first.process.wait(), DEADLINE_S) == 3
    assert [run.outcome for run in await handle.runs()] == ["lost", None]
    assert (await handle.get()).run == (await handle.runs())[1].id


async def test_a_runner_that_froze_together_with_a_guardian_leaves_nothing_of_its_tree(tw, worker, tmp_path) -> None:
    """Fault 7: nobody was left to end the tree at the lease's end; whoever settles does it, before the next run."""
    first = await worker(lease_s=1.0)
    handle = await tw.submit(shell=STUBBORN)
    await said(handle, "up")
    mark = await mark_of(handle)
    os.kill(mark.guardian_pid, signal.SIGSTOP)
    await first.freeze(tmp_path / "store.db")
    try:
        await worker(lease_s=1.0)
        await said(handle, "up", times=2)
        assert [tag for _, tag in tagged() if tag == mark.tag] == []
    finally:
        first.signal(signal.SIGCONT)
    assert await asyncio.wait_for(first.process.wait(), DEADLINE_S) == 3


async def test_a_host_that_stood_still_loses_no_runner(tw, worker, tmp_path) -> None:
    """Fault 8: all were stopped for longer than a lease; those who wake first do not take the others for dead."""
    workers = [await worker(lease_s=1.0) for _ in range(3)]
    for one in workers:
        await one.freeze(tmp_path / "store.db")
    await asyncio.sleep(8)  # a lease, its margin, and more
    for one in workers:
        one.signal(signal.SIGCONT)
        await asyncio.sleep(0.1)
    names = {one.runner for one in workers}
    beats = await beats_of(tw, names)
    await until(lambda: beaten(tw, {name: beat + 5 for name, beat in beats.items()}))
    assert [one.process.returncode for one in workers] == [None] * 3


async def beats_of(tw: Taxiway, names: set[str]) -> dict[str, int]:
    """How often each of these runners has beaten; all of them are there."""
    beats = {runner.id: runner.beat for runner in await tw.store.runners() if runner.id in names}
    assert beats.keys() == names
    return beats


async def beaten(tw: Taxiway, wanted: dict[str, int]) -> bool:
    """Whether each of these runners has beaten so often."""
    beats = await beats_of(tw, set(wanted))
    return all(beats[name] >= beat for name, beat in wanted.items())


async def test_killed_between_the_two_steps_of_a_start_nothing_was_executed(tw, worker, tmp_path) -> None:
    """I7, fault 4: the process is recorded, the go was never given."""
    first = await worker(die_before_go=True)
    effect = tmp_path / "effect"
    handle = await tw.submit(shell=f"echo x >> '{effect}'")
    await asyncio.wait_for(first.process.wait(), DEADLINE_S)
    await lost(tw, handle)
    assert not effect.exists()
    await worker()
    assert (await handle.wait(DEADLINE_S)).state == "completed"
    assert effect.read_text() == "x\n"


async def test_sigterm_ends_a_plain_program_like_a_crash_and_nothing_is_left(tw, worker) -> None:
    """Fault 45: a library has no say over signals; whoever lives settles what is left."""
    first = await worker()
    handle = await tw.submit(shell=STUBBORN)
    await said(handle, "up")
    first.signal(signal.SIGTERM)
    await asyncio.wait_for(first.process.wait(), DEADLINE_S)
    await lost(tw, handle)


async def test_a_kill_in_a_flood_of_output_leaves_a_log_without_gaps(tw, worker) -> None:
    """Fault 3, I4: whole batches or none; the next run has a log of its own."""
    first = await worker()
    handle = await tw.submit(shell="echo up; yes 0123456789abcdef", timeout=300)
    await said(handle, "up")
    await until(lambda: flooded(tw, handle))
    await first.kill()
    await lost(tw, handle)
    [run] = await handle.runs()
    seen = [event.seq async for event in tw.feed.run_events(run.id)]
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) > 10


async def flooded(tw: Taxiway, handle: TaskHandle) -> bool:
    """Whether some of the flood has been stored."""
    [run] = await handle.runs()
    return run.events > 10


async def test_two_killed_at_once_are_settled_by_the_next_start(tw, worker, tmp_path) -> None:
    """I7: nobody was left to do it; the watcher of this test is asked to look away by being another store's."""
    first, second = await worker(slots=1), await worker(slots=1)
    handles = [await tw.submit(shell=STUBBORN) for _ in range(2)]
    for handle in handles:
        await said(handle, "up")
    first.process.kill()
    second.process.kill()
    for handle in handles:
        await lost(tw, handle)
    third = await worker(slots=2)
    for handle in handles:
        await said(handle, "up", times=2)
        assert (await handle.runs())[-1].runner == third.runner


async def test_a_store_that_somebody_keeps_locked_is_waited_for(tw, worker, tmp_path) -> None:
    """I14, fault 9: a process frozen in its transaction delays the others; no engine ends and no outcome is lost."""
    await worker(lock_wait_s=0.3)
    gate, effect = tmp_path / "gate", tmp_path / "effect"
    os.mkfifo(gate)
    handle = await tw.submit(shell=f"echo up; read _ < '{gate}'; echo x >> '{effect}'")
    await said(handle, "up")
    connection = apsw.Connection(str(tmp_path / "store.db"))
    connection.set_busy_timeout(10_000)
    connection.execute("BEGIN IMMEDIATE")
    try:
        with gate.open("w") as opened:
            opened.write("go\n")
        await until(lambda: settled(effect.exists))
        await asyncio.sleep(2)  # the worker's waits for the lock run out, several times
        assert (await handle.get()).state == "running"
    finally:
        connection.execute("ROLLBACK")
        connection.close()
    task = await handle.wait(DEADLINE_S)
    assert (task.state, task.crashes) == ("completed", 0)
    assert (await (await tw.submit(command=["echo", "next"])).wait(DEADLINE_S)).output == "next\n"
