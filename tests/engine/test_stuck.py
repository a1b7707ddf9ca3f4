"""Turns that stand still: what is seen of them, and each rung of the ladder, on agents that only pretend."""

import asyncio
import sys
from typing import Any

import msgspec

from taxiway.core.agent import AgentKind
from taxiway.core.event import EventType
from taxiway.core.ladder import NO_RULES, Action, Rung, StuckRules
from taxiway.core.task import Reason, TaskState
from tests.engine.acting import Stage, gone
from tests.engine.conftest import DEADLINE_S, Bench, changed, ended

#: What does nothing and has no line to anywhere waits by itself, as far as can be seen. This one can be interrupted.
IDLE = {"repeat": {"times": 100_000, "steps": [{"sleep": 0.02}]}}
HANGS_ONCE: dict[str, Any] = {"turns": [{"turn": 1, "steps": [IDLE]}], "default": [{"say": "{told}"}]}


def rules(quiet: float = 0.1, resumes: int = 1, **ladders: tuple[tuple[float, Action], ...]) -> StuckRules:
    """Rules with these ladders (seconds and action), and nothing else."""
    made = {name: tuple(Rung(after_s, do) for after_s, do in rungs) for name, rungs in ladders.items()}
    return msgspec.structs.replace(NO_RULES, quiet=quiet, resumes=resumes, nudge="still there?", **made)


async def noted(handle: Any) -> list[dict[str, Any]]:
    """What the run logs of a task hold of standing still."""
    events = [event async for event in handle.events() if event.type is EventType.STATUS]
    return [event.data for event in events if event.data.get("phase") == "stuck"]


def actions(notes: list[dict[str, Any]]) -> list[str]:
    """Which rungs were taken, in order."""
    return [note["action"] for note in notes if "action" in note]


async def test_a_turn_that_hangs_is_noted_and_explained_until_it_goes_on(bench: Bench, stage: Stage) -> None:
    """Wish 6: first it is said, with what is known; when the turn gets on, that is said, too."""
    gate = bench.file("gate")
    waits = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)\n"
    agent = PARROT.format(before=waits)
    kind = AgentKind(command=(sys.executable, "-c", agent, str(gate)))
    async with bench.open(agents={"fake": kind}, stuck=rules(pausing=((0.3, Action.NOTE),))) as tw:
        handle = await tw.submit(prompt="go", agent="fake")
        told: list[str] = []
        async with asyncio.timeout(DEADLINE_S):
            while not told:
                told = [one.text for one in await tw.explain(handle.id) if one.kind == "stuck"]
        assert "it waits by itself; what was done about it: note" in told[0]
        gate.touch()
        assert (await ended(handle)).output == "GO"
        first, over = await noted(handle)
        assert (first["situation"], first["action"], first["tools"]) == ("pausing", "note", 0)
        assert first["processes"]["processes"] == 1
        assert over["over"]


PARROT = """
import json, sys
def tell(kind, **fields): print(json.dumps(dict(fields, type=kind)), flush=True)
tell("ready")
for line in sys.stdin:
    heard = json.loads(line)
    if heard["type"] == "turn":
        exec({before!r})
        tell("message", text=heard["text"].upper())
        tell("done", turn=heard["turn"])
"""


async def test_rungs_are_climbed_in_order_and_each_once(bench: Bench, stage: Stage) -> None:
    """Note, nudge, interrupt: the turn has failed as stalled, its process and its conversation stay."""
    ladder = ((0.3, Action.NOTE), (0.6, Action.NUDGE), (0.9, Action.INTERRUPT))
    async with bench.open(agents={"fake": stage.agent(HANGS_ONCE)}, stuck=rules(pausing=ladder)) as tw:
        box = await tw.session("box", agent="fake")
        sent = await box.send("go")
        task = await ended(sent.task)
        assert (task.state, task.reason, task.attempt) == (TaskState.FAILED, Reason.STALLED, 1)
        assert "it stood still for" in (task.error or "")
        assert actions(await noted(sent.task)) == ["note", "nudge", "interrupt"]
        assert (await ended((await box.send("again")).task)).output == "go / still there? / again"
        assert len(stage.pids()) == 1


async def test_what_was_interrupted_is_tried_again_as_other_failures_are(bench: Bench, stage: Stage) -> None:
    """Semantics, "Counters": stalled counts as an attempt."""
    wanted = rules(pausing=((0.3, Action.INTERRUPT),))
    async with bench.open(agents={"fake": stage.agent(HANGS_ONCE)}, stuck=wanted) as tw:
        box = await tw.session("box", agent="fake")
        task = await ended((await box.send("go", retries=1, backoff={"first_s": 0})).task)
        assert (task.state, task.attempt) == (TaskState.COMPLETED, 2)


async def test_a_resume_goes_on_with_the_conversation_on_a_new_process_and_burns_no_attempt(
    bench: Bench, stage: Stage
) -> None:
    """The hung process is gone, and the task is taken again at once by one that goes on with the conversation."""
    wanted = rules(pausing=((0.3, Action.RESUME), (0.6, Action.FAIL)))
    kind = stage.agent({**HANGS_ONCE, "interrupts": False})
    async with bench.open(agents={"fake": kind}, stuck=wanted, ask_grace_s=0.2) as tw:
        box = await tw.session("box", agent="fake")
        task = await ended((await box.send("go")).task)
        assert (task.state, task.attempt, task.output) == (TaskState.COMPLETED, 1, "go / go")
        first, second = stage.lines("start")
        assert second["thread"] == first["thread"]
        await gone(first["pid"])
        released, completed = await tw.runs(task.id)
        assert (released.outcome, released.reason, completed.outcome) == ("released", "stalled", "completed")


