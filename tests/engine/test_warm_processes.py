"""Processes that outlive their turns: who may use one, what ends one, and that none is ever left."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from taxiway.agents.guardian.sweep import tagged
from taxiway.app import Taxiway
from taxiway.client.session import SessionHandle
from taxiway.core.task import Reason, TaskState
from tests.engine.acting import DEADLINE_S, LOOK_S, Stage, gone, lives
from tests.engine.conftest import Bench, changed, ended

SLOW = {"turns": [{"match": "slow", "steps": [{"say": "begun"}, {"sleep": 60}]}]}
DEAF = {"start": [{"ignore": ["SIGTERM"]}], "turns": [{"match": "slow", "steps": ["hang"]}]}


async def said(box: SessionHandle, text: str) -> str | None:
    """Send a message, and the output of its turn."""
    return (await ended((await box.send(text)).task)).output


async def none_kept(tw: Taxiway) -> None:
    """Wait until the store knows of no warm process."""
    async with asyncio.timeout(DEADLINE_S):
        while await tw.store.warm_processes():
            await asyncio.sleep(LOOK_S)


@pytest.mark.parametrize(
    "differs", [{"model": "large"}, {"access": "analysis"}, {"env": {"A": "1"}}, {"cwd": "/"}, {"agent": "twin"}]
)
async def test_a_process_is_used_again_only_where_everything_fits(
    bench: Bench, stage: Stage, differs: dict[str, Any]
) -> None:
    """DA3, A34, A35: agent, environment, folder, access and model; the conversation goes on in a new process."""
    kind = stage.agent({"default": [{"say": "{told}"}]})
    async with bench.open(agents={"fake": kind, "twin": msgspec.structs.replace(kind, model="x")}) as tw:
        box = await tw.session("box")
        await ended((await box.send("one", agent="fake")).task)
        other = {"agent": "fake", **differs}
        if "agent" in differs:
            box = await tw.session("other")  # a session belongs to one agent
        sent = await box.send("two", **other)
        output = (await ended(sent.task)).output
        first, second = stage.pids()
        if "agent" in differs:
            assert (output, lives(first)) == ("two", True)
        else:
            assert output == "one / two"
            await gone(first)
        assert lives(second)


async def test_a_changed_secret_is_another_environment(bench: Bench, stage: Stage) -> None:
    """DA3: secrets are resolved before it is asked whether a process fits."""
    async with bench.open(agents={"fake": stage.agent()}, secrets={"a": "aaaa-1", "b": "aaaa-2"}) as tw:
        box = await tw.session("box", agent="fake")
        for name in ("a", "a", "b"):
            await ended((await box.send("go", env={"KEY": f"secret://{name}"})).task)
        assert len(stage.pids()) == 2


async def test_an_idle_process_is_closed_after_its_time_and_one_that_works_never(bench: Bench, stage: Stage) -> None:
    """A39, DA10: a turn may be longer than the idle time; what counts is the end of the last turn (A38)."""
    script = {"turns": [{"match": "long", "steps": [{"sleep": 1.5}]}]}
    async with bench.open(agents={"fake": stage.agent(script, warm_s=0.5)}) as tw:
        box = await tw.session("box", agent="fake")
        await said(box, "long")
        await gone(*stage.pids())
        await none_kept(tw)
        [bye], done = stage.lines("bye"), stage.lines("done")[-1]
        assert bye["at"] - done["at"] >= 0.5


async def test_an_idle_process_outlives_the_lease_of_its_runner(bench: Bench, stage: Stage) -> None:
    """I7: the runner says that it lives to those who wait too; a guardian that hears nothing ends what it keeps."""
    async with bench.open(agents={"fake": stage.agent()}, lease_s=0.6) as tw:
        box, other = await tw.session("box", agent="fake"), await tw.submit(shell="sleep 2")
        await said(box, "one")
        await ended(other)
        await said(box, "two")
        assert len(stage.pids()) == 1


async def test_without_warmth_a_process_ends_with_its_turn(bench: Bench, stage: Stage) -> None:
    """A40: it is gone before the turn counts as ended."""
    async with bench.open(agents={"fake": stage.agent(warm_s=0.0)}) as tw:
        box = await tw.session("box", agent="fake")
        await said(box, "go")
        assert [lives(pid) for pid in stage.pids()] == [False]
        assert await tw.store.warm_processes() == []


async def test_what_a_turn_left_running_is_gone_when_it_ends_and_the_process_stays(bench: Bench, stage: Stage) -> None:
    """Semantics, "Processes", I6: daemons, deaf ones too; what the agent had started before stays."""
    script = {
        "start": [{"child": 60}],
        "turns": [{"match": "leave", "steps": [{"daemon": 60}, {"daemon": {"deaf": True}}]}],
    }
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        box = await tw.session("box", agent="fake")
        await said(box, "leave")
        own, *left = [line["left"] for line in stage.lines("left")]
        assert [lives(pid) for pid in left] == [False, False]
        assert lives(own)
        await said(box, "go on")
        assert len(stage.pids()) == 1
    assert not lives(own)


async def test_a_full_pool_closes_the_longest_idle_process(bench: Bench, stage: Stage) -> None:
    """A36: the limit holds at every moment; who lost a process goes on in another one."""
    kind = stage.agent({"default": [{"say": "{told}"}]})
    async with bench.open(agents={"fake": kind}, processes_max=2) as tw:
        boxes = [await tw.session(key, agent="fake") for key in "abc"]
        for box in boxes:
            await said(box, "one")
        first, *others = stage.pids()
        assert [lives(first), *map(lives, others)] == [False, True, True]
        assert await said(boxes[0], "two") == "one / two"
        assert len(await tw.store.warm_processes()) == 2


async def test_when_all_processes_work_a_turn_waits_its_time_and_is_taken(bench: Bench, stage: Stage) -> None:
    """A37, DA9, I14: more slots than processes; nobody is closed at work, and nothing is a wedge."""
    script = {"turns": [{"match": "long", "steps": [{"sleep": 1.5}]}]}
    async with bench.open(agents={"fake": stage.agent(script)}, processes_max=1) as tw:
        one, two = [await tw.session(key, agent="fake") for key in "ab"]
        first = await one.send("long")
        await stage.heard("turn")
        second = await two.send("short", backoff={"first_s": 0.3, "max_s": 0.3})
        await changed(tw, second.task.id, TaskState.SCHEDULED)
        assert (await ended(first.task)).state is TaskState.COMPLETED
        assert (await ended(second.task)).state is TaskState.COMPLETED


async def test_a_turn_that_waits_for_a_process_can_be_stopped_at_once(bench: Bench, stage: Stage) -> None:
    """SQ-40, B22: control waits for no other session's process, however long that takes to go."""
    script = {"start": [{"ignore": ["SIGTERM"]}], "end": ["hang"]}
    graces = {"ask_grace_s": 4.0, "term_grace_s": 0.5}
    async with bench.open(agents={"fake": stage.agent(script)}, processes_max=1, **graces) as tw:
        one, two = [await tw.session(key, agent="fake") for key in "ab"]
        await said(one, "one")
        sent = await two.send("two")
        await stage.heard("bye")
        await two.stop()
        assert (await ended(sent.task)).reason is Reason.REQUESTED
        assert lives(stage.pids()[0])
        assert (await sent.task.get()).exit_code is None
        assert await said(two, "three") == "three"


