"""Sessions as a program uses them: messages, their policy, control, pages; with commands as the work."""

import asyncio
from pathlib import Path

import pytest

import taxiway
from taxiway.app import Taxiway
from taxiway.core.errors import Draining, MailboxFull, TooLarge
from taxiway.core.limits import PROMPT_BYTES_MAX
from taxiway.core.policy import Drop, MailboxPolicy, Mode
from taxiway.core.session import Disposition, SessionState, Stopped
from taxiway.core.task import Reason, TaskState
from tests.engine.conftest import Bench, ended, said


async def test_a_session_is_made_once_and_found_by_its_key(bench: Bench) -> None:
    """Surface, "Python": the same words of the policy everywhere; what is said again holds from now on."""
    async with bench.open(slots=0) as tw:
        box = await tw.session(
            "fixer", agent="codex", title="  Fix it ", mailbox={"cap": 20, "drop": "old", "debounce": "500ms"}
        )
        again = await tw.session("fixer")
        assert (again.id, again.agent) == (box.id, "codex")
        found = await box.get()
        assert (found.title, found.policy) == ("Fix it", MailboxPolicy(cap=20, drop=Drop.OLD, debounce_s=0.5))
        await tw.session("fixer", mailbox={"mode": "followup", "debounce": 0})
        assert (await box.get()).policy == MailboxPolicy(mode=Mode.FOLLOWUP, cap=20, drop=Drop.OLD)
        with pytest.raises(taxiway.Conflict, match="belongs to agent 'codex', not 'claude'"):
            await tw.session("fixer", agent="claude")


async def test_every_mistake_about_a_session_is_told_at_once(bench: Bench) -> None:
    """Bad input: unknown mode, cap below 1, negative times, a key that is none (SQ-08, SQ-12)."""
    async with bench.open(slots=0) as tw:
        with pytest.raises(taxiway.Invalid) as caught:
            await tw.session("a b", agent="c d", mailbox={"mode": "steal", "cap": 0, "debounce": -1, "capp": 2})
        assert [problem.field for problem in caught.value.problems] == [
            "key",
            "agent",
            "mailbox.mode",
            "mailbox.cap",
            "mailbox.debounce",
            "mailbox.capp",
        ]
        assert [problem.hint for problem in caught.value.problems][2] == "did you mean 'steer'?"
        box = await tw.session("s")
        with pytest.raises(taxiway.Invalid, match=r"mailbox.max_concurrent: must be at least 1"):
            await box.set(max_concurrent=0)
        assert (await tw.sessions(state="all")).items == [await box.get()]


async def test_a_send_says_what_is_known_of_the_message(bench: Bench) -> None:
    """Semantics, "What a send answers": ready, waiting with a position; SQ-03: in the order of their arrival."""
    gate = bench.gate()
    async with bench.open() as tw:
        box = await tw.session("s")
        first = await box.send(shell=f"echo up; {gate.wait}; echo one")
        assert (first.disposition, first.position) == (Disposition.READY, None)
        await said(first.task, "up")
        second, third = await box.send(shell="echo two"), await box.send(command=["echo", "three"])
        assert [(one.disposition, one.position) for one in (second, third)] == [("waiting", 1), ("waiting", 2)]
        assert [task.id for task in await box.tasks()] == [first.task.id, second.task.id, third.task.id]
        found = await box.get()
        assert (found.state, found.waiting, found.live) == (SessionState.RUNNING, 2, 1)
        gate.open()
        ends = [await ended(one.task) for one in (first, second, third)]
        assert [task.output for task in ends] == ["up\none\n", "two\n", "three\n"]
        assert [task.session for task in ends] == [box.id] * 3
        assert ends[0].finished_at <= ends[1].started_at <= ends[2].started_at  # type: ignore[operator]


async def test_a_full_mailbox_refuses_and_says_so(bench: Bench) -> None:
    """SQ-06, SQ-10, OC-06: what runs does not count and is never evicted; a refusal raises Full (mailbox_full)."""
    gate = bench.gate()
    async with bench.open() as tw:
        box = await tw.session("s", mailbox={"cap": 1})
        running = await box.send(shell=f"echo up; {gate.wait}")
        await said(running.task, "up")
        waiting = await box.send(shell="true")
        with pytest.raises(taxiway.Full) as caught:
            await box.send(shell="true")
        assert isinstance(caught.value, MailboxFull)
        assert (caught.value.code, caught.value.exit_status) == ("mailbox_full", 4)
        newer = await box.send(shell="echo newer", mailbox={"drop": "old"})
        assert newer.dropped == (waiting.task.id,)
        assert (await ended(waiting.task)).reason is Reason.DROPPED
        gate.open()
        assert (await ended(newer.task)).output == "newer\n"