async def test_resumes_are_bounded_and_then_it_has_failed(bench: Bench, stage: Stage) -> None:
    """A turn that hangs each time: one resume, then the rung is left out, and the next one gives up."""
    wanted = rules(pausing=((0.3, Action.RESUME), (0.6, Action.FAIL)))
    async with bench.open(agents={"fake": stage.agent({"default": ["hang"]})}, stuck=wanted) as tw:
        box = await tw.session("box", agent="fake")
        sent = await box.send("go")
        task = await ended(sent.task)
        assert (task.state, task.reason, task.attempt) == (TaskState.FAILED, Reason.STALLED, 1)
        runs = await tw.runs(task.id)
        assert [(run.outcome, run.reason) for run in runs] == [("released", "stalled"), ("failed", "stalled")]
        notes = await noted(sent.task)
        assert actions(notes) == ["resume", "resume", "fail"]
        assert "1 times already" in notes[1]["skipped"]
        await gone(*stage.pids())


async def test_a_turn_without_a_session_that_used_a_tool_is_not_taken_again_elsewhere(
    bench: Bench, stage: Stage
) -> None:
    """A new process would know nothing of it, and do it twice."""
    wanted = rules(standing=((0.3, Action.RESUME),), pausing=((0.3, Action.RESUME), (0.6, Action.FAIL)))
    script = {"default": [{"tool": "Bash"}, IDLE]}
    async with bench.open(agents={"fake": stage.agent(script)}, stuck=wanted) as tw:
        handle = await tw.submit(prompt="go", agent="fake")
        assert (await ended(handle)).reason is Reason.STALLED
        [left_out, failed] = await noted(handle)
        assert "used tools" in left_out["skipped"]
        assert failed["action"] == "fail"


async def test_who_waits_for_a_person_is_never_hurried(bench: Bench, stage: Stage) -> None:
    """Semantics, "Waiting for a person": its clocks stand still, and begin anew with the answer."""
    wanted = rules(**dict.fromkeys(("thinking", "silent", "pausing", "chattering"), ((0.6, Action.INTERRUPT),)))
    script = {"default": [{"ask": "may I?"}, {"say": "thanks"}]}
    async with bench.open(agents={"fake": stage.agent(script)}, stuck=wanted) as tw:
        handle = await tw.submit(prompt="go", agent="fake", access="write")
        await changed(tw, handle.id, TaskState.WAITING)
        await asyncio.sleep(1.5)  # longer than the ladder: nothing may come of it
        [asked] = (await tw.approvals()).items
        await tw.allow(asked.id)
        assert (await ended(handle)).output == "thanks"
        assert await noted(handle) == []


async def test_a_tool_that_prints_or_works_is_left_alone(bench: Bench, stage: Stage) -> None:
    """A child that burns CPU and says nothing is a tool at work, however long; one that sleeps stands."""
    ladder = ((0.8, Action.INTERRUPT),)
    wanted = rules(quiet=0.5, standing=ladder)
    burns = PARROT.format(before=TOOL.format(command=[sys.executable, "-c", BURN]))
    sleeps = PARROT.format(before=TOOL.format(command=["sleep", "60"]))
    kinds = {
        name: AgentKind(command=(sys.executable, "-c", text)) for name, text in (("burns", burns), ("sleeps", sleeps))
    }
    async with bench.open(agents=kinds, stuck=wanted) as tw:
        works = await tw.submit(prompt="go", agent="burns")
        stands = await tw.submit(prompt="go", agent="sleeps")
        assert (await ended(stands)).reason is Reason.STALLED
        assert (await ended(works)).output == "GO"
        assert [note["situation"] for note in await noted(stands)] == ["standing"]
        assert await noted(works) == []


TOOL = """
import subprocess
tell("tool.call", name="Bash", id="1")
subprocess.run({command!r})
tell("tool.result", id="1")
"""
BURN = "import time\nend = time.monotonic() + 3\nwhile time.monotonic() < end: pass\n"


async def test_an_agents_own_ladder_goes_before_that_of_all(bench: Bench, stage: Stage) -> None:
    """Configuration: ``[agents.NAME.stuck]`` over ``[stuck]``."""
    kind = stage.agent({"default": [{"hang": 1.0}]}, stuck={"pausing": ()})
    async with bench.open(agents={"fake": kind}, stuck=rules(pausing=((0.2, Action.FAIL),))) as tw:
        assert (await ended(await tw.submit(prompt="go", agent="fake"))).state is TaskState.COMPLETED


async def test_an_explicit_idle_timeout_stays_the_hard_clock(bench: Bench, stage: Stage) -> None:
    """Decision: the ladder judges by evidence, ``idle_timeout`` by silence alone."""
    async with bench.open(agents={"fake": stage.agent(HANGS_ONCE)}, stuck=rules()) as tw:
        task = await ended(await tw.submit(prompt="go", agent="fake", idle_timeout=0.3))
        assert (task.reason, task.error) == (
            Reason.STALLED,
            "it was silent for longer than its idle_timeout of 0.3 s",
        )


async def test_a_parked_account_holds_the_ladder_before_it_does_anything(bench: Bench, stage: Stage) -> None:
    """Trap 9: what only waits for its provider is not ended; others were told until when it refuses."""
    wanted = rules(pausing=((0.6, Action.FAIL),))
    async with bench.open(agents={"fake": stage.agent({"default": [{"hang": 2.0}]})}, stuck=wanted) as tw:
        handle = await tw.submit(prompt="go", agent="fake")
        await stage.heard("turn")
        await tw.park_account("fake")
        task = await ended(handle)
        assert task.state is TaskState.COMPLETED
        assert "parked" in (await noted(handle))[0]["skipped"]
        await tw.release_account("fake")
