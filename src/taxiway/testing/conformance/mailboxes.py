"""Mailboxes: what a full one lets go, and how long it has to be quiet (SQ-09 to SQ-28, OC-05)."""

from __future__ import annotations

import pytest

from taxiway.core.errors import Full
from taxiway.core.policy import Drop, MailboxChange
from taxiway.core.run import Lost
from taxiway.core.session import Disposition
from taxiway.core.task import Reason, TaskState
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite


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
