"""Mailboxes: what an arrival does to a session, and what becomes of every message (SQ-01 to SQ-33, OC-01 to OC-09)."""

from __future__ import annotations

import pytest

from taxiway.core.errors import Conflict, Full, Invalid, LaneStopped
from taxiway.core.policy import Box, Drop, MailboxChange, Mode
from taxiway.core.run import Cancelled, Completed, Lost
from taxiway.core.session import Disposition
from taxiway.core.task import Reason, TaskState
from taxiway.store.protocol import TurnFacts
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed, plan_of, spec_of


class Admitting(Suite):
    """Order and room: one at a time, first come, first served, up to the session's limit."""

    async def test_a_session_runs_one_message_at_a_time(self, bench: Bench) -> None:
        """SQ-01: the second one starts when the first has ended, not before."""
        first = await bench.send("s")
        second = await bench.send("s")
        run = await bench.take()
        assert (run.task, await bench.claim()) == (first.id, [])
        await bench.finish(run)
        assert [claimed.task for claimed in await bench.claim()] == [second.id]

    async def test_different_sessions_run_side_by_side(self, bench: Bench) -> None:
        """SQ-02."""
        sent = [await bench.send(key) for key in "abc"]
        assert {run.task for run in await bench.claim()} == {answer.id for answer in sent}

    async def test_messages_start_in_the_order_of_their_arrival_whatever_their_priority(self, bench: Bench) -> None:
        """SQ-03: priority chooses between sessions, never inside one."""
        sent = [(await bench.send("s", priority=priority)).id for priority in (0, 5, -5, 9)]
        assert [await bench.end_next() for _ in sent] == sent

    async def test_every_message_ends_exactly_once(self, bench: Bench) -> None:
        """SQ-04, SQ-05: the outcome is what the run gave; a second word changes nothing."""
        sent = await bench.send("s")
        run = await bench.take()
        await bench.finish(run, Completed(output="done"))
        late = await bench.finish(run, failed())
        task = await bench.task(sent.id)
        assert (late.applied, task.state, task.output) == (False, TaskState.COMPLETED, "done")

    async def test_the_cap_counts_only_what_waits(self, bench: Bench) -> None:
        """SQ-06: with cap 2, one runs, two wait, and the fourth is one too many."""
        await bench.session("s", cap=2)
        for _ in range(3):
            await bench.send("s")
        with pytest.raises(Full, match="takes 2"):
            await bench.send("s")

    async def test_several_run_together_where_the_session_says_so(self, bench: Bench) -> None:
        """SQ-07: max_concurrent 3, in order."""
        await bench.session("s", max_concurrent=3)
        sent = [(await bench.send("s")).id for _ in range(5)]
        assert [run.task for _ in range(3) for run in await bench.claim(1)] == sent[:3]
        assert await bench.claim() == []

    async def test_one_claim_of_many_takes_as_many_as_fit(self, bench: Bench) -> None:
        """SQ-07, I3: also when all slots are free at once."""
        await bench.session("s", max_concurrent=3)
        sent = [(await bench.send("s")).id for _ in range(5)]
        assert [run.task for run in await bench.claim(10)] == sent[:3]

    async def test_a_message_may_change_the_limit_from_then_on(self, bench: Bench) -> None:
        """SQ-14."""
        await bench.send("s")
        await bench.send("s", max_concurrent=2)
        assert len(await bench.claim()) == 2

    async def test_lowering_the_limit_cancels_nothing(self, bench: Bench) -> None:
        """SQ-15: it only gates new starts."""
        session = await bench.session("s", max_concurrent=3)
        for _ in range(5):
            await bench.send("s")
        runs = await bench.claim()
        await bench.store.set_session(session, MailboxChange(max_concurrent=1), ACTOR)
        await bench.finish(runs[0])
        await bench.finish(runs[1])
        assert await bench.claim() == []
        await bench.finish(runs[2])
        assert len(await bench.claim()) == 1

    async def test_raising_the_limit_starts_what_fits_now(self, bench: Bench) -> None:
        """SQ-16: at once, not with the next event."""
        session = await bench.session("s")
        for _ in range(3):
            await bench.send("s")
        await bench.claim()
        await bench.store.set_session(session, MailboxChange(max_concurrent=2), ACTOR)
        assert len(await bench.claim()) == 1

    async def test_an_admitted_message_waits_again_when_the_limit_falls_before_it_starts(self, bench: Bench) -> None:
        """SQ-15, I3: what has not started has no claim to a slot that is not there any more."""
        session = await bench.session("s", max_concurrent=2)
        first, second = await bench.send("s"), await bench.send("s")
        run = await bench.take()
        await bench.store.set_session(session, MailboxChange(max_concurrent=1), ACTOR)
        assert await bench.claim() == []
        await bench.finish(run)
        assert ([claimed.task for claimed in await bench.claim()], first.id) == ([second.id], run.task)

    async def test_a_head_that_backs_off_holds_its_session(self, bench: Bench) -> None:
        """Semantics, "Order inside a session": a retry keeps its place."""
        first = await bench.send("s", retries=1)
        second = await bench.send("s")
        await bench.end_next(failed())
        assert (await bench.standing(first.id), await bench.claim()) == ((TaskState.SCHEDULED, Reason.BACKOFF), [])
        await bench.pass_time(60)
        assert [await bench.end_next() for _ in range(2)] == [first.id, second.id]

    async def test_a_lost_run_keeps_its_place(self, bench: Bench) -> None:
        """SQ-03, semantics "Counters": queued at once, ahead of what came later."""
        first, second = await bench.send("s"), await bench.send("s")
        await bench.end_next(Lost())
        assert [await bench.end_next() for _ in range(2)] == [first.id, second.id]

    async def test_a_blocked_or_delayed_message_holds_nothing(self, bench: Bench) -> None:
        """Semantics: it joins when it is eligible; among those that have joined, submission order holds."""
        parent = await bench.submit(queue="default", priority=-5)
        blocked = await bench.send("s", after=[parent])
        delayed = await bench.send("s", delay_s=5)
        free = await bench.send("s")
        assert (blocked.disposition, delayed.disposition) == (Disposition.WAITING, Disposition.WAITING)
        assert await bench.end_next() == free.id
        assert await bench.end_next() == parent
        await bench.pass_time(5)
        assert [await bench.end_next() for _ in range(2)] == [blocked.id, delayed.id]

    async def test_a_paused_queue_holds_the_session_of_its_head(self, bench: Bench) -> None:
        """SQ-91: strict order through every other limit."""
        await bench.store.make_queue("slow", None, ACTOR)
        await bench.store.move_queue("slow", "pause", ACTOR)
        await bench.send("s", queue="slow")
        await bench.send("s")
        other = await bench.send("t")
        assert [run.task for run in await bench.claim()] == [other.id]

    async def test_a_full_lane_wedges_nothing(self, bench: Bench) -> None:
        """GD-02, SQ-62, SQ-63: one lane slot, three sessions with follow-ups; all end, in order of arrival."""
        await bench.store.set_lane("one", 1, ACTOR)
        sent = [(await bench.send(key, lane="one")).id for key in "abcabc"]
        assert [await bench.end_next() for _ in sent] == sent

    async def test_a_conversation_takes_one_turn_at_a_time(self, bench: Bench) -> None:
        """Semantics: more than one only where the work holds no conversation."""
        await bench.session("s", max_concurrent=3)
        for number in range(3):
            await bench.send("s", f"turn {number}")
        assert len(await bench.claim()) == 1

    async def test_the_slots_of_a_session_are_never_overbooked(self, bench: Bench) -> None:
        """I3: the slots of ended runs are given again, lowest first."""
        await bench.session("s", max_concurrent=2)
        for _ in range(6):
            await bench.send("s")
        runs = await bench.claim()
        await bench.finish(runs[0])
        [third] = await bench.claim()
        await bench.finish(runs[1])
        assert len(await bench.claim()) == 1
        await bench.finish(third)

    async def test_a_plans_tasks_are_exempt_from_the_cap(self, bench: Bench) -> None:
        """Semantics: a plan is admitted whole, and its tasks are not evicted for anybody."""
        await bench.session("s", cap=1, drop=Drop.OLD)
        tasks = [spec_of(name=f"t{number}", session="s") for number in range(4)]
        admitted = await bench.run_plan(plan_of(*tasks))
        sent = await bench.send("s")
        last = await bench.send("s")
        assert last.dropped == (sent.id,)
        done = await bench.drain()
        assert done == [*(admitted.ids[f"t{number}"] for number in range(4)), last.id]

    async def test_a_session_belongs_to_one_agent(self, bench: Bench) -> None:
        """The first prompt decides; another agent is refused, and nothing is stored."""
        await bench.send("s", "hello")
        with pytest.raises(Conflict, match="belongs to agent 'fake'"):
            await bench.send("s", "hello", agent="other")
        await bench.send("s")  # work without an agent is welcome
        with pytest.raises(Conflict, match="belongs to agent"):
            await bench.session("s", agent="third")

    async def test_a_policy_out_of_bounds_is_refused(self, bench: Bench) -> None:
        """SQ-12: a cap below 1, negative times; every fault at once."""
        with pytest.raises(Invalid) as refused:
            await bench.session("s", cap=0, debounce_s=-1.0)
        assert {problem.field for problem in refused.value.problems} == {"mailbox.cap", "mailbox.debounce"}