async def test_an_interrupt_runs_alone_when_what_ran_has_ended(bench: Bench) -> None:
    """OC-04, SQ-30 to SQ-33: what runs is stopped, what waits is cancelled, and the new one never runs beside it."""
    async with bench.open() as tw:
        box = await tw.session("s")
        running = await box.send(shell="echo up; sleep 300")
        waiting = await box.send(shell="true")
        await said(running.task, "up")
        now = await box.send(shell="echo now", mode="interrupt")
        stopped, cancelled, done = await ended(running.task), await ended(waiting.task), await ended(now.task)
        assert (stopped.state, stopped.reason) == (TaskState.CANCELLED, Reason.INTERRUPTED)
        assert (cancelled.state, cancelled.reason) == (TaskState.CANCELLED, Reason.INTERRUPTED)
        assert done.output == "now\n"
        assert stopped.finished_at <= done.started_at  # type: ignore[operator]


async def test_control_says_what_it_reached(bench: Bench) -> None:
    """SQ-40, SQ-43, SQ-44, SQ-47 to SQ-49: one, all with both counts (one verb, no other name), and a reset that
    keeps what waits."""
    async with bench.open() as tw:
        box = await tw.session("s")
        assert await box.stop() is None
        assert await box.stop_all() == Stopped(0, 0)
        first = await box.send(shell="echo up; sleep 300")
        second = await box.send(shell="echo up; sleep 300")
        await said(first.task, "up")
        stopped = await box.stop()
        assert stopped is not None
        assert stopped.id == first.task.id
        assert (await ended(first.task)).reason is Reason.REQUESTED
        await said(second.task, "up")
        third = await box.send(shell="true")
        assert await box.stop_all() == Stopped(1, 1)
        assert {(await ended(one.task)).reason for one in (second, third)} == {Reason.REQUESTED}
        fourth, fifth = await box.send(shell="echo up; sleep 300"), await box.send(shell="echo kept")
        await said(fourth.task, "up")
        assert await box.reset() == Stopped(1, 0)
        assert (await ended(fourth.task)).reason is Reason.RESET
        assert (await ended(fifth.task)).output == "kept\n"
        assert (await box.get()).generation == 1


async def test_what_waits_is_discarded_by_a_reset_only_when_it_is_asked_for(bench: Bench) -> None:
    """Decision 9 of the rules: reset keeps waiting work by default."""
    async with bench.open(slots=0) as tw:
        box = await tw.session("s")
        sent = [await box.send(shell="true") for _ in range(2)]
        await box.reset()
        assert {(await one.task.get()).state for one in sent} == {TaskState.QUEUED}
        assert await box.reset(discard=True) == Stopped(0, 2)
        assert {(await ended(one.task)).reason for one in sent} == {Reason.RESET}


async def test_who_works_on_a_prompt_is_found_out_when_it_is_submitted(bench: Bench) -> None:
    """The task's own agent, else its session's, else the configured one; nobody at all is refused."""
    async with bench.open(slots=0) as tw:
        box = await tw.session("s", agent="codex")
        assert (await (await box.send("a")).task.get()).spec.agent == "codex"
        assert (await (await tw.submit(prompt="b", session="s")).get()).spec.agent == "codex"
        with pytest.raises(taxiway.Conflict, match="belongs to agent 'codex'"):
            await tw.submit(prompt="c", session="s", agent="claude")
        with pytest.raises(taxiway.Invalid, match="a prompt needs the agent that works on it"):
            await tw.submit(prompt="d", session="new")
        with pytest.raises(taxiway.Invalid, match="a prompt needs the agent that works on it"):
            await tw.submit(prompt="d")
        await tw.submit(shell="true", session="open")
        assert (await (await tw.session("open")).get()).agent is None
        assert (await (await tw.session("open")).set(agent="codex")).agent == "codex"
    async with bench.open(slots=0, agent="claude", agent_idle_timeout_s=60.0) as tw:
        assert (await (await tw.submit(prompt="e")).get()).spec.agent == "claude"
        found = await (await tw.submit(prompt="f", session="s")).get()
        assert (found.spec.agent, found.spec.idle_timeout_s) == ("codex", 60.0)
        assert (await (await tw.submit(shell="true")).get()).spec.idle_timeout_s is None


async def test_new_sessions_have_the_configured_policy(bench: Bench) -> None:
    """OC-08: what is said for the message, then for the session, then the configuration's, then what is built in."""
    usual = MailboxPolicy(cap=7, drop=Drop.SUMMARIZE)
    async with bench.open(slots=0, mailbox=usual) as tw:
        await tw.submit(shell="true", session="by-a-task")
        assert (await (await tw.session("by-a-task")).get()).policy == usual
        assert (await (await tw.session("made", mailbox={"cap": 8})).get()).policy.drop is Drop.SUMMARIZE


