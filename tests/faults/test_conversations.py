"""Runners that hold conversations are killed: their processes are gone, the conversations go on, no message is lost."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

import taxiway
from taxiway.agents.guardian.sweep import tagged
from taxiway.app import Taxiway
from taxiway.core.task import TaskState
from tests.engine.acting import Stage, gone, lives
from tests.faults.test_whole_processes import DEADLINE_S, WORKER, Worker, until

TELLS = {
    "turns": [{"match": "^hang", "steps": ["hang"]}, {"match": "^slow", "steps": [{"sleep": 0.3}, {"say": "{told}"}]}],
    "default": [{"say": "{told}"}],
}


@pytest.fixture
async def stage(tmp_path: Path) -> Stage:
    """Where the agents of all runners perform."""
    folder = tmp_path / "stage"
    folder.mkdir()
    return Stage(folder)


@pytest.fixture
async def tw(tmp_path: Path) -> AsyncIterator[Taxiway]:
    """The store, without a runner; afterwards nothing is live, kept, or left."""
    async with taxiway.open(tmp_path / "store.db", slots=0, main_size=64, project="") as tw:
        yield tw
        await until(lambda: nothing_kept(tw))
        assert await tw.store.live_runs() == []
        assert await tw.store.check() == []


async def nothing_kept(tw: Taxiway) -> bool:
    """Whether no session has a process."""
    return not await tw.store.warm_processes()


@pytest.fixture
async def worker(tw: Taxiway, tmp_path: Path, stage: Stage) -> AsyncIterator[Callable]:
    """Starts runners that have the agent; those that live are told to leave at the end."""
    workers: list[Worker] = []

    async def start(script: dict = TELLS, **fields) -> Worker:
        agents = {"fake": msgspec.to_builtins(stage.agent(script))}
        settings = {"slots": 2, "term_grace_s": 0.5, "ask_grace_s": 0.5, "agents": agents, **fields}
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
            assert one.process.stdin is not None
            one.process.stdin.close()
            await asyncio.wait_for(one.process.wait(), DEADLINE_S)


async def gone_for_good(tw, runner) -> bool:
    """Whether a runner is not known any more: the last word about it, behind what it had."""
    return runner not in {one.id for one in await tw.store.runners()}


async def test_a_killed_runners_warm_process_is_settled_and_its_conversation_goes_on(tw, worker, stage) -> None:
    """I7, A44, fault 4: killed with -9 between two turns; its record finds the process, the thread leads on."""
    first = await worker()
    box = await tw.session("box", agent="fake")
    await (await box.send("one")).task.wait(DEADLINE_S)
    [kept] = await tw.store.warm_processes()
    await first.kill()
    await until(lambda: nothing_kept(tw))
    assert [tag for _, tag in tagged() if tag == kept.mark.tag] == []
    await until(lambda: gone_for_good(tw, first.runner))
    await worker()
    assert (await (await box.send("two")).task.wait(DEADLINE_S)).output == "one / two"
    assert stage.lines("start")[1]["resumed"]


async def test_a_turn_whose_runner_was_killed_is_taken_again_in_the_same_conversation(tw, worker, stage) -> None:
    """Semantics, "Counters": lost costs no attempt, and a session resumes its conversation (fault 4)."""
    first = await worker()
    box = await tw.session("box", agent="fake")
    sent = await box.send("hang on")
    waiting = await box.send("then this")
    await stage.heard("turn")
    await first.kill()
    await gone(*stage.pids())
    await worker({"default": [{"say": "{told}"}]})
    task = await sent.task.wait(DEADLINE_S)
    assert (task.state, task.crashes, task.attempt) == (TaskState.COMPLETED, 1, 1)
    assert (await waiting.task.wait(DEADLINE_S)).output == "hang on / hang on / then this"
    assert [line["resumed"] for line in stage.lines("start")] == [False, True]


async def test_an_agent_killed_in_its_turn_is_told_and_the_next_turn_resumes(tw, worker, stage) -> None:
    """A32, DA16: kill -9 of the agent alone."""
    await worker()
    box = await tw.session("box", agent="fake")
    await (await box.send("one")).task.wait(DEADLINE_S)
    sent = await box.send("hang")
    await stage.heard("turn", 2)
    os.kill(stage.pids()[0], signal.SIGKILL)
    task = await sent.task.wait(DEADLINE_S)
    assert (task.state, task.signal) == (TaskState.FAILED, 9)
    assert (await (await box.send("two")).task.wait(DEADLINE_S)).output == "one / hang / two"


async def test_a_guardian_killed_under_a_turn_loses_the_run_and_nothing_else(tw, worker, stage) -> None:
    """I7, fault 5: nobody saw how it ended, so it is lost and taken again."""
    await worker()
    box = await tw.session("box", agent="fake")
    sent = await box.send("hang")
    await stage.heard("turn")
    [kept] = await tw.store.warm_processes()
    os.kill(kept.mark.guardian_pid, signal.SIGKILL)
    await stage.heard("turn", 2)
    assert not lives(stage.pids()[0])
    assert (await sent.task.get()).crashes == 1


async def test_a_runner_told_to_leave_leaves_no_process(tw, worker, stage) -> None:
    """A40, DA10: idle and at work."""
    first = await worker()
    idle, busy = [await tw.session(key, agent="fake") for key in "ab"]
    await (await idle.send("one")).task.wait(DEADLINE_S)
    await busy.send("hang")
    await stage.heard("turn", 2)
    first.process.stdin.close()
    await asyncio.wait_for(first.process.wait(), DEADLINE_S)
    assert [lives(pid) for pid in stage.pids()] == [False, False]
    assert await nothing_kept(tw)


async def test_runners_killed_at_any_moment_lose_no_message_and_keep_the_order(tw, worker, stage) -> None:
    """I5, I7, fault 4: ten messages, runners killed again and again; each message ends once, in order of sending."""
    box = await tw.session("box", agent="fake")
    sent = [await box.send(f"slow {number}") for number in range(10)]
    for turns in range(1, 10, 3):
        runner = await worker()
        await stage.heard("turn", turns)
        await asyncio.sleep(0.1 * turns % 0.35)
        await runner.kill()
    await worker()
    tasks = [await one.task.wait(DEADLINE_S) for one in sent]
    assert {task.state for task in tasks} == {TaskState.COMPLETED}
    ended = sorted(tasks, key=lambda task: task.version)
    assert [task.id for task in ended] == [one.task.id for one in sent]
    told = [line["text"] for line in stage.lines("turn")]
    assert list(dict.fromkeys(told)) == [f"slow {number}" for number in range(10)]
    assert told == sorted(told)


async def test_a_stopped_runner_loses_its_conversation_and_does_not_go_on_with_it(tw, worker, stage) -> None:
    """Faults 6 and 7, DA3: beyond its lease its warm process is settled by others; what wakes up writes nothing."""
    first = await worker(lease_s=1.0)
    box = await tw.session("box", agent="fake")
    await (await box.send("one")).task.wait(DEADLINE_S)
    await first.freeze(Path(tw.store.path))
    await worker(lease_s=1.0)
    await until(lambda: nothing_kept(tw))
    assert not lives(stage.pids()[0])
    assert (await (await box.send("two")).task.wait(DEADLINE_S)).output == "one / two"
    first.signal(signal.SIGCONT)
    await asyncio.wait_for(first.process.wait(), DEADLINE_S)
    assert (await (await box.send("three")).task.wait(DEADLINE_S)).output == "one / two / three"
    assert len(stage.pids()) == 2
