"""Sessions: what is told of a turn, processes that outlive it, and what readers see (SQ-70 to SQ-83, C30 to C39)."""

from __future__ import annotations

import pytest

from taxiway.core.errors import Conflict, Invalid, LeaseLost, NotFound
from taxiway.core.event import EventType, NewEvent
from taxiway.core.policy import MailboxChange, MailboxPolicy, Mode
from taxiway.core.readiness import ObstacleKind
from taxiway.core.run import Completed, Lost, ProcessMark
from taxiway.core.session import Attention, SessionState
from taxiway.core.task import Usage
from taxiway.store.protocol import Runner, SessionFilter, TurnFacts, WarmProcess
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite

MARK = ProcessMark("tag", 1, 1, 2, 2, "boot", 3)


class Throttling(Suite):
    """A conversation that fills its window goes one at a time."""

    async def test_from_six_tenths_of_the_window_on_one_at_a_time(self, bench: Bench) -> None:
        """SQ-70, SQ-71: inclusive; nothing that runs is cancelled."""
        session = await bench.session("s", max_concurrent=2)
        for _ in range(4):
            await bench.send("s")
        runs = await bench.claim()
        await bench.store.tell_session(runs[0].run, runs[0].fence, TurnFacts(context_tokens=60, context_window=100))
        assert (await bench.store.session(session)).live == 2
        await bench.finish(runs[0])
        assert await bench.claim() == []
        await bench.finish(runs[1])
        assert len(await bench.claim()) == 1

    async def test_below_it_and_without_a_window_nothing_changes(self, bench: Bench) -> None:
        """SQ-70, SQ-72: judged anew with every report."""
        await bench.session("s", max_concurrent=2)
        for _ in range(5):
            await bench.send("s")
        runs = await bench.claim()
        for tokens, window, more in ((59, 100, 1), (70, 100, 0), (70, 0, 2)):
            run = runs.pop(0)
            await bench.store.tell_session(run.run, run.fence, TurnFacts(context_tokens=tokens, context_window=window))
            await bench.finish(run)
            claimed = await bench.claim()
            assert len(claimed) == more
            runs.extend(claimed)


class Processing(Suite):
    """Processes that outlive turns are accounted for."""

    async def test_a_process_is_known_until_it_is_confirmed_gone(self, bench: Bench) -> None:
        """I7: by runner, with what it takes to find it."""
        session = await bench.session("s")
        await bench.store.opened_process(WarmProcess(id="proc_1", session=session, runner=bench.runner, mark=MARK))
        [found] = await bench.store.warm_processes(bench.runner)
        assert (found.id, found.session, found.mark) == ("proc_1", session, MARK)
        await bench.store.closed_process("proc_1")
        assert await bench.store.warm_processes() == []

    async def test_a_claim_names_the_process_that_holds_the_conversation(self, bench: Bench) -> None:
        """DA3: any other one knows an older state of it, and its runner is told."""
        session = await bench.session("s", agent="fake")
        for name in ("proc_1", "proc_2"):
            await bench.store.opened_process(WarmProcess(id=name, session=session, runner=bench.runner, mark=MARK))
        await bench.send("s", "hello")
        run = await bench.take()
        assert run.seat is not None
        assert run.seat.process == "proc_2"
        assert await bench.store.outdated_processes(bench.runner) == ["proc_1"]
        await bench.store.reset_session(session, False, ACTOR)
        assert await bench.store.outdated_processes(bench.runner) == ["proc_1", "proc_2"]

    async def test_a_runner_that_is_gone_opens_nothing(self, bench: Bench) -> None:
        """I2."""
        session = await bench.session("s")
        await bench.store.register(Runner(id="runner_x", host="h", boot_id="b", pid=1, slots=1))
        await bench.store.retire("runner_x", "gone")
        with pytest.raises(LeaseLost):
            await bench.store.opened_process(WarmProcess(id="p", session=session, runner="runner_x", mark=MARK))

    async def test_the_thread_is_stored_as_soon_as_it_is_known(self, bench: Bench) -> None:
        """The next claim goes on with it, also after the runner died."""
        await bench.send("s", "one")
        await bench.send("s", "two")
        run = await bench.take()
        assert run.seat is not None
        assert run.seat.thread is None
        await bench.store.tell_session(run.run, run.fence, TurnFacts(thread="t-1"))
        await bench.finish(run, Lost())
        again = await bench.take()
        assert (again.task, again.seat and again.seat.thread) == (run.task, "t-1")

    async def test_only_the_owner_of_the_run_tells(self, bench: Bench) -> None:
        """I2: a stale fence tells nothing."""
        await bench.send("s", "one")
        run = await bench.take()
        await bench.finish(run, Lost())
        with pytest.raises(LeaseLost):
            await bench.store.tell_session(run.run, run.fence, TurnFacts(thread="t"))


