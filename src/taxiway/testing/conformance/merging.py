"""Messages that another turn carries: merged while they waited, or steered into it (OC-01 to OC-03, OC-09)."""

from __future__ import annotations

import pytest

from taxiway.core.errors import Conflict
from taxiway.core.policy import Box, Drop, Mode
from taxiway.core.run import Cancelled, Completed, Lost
from taxiway.core.session import Disposition
from taxiway.core.task import Reason, TaskState
from taxiway.store.protocol import TurnFacts
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed


class Merging(Suite):
    """Mode ``collect``: what waits and goes together becomes one turn."""

    async def test_the_earlier_turns_of_a_conversation_can_be_told_again(self, bench: Bench) -> None:
        """Replay: of this generation only, what was carried with what carried it, in order."""
        session = await bench.session("s", mode=Mode.COLLECT, debounce_s=1.0)
        await bench.send("s", "before the reset")
        await bench.pass_time(1)
        await bench.finish(await bench.take(), Completed(output="forgotten"))
        await bench.store.reset_session(session, False, ACTOR)
        await bench.send("s", "one")
        await bench.send("s", "two")
        dropped = await bench.send("s", "never began", mode=Mode.QUEUE)
        await bench.store.cancel(dropped.id, ACTOR)
        await bench.pass_time(1)
        await bench.finish(await bench.take(), Completed(output="both"))
        await bench.settle()
        await bench.send("s", "three")
        generation = (await bench.store.session(session)).generation
        told = await bench.store.earlier_turns(session, generation, 10)
        assert [(task.spec.prompt, task.output) for task in told] == [("one", "both"), ("two", "both")]
        assert len({task.carrier or task.id for task in told}) == 1
        assert [task.spec.prompt for task in await bench.store.earlier_turns(session, generation, 1)] == ["two"]

    async def test_compatible_messages_become_one_turn_with_their_origins(self, bench: Bench) -> None:
        """OC-03: after the quiet time; each keeps who sent it."""
        await bench.session("s", mode=Mode.COLLECT, debounce_s=1.0)
        sent = [await bench.send("s", f"m{n}", metadata={"from": f"user{n}"}) for n in range(3)]
        assert [answer.disposition for answer in sent] == [
            Disposition.WAITING,
            Disposition.MERGED,
            Disposition.MERGED,
        ]
        assert [answer.carrier for answer in sent] == [None, sent[0].id, sent[0].id]
        await bench.pass_time(1)
        run = await bench.take()
        assert run.seat is not None
        assert [(m.task, m.prompt, m.metadata["from"]) for m in run.seat.messages] == [
            (answer.id, f"m{n}", f"user{n}") for n, answer in enumerate(sent)
        ]
        await bench.finish(run, Completed(output="all three"))
        ended = [await bench.task(answer.id) for answer in sent]
        assert [(task.state, task.output) for task in ended] == [(TaskState.COMPLETED, "all three")] * 3

    async def test_what_does_not_fit_is_a_turn_of_its_own_and_order_holds(self, bench: Bench) -> None:
        """OC-03: another route (labels), another kind of work."""
        await bench.session("s", mode=Mode.COLLECT, debounce_s=1.0)
        a1 = await bench.send("s", "a1", labels={"thread": "a"})
        a2 = await bench.send("s", "a2", labels={"thread": "a"})
        b1 = await bench.send("s", "b1", labels={"thread": "b"})
        a3 = await bench.send("s", "a3", labels={"thread": "a"})
        job = await bench.send("s")
        await bench.pass_time(1)
        assert (a2.carrier, b1.carrier, a3.carrier) == (a1.id, None, None)
        assert await bench.drain() == [a1.id, b1.id, a3.id, job.id]

    async def test_a_template_is_a_turn_of_its_own(self, bench: Bench) -> None:
        """OC-03: its words come from tasks of its own."""
        await bench.session("s", mode=Mode.COLLECT, debounce_s=1.0)
        sent = [await bench.send("s", f"m{number}", template=True) for number in range(2)]
        assert [answer.carrier for answer in sent] == [None, None]

    async def test_a_carried_message_ends_as_its_carrier_ends(self, bench: Bench) -> None:
        """Semantics, "carried": for wait, after and exit status alike."""
        await bench.session("s", mode=Mode.COLLECT, debounce_s=1.0)
        first, second = await bench.send("s", "one"), await bench.send("s", "two")
        child = await bench.submit(after=[second.id])
        await bench.pass_time(1)
        await bench.end_next(failed(Reason.AGENT_ERROR, None))
        assert await bench.standing(second.id) == (TaskState.FAILED, Reason.AGENT_ERROR)
        assert await bench.standing(child) == (TaskState.CANCELLED, Reason.DEPENDENCY_FAILED)
        assert first.id != second.id

    async def test_when_the_carrier_is_cancelled_first_the_others_go_on(self, bench: Bench) -> None:
        """OC-09: each message is cancellable by its id until it is consumed, and takes nobody along."""
        await bench.session("s", mode=Mode.COLLECT, debounce_s=1.0)
        sent = [await bench.send("s", f"m{n}") for n in range(3)]
        await bench.store.cancel(sent[0].id, ACTOR)
        await bench.pass_time(1)
        run = await bench.take()
        assert run.seat is not None
        assert (run.task, [m.prompt for m in run.seat.messages]) == (sent[1].id, ["m1", "m2"])

    async def test_a_merged_message_can_be_cancelled_alone(self, bench: Bench) -> None:
        """OC-09."""
        await bench.session("s", mode=Mode.COLLECT, debounce_s=1.0)
        sent = [await bench.send("s", f"m{n}") for n in range(3)]
        await bench.store.cancel(sent[1].id, ACTOR)
        await bench.pass_time(1)
        run = await bench.take()
        assert run.seat is not None
        assert [m.prompt for m in run.seat.messages] == ["m0", "m2"]

    async def test_a_message_that_rides_already_is_not_cancelled_alone(self, bench: Bench) -> None:
        """OC-09: cancelling a queued item never ends the active turn."""
        await bench.session("s", mode=Mode.COLLECT, debounce_s=1.0)
        first, second = await bench.send("s", "one"), await bench.send("s", "two")
        await bench.pass_time(1)
        run = await bench.take()
        with pytest.raises(Conflict, match="part of another task's turn"):
            await bench.store.cancel(second.id, ACTOR)
        await bench.store.cancel(first.id, ACTOR)
        await bench.finish(run, Cancelled(Reason.REQUESTED))
        assert await bench.standing(second.id) == (TaskState.CANCELLED, Reason.CARRIED)

    async def test_followups_are_a_turn_each(self, bench: Bench) -> None:
        """SQ-08, OC-03."""
        await bench.session("s", mode=Mode.FOLLOWUP)
        sent = [(await bench.send("s", f"m{n}")).id for n in range(3)]
        assert await bench.drain() == sent

    async def test_merged_messages_count_for_the_cap(self, bench: Bench) -> None:
        """The cap counts what waits, whoever carries it; the oldest goes first, and its turn goes on with the next."""
        await bench.session("s", mode=Mode.COLLECT, cap=2, drop=Drop.OLD)
        await bench.send("s", "runs")
        await bench.claim()
        sent = [await bench.send("s", f"m{n}") for n in range(3)]
        assert sent[2].dropped == (sent[0].id,)
        assert (await bench.task(sent[2].id)).box is Box.MERGED