class Laning(Suite):
    """Lanes under sessions: a lane belongs to the work, and a stopped one holds nobody (SQ-60 to SQ-68)."""

    async def test_a_lane_belongs_to_the_message_not_to_its_session(self, bench: Bench) -> None:
        """SQ-66: one session, two lanes."""
        await bench.store.set_lane("side", 1, ACTOR)
        await bench.send("other", lane="side")
        await bench.claim()
        await bench.send("s")
        second = await bench.send("s", lane="side")
        await bench.end_next()
        assert await bench.claim() == []
        assert "side" in (await bench.explained(second.id))[0].text

    async def test_a_stopped_lane_refuses_new_work_every_time(self, bench: Bench) -> None:
        """SQ-65: also with a free slot; started again, it takes work as before."""
        await bench.store.set_lane("side", 5, ACTOR)
        await bench.store.move_lane("side", "stop", ACTOR)
        for _ in range(3):
            with pytest.raises(LaneStopped, match="lane start side"):
                await bench.send("s", lane="side")
        await bench.store.move_lane("side", "start", ACTOR)
        sent = await bench.send("s", lane="side")
        assert await bench.drain() == [sent.id]

    async def test_what_waits_in_a_stopped_lane_ends_and_the_session_goes_on(self, bench: Bench) -> None:
        """SQ-63, SQ-90: the outcome says why, what follows is served, what runs goes on to its own end."""
        await bench.store.set_lane("side", 1, ACTOR)
        runs = await bench.send("other", lane="side")
        run = await bench.take()
        head = await bench.send("s", lane="side")
        behind = await bench.send("s")
        delayed = await bench.send("s", lane="side", delay_s=5)
        await bench.store.move_lane("side", "stop", ACTOR)
        for task in (head.id, delayed.id):
            assert await bench.standing(task) == (TaskState.CANCELLED, Reason.QUEUE_STOPPED)
        assert [claimed.task for claimed in await bench.claim()] == [behind.id]
        await bench.finish(run)
        assert await bench.standing(runs.id) == (TaskState.COMPLETED, None)

    async def test_what_would_go_back_to_a_stopped_lane_ends(self, bench: Bench) -> None:
        """SQ-63: a retry does not wait for a lane that takes nothing."""
        await bench.store.set_lane("side", 1, ACTOR)
        sent = await bench.send("s", lane="side", retries=3)
        run = await bench.take()
        await bench.store.move_lane("side", "stop", ACTOR)
        await bench.finish(run, failed())
        assert await bench.standing(sent.id) == (TaskState.CANCELLED, Reason.QUEUE_STOPPED)

    async def test_an_unknown_lane_is_refused(self, bench: Bench) -> None:
        """SQ-61 as decision 14 has it: refused with the nearest name."""
        with pytest.raises(Invalid, match="did you mean 'main'"):
            await bench.send("s", lane="mian")

    async def test_setting_a_lane_that_is_there_keeps_what_it_holds(self, bench: Bench) -> None:
        """SQ-67, SQ-68: made at run time; name, size, running and waiting are told."""
        await bench.store.set_lane("side", 1, ACTOR)
        for key in "ab":
            await bench.send(key, lane="side")
        await bench.claim()
        await bench.store.set_lane("side", 1, ACTOR)
        [lane] = [found for found in await bench.store.lanes() if found.name == "side"]
        assert (lane.size, lane.live, lane.ready, lane.stopped) == (1, 1, 1, False)