async def test_a_process_that_dies_while_it_is_idle_is_written_off_and_its_conversation_goes_on(
    bench: Bench, stage: Stage
) -> None:
    """A32, A44: killed with -9 between two turns; the agent's own thread id leads the next process."""
    async with bench.open(agents={"fake": stage.agent({"default": [{"say": "{told}"}]})}) as tw:
        box = await tw.session("box", agent="fake")
        await said(box, "one")
        os.kill(stage.pids()[0], 9)
        await none_kept(tw)
        assert await said(box, "two") == "one / two"
        assert len(stage.pids()) == 2


async def test_a_reset_closes_the_idle_process_at_once(bench: Bench, stage: Stage) -> None:
    """A40, SQ-49: a new generation is a new conversation, and nothing waits for the idle time."""
    async with bench.open(agents={"fake": stage.agent({"default": [{"say": "{told}"}]})}) as tw:
        box = await tw.session("box", agent="fake")
        await said(box, "one")
        await box.reset()
        await none_kept(tw)
        assert not lives(stage.pids()[0])
        assert await said(box, "two") == "two"


async def test_a_reset_ends_the_turn_and_its_process(bench: Bench, stage: Stage) -> None:
    """SQ-49, SQ-50: cancelled with the reason ``reset``; what waited runs in the new conversation."""
    async with bench.open(agents={"fake": stage.agent(SLOW)}) as tw:
        box = await tw.session("box", agent="fake")
        running = await box.send("slow")
        await stage.heard("turn")
        waiting = await box.send("waits")
        await box.reset()
        task = await ended(running.task)
        assert (task.state, task.reason) == (TaskState.CANCELLED, Reason.RESET)
        assert not lives(stage.pids()[0])
        assert (await ended(waiting.task)).output == "waits"
        first, second = stage.lines("start")
        assert not second["resumed"]
        assert first["thread"] != second["thread"]


