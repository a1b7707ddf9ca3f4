"""Speaking to the turn of a task: the words, the interrupt, and the receipt that says what became of them."""

import asyncio

import pytest

import taxiway
from taxiway.core.agent import Adapter, AgentKind
from taxiway.core.session import Signal, SignalState
from taxiway.core.task import Reason, TaskState
from tests.engine.acting import Stage
from tests.engine.conftest import DEADLINE_S, Bench, changed, ended

LISTENS = {"turns": [{"match": "go", "steps": [{"repeat": {"times": 100000, "steps": [{"sleep": 0.002}]}}]}]}
DECLINES = {"steers": "decline", "turns": [{"match": "go", "steps": [{"sleep": 0.3}, {"sleep": 0.3}]}]}
BUSY = {"turns": [{"match": "go", "steps": [{"sleep": 300}]}]}
SHELL = AgentKind(adapter=Adapter.PTY, command=("bash", "--norc", "-i"), ready=r"\$ $", env={"PS1": "$ "})


async def test_a_task_without_a_session_is_steered_and_interrupted(bench: Bench, stage: Stage) -> None:
    """OC-01: each with its receipt; an interrupted task is cancelled, and what has ended takes no words."""
    async with bench.open(agents={"fake": stage.agent(LISTENS)}) as tw:
        task = await tw.submit(prompt="go", agent="fake")
        await stage.heard("turn")
        receipt = await task.steer("only the first file")
        assert (receipt.kind, receipt.state, receipt.message) == (Signal.STEER, SignalState.APPLIED, None)
        assert [line["text"] for line in stage.lines("steer")] == ["only the first file"]
        receipt = await task.interrupt()
        assert (receipt.kind, receipt.state) == (Signal.INTERRUPT, SignalState.APPLIED)
        found = await ended(task)
        assert (found.state, found.reason) == (TaskState.CANCELLED, Reason.INTERRUPTED)
        with pytest.raises(taxiway.NoTurn, match="is cancelled"):
            await task.steer("too late")


async def test_words_that_wait_for_a_safe_point_are_delivered_until_then(bench: Bench, stage: Stage) -> None:
    """OC-01: the agent has them; with the end of the turn they are refused, for it never took them."""
    async with bench.open(agents={"fake": stage.agent(BUSY)}) as tw:
        task = await tw.submit(prompt="go", agent="fake")
        await stage.heard("turn")
        told = await tw.store.tell_task(task.id, Signal.STEER, "left", "ann")
        assert told.signal is not None
        async with asyncio.timeout(DEADLINE_S):
            while (await tw.store.receipt(told.signal)).state is SignalState.ACCEPTED:
                await asyncio.sleep(0.005)
        assert (await tw.store.receipt(told.signal)).state is SignalState.DELIVERED
        assert (await task.interrupt()).state is SignalState.APPLIED
        await ended(task)
        assert (await tw.store.receipt(told.signal)).state is SignalState.REFUSED


async def test_words_that_a_turn_without_a_session_declines_are_refused_with_its_reason(
    bench: Bench, stage: Stage
) -> None:
    """OC-02: nothing waits that nobody would ever take."""
    async with bench.open(agents={"fake": stage.agent(DECLINES)}) as tw:
        task = await tw.submit(prompt="go", agent="fake")
        await stage.heard("turn")
        receipt = await task.steer("left")
        assert (receipt.state, receipt.why, receipt.message) == (SignalState.REFUSED, "the script says so", None)
        await ended(task)


async def test_words_that_the_turn_of_a_session_declines_are_its_next_turn(bench: Bench, stage: Stage) -> None:
    """C23, OC-02: the receipt says so, and they run as the turn did that they were meant for, in the same process."""
    async with bench.open(agents={"fake": stage.agent(DECLINES)}) as tw:
        task = await tw.submit(prompt="go", agent="fake", session="box", access="write")
        await stage.heard("turn")
        receipt = await task.steer("left")
        assert (receipt.state, receipt.why) == (SignalState.REFUSED, "the script says so")
        assert receipt.message is not None
        message = await tw.wait(receipt.message, 20)
        assert (message.state, message.output) == (TaskState.COMPLETED, "left")
        assert (message.spec.access, message.spec.session) == ("write", "box")
        assert len(stage.pids()) == 1


async def test_an_agent_without_steering_says_what_would_work(bench: Bench) -> None:
    """OC-01: without a session the words are refused; in one they are the next turn."""
    async with bench.open(agents={"sh": SHELL}) as tw:
        task = await tw.submit(prompt="sleep 60", agent="sh")
        await begun(tw, task.id)
        receipt = await task.steer("echo left")
        assert (receipt.state, receipt.message) == (SignalState.REFUSED, None)
        assert "in a session they would be the next one" in (receipt.why or "")
        assert (await task.interrupt()).state is SignalState.APPLIED
        assert (await ended(task)).reason is Reason.INTERRUPTED
        working = await tw.submit(prompt="sleep 60", agent="sh", session="box")
        await begun(tw, working.id)
        receipt = await working.steer("echo left")
        assert receipt.state is SignalState.REFUSED
        assert "takes no words in the middle of a turn" in (receipt.why or "")
        assert (await tw.task(receipt.message or "")).spec.prompt == "echo left"
        await tw.cancel(receipt.message or "")
        assert (await working.interrupt()).state is SignalState.APPLIED


async def test_a_message_that_rides_with_a_turn_is_spoken_to_by_that_one(bench: Bench, stage: Stage) -> None:
    """OC-01: a task that another one carries has no turn of its own."""
    async with bench.open(agents={"fake": stage.agent(LISTENS)}) as tw:
        box = await tw.session("box", agent="fake")
        running = await box.send("go")
        await stage.heard("turn")
        assert (await running.task.steer("one")).state is SignalState.APPLIED
        [carried] = [task for task in await box.tasks() if task.carrier]
        assert (await tw.interrupt(carried.id)).state is SignalState.APPLIED
        assert (await ended(running.task)).reason is Reason.INTERRUPTED


async def test_what_is_no_turn_and_what_are_no_words_is_refused(bench: Bench, stage: Stage) -> None:
    """C23: Bad input: a command, words of nothing; and a secret that is declared never reaches the store (I11)."""
    gate = bench.gate()
    async with bench.open(agents={"fake": stage.agent(LISTENS)}, secrets={"key": "hunter2hunter2"}) as tw:
        command = await tw.submit(shell=gate.wait)
        await changed(tw, command.id, "running")
        with pytest.raises(taxiway.NoTurn, match="no work of an agent"):
            await command.interrupt()
        gate.open()
        task = await tw.submit(prompt="go", agent="fake")
        await stage.heard("turn")
        with pytest.raises(taxiway.Invalid, match="no words for an agent"):
            await task.steer("")
        await task.steer("say hunter2hunter2")
        run = (await task.get()).run or ""
        assert "hunter2" not in str([event.data for event in await tw.store.events(run, 0, 99)])
        await task.interrupt()
        await ended(task)


async def begun(tw: taxiway.Taxiway, task: str) -> None:
    """Wait until the turn of a task has begun."""
    async for event in tw.events(task):
        if event.data.get("phase") == "turn":
            return