class Overflowing(Suite):
    """A full mailbox: refuse, let the oldest go, or let it go and say a word about it."""

    async def test_the_oldest_goes_and_what_runs_is_never_touched(self, bench: Bench) -> None:
        """SQ-09, OC-06: cap 2 and six arrivals back to back: 0 runs; 1, 2, 3 are dropped; 4 and 5 run in that order."""
        await bench.session("s", cap=2, drop=Drop.OLD)
        sent = [await bench.send("s") for _ in range(6)]
        dropped = [answer.dropped for answer in sent]
        assert dropped == [(), (), (), (sent[1].id,), (sent[2].id,), (sent[3].id,)]
        assert await bench.standing(sent[1].id) == (TaskState.CANCELLED, Reason.DROPPED)
        assert await bench.drain() == [sent[0].id, sent[4].id, sent[5].id]

    async def test_the_arrival_is_refused_and_nothing_else_changes(self, bench: Bench) -> None:
        """SQ-10, SQ-13: neither order nor timing of what waits."""
        session = await bench.session("s", cap=1, debounce_s=1.0)
        await bench.send("s")
        await bench.pass_time(1)
        run = await bench.take()
        waiting = await bench.send("s")
        before = await bench.store.session(session)
        with pytest.raises(Full) as refused:
            await bench.send("s")
        assert refused.value.code == "mailbox_full"
        assert await bench.store.session(session) == before
        await bench.finish(run)
        await bench.pass_time(1)
        assert await bench.drain() == [waiting.id]

    async def test_nothing_is_dropped_while_a_slot_is_free(self, bench: Bench) -> None:
        """SQ-26, GD-07: a full mailbox of an idle session admits its head before the quiet time is over."""
        await bench.session("s", cap=2, drop=Drop.OLD, debounce_s=10.0)
        first, second, third = [await bench.send("s") for _ in range(3)]
        assert (first.dropped, second.dropped, third.dropped) == ((), (), ())
        assert (await bench.take()).task == first.id

    async def test_what_is_dropped_leaves_a_line_that_the_next_turn_takes_along(self, bench: Bench) -> None:
        """OC-05: one line each, white space folded, at most 160 characters, at most cap lines; also after a crash."""
        await bench.session("s", cap=1, drop=Drop.SUMMARIZE)
        await bench.send("s", "runs")
        first = await bench.take()
        for text in ("one\n  two", "x" * 500, "last"):
            await bench.send("s", text)
        await bench.finish(first)
        for _ in range(2):
            run = await bench.take()
            assert run.seat is not None
            assert [message.prompt for message in run.seat.messages] == ["last"]
            assert run.seat.dropped == ("x" * 159 + "…",)
            await bench.finish(run, Lost())
        await bench.finish(await bench.take())
        after = await bench.send("s", "after")
        run = await bench.take()
        assert (run.task, run.seat and run.seat.dropped) == (after.id, ())

    async def test_a_change_of_policy_strands_no_line(self, bench: Bench) -> None:
        """OC-05 (#119331)."""
        session = await bench.session("s", cap=1, drop=Drop.SUMMARIZE)
        await bench.send("s", "runs")
        first = await bench.take()
        await bench.send("s", "gone")
        await bench.send("s", "last")
        await bench.store.set_session(session, MailboxChange(drop=Drop.NEW), ACTOR)
        await bench.finish(first)
        run = await bench.take()
        assert run.seat is not None
        assert run.seat.dropped == ("gone",)

    async def test_a_late_joiner_that_finds_no_room_is_dropped(self, bench: Bench) -> None:
        """SQ-10: nobody is there to be refused, so the record says it."""
        await bench.session("s", cap=1)
        late = await bench.send("s", delay_s=5)
        await bench.send("s")
        await bench.claim()
        await bench.send("s")
        await bench.pass_time(5)
        assert await bench.standing(late.id) == (TaskState.CANCELLED, Reason.DROPPED)


