"""How messages move up, make way and leave before their turn has begun, and what limits that change do to those that
wait to go again (SQ-14, SQ-15, SQ-30, OC-02, OC-03, OC-06, OC-09)."""

from __future__ import annotations

import pytest

from taxiway.core.errors import Conflict
from taxiway.core.policy import Box, Drop, MailboxChange, Mode
from taxiway.core.run import Cancelled, Completed, Lost
from taxiway.core.session import Disposition
from taxiway.core.task import Reason, TaskState
from taxiway.store.protocol import Claimed, TurnFacts
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed, plan_of, spec_of


class Leaving(Suite):
    """A message that goes takes nobody along who was not yet a part of its turn."""

    async def test_a_removed_message_makes_room(self, bench: Bench) -> None:
        """A23, OC-09: wherever it stood; the next one moves up."""
        first, second, third = [await bench.send("s") for _ in range(3)]
        assert await bench.store.remove(second.id, ACTOR)
        assert await bench.store.remove(first.id, ACTOR)
        assert await bench.store.check() == []
        assert (await bench.take()).task == third.id

    async def test_a_removed_message_hands_its_turn_over(self, bench: Bench) -> None:
        """OC-09: what was merged into it goes on; what rides is not removed alone."""
        await bench.session("s", mode=Mode.COLLECT, debounce_s=1.0)
        sent = [await bench.send("s", f"m{n}") for n in range(3)]
        await bench.store.remove(sent[0].id, ACTOR)
        await bench.pass_time(1)
        run = await bench.take()
        assert _prompts(run) == ["m1", "m2"]
        with pytest.raises(Conflict, match="part of another task's turn"):
            await bench.store.remove(sent[2].id, ACTOR)
        await bench.finish(run)
        assert await bench.standing(sent[2].id) == (TaskState.COMPLETED, None)

    async def test_a_removed_steer_is_not_brought(self, bench: Bench) -> None:
        """OC-09: its signal is withdrawn."""
        await _steerable(bench, "s")
        steer = await bench.send("s", "steer", mode=Mode.STEER)
        assert await bench.store.remove(steer.id, ACTOR)
        assert await bench.store.signals(bench.runner) == []

    async def test_until_a_turn_begins_its_messages_are_cancelled_one_by_one(self, bench: Bench) -> None:
        """OC-09: also when the session is held for them, and only a lane or a queue is in the way."""
        await bench.store.make_queue("slow", None, ACTOR)
        await bench.store.move_queue("slow", "pause", ACTOR)
        await bench.session("s", mode=Mode.COLLECT, debounce_s=1.0)
        sent = [await bench.send("s", f"m{n}", queue="slow") for n in range(4)]
        await bench.pass_time(1)
        await bench.store.cancel(sent[2].id, ACTOR)
        await bench.store.cancel(sent[0].id, ACTOR)
        await bench.store.move_queue("slow", "resume", ACTOR)
        assert _prompts(await bench.take()) == ["m1", "m3"]

    async def test_what_waits_with_another_one_counts_for_the_cap_until_the_turn_begins(self, bench: Bench) -> None:
        """SQ-06: the cap counts what has joined and not started."""
        await bench.store.move_queue("default", "pause", ACTOR)
        await bench.session("s", mode=Mode.COLLECT, cap=2, drop=Drop.OLD, debounce_s=1.0)
        sent = [await bench.send("s", f"m{n}") for n in range(3)]
        await bench.pass_time(1)
        last = await bench.send("s", "last")
        assert [answer.dropped for answer in (*sent, last)] == [(), (), (), (sent[1].id,)]

    async def test_one_that_is_too_late_takes_nobody_along(self, bench: Bench) -> None:
        """OC-09, B16: the others of its turn have their own time; whose turn has begun is not too late any more."""
        await bench.store.move_queue("default", "pause", ACTOR)
        await bench.session("s", mode=Mode.COLLECT, debounce_s=1.0)
        sent = []
        for number in range(3):
            sent.append(await bench.send("s", f"m{number}", expires_s=3.0))
            await bench.pass_time(0.6)
        await bench.pass_time(1.3)
        assert await bench.standing(sent[0].id) == (TaskState.CANCELLED, Reason.EXPIRED)
        await bench.store.move_queue("default", "resume", ACTOR)
        run = await bench.take()
        assert _prompts(run) == ["m1", "m2"]
        await bench.pass_time(60)
        assert await bench.store.next_due() is None
        await bench.finish(run)
        assert await bench.standing(sent[2].id) == (TaskState.COMPLETED, None)

    async def test_a_stop_of_its_queue_leaves_a_part_of_a_turn_to_the_turn(self, bench: Bench) -> None:
        """A10, semantics "carried": it ends when and as its carrier ends."""
        await bench.store.make_queue("q", None, ACTOR)
        run = await _steerable(bench, "s")
        rider = await bench.send("s", "steer", mode=Mode.STEER, queue="q")
        await bench.store.settle_signal(run.run, run.fence, (await bench.store.signals(bench.runner))[0].id, True, None)
        await bench.store.cancel_all(ACTOR, "q")
        assert (await bench.task(rider.id)).box is Box.RIDING
        await bench.store.move_queue("q", "stop", ACTOR)
        assert (await bench.task(rider.id)).box is Box.RIDING
        await bench.finish(run, failed(Reason.AGENT_ERROR, None))
        assert await bench.standing(rider.id) == (TaskState.FAILED, Reason.AGENT_ERROR)

    async def test_one_call_may_send_what_displaces_an_earlier_message_of_it(self, bench: Bench) -> None:
        """SQ-30, SQ-09: the queue's count of open tasks is right at every moment."""
        await bench.session("t", cap=1, drop=Drop.OLD)
        await bench.submit_all(
            bench.new(session="s"),
            bench.new(session="s", mailbox=MailboxChange(mode=Mode.INTERRUPT)),
            *(bench.new(session="t") for _ in range(4)),
        )
        assert len(await bench.drain()) == 3

    async def test_an_interrupt_that_joins_late_makes_way_for_itself(self, bench: Bench) -> None:
        """SQ-30: everything that waits when it arrives, submitted before it or after."""
        await bench.session("s", mode=Mode.COLLECT)
        await bench.send("s", "runs")
        run = await bench.take()
        urgent = await bench.send("s", "urgent", mode=Mode.INTERRUPT, delay_s=5)
        waiting = [await bench.send("s", f"m{n}") for n in range(3)]
        await bench.pass_time(5)
        assert [await bench.standing(sent.id) for sent in waiting] == [(TaskState.CANCELLED, Reason.INTERRUPTED)] * 3
        await bench.finish(run, Cancelled(Reason.INTERRUPTED))
        assert await bench.drain() == [urgent.id]

    async def test_a_sweep_takes_nobody_who_joins_while_it_passes(self, bench: Bench) -> None:
        """SQ-49, SQ-30: what waited then goes, in however many pages; what joins now was not there."""
        session = await bench.session("s", cap=10_000)
        await bench.submit_all(*(bench.new(session="s") for _ in range(2_100)))
        late = await bench.send("s", delay_s=5)
        run = await bench.take()
        await bench.store.reset_session(session, True, ACTOR)
        await bench.pass_time(5)
        await bench.settle()
        await bench.pass_time(0)
        await bench.finish(run, Cancelled(Reason.RESET))
        assert await bench.drain() == [late.id]

    async def test_one_that_joins_late_is_no_part_of_a_later_messages_turn(self, bench: Bench) -> None:
        """OC-03: among those that have joined, submission order holds."""
        await bench.session("s", mode=Mode.COLLECT)
        await bench.send("s", "runs")
        run = await bench.take()
        late = await bench.send("s", "late", after=[await bench.submit(priority=5)])
        later = await bench.send("s", "later")
        await bench.end_next()
        await bench.pass_time(0)
        await bench.finish(run)
        assert await bench.drain() == [late.id, later.id]

    async def test_only_words_are_offered_to_a_turn(self, bench: Bench) -> None:
        """OC-01: a job cannot be said to an agent, so it waits."""
        run = await _steerable(bench, "s")
        job = await bench.send("s", mode=Mode.STEER)
        assert job.disposition is Disposition.WAITING
        await bench.finish(run)
        assert await bench.drain() == [job.id]

    async def test_a_plans_steer_that_waits_again_is_not_evicted(self, bench: Bench) -> None:
        """Semantics: a plan's tasks are exempt from the cap."""
        await bench.session("s", agent="fake", cap=1, drop=Drop.OLD)
        run = await _steerable(bench, "s")
        steer = spec_of(name="t", session="s", prompt="steer", agent="fake", mailbox=MailboxChange(mode=Mode.STEER))
        planned = (await bench.run_plan(plan_of(steer))).ids["t"]
        [signal] = await bench.store.signals(bench.runner)
        await bench.store.settle_signal(run.run, run.fence, signal.id, False, "not now")
        sent = [await bench.send("s", f"m{n}") for n in range(2)]
        assert [answer.dropped for answer in sent] == [(), (sent[0].id,)]
        await bench.finish(run)
        assert (await bench.take()).task == planned