async def test_a_message_that_is_too_long_is_refused(bench: Bench) -> None:
    """Bad input: over 1 MiB; nothing is stored."""
    async with bench.open(slots=0) as tw:
        box = await tw.session("s", agent="codex")
        with pytest.raises(TooLarge, match="a prompt has at most 1048576"):
            await box.send("x" * (PROMPT_BYTES_MAX + 1))
        assert await box.tasks() == []


async def test_sessions_are_listed_as_a_reader_sees_them(bench: Bench) -> None:
    """C31 to C34: active first, then unread, then by last activity; readers are independent."""
    gate = bench.gate()
    async with bench.open() as tw:
        boxes = {key: await tw.session(key) for key in ("old", "new", "busy")}
        assert (await ended((await boxes["old"].send(shell="true")).task)).state is TaskState.COMPLETED
        assert (await ended((await boxes["new"].send(shell="true")).task)).state is TaskState.COMPLETED
        running = await boxes["busy"].send(shell=f"echo up; {gate.wait}")
        await said(running.task, "up")
        await boxes["new"].read("ann")
        assert [one.key for one in (await tw.sessions(state="all", reader="ann")).items] == ["busy", "old", "new"]
        assert [one.key for one in (await tw.sessions(state="all", reader="bob")).items] == ["busy", "new", "old"]
        assert [one.key for one in (await tw.sessions(reader="ann")).items] == ["busy", "old"]
        assert [one.key for one in (await tw.sessions(state="running")).items] == ["busy"]
        assert [one.attention for one in (await tw.sessions(state="all", reader="ann")).items] == [
            "active",
            "unread",
            "read",
        ]
        with pytest.raises(taxiway.Invalid, match="'runing' is no filter of sessions"):
            await tw.sessions(state="runing")
        with pytest.raises(taxiway.Invalid, match="reader must be a name"):
            await boxes["old"].read(" ")
        with pytest.raises(taxiway.NotFound):
            await tw.session_verbs.read("sess_00000000000000000000000000", "ann")
        gate.open()
        await ended(running.task)


@pytest.mark.parametrize(("limit", "length"), [(float("nan"), 50), (float("inf"), 50), (0, 1), (-5, 1), (2.9, 2)])
async def test_a_page_of_sessions_has_a_length_that_makes_sense(bench: Bench, limit: float, length: int) -> None:
    """C35: not finite becomes 50, whole, from 1 to 100; C36: every session exactly once over all pages."""
    async with bench.open(slots=0) as tw:
        for number in range(52):
            await tw.session(f"s{number:02}")
        page = await tw.sessions(state="all", limit=limit)
        assert len(page.items) == length
        seen = [one.key for one in page.items]
        while page.cursor is not None:
            page = await tw.sessions(state="all", limit=limit, cursor=page.cursor)
            seen += [one.key for one in page.items]
        assert sorted(seen) == [f"s{number:02}" for number in range(52)]


async def test_a_trace_is_of_the_requested_run_else_the_live_else_the_last(bench: Bench) -> None:
    """C37 to C39: pages of events, of which the output's pass over everything else."""
    gate = bench.gate()
    async with bench.open() as tw:
        box = await tw.session("s")
        assert (await box.trace(), await box.output()) == (taxiway.EventPage(None, [], None),) * 2
        first = await box.send(shell="echo one")
        [run] = [run.id for run in await tw.runs((await ended(first.task)).id)]
        trace = await box.trace()
        assert (trace.run, [event.type for event in trace.items]) == (run, ["run.started", "output", "run.finished"])
        assert trace.cursor == 3
        assert await box.trace(after=3) == taxiway.EventPage(run, [], None)
        page = await box.output(limit=1)
        assert ([event.type for event in page.items], page.cursor) == (["output"], 2)
        assert [event.type for event in (await box.output(after=2)).items] == ["run.finished"]
        second = await box.send(shell=f"echo up; {gate.wait}")
        await said(second.task, "up")
        assert (await box.trace()).run == (await second.task.get()).run
        assert (await box.trace(run=run)).run == run
        other = await tw.submit(shell="true")
        [foreign] = [one.id for one in await tw.runs((await ended(other)).id)]
        with pytest.raises(taxiway.NotFound, match="is none of session 's'"):
            await box.trace(run=foreign)
        gate.open()
        await ended(second.task)