async def test_an_archived_session_costs_no_process(bench: Bench, stage: Stage) -> None:
    """A40: put away is put away; taken back it goes on where it was."""
    async with bench.open(agents={"fake": stage.agent({"default": [{"say": "{told}"}]})}) as tw:
        box = await tw.session("box", agent="fake")
        await said(box, "one")
        await box.archive()
        await none_kept(tw)
        assert not lives(stage.pids()[0])
        await box.archive(False)
        assert await said(box, "two") == "one / two"


@pytest.mark.parametrize("words", ["cancel", "timeout", "stalled", "interrupt"])
async def test_a_stopped_turn_leaves_its_process_warm(bench: Bench, stage: Stage, words: str) -> None:
    """SQ-40, SQ-30, A42: the agent is interrupted, answers, and takes the next turn of the same conversation."""
    async with bench.open(agents={"fake": stage.agent(SLOW)}) as tw:
        box = await tw.session("box", agent="fake")
        clocks = {"timeout": {"timeout": 0.5}, "stalled": {"idle_timeout": 0.5}}.get(words, {})
        running = await box.send("slow", **clocks)
        await stage.heard("turn")
        if words == "cancel":
            await box.stop()
        elif words == "interrupt":
            await ended((await box.interrupt("now")).task)
        task = await ended(running.task)
        reasons = {"cancel": Reason.REQUESTED, "interrupt": Reason.INTERRUPTED}
        assert task.reason is reasons.get(words, Reason(words) if words in clocks or words not in reasons else None)
        assert task.output == "begun"
        assert await said(box, "next") == "next"
        assert len(stage.pids()) == 1


async def test_an_agent_that_hears_nothing_is_killed_within_its_graces(bench: Bench, stage: Stage) -> None:
    """B14, B15: interrupted, SIGTERM, SIGKILL, with the graces between; then nothing of it is left."""
    async with bench.open(agents={"fake": stage.agent(DEAF)}, ask_grace_s=0.3, term_grace_s=0.3) as tw:
        box = await tw.session("box", agent="fake")
        running = await box.send("slow")
        await stage.heard("turn")
        began_s = time.monotonic()
        await box.stop()
        task = await ended(running.task)
        assert (task.reason, task.signal) == (Reason.REQUESTED, 9)
        assert 0.6 <= time.monotonic() - began_s < 5.6
        assert not lives(stage.pids()[0])