class Debouncing(Suite):
    """Quiet time: one stored time per session, with a bound."""

    async def test_the_first_start_comes_after_the_quiet_time_of_the_last_arrival(self, bench: Bench) -> None:
        """SQ-21, SQ-22: five arrivals, five runs, none before it has been quiet."""
        await bench.session("s", debounce_s=1.0, max_debounce_wait_s=60.0)
        sent = []
        for _ in range(5):
            sent.append((await bench.send("s")).id)
            await bench.pass_time(0.9)
            assert await bench.claim() == []
        await bench.pass_time(0.1)
        assert await bench.drain() == sent

    async def test_without_a_debounce_it_starts_at_once(self, bench: Bench) -> None:
        """SQ-20."""
        sent = await bench.send("s")
        assert (sent.disposition, (await bench.take()).task) == (Disposition.READY, sent.id)

    async def test_a_steady_stream_starts_when_the_longest_wait_is_over(self, bench: Bench) -> None:
        """SQ-25, SQ-26: measured from the first waiting message."""
        await bench.session("s", debounce_s=1.0, max_debounce_wait_s=2.0)
        first = await bench.send("s")
        for _ in range(3):
            await bench.pass_time(0.6)
            await bench.send("s")
        assert await bench.claim() == []
        await bench.pass_time(0.2)
        assert (await bench.take()).task == first.id

    async def test_what_is_older_than_the_quiet_time_starts_when_room_appears(self, bench: Bench) -> None:
        """SQ-24."""
        await bench.session("s", debounce_s=1.0)
        await bench.send("s")
        await bench.pass_time(1)
        run = await bench.take()
        second = await bench.send("s")
        await bench.pass_time(1.5)
        await bench.finish(run)
        assert (await bench.take()).task == second.id

    async def test_what_is_younger_waits_for_the_rest_of_its_quiet_time(self, bench: Bench) -> None:
        """Decision 8."""
        await bench.session("s", debounce_s=1.0)
        await bench.send("s")
        await bench.pass_time(1)
        run = await bench.take()
        await bench.pass_time(1)
        second = await bench.send("s")
        await bench.pass_time(0.4)
        await bench.finish(run)
        assert await bench.claim() == []
        assert await bench.store.next_due() == bench.clock.now_ms() + 600
        await bench.pass_time(0.6)
        assert (await bench.take()).task == second.id

    async def test_an_arrival_at_a_busy_session_touches_no_timer(self, bench: Bench) -> None:
        """SQ-23."""
        session = await bench.session("s", debounce_s=1.0)
        await bench.send("s")
        await bench.pass_time(1)
        await bench.claim()
        await bench.send("s")
        assert (await bench.store.session(session)).quiet_at is None

    async def test_a_message_may_skip_the_quiet_time(self, bench: Bench) -> None:
        """An override for one message: it and what waits before it go now."""
        await bench.session("s", debounce_s=5.0)
        first = await bench.send("s")
        await bench.send("s", debounce_s=0.0)
        assert (await bench.take()).task == first.id


class Merging(Suite):
    """Mode ``collect``: what waits and goes together becomes one turn."""

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