async def test_tasks_are_listed_by_their_session(bench: Bench) -> None:
    """Surface, "Command line": what of it is open, and what has ended."""
    async with bench.open() as tw:
        box = await tw.session("s")
        mine = [(await box.send(shell="true")).task for _ in range(3)]
        other = await tw.submit(shell="true")
        for handle in (*mine, other):
            await ended(handle)
        page = await tw.tasks(taxiway.TaskFilter(session=box.id), limit=2)
        rest = await tw.tasks(taxiway.TaskFilter(session=box.id), 2, page.cursor)
        assert [task.id for task in (*page.items, *rest.items)] == [handle.id for handle in mine]


async def test_a_session_is_put_away_only_when_nothing_of_it_is_open(bench: Bench) -> None:
    """Surface: archive; it comes back by being used."""
    async with bench.open(slots=0) as tw:
        box = await tw.session("s")
        sent = await box.send(shell="true")
        with pytest.raises(taxiway.Conflict, match="stop it first"):
            await box.archive()
        await sent.task.cancel()
        assert (await box.archive()).archived
        assert (await tw.sessions(state="all")).items == []
        assert [one.key for one in (await tw.sessions(state="all", archived=True)).items] == ["s"]
        assert not (await box.archive(False)).archived


async def test_a_session_is_found_by_a_part_of_its_id(bench: Bench) -> None:
    """Semantics, "Ids": any unique prefix or suffix of four or more."""
    async with bench.open(slots=0) as tw:
        box = await tw.session("s")
        assert (await tw.session_verbs.get(box.id[-6:])).key == "s"
        with pytest.raises(taxiway.NotFound, match="there is no session 'fixxer'"):
            await tw.session_verbs.get("fixxer")


async def test_a_session_of_a_plan_is_written_to_by_its_id_also_from_elsewhere(bench: Bench, tmp_path: Path) -> None:
    """A plan's sessions belong to its project; whoever names one by its id writes to just that one."""
    (tmp_path / "p.yaml").write_text(
        "sessions: {s: {agent: codex, mailbox: {cap: 3}}}\ntasks: {a: {prompt: x, session: s}}\n"
    )
    plan = taxiway.read_plan(tmp_path / "p.yaml")
    async with bench.open(slots=0, project="/elsewhere") as tw:
        admitted = await tw.run_plan(plan)
        of_plan = await tw.task(admitted.ids["a"])
        assert of_plan.spec.agent == "codex"
        own = await tw.session("s", agent="claude")
        assert own.id != of_plan.session
        answer = await tw.session_verbs.send(of_plan.session or "", {"prompt": "more"})
        found = await tw.task(answer.id)
        assert (found.session, found.project, found.spec.agent) == (of_plan.session, plan.project, "codex")
        assert (await (await own.send("mine")).task.get()).session == own.id


async def test_a_door_that_drains_takes_nothing_new_and_lets_what_runs_come_to_its_end(bench: Bench) -> None:
    """SQ-80 to SQ-82: refused at once; running work is not cancelled; waiting work stays for the next start."""
    gate = bench.gate()
    async with bench.open() as tw:
        box = await tw.session("s")
        running = await box.send(shell=f"echo up; {gate.wait}; echo done")
        waiting = await box.send(shell="echo later")
        await said(running.task, "up")

        async def refused(tw: Taxiway) -> None:
            for ask in (tw.submit(shell="true"), box.send(shell="true")):
                with pytest.raises(Draining, match="is shutting down, please retry shortly") as caught:
                    await ask
                assert (caught.value.code, caught.value.exit_status) == ("draining", 5)

        async with asyncio.TaskGroup() as group:
            draining = group.create_task(tw.drain(), name="drain")
            await asyncio.sleep(0)
            await refused(tw)
            gate.open()
            await draining
        assert (await running.task.get()).output == "up\ndone\n"
        assert (await waiting.task.get()).state is TaskState.QUEUED
    async with bench.open() as tw:
        assert (await ended(await tw.submit(shell="true", session="s"))).state is TaskState.COMPLETED
        assert (await tw.task(waiting.task.id)).output == "later\n"


def test_sessions_without_await(tmp_path: Path) -> None:
    """Surface 7: open_sync gives the same verbs."""
    with taxiway.open_sync(tmp_path / "store.db", project="") as tw:
        box = tw.session("s", mailbox={"cap": 5})
        sent = box.send(shell="echo hello")
        assert sent.disposition == "ready"
        assert sent.task.wait(20).output == "hello\n"
        assert [event.type for event in box.output().items] == ["output", "run.finished"]
        assert box.get().policy.cap == 5
        assert [one.key for one in tw.sessions(state="all").items] == ["s"]
        tw.drain()
        with pytest.raises(taxiway.Unavailable):
            box.send(shell="true")
