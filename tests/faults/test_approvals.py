"""Runners that are killed, or freeze, while a turn waits for a person: the question is void, and the work goes on."""

import asyncio
import signal

import pytest

from taxiway.core.approval import ApprovalState
from taxiway.core.errors import NotPending
from taxiway.core.task import TaskState
from tests.engine.acting import gone
from tests.faults.test_conversations import stage, tw, worker  # noqa: F401  fixtures
from tests.faults.test_whole_processes import DEADLINE_S, until

ASKS = {"default": [{"ask": "May I?"}, {"say": "{told}: {answer}"}]}


async def pending(tw, count: int = 1) -> list:  # noqa: F811
    """Wait until so many questions are pending."""
    async with asyncio.timeout(DEADLINE_S):
        while len(found := (await tw.approvals()).items) != count:
            await asyncio.sleep(0.02)
    return found


async def test_a_killed_runners_question_is_void_and_asked_again_by_the_resumed_agent(tw, worker, stage) -> None:  # noqa: F811
    """Semantics, "Waiting for a person": the process is dead, so nobody waits; no attempt is counted."""
    first = await worker(ASKS)
    box = await tw.session("box", agent="fake")
    sent = await box.send("do it")
    (before,) = await pending(tw)
    await first.kill()
    await gone(*stage.pids())

    async def void() -> bool:
        return (await tw.approval(before.id)).state is ApprovalState.VOID

    await until(void)
    with pytest.raises(NotPending, match="its run has ended"):
        await tw.allow(before.id)
    await worker(ASKS)
    (after,) = await pending(tw)
    assert (after.task, after.run != before.run) == (before.task, True)
    await tw.allow(after.id)
    task = await sent.task.wait(DEADLINE_S)
    assert (task.state, task.crashes, task.attempt) == (TaskState.COMPLETED, 1, 1)
    assert task.output == "do it / do it: allowed"
    assert [line["resumed"] for line in stage.lines("start")] == [False, True]


async def test_an_answer_that_comes_while_its_runner_is_dead_is_not_told_to_the_next(tw, worker, stage) -> None:  # noqa: F811
    """The first answer stands in the record; whoever takes the turn again has to ask anew."""
    first = await worker(ASKS)
    handle = await tw.submit(prompt="go", agent="fake", session="box")
    (before,) = await pending(tw)
    first.signal(signal.SIGSTOP)
    await tw.deny(before.id, "not now")
    await first.kill()
    await worker(ASKS)
    (after,) = await pending(tw)
    assert (await tw.approval(before.id)).state is ApprovalState.DENIED
    await tw.allow(after.id)
    assert (await handle.wait(DEADLINE_S)).output == "go / go: allowed"


async def test_a_runner_that_froze_past_its_lease_brings_no_answer(tw, worker, tmp_path, stage) -> None:  # noqa: F811
    """I2, fault 6: settled by others while it waited; thawed, it finds its lease gone and ends itself."""
    first = await worker(ASKS, lease_s=1.0)
    handle = await tw.submit(prompt="go", agent="fake", session="box")
    (before,) = await pending(tw)
    second = await worker(ASKS, lease_s=1.0)
    await first.freeze(tmp_path / "store.db")
    try:

        async def asked_anew() -> bool:
            found = (await tw.approvals()).items
            return [one.id for one in found] != [before.id] and len(found) == 1

        await until(asked_anew)
        (after,) = (await tw.approvals()).items
        assert (await tw.approval(before.id)).state is ApprovalState.VOID
        assert (await tw.store.run(after.run)).runner == second.runner
    finally:
        first.signal(signal.SIGCONT)
    assert await asyncio.wait_for(first.process.wait(), DEADLINE_S) == 3
    await tw.allow(after.id)
    assert (await handle.wait(DEADLINE_S)).output == "go / go: allowed"
    assert len(stage.lines("answer")) == 1