async def test_leaving_asks_turns_to_stop_and_leaves_no_process(bench: Bench, stage: Stage) -> None:
    """A40, DA10, SQ-81: a turn goes back to its queue, an idle process is told goodbye; both conversations go on."""
    agents = {"fake": stage.agent(SLOW)}
    async with bench.open(agents=agents) as tw:
        idle, busy = [await tw.session(key, agent="fake") for key in "ab"]
        await said(idle, "one")
        running = await busy.send("slow")
        await stage.heard("turn", 2)
    assert [lives(pid) for pid in stage.pids()] == [False, False]
    assert len(stage.lines("bye")) == 2
    async with bench.open(agents=agents) as tw:
        assert (await tw.task(running.task.id)).attempt == 0
        await stage.heard("turn", 3)
        assert stage.lines("start")[2]["resumed"]
        await tw.cancel(running.task.id)
        await tw.wait(running.task.id, DEADLINE_S)


async def test_a_turn_that_ends_well_while_it_is_asked_to_stop_has_ended_well(bench: Bench, stage: Stage) -> None:
    """An agent says when it has succeeded, so a drain repeats nothing that is done."""
    script = {"interrupts": False, "turns": [{"match": "slow", "steps": [{"sleep": 1}, {"say": "done all the same"}]}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        box = await tw.session("box", agent="fake")
        running = await box.send("slow")
        await stage.heard("turn")
    async with bench.open(slots=0) as tw:
        task = await tw.task(running.task.id)
        assert (task.state, task.output) == (TaskState.COMPLETED, "done all the same")


@pytest.mark.parametrize("told", [True, False])
async def test_a_conversation_that_went_on_elsewhere_is_not_gone_on_with_here(
    bench: Bench, stage: Stage, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    """DA3: two runners, one session; an idle process that knows an older state of it is closed, and is never used even
    when the runner had not looked yet."""
    kind, gate = stage.agent({"default": [{"say": "{told}"}]}), bench.gate()
    async with bench.open(agents={"fake": kind}, slots=1) as here:
        box = await here.session("box", agent="fake")
        await said(box, "one")
        if not told:
            monkeypatch.setattr(here.store, "outdated_processes", nothing)
        other_work = await here.submit(shell=gate.wait)
        await changed(here, other_work.id, "running")
        async with bench.open(agents={"fake": kind}, slots=1) as there:
            assert await said(await there.session("box"), "two") == "one / two"
            if told:
                await gone(stage.pids()[0])
                assert [kept.runner for kept in await here.store.warm_processes()] == [there.runner]
        gate.open()
        assert await said(box, "three") == "one / two / three"


async def nothing(_: str) -> list[str]:
    """What a runner knows that has not looked."""
    return []


async def test_fifty_live_sessions_are_gone_within_grace_and_five_seconds(
    tmp_path: Path, bench: Bench, stage: Stage
) -> None:
    """A40, I6, I7: half of them idle, half at work, some deaf; every tree is confirmed gone, by its tag too."""
    grace_s = 3.0
    agents = {"fake": stage.agent(SLOW), "deaf": stage.agent(DEAF)}
    async with bench.open(agents=agents, slots=50, ask_grace_s=2.0, term_grace_s=1.0) as tw:
        boxes = [await tw.session(f"box{number}", agent="deaf" if number % 10 == 1 else "fake") for number in range(50)]
        sent = [await box.send("slow" if number % 2 else "quick") for number, box in enumerate(boxes)]
        await stage.heard("turn", 50)
        for number in range(0, 50, 2):
            await ended(sent[number].task)
        marks = {kept.mark.tag for kept in await tw.store.warm_processes()}
        assert len(marks) == 50
        began_s = time.monotonic()
    assert time.monotonic() - began_s < grace_s + 5
    assert [tag for _, tag in tagged() if tag in marks] == []
    async with bench.open(slots=0) as tw:
        await tw.cancel_all()
