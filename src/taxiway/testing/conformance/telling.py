"""Speaking to the live turn of a task, or to a run: signals without a message, and their receipts."""

from __future__ import annotations

import pytest

from taxiway.core.approval import ApprovalState, Question
from taxiway.core.errors import Conflict, LeaseLost, NotFound, NoTurn, Terminal
from taxiway.core.event import EventType
from taxiway.core.policy import Mode
from taxiway.core.run import Cancelled, Lost, StopCause
from taxiway.core.session import Signal, SignalState
from taxiway.core.task import Reason, TaskState
from taxiway.store.protocol import Claimed, TurnFacts
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite

INTERRUPTED = (TaskState.CANCELLED, Reason.INTERRUPTED)


class Telling(Suite):
    """Words and interrupts for the turn of one task, with a session or without one."""

    async def test_words_for_a_turn_without_a_session_end_in_one_receipt(self, bench: Bench) -> None:
        """OC-01: accepted, then what the turn says; both are events of its run."""
        run = await _turn(bench)
        told = await bench.store.tell_task(run.task, Signal.STEER, "only the first", ACTOR)
        assert (told.state, told.run, told.kind, told.final) == (SignalState.ACCEPTED, run.run, Signal.STEER, False)
        [signal] = await bench.store.signals(bench.runner)
        assert (signal.id, signal.fence, signal.text) == (told.signal, run.fence, "only the first")
        await bench.store.settle_signal(run.run, run.fence, signal.id, False, "not now")
        receipt = await bench.store.receipt(signal.id)
        assert (receipt.state, receipt.why, receipt.final) == (SignalState.REFUSED, "not now", True)
        events = {event.type: event.data for event in await bench.store.events(run.run, 0, 10)}
        assert events[EventType.SIGNAL_RECEIVED]["text"] == "only the first"
        assert events[EventType.SIGNAL_SETTLED]["why"] == "not now"

    async def test_words_that_reached_their_turn_are_delivered_until_it_answers(self, bench: Bench) -> None:
        """OC-01: they are still to be settled, what is settled stays so, and only the owner says it (I2)."""
        run = await _turn(bench)
        told = await bench.store.tell_task(run.task, Signal.STEER, "only the first", ACTOR)
        assert told.signal is not None
        with pytest.raises(LeaseLost):
            await bench.store.deliver_signal(run.run, run.fence + 1, told.signal)
        await bench.store.deliver_signal(run.run, run.fence, told.signal)
        receipt = await bench.store.receipt(told.signal)
        assert (receipt.state, receipt.final) == (SignalState.DELIVERED, False)
        assert [signal.id for signal in await bench.store.signals(bench.runner)] == [told.signal]
        await bench.store.settle_signal(run.run, run.fence, told.signal, True, None)
        await bench.store.deliver_signal(run.run, run.fence, told.signal)
        assert (await bench.store.receipt(told.signal)).state is SignalState.APPLIED

    async def test_what_a_turn_did_not_take_is_refused_with_its_end(self, bench: Bench) -> None:
        """I14: no signal of an ended run is without its receipt, with a session or without one."""
        for outcome in (None, Lost()):
            run = await _turn(bench)
            told = await bench.store.tell_task(run.task, Signal.STEER, "left", ACTOR)
            await bench.finish(run, outcome)
            assert told.signal is not None
            assert (await bench.store.receipt(told.signal)).why == "the turn ended first"
            await bench.drain()

    async def test_an_interrupt_ends_the_turn_as_such_also_when_its_runner_dies(self, bench: Bench) -> None:
        """SQ-30: cancelled, interrupted; it is a wish about the task, and stored with it."""
        for outcome in (Cancelled(Reason.INTERRUPTED), Lost()):
            run = await _turn(bench)
            told = await bench.store.tell_task(run.task, Signal.INTERRUPT, None, ACTOR)
            assert [one.kind for one in await bench.store.signals(bench.runner)] == [Signal.INTERRUPT]
            [request] = await bench.store.stop_requests(bench.runner)
            assert (request.run, request.cause) == (run.run, StopCause.INTERRUPT)
            with pytest.raises(NoTurn, match="being stopped already"):
                await bench.store.tell_task(run.task, Signal.INTERRUPT, None, ACTOR)
            await bench.finish(run, outcome)
            assert await bench.standing(run.task) == INTERRUPTED
            assert told.signal is not None
            assert (await bench.store.receipt(told.signal)).state is SignalState.APPLIED

    async def test_a_turn_that_waits_for_a_person_can_be_interrupted(self, bench: Bench) -> None:
        """Semantics, "Waiting for a person": its question is void."""
        run = await _turn(bench)
        asked = await bench.store.ask(run.run, run.fence, Question(text="May I?"))
        await bench.store.tell_task(run.task, Signal.INTERRUPT, None, ACTOR)
        assert (await bench.store.approval(asked.id)).state is ApprovalState.VOID
        await bench.finish(run, Cancelled(Reason.INTERRUPTED))
        assert await bench.standing(run.task) == INTERRUPTED

    async def test_what_waits_in_its_session_goes_on_after_an_interrupt(self, bench: Bench) -> None:
        """SQ-30: unlike a message that interrupts, it concerns this turn alone."""
        await bench.send("s", "work")
        run = await bench.take()
        later = await bench.send("s", "later")
        await bench.store.tell_task(run.task, Signal.INTERRUPT, None, ACTOR)
        await bench.finish(run, Cancelled(Reason.INTERRUPTED))
        assert await bench.drain() == [later.id]

    async def test_the_receipt_of_a_message_is_that_of_the_signal_that_brought_it(self, bench: Bench) -> None:
        """OC-01: whoever sent it knows its task only."""
        await bench.send("s", "work")
        run = await bench.take()
        await bench.store.tell_session(run.run, run.fence, TurnFacts(steerable=True))
        steer = await bench.send("s", "words", mode=Mode.STEER)
        assert (await bench.store.receipt(steer.id)).state is SignalState.ACCEPTED
        await bench.finish(run)
        assert (await bench.store.receipt(steer.id)).state is SignalState.REFUSED
        with pytest.raises(NotFound):
            await bench.store.receipt("sig_nobody")

    async def test_only_a_live_turn_of_an_agent_can_be_told_something(self, bench: Bench) -> None:
        """Bad input: a task that waits, one that has ended, one that is no agent's, none at all."""
        [waits] = await bench.submit_all(bench.new(prompt="go", agent="fake"))
        with pytest.raises(NoTurn, match="is queued: it has no turn now"):
            await bench.store.tell_task(waits.id, Signal.STEER, "x", ACTOR)
        await bench.end_next()
        with pytest.raises(NoTurn, match="is completed"):
            await bench.store.tell_task(waits.id, Signal.STEER, "x", ACTOR)
        [job] = await bench.submit_all(bench.new())
        await bench.take()
        with pytest.raises(NoTurn, match="no work of an agent"):
            await bench.store.tell_task(job.id, Signal.INTERRUPT, None, ACTOR)
        with pytest.raises(NotFound):
            await bench.store.tell_task("task_nobody", Signal.STEER, "x", ACTOR)

    async def test_a_run_is_told_by_itself_until_it_has_ended(self, bench: Bench) -> None:
        """C14, C20 to C22: numbered, each settled once; words are taken back until then, and an end is not."""
        run = await _turn(bench)
        words = await bench.store.tell_run(run.run, Signal.STEER, "left", ACTOR)
        taken = await bench.store.cancel_signal(words.signal or "", ACTOR)
        assert (taken.state, taken.why) == (SignalState.REFUSED, "it was cancelled")
        assert await bench.store.cancel_signal(taken.id, ACTOR) == taken
        stop = await bench.store.tell_run(run.run, Signal.STOP, None, ACTOR)
        with pytest.raises(Conflict, match="cannot be taken back"):
            await bench.store.cancel_signal(stop.signal or "", ACTOR)
        await bench.finish(run, Cancelled(Reason.REQUESTED))
        told = await bench.store.run_signals(run.run, 0, 10)
        steered, stopped = (Signal.STEER, SignalState.REFUSED), (Signal.STOP, SignalState.APPLIED)
        assert [(one.seq, one.kind, one.state) for one in told] == [(1, *steered), (2, *stopped)]
        assert await bench.store.run_signals(run.run, 1, 10) == told[1:]
        with pytest.raises(Terminal):
            await bench.store.tell_run(run.run, Signal.STOP, None, ACTOR)

    async def test_a_command_is_told_to_stop_and_nothing_else(self, bench: Bench) -> None:
        """C11, DC5: nobody else would listen; the wish is the task's, and holds when its runner dies."""
        [job] = await bench.submit_all(bench.new())
        run = await bench.take()
        for kind, text in ((Signal.STEER, "words"), (Signal.INTERRUPT, None)):
            with pytest.raises(NoTurn, match="no work of an agent"):
                await bench.store.tell_run(run.run, kind, text, ACTOR)
        await bench.store.tell_run(run.run, Signal.STOP, None, ACTOR)
        await bench.finish(run, Lost())
        assert await bench.standing(job.id) == (TaskState.CANCELLED, Reason.REQUESTED)
        [stop] = await bench.store.run_signals(run.run, 0, 10)
        assert stop.state is SignalState.APPLIED


async def _turn(bench: Bench) -> Claimed:
    """A turn of a task without a session."""
    await bench.submit_all(bench.new(prompt="go", agent="fake"))
    run = await bench.take()
    await bench.store.started(run.run, run.fence, None)
    return run
