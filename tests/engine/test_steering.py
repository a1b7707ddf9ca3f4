"""Words for a running turn: how soon they are there, whether they went in, and that none is lost."""

import asyncio
import statistics
import time

from taxiway.core.event import EventType
from taxiway.core.session import Disposition
from taxiway.core.task import Reason, TaskState
from tests.engine.acting import DEADLINE_S, Stage
from tests.engine.conftest import Bench, ended

STREAM = {"stream": {"chunks": 3000, "every": 0.005}}  # a boundary every 5 ms is a safe point


async def test_a_steer_is_settled_as_soon_as_the_agent_takes_it(bench: Bench, stage: Stage) -> None:
    """OC-01: from the send to the stored receipt there is no poll; it is carried by the turn that it joined."""
    script = {"turns": [{"match": "go", "steps": [{"repeat": {"times": 100000, "steps": [{"sleep": 0.002}]}}]}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        box = await tw.session("box", agent="fake")
        running = await box.send("go")
        await stage.heard("turn")
        took_s = []
        for number in range(20):
            began_s = time.monotonic()
            steer = await box.steer(f"steer {number}")
            assert steer.disposition is Disposition.STEERING
            async with asyncio.timeout(DEADLINE_S):
                while not (await steer.task.get()).carrier:
                    await asyncio.sleep(0.001)
            took_s.append(time.monotonic() - began_s)
        await box.stop()
        task = await ended(steer.task)
        assert (task.state, task.reason) == (TaskState.CANCELLED, Reason.CARRIED)
        assert (await ended(running.task)).reason is Reason.REQUESTED
    assert [line["text"] for line in stage.lines("steer")] == [f"steer {number}" for number in range(20)]
    assert statistics.median(took_s) < 0.3


async def test_a_declined_steer_waits_in_its_place_and_runs(bench: Bench, stage: Stage) -> None:
    """OC-01, OC-02: never dropped, never behind a later message."""
    script = {"steers": "decline", "turns": [{"match": "go", "steps": [{"sleep": 0.3}, {"sleep": 0.3}]}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        box = await tw.session("box", agent="fake")
        running = await box.send("go")
        await stage.heard("turn")
        steer = await box.steer("left")
        later = await box.send("later")
        tasks = [await ended(one.task) for one in (running, steer, later)]
        assert [task.output for task in tasks[1:]] == ["left", "later"]
        assert [line["text"] for line in stage.lines("turn")] == ["go", "left", "later"]
        settled = [event.data async for event in running.task.events() if event.type is EventType.SIGNAL_SETTLED]
        assert [(one["state"], one["why"]) for one in settled] == [("refused", "the script says so")]


async def test_a_steer_that_the_turn_did_not_take_in_time_runs_after_it(bench: Bench, stage: Stage) -> None:
    """OC-01: the turn ended first; the message is a turn of its own."""
    script = {"steers": "ignore", "turns": [{"match": "go", "steps": [{"sleep": 0.5}]}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        box = await tw.session("box", agent="fake")
        await box.send("go")
        await stage.heard("turn")
        steer = await box.steer("left")
        assert (await ended(steer.task)).output == "left"
        assert len(stage.pids()) == 1


async def test_a_steer_is_not_lost_with_the_process_of_its_turn(bench: Bench, stage: Stage) -> None:
    """OC-02, A44: it waits, and runs in the resumed conversation."""
    script = {"steers": "ignore", "turns": [{"match": "go", "steps": [{"sleep": 0.5}, {"crash": "SIGKILL"}]}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        box = await tw.session("box", agent="fake")
        running = await box.send("go")
        await stage.heard("turn")
        steer = await box.steer("left")
        assert (await ended(running.task)).reason is Reason.AGENT_ERROR
        assert (await ended(steer.task)).output == "left"
        assert stage.lines("start")[1]["resumed"]


async def test_a_steer_from_another_process_arrives_as_soon(bench: Bench, stage: Stage) -> None:
    """OC-01: a store without a runner, on the same file, tells the runner of the turn by a hint."""
    script = {"turns": [{"match": "go", "steps": [STREAM, {"say": "never"}], "on_steer": [{"done": "{steer}"}]}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw, bench.open(slots=0) as door:
        running = await (await tw.session("box", agent="fake")).send("go")
        await stage.heard("turn")
        sent_at = time.time()
        steer = await (await door.session("box")).steer("stop here")
        [heard] = await stage.heard("steer")
        assert heard["at"] - sent_at < 0.5  # the poll that survives a lost hint would take up to a second
        await tw.cancel(running.task.id)
        await ended(steer.task)