class Steering(Suite):
    """Mode ``steer``: into the running turn, or in order behind it."""

    async def test_a_steer_is_offered_and_rides_when_it_was_taken(self, bench: Bench) -> None:
        """OC-01: the answer says so, the receipt is an event."""
        first = await bench.send("s", "work")
        run = await bench.take()
        await bench.store.tell_session(run.run, run.fence, TurnFacts(steerable=True))
        steer = await bench.send("s", "only the first file", mode=Mode.STEER)
        assert (steer.disposition, steer.offered) == (Disposition.STEERING, run.run)
        [signal] = await bench.store.signals(bench.runner)
        assert (signal.run, signal.fence, signal.text) == (run.run, run.fence, "only the first file")
        await bench.store.settle_signal(run.run, run.fence, signal.id, True, None)
        assert await bench.store.signals(bench.runner) == []
        await bench.finish(run)
        assert await bench.standing(steer.id) == (TaskState.COMPLETED, None)
        assert (await bench.task(steer.id)).carrier == first.id
        types = [event.type for event in await bench.store.events(run.run, 0, 100)]
        assert types == ["run.started", "signal.received", "signal.settled", "run.finished"]

    async def test_a_declined_steer_keeps_its_place(self, bench: Bench) -> None:
        """OC-02: never dropped, never behind a later one."""
        await bench.send("s", "work")
        run = await bench.take()
        await bench.store.tell_session(run.run, run.fence, TurnFacts(steerable=True))
        steer = await bench.send("s", "steer", mode=Mode.STEER)
        later = await bench.send("s", "later")
        [signal] = await bench.store.signals(bench.runner)
        await bench.store.settle_signal(run.run, run.fence, signal.id, False, "not now")
        await bench.finish(run)
        assert await bench.drain() == [steer.id, later.id]

    async def test_a_steer_that_the_turn_did_not_take_waits(self, bench: Bench) -> None:
        """OC-01, OC-02: the turn ended first, in whatever way."""
        for outcome in (Completed(), failed(), Lost()):
            key = type(outcome).__name__
            await bench.send(key, "work")
            run = await bench.take()
            await bench.store.tell_session(run.run, run.fence, TurnFacts(steerable=True))
            steer = await bench.send(key, "steer", mode=Mode.STEER)
            await bench.finish(run, outcome)
            assert steer.id in await bench.drain()

    async def test_an_older_followup_does_not_disable_steering(self, bench: Bench) -> None:
        """OC-02 (#148731)."""
        await bench.send("s", "work")
        run = await bench.take()
        await bench.store.tell_session(run.run, run.fence, TurnFacts(steerable=True))
        await bench.send("s", "later")
        steer = await bench.send("s", "steer", mode=Mode.STEER)
        assert steer.disposition is Disposition.STEERING

    async def test_without_a_turn_that_takes_it_a_steer_is_a_message(self, bench: Bench) -> None:
        """OC-01: idle, or an agent that cannot."""
        first = await bench.send("s", "one", mode=Mode.STEER)
        await bench.take()
        second = await bench.send("s", "two", mode=Mode.STEER)
        assert (first.disposition, second.disposition) == (Disposition.READY, Disposition.WAITING)

    async def test_a_steer_on_its_way_can_be_cancelled(self, bench: Bench) -> None:
        """OC-09: its signal is withdrawn."""
        await bench.send("s", "work")
        run = await bench.take()
        await bench.store.tell_session(run.run, run.fence, TurnFacts(steerable=True))
        steer = await bench.send("s", "steer", mode=Mode.STEER)
        await bench.store.cancel(steer.id, ACTOR)
        assert await bench.store.signals(bench.runner) == []
        await bench.finish(run)
        assert await bench.standing(steer.id) == (TaskState.CANCELLED, Reason.REQUESTED)