class Showing(Suite):
    """What readers see: titles, attention, lists, output."""

    async def test_the_title_is_made_of_the_last_prompt(self, bench: Bench) -> None:
        """C30: white space folded, at most 120 characters, none when it is empty."""
        session = (await bench.store.make_session("s", "", None, MailboxPolicy(), ACTOR, "given")).id
        assert (await bench.store.session(session)).title == "given"
        await bench.send("s", "  fix\n\n the   tests " + "x" * 200)
        await bench.end_next()
        title = (await bench.store.session(session)).title
        assert title == ("fix the tests " + "x" * 200)[:120]
        await bench.send("s", " \n ")
        await bench.end_next()
        assert (await bench.store.session(session)).title is None

    async def test_a_session_runs_and_then_its_last_turn_has_ended(self, bench: Bench) -> None:
        """C31: idle, running, terminal; the summary is what the agent said last."""
        session = await bench.session("s")
        states = [(await bench.store.session(session)).state]
        await bench.send("s", "hello")
        run = await bench.take()
        states.append((await bench.store.session(session)).state)
        await bench.finish(run, Completed(output="all\n done", usage=Usage(input_tokens=3, usd=0.5)))
        found = await bench.store.session(session)
        assert [*states, found.state] == [SessionState.IDLE, SessionState.RUNNING, SessionState.TERMINAL]
        assert (found.summary, found.usage, found.last_run) == ("all done", Usage(input_tokens=3, usd=0.5), run.run)

    async def test_readers_are_independent_and_new_activity_is_unread_again(self, bench: Bench) -> None:
        """C31, C32."""
        session = await bench.session("s")
        assert (await bench.store.session(session, "ann")).attention is Attention.UNREAD
        assert (await bench.store.read_session(session, "ann")).attention is Attention.READ
        assert (await bench.store.session(session, "bob")).attention is Attention.UNREAD
        assert (await bench.store.session(session)).attention is Attention.UNREAD
        await bench.send("s")
        run = await bench.take()
        assert (await bench.store.session(session, "ann")).attention is Attention.ACTIVE
        await bench.finish(run)
        assert (await bench.store.session(session, "ann")).attention is Attention.UNREAD
        with pytest.raises(NotFound):
            await bench.store.read_session("sess_nobody", "ann")

    async def test_lists_are_filtered_and_ordered_for_a_reader(self, bench: Bench) -> None:
        """C33, C34: active first, then unread, then by last activity."""
        names = {}
        for key in ("read", "old", "new", "running", "idle"):
            names[key] = await bench.session(key)
            await bench.pass_time(1)
        for key in ("read", "old", "new"):
            await bench.send(key)
            await bench.end_next()
            await bench.pass_time(1)
        await bench.send("running")
        await bench.take()
        for key in ("read", "idle"):
            await bench.store.read_session(names[key], "ann")
        listed = {
            state: [found.key for found in (await bench.store.sessions(SessionFilter(state, "ann"), 50, None)).items]
            for state in ("default", "all", "running", "unread", "terminal", "idle")
        }
        assert listed == {
            "default": ["running", "new", "old"],
            "all": ["running", "new", "old", "read", "idle"],
            "running": ["running"],
            "unread": ["new", "old"],
            "terminal": ["new", "old", "read"],
            "idle": ["idle"],
        }
        with pytest.raises(Invalid, match="no filter of sessions"):
            await bench.store.sessions(SessionFilter("open"), 50, None)

    async def test_pages_visit_every_session_exactly_once(self, bench: Bench) -> None:
        """C35, C36, I17: also while others come and go."""
        names = [await bench.session(f"k{number}") for number in range(25)]
        seen: list[str] = []
        cursor = None
        while True:
            page = await bench.store.sessions(SessionFilter("all", "ann"), 4, cursor)
            seen.extend(found.id for found in page.items)
            await bench.pass_time(0.5)
            await bench.session(f"late{len(seen)}")
            if (cursor := page.cursor) is None:
                break
        assert sorted(name for name in seen if name in names) == sorted(names)
        assert len(seen) == len(set(seen))

    async def test_output_pages_pass_over_what_is_no_output(self, bench: Bench) -> None:
        """C37 to C39."""
        await bench.send("s", "hello")
        run = await bench.take()
        noise = [NewEvent(EventType.THOUGHT, 1, {"text": str(number)}) for number in range(30)]
        words = [NewEvent(EventType.MESSAGE, 1, {"text": "hi"})]
        await bench.store.record(run.run, run.fence, 1, [*noise, *words, *noise])
        first, after = await bench.store.session_output(run.run, 0, 1)
        assert [event.type for event in first] == [EventType.MESSAGE]
        rest, after = await bench.store.session_output(run.run, after, 5)
        assert (rest, after) == ([], 62)
        await bench.finish(run)
        last, after = await bench.store.session_output(run.run, after, 5)
        assert ([event.type for event in last], after) == ([EventType.RUN_FINISHED], 63)

    async def test_an_archived_session_is_out_of_sight_until_it_is_used(self, bench: Bench) -> None:
        """Archive: refused while something runs or waits; a message takes it back."""
        session = await bench.session("s")
        await bench.send("s")
        with pytest.raises(Conflict, match="stop-all"):
            await bench.store.archive_session(session, True, ACTOR)
        await bench.end_next()
        assert (await bench.store.archive_session(session, True, ACTOR)).archived
        assert (await bench.store.sessions(SessionFilter("all"), 10, None)).items == []
        assert len((await bench.store.sessions(SessionFilter("all", archived=True), 10, None)).items) == 1
        await bench.send("s")
        await bench.claim()
        assert not (await bench.store.session(session)).archived

    async def test_a_session_is_found_by_its_key_in_its_project_first(self, bench: Bench) -> None:
        """Like queues: the project's own, else the one of no project."""
        shared = await bench.session("s")
        own = (await bench.store.make_session("s", "/p", None, MailboxPolicy(), ACTOR)).id
        assert await bench.store.find_session("s", "/p") == own
        assert await bench.store.find_session("s", "/q") == shared
        assert await bench.store.find_session(own[-6:], None) == own
        await bench.store.set_session(own, MailboxChange(cap=5), ACTOR)
        assert (await bench.store.session(own)).policy.cap == 5

    async def test_what_keeps_a_message_is_explained(self, bench: Bench) -> None:
        """SQ-03, SQ-21, OC-03: who is before it, the quiet time, the message that carries it."""
        await bench.session("s", mode=Mode.COLLECT, debounce_s=5.0)
        first, second = await bench.send("s", "one"), await bench.send("s", "two")
        [quiet] = [found for found in await bench.explained(first.id) if found.kind is ObstacleKind.QUIET]
        assert quiet.until == bench.clock.now_ms() + 5_000
        [carried] = await bench.explained(second.id)
        assert (carried.kind, carried.holders) == (ObstacleKind.CARRIED, (first.id,))
        await bench.pass_time(5)
        assert await bench.explained(first.id) == []
        await bench.take()
        third = await bench.send("s", "three")
        fourth = await bench.send("s")
        [busy] = await bench.explained(third.id)
        assert (busy.kind, busy.holders) == (ObstacleKind.SESSION, (first.id,))
        assert "1 message goes before it" in (await bench.explained(fourth.id))[0].text

    async def test_a_removed_message_leaves_its_mailbox(self, bench: Bench) -> None:
        """A22, A23: wherever it stands; the next one moves up, and what it carried goes on."""
        await bench.session("s", mode=Mode.COLLECT, debounce_s=1.0)
        sent = [await bench.send("s", f"m{number}") for number in range(4)]
        assert await bench.store.remove(sent[1].id, ACTOR)
        assert await bench.store.remove(sent[0].id, ACTOR)
        await bench.pass_time(1)
        run = await bench.take()
        assert run.seat is not None
        assert [message.prompt for message in run.seat.messages] == ["m2", "m3"]
        with pytest.raises(Conflict, match="part of another task's turn"):
            await bench.store.remove(sent[3].id, ACTOR)
        admitted, last = await bench.send("t"), await bench.send("t")
        assert await bench.store.remove(admitted.id, ACTOR)
        assert [claimed.task for claimed in await bench.claim()] == [last.id]

    async def test_what_was_put_away_long_ago_is_forgotten_with_its_last_task(self, bench: Bench) -> None:
        """GD-11: and only then."""
        session = await bench.session("s")
        await bench.send("s", "hello")
        await bench.end_next()
        await bench.store.archive_session(session, True, ACTOR)
        await bench.store.read_session(session, "ann")
        bench.clock.advance(100)
        assert (await bench.store.session(session)).archived
        await bench.store.prune(bench.clock.now_ms() - 200_000, 100, ACTOR)
        assert (await bench.store.session(session)).archived
        await bench.store.prune(bench.clock.now_ms() - 50_000, 100, ACTOR)
        with pytest.raises(NotFound):
            await bench.store.session(session)

    async def test_whether_an_agent_is_busy_can_be_asked(self, bench: Bench) -> None:
        """SQ-83: which of its sessions run."""
        await bench.send("s", "hello", agent="ann")
        await bench.send("t", "hello", agent="bob")
        await bench.take()
        busy = {
            agent: [
                found.key
                for found in (await bench.store.sessions(SessionFilter("running", agent=agent), 9, None)).items
            ]
            for agent in ("ann", "bob")
        }
        assert busy == {"ann": ["s"], "bob": []}
