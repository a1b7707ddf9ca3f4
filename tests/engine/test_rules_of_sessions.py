"""Rules of session queues that need real programs: lanes, expiry, cancelling one, and an executor that breaks."""

from taxiway.core.session import Disposition, Stopped
from taxiway.core.task import Reason, TaskState
from tests.engine.conftest import Bench, changed, ended, said

LONG = "5m"  # of a quiet time that nobody will see the end of


async def test_control_does_not_wait_for_the_quiet_time(bench: Bench) -> None:
    """SQ-27: what stops, resets and interrupts goes around the debounce."""
    async with bench.open() as tw:
        box = await tw.session("s", mailbox={"debounce": LONG, "max_debounce_wait": LONG})
        waiting = await box.send(shell="true")
        assert (waiting.disposition, (await box.get()).live) == (Disposition.WAITING, 0)
        assert await box.stop_all() == Stopped(0, 1)
        assert (await ended(waiting.task)).reason is Reason.REQUESTED
        discarded = await box.send(shell="true")
        assert await box.reset(discard=True) == Stopped(0, 1)
        assert (await ended(discarded.task)).reason is Reason.RESET


async def test_a_message_may_go_around_the_quiet_time(bench: Bench) -> None:
    """SQ-28: what comes from inside (a result, an escalation) says ``debounce: 0`` for itself."""
    async with bench.open() as tw:
        box = await tw.session("s", mailbox={"debounce": LONG, "max_debounce_wait": LONG})
        inside = await box.send(shell="echo inside", mailbox={"debounce": 0})
        assert inside.disposition is Disposition.READY
        assert (await ended(inside.task)).output == "inside\n"


async def test_sessions_share_a_lane_and_no_more_run_than_it_has_room_for(bench: Bench) -> None:
    """SQ-60, OC-10: its size holds over all sessions; a raise starts more at once; who is cancelled leaves at once."""
    gates = [bench.gate(f"gate{number}") for number in range(3)]
    async with bench.open() as tw:
        await tw.set_lane("narrow", 1)
        boxes = [await tw.session(f"s{number}") for number in range(4)]
        sent = [
            await box.send(shell=f"echo up; {gate.wait}", lane="narrow")
            for box, gate in zip(boxes, gates, strict=False)
        ]
        await said(sent[0].task, "up")
        given_up = await boxes[3].send(shell="true", lane="narrow")
        assert (await given_up.task.cancel()).state is TaskState.CANCELLED
        [lane] = [one for one in await tw.lanes() if one.name == "narrow"]
        assert (lane.size, lane.live) == (1, 1)
        assert [(await one.task.get()).state for one in sent[1:]] == [TaskState.QUEUED] * 2
        await tw.set_lane("narrow", 3)
        await said(sent[1].task, "up")
        await said(sent[2].task, "up")
        for gate in gates:
            gate.open()
        assert {(await ended(one.task)).state for one in sent} == {TaskState.COMPLETED}


async def test_a_message_that_may_start_no_more_is_expired_and_the_next_one_is_served(bench: Bench) -> None:
    """SQ-64: while there is room a message starts; while there is none, its own time bounds the wait."""
    gate = bench.gate()
    async with bench.open() as tw:
        box = await tw.session("s")
        at_once = await box.send(shell=f"echo up; {gate.wait}", expires="60s")
        await said(at_once.task, "up")
        late, after = await box.send(shell="true", expires="50ms"), await box.send(shell="echo after")
        assert (await ended(late.task)).reason is Reason.EXPIRED
        gate.open()
        assert (await ended(at_once.task)).state is TaskState.COMPLETED
        assert (await ended(after.task)).output == "after\n"


async def test_cancelling_one_message_touches_no_other(bench: Bench) -> None:
    """SQ-92: while it waits, and while it runs."""
    async with bench.open() as tw:
        box = await tw.session("s")
        running = await box.send(shell="echo up; sleep 300")
        await said(running.task, "up")
        waiting, last = await box.send(shell="true"), await box.send(shell="echo last")
        await waiting.task.cancel()
        assert (await ended(waiting.task)).reason is Reason.REQUESTED
        assert (await running.task.get()).state is TaskState.RUNNING
        await running.task.cancel()
        assert (await ended(running.task)).reason is Reason.REQUESTED
        assert (await ended(last.task)).output == "last\n"


async def test_work_that_breaks_is_an_outcome_and_its_session_goes_on(bench: Bench) -> None:
    """SQ-95: an exception is a failure of its own message only."""

    def broken() -> None:
        raise LookupError("nothing there")

    async with bench.open(jobs={"broken": broken}) as tw:
        box = await tw.session("s")
        first, second = await box.send(job="broken"), await box.send(shell="echo second")
        failed = await ended(first.task)
        assert (failed.state, "nothing there" in (failed.error or "")) == (TaskState.FAILED, True)
        assert (await ended(second.task)).output == "second\n"


async def test_the_same_message_twice_is_one(bench: Bench) -> None:
    """OC-07: known by its key while it waits, and also when it has long been delivered."""
    async with bench.open() as tw:
        box = await tw.session("s")
        first = await box.send(shell="echo once", idempotency_key="message-4711")
        again = await box.send(shell="echo once", idempotency_key="message-4711")
        assert (first.task.created, again.task.created, again.task.id) == (True, False, first.task.id)
        assert (await ended(first.task)).state is TaskState.COMPLETED
        later = await box.send(shell="echo once", idempotency_key="message-4711")
        assert later.task.id == first.task.id
        await changed(tw, first.task.id, "completed")
        assert len(await tw.runs(first.task.id)) == 1
