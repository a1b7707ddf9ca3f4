"""Admission to a session: order, room, and the lanes under it (SQ-01 to SQ-16, SQ-60 to SQ-68)."""

from __future__ import annotations

import pytest

from taxiway.core.errors import Conflict, Full, Invalid, LaneStopped
from taxiway.core.policy import Drop, MailboxChange
from taxiway.core.run import Completed, Lost
from taxiway.core.session import Disposition
from taxiway.core.task import Reason, TaskState
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
        with pytest.raises(Full, match="holds 2 of 2"):
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