class Fitting(Suite):
    """A limit that changes: what runs goes on, and nothing begins, or begins again, beyond it."""

    async def test_a_lost_run_starts_again_only_within_the_limit_as_it_is_then(self, bench: Bench) -> None:
        """SQ-15, I3: lowered to 1 while three run, none of the lost starts beside another one."""
        session = await bench.session("s", max_concurrent=3)
        sent = [(await bench.send("s")).id for _ in range(4)]
        runs = await bench.claim()
        await bench.store.set_session(session, MailboxChange(max_concurrent=1), ACTOR)
        await bench.finish(runs[1], Lost())
        assert await bench.claim() == []
        await bench.finish(runs[0], Lost())
        await bench.finish(runs[2])
        assert [await bench.end_next() for _ in range(3)] == [sent[0], sent[1], sent[3]]

    async def test_a_backoff_that_is_over_starts_only_within_the_limit_as_it_is_then(self, bench: Bench) -> None:
        """SQ-15, I3."""
        session = await bench.session("s", max_concurrent=2)
        sent = [(await bench.send("s", retries=1)).id for _ in range(2)]
        for run in await bench.claim():
            await bench.finish(run, failed())
        await bench.store.set_session(session, MailboxChange(max_concurrent=1), ACTOR)
        await bench.pass_time(60)
        [run] = await bench.claim()
        await bench.finish(run, Completed())
        assert [run.task, await bench.end_next()] == sent

    async def test_a_session_that_becomes_a_conversation_starts_nothing_more_beside(self, bench: Bench) -> None:
        """I3: the first prompt makes it one turn at a time."""
        await bench.session("s", max_concurrent=2)
        first, second = await bench.send("s"), await bench.send("s")
        run = await bench.take()
        prompt = await bench.send("s", "hello")
        assert await bench.claim() == []
        await bench.finish(run)
        assert [run.task, *await bench.drain()] == [first.id, second.id, prompt.id]

    async def test_a_message_with_a_delay_changes_the_limit_when_it_is_sent(self, bench: Bench) -> None:
        """SQ-14: from now on."""
        await bench.send("s")
        await bench.send("s")
        await bench.send("s", delay_s=60, max_concurrent=2)
        assert len(await bench.claim()) == 2


async def _steerable(bench: Bench, key: str) -> Claimed:
    """A turn that runs and takes steers."""
    await bench.send(key, "work")
    run = await bench.take()
    await bench.store.tell_session(run.run, run.fence, TurnFacts(steerable=True))
    return run


def _prompts(run: Claimed) -> list[str]:
    assert run.seat is not None
    return [message.prompt for message in run.seat.messages]
