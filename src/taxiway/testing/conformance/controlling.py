"""Control of a session: stop one, stop all, interrupt, reset (SQ-30 to SQ-52, SQ-90)."""

from __future__ import annotations

import pytest

from taxiway.core.errors import NotFound
from taxiway.core.limits import CASCADE_ROWS_MAX
from taxiway.core.policy import Mode
from taxiway.core.run import Cancelled, Completed, Lost, ProcessMark, StopCause
from taxiway.core.session import Stopped
from taxiway.core.task import Reason, TaskState, Usage
from taxiway.store.protocol import TurnFacts
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite

MARK = ProcessMark("tag", 1, 1, 2, 2, "boot", 3)


class Controlling(Suite):
    """Stop one, stop all, interrupt, reset."""

    async def test_an_interrupt_stops_what_runs_and_cancels_what_waits(self, bench: Bench) -> None:
        """SQ-30, SQ-33, OC-04, decision 7: the new one starts when the old one has really ended, never beside it."""
        await bench.session("s", cap=1)
        first, second = await bench.send("s"), await bench.send("s")
        run = await bench.take()
        urgent = await bench.send("s", mode=Mode.INTERRUPT)
        assert set(urgent.dropped) >= {second.id}
        assert await bench.standing(second.id) == (TaskState.CANCELLED, Reason.INTERRUPTED)
        assert [(stop.run, stop.cause) for stop in await bench.store.stop_requests(bench.runner)] == [
            (run.run, StopCause.INTERRUPT)
        ]
        assert await bench.claim() == []
        await bench.finish(run, Cancelled(Reason.INTERRUPTED))
        assert await bench.standing(first.id) == (TaskState.CANCELLED, Reason.INTERRUPTED)
        assert (await bench.take()).task == urgent.id

    async def test_an_interrupted_run_keeps_its_own_outcome(self, bench: Bench) -> None:
        """SQ-05, SQ-31: a result that came all the same is a result."""
        first = await bench.send("s")
        run = await bench.take()
        await bench.send("s", mode=Mode.INTERRUPT)
        await bench.finish(run, Completed())
        assert await bench.standing(first.id) == (TaskState.COMPLETED, None)

    async def test_an_interrupt_is_immediate_and_its_start_is_debounced(self, bench: Bench) -> None:
        """SQ-32: earlier arrivals are cancelled, not merged."""
        await bench.session("s", debounce_s=1.0, mode=Mode.INTERRUPT)
        sent = [await bench.send("s") for _ in range(3)]
        assert await bench.standing(sent[1].id) == (TaskState.CANCELLED, Reason.INTERRUPTED)
        assert await bench.claim() == []
        await bench.pass_time(1)
        assert (await bench.take()).task == sent[2].id

    async def test_what_an_interrupt_has_left_is_over_when_a_later_one_has_done_it(self, bench: Bench) -> None:
        """SQ-30, SQ-46: what joins afterwards was in nobody's way, and no forgotten page of the first takes it."""
        await bench.session("s", cap=5 * CASCADE_ROWS_MAX)
        await bench.submit_all(*(bench.new(session="s") for _ in range(CASCADE_ROWS_MAX)))
        late = await bench.send("s", delay_s=5)
        await bench.send("s", mode=Mode.INTERRUPT)
        await bench.send("s", mode=Mode.INTERRUPT)
        await bench.pass_time(5)
        await bench.settle()
        await bench.pass_time(5)
        assert await bench.standing(late.id) == (TaskState.QUEUED, None)

    async def test_an_interrupted_run_that_is_lost_does_not_come_back(self, bench: Bench) -> None:
        """I15: a stop that was asked for holds, however the run ends."""
        first = await bench.send("s")
        run = await bench.take()
        urgent = await bench.send("s", mode=Mode.INTERRUPT)
        await bench.finish(run, Lost())
        assert await bench.standing(first.id) == (TaskState.CANCELLED, Reason.INTERRUPTED)
        assert (await bench.take()).task == urgent.id

    async def test_stop_one_takes_the_oldest_started_run_and_nothing_else(self, bench: Bench) -> None:
        """SQ-40, SQ-42, SQ-48: again and again it walks through them; then there is none."""
        session = await bench.session("s", max_concurrent=2)
        sent = [await bench.send("s") for _ in range(3)]
        runs = await bench.claim()
        stopped = [await bench.store.stop_session(session, ACTOR) for _ in range(3)]
        assert [None if task is None else task.id for task in stopped] == [sent[0].id, sent[1].id, None]
        for run in runs:
            await bench.finish(run, Cancelled(Reason.REQUESTED))
        assert (await bench.take()).task == sent[2].id

    async def test_the_next_one_starts_when_the_stopped_one_has_ended(self, bench: Bench) -> None:
        """SQ-41, GD-06: also when something arrives in between."""
        session = await bench.session("s")
        await bench.send("s")
        second = await bench.send("s")
        run = await bench.take()
        await bench.store.stop_session(session, ACTOR)
        await bench.send("s")
        assert await bench.claim() == []
        await bench.finish(run, Cancelled(Reason.REQUESTED))
        assert (await bench.take()).task == second.id

    async def test_stop_all_says_what_it_reached(self, bench: Bench) -> None:
        """SQ-43, SQ-44, SQ-47: both counts, also where only messages wait."""
        session = await bench.session("s", debounce_s=1.0)
        for _ in range(3):
            await bench.send("s")
        assert await bench.store.stop_all_of_session(session, ACTOR) == Stopped(running=0, waiting=3)
        for _ in range(3):
            await bench.send("s")
        await bench.pass_time(1)
        run = await bench.take()
        assert await bench.store.stop_all_of_session(session, ACTOR) == Stopped(running=1, waiting=2)
        await bench.finish(run, Cancelled(Reason.REQUESTED))
        assert await bench.claim() == []

    async def test_what_was_submitted_before_a_stop_of_all_never_runs(self, bench: Bench) -> None:
        """SQ-45, SQ-46, GD-17: by its number, not by a clock; what comes after runs as ever."""
        session = await bench.session("s")
        parent = await bench.submit()
        old = [await bench.send("s", delay_s=5), await bench.send("s", after=[parent])]
        await bench.store.stop_all_of_session(session, ACTOR)
        fresh = await bench.send("s")
        await bench.drain()
        await bench.pass_time(5)
        assert [await bench.standing(sent.id) for sent in old] == [(TaskState.CANCELLED, Reason.STALE)] * 2
        assert await bench.standing(fresh.id) == (TaskState.COMPLETED, None)

    async def test_a_stop_of_all_with_thousands_waiting_goes_in_pages(self, bench: Bench) -> None:
        """I14, I15: nothing of them starts meanwhile, and all end with the reason."""
        session = await bench.session("s", cap=10_000)
        sent = await bench.submit_all(*(bench.new(session="s") for _ in range(2_500)))
        run = await bench.take()
        counts = await bench.store.stop_all_of_session(session, ACTOR)
        await bench.finish(run, Cancelled(Reason.REQUESTED))
        assert (counts, await bench.claim()) == (Stopped(1, 2_499), [])
        await bench.settle()
        assert await bench.standing(sent[-1].id) == (TaskState.CANCELLED, Reason.REQUESTED)
        assert (await bench.store.session(session)).waiting == 0

    async def test_reset_keeps_what_waits_and_begins_a_new_conversation(self, bench: Bench) -> None:
        """SQ-49, SQ-52, decision 9."""
        session = await bench.session("s")
        first, second = await bench.send("s", "one"), await bench.send("s", "two")
        run = await bench.take()
        await bench.store.tell_session(run.run, run.fence, TurnFacts(thread="t-1", context_tokens=10))
        assert await bench.store.reset_session(session, False, ACTOR) == Stopped(1, 0)
        found = await bench.store.session(session)
        assert (found.generation, found.thread, found.context_tokens) == (1, None, None)
        assert await bench.claim() == []
        await bench.finish(run, Cancelled(Reason.RESET))
        assert await bench.standing(first.id) == (TaskState.CANCELLED, Reason.RESET)
        again = await bench.take()
        assert again.seat is not None
        assert (again.task, again.seat.generation, again.seat.thread) == (second.id, 1, None)

    async def test_reset_discards_only_when_it_is_asked_to(self, bench: Bench) -> None:
        """SQ-49, SQ-52."""
        session = await bench.session("s")
        await bench.send("s")
        waiting = await bench.send("s")
        run = await bench.take()
        assert await bench.store.reset_session(session, True, ACTOR) == Stopped(1, 1)
        assert await bench.standing(waiting.id) == (TaskState.CANCELLED, Reason.RESET)
        fresh = await bench.send("s")
        await bench.finish(run, Cancelled(Reason.RESET))
        assert (await bench.take()).task == fresh.id

    async def test_a_late_end_of_an_older_generation_changes_nothing(self, bench: Bench) -> None:
        """SQ-50, GD-05: neither thread, nor tokens, nor summary, nor usage of the new conversation."""
        session = await bench.session("s")
        await bench.send("s", "one")
        run = await bench.take()
        await bench.store.reset_session(session, False, ACTOR)
        await bench.store.tell_session(run.run, run.fence, TurnFacts(thread="old", context_tokens=99))
        await bench.finish(run, Completed(output="old words", usage=Usage(input_tokens=5)))
        found = await bench.store.session(session)
        assert (found.thread, found.context_tokens, found.summary, found.usage) == (None, None, None, Usage())

    async def test_work_that_waits_for_a_lane_can_be_stopped(self, bench: Bench) -> None:
        """SQ-90: neither started nor forgotten."""
        await bench.store.set_lane("one", 1, ACTOR)
        await bench.send("other", lane="one")
        await bench.claim()
        session = await bench.session("s")
        sent = await bench.send("s", lane="one")
        assert await bench.store.stop_all_of_session(session, ACTOR) == Stopped(0, 1)
        assert await bench.standing(sent.id) == (TaskState.CANCELLED, Reason.REQUESTED)

    async def test_an_unknown_session_is_said_so(self, bench: Bench) -> None:
        """SQ-48: with the nearest key."""
        await bench.session("fixer")
        with pytest.raises(NotFound, match="did you mean 'fixer'"):
            await bench.store.find_session("fixr", None)
