"""Waiting for a person: what a run asks, what it gives back meanwhile, and how it goes on.

Semantics, "Waiting for a person".
"""

from __future__ import annotations

from typing import Any

import pytest

from taxiway.core.approval import ASKED_MAX, EXPIRES_S, OPEN_MAX, Answered, Approval, ApprovalState, Question, Rule
from taxiway.core.change import ChangeKind
from taxiway.core.errors import Ambiguous, IllegalTransition, Invalid, LeaseLost, NotFound, NotPending
from taxiway.core.event import EventType
from taxiway.core.readiness import ObstacleKind
from taxiway.core.run import RunState
from taxiway.core.task import Reason, TaskState
from taxiway.store.protocol import ApprovalFilter, Claimed
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite

WAITING = (TaskState.WAITING, Reason.APPROVAL)
RUNNING = (TaskState.RUNNING, None)
PENDING = ApprovalFilter(states=frozenset({ApprovalState.PENDING}))


class Approving(Suite):
    """A question parks its run, and the first answer brings it back."""

    async def test_a_run_that_asks_waits_and_gives_its_slots_back(self, bench: Bench) -> None:
        """Semantics: lane and queue have room for the next one, and the task says what it waits for."""
        await small(bench)
        first, second = [await bench.submit(queue="q", lane="x") for _ in range(2)]
        run = await bench.take()
        assert await bench.claim() == []
        asked = await ask(bench, run)
        assert asked.state is ApprovalState.PENDING
        assert (asked.task, asked.run, asked.text, asked.actor) == (first, run.run, "May I?", None)
        assert asked.expires_at == bench.clock.now_ms() + EXPIRES_S * 1000
        assert await bench.standing(first) == WAITING
        assert (await bench.store.run(run.run)).state is RunState.WAITING
        assert [claimed.task for claimed in await bench.claim()] == [second]
        assert await bench.store.check() == []

    async def test_an_answer_is_stored_at_once_and_brings_the_run_back(self, bench: Bench) -> None:
        """Semantics: the task runs again when its runner has taken it up; the answer goes along, once."""
        run = await running(bench)
        asked = await ask(bench, run)
        decided = await bench.store.decide(asked.id, True, "go ahead", "ann")
        assert (decided.state, decided.why, decided.actor) == (ApprovalState.ALLOWED, "go ahead", "ann")
        assert await bench.standing(run.task) == WAITING
        (resumed,) = await bench.store.resume(bench.runner, 1)
        assert (resumed.run, resumed.fence) == (run.run, run.fence)
        assert resumed.answers == (Answered(asked.id, True, "go ahead"),)
        assert await bench.standing(run.task) == RUNNING
        assert await bench.store.resume(bench.runner, 1) == []
        await bench.finish(run)

    async def test_it_takes_its_slots_again_ahead_of_what_has_not_started(self, bench: Bench) -> None:
        """Semantics: also when another runner claims first, however urgent the new work is."""
        await small(bench)
        waiting = await running(bench, queue="q", lane="x")
        asked = await ask(bench, waiting)
        other = await running(bench, queue="q", lane="x")
        urgent = await bench.submit(queue="q", lane="x", priority=1_000)
        await bench.store.decide(asked.id, False, None, "ann")
        assert await bench.store.resume(bench.runner, 8) == [], "there is no room yet"
        mine = bench.runner
        await bench.register()
        await bench.finish(other)
        assert await bench.claim() == [], "the slot is taken by who waited"
        (resumed,) = await bench.store.resume(mine, 8)
        assert resumed.answers == (Answered(asked.id, False, None),)
        assert await bench.store.check() == []
        await bench.finish(waiting)
        assert [run.task for run in await bench.claim()] == [urgent]

    async def test_they_go_on_in_the_order_of_their_answers(self, bench: Bench) -> None:
        """Semantics: as many as the runner has room for."""
        runs = [await running(bench) for _ in range(3)]
        asked = [await ask(bench, run) for run in runs]
        for place in (2, 0, 1):
            bench.clock.advance(1)
            await bench.store.decide(asked[place].id, True, None, "ann")
        resumed = await bench.store.resume(bench.runner, 2) + await bench.store.resume(bench.runner, 2)
        assert [one.run for one in resumed] == [runs[place].run for place in (2, 0, 1)]

    async def test_only_its_own_runner_takes_it_up(self, bench: Bench) -> None:
        """Semantics: the process is kept where it is."""
        run = await running(bench)
        asked, mine = await ask(bench, run), bench.runner
        await bench.store.decide(asked.id, True, None, "ann")
        other = await bench.register()
        assert await bench.store.resume(other, 8) == []
        assert len(await bench.store.resume(mine, 8)) == 1

    async def test_several_questions_are_answered_together(self, bench: Bench) -> None:
        """Semantics: a run waits as long as one of them is open; then it hears them all."""
        run = await running(bench)
        first, second = await ask(bench, run), await ask(bench, run, text="And this?")
        await bench.store.decide(second.id, False, "no", "ann")
        assert await bench.store.resume(bench.runner, 8) == []
        await bench.store.decide(first.id, True, None, "bob")
        (resumed,) = await bench.store.resume(bench.runner, 8)
        assert resumed.answers == (Answered(first.id, True, None), Answered(second.id, False, "no"))

    async def test_a_question_that_comes_behind_the_answer_of_another_is_waited_for(self, bench: Bench) -> None:
        """I3: the slots that it had just taken again are free once more."""
        await small(bench)
        run = await running(bench, queue="q", lane="x")
        first = await ask(bench, run)
        await bench.store.decide(first.id, True, None, "ann")
        second = await ask(bench, run)
        assert await bench.store.resume(bench.runner, 8) == []
        assert await bench.store.check() == []
        other = await running(bench, queue="q", lane="x")
        await bench.store.decide(second.id, True, None, "ann")
        await bench.finish(other)
        (resumed,) = await bench.store.resume(bench.runner, 8)
        assert [answer.approval for answer in resumed.answers] == [first.id, second.id]

    async def test_the_first_answer_stands(self, bench: Bench) -> None:
        """I16: the second one is told who was first; what the agent hears does not change, and it hears it once."""
        run = await running(bench)
        asked = await ask(bench, run)
        await bench.store.decide(asked.id, False, "too risky", "ann")
        with pytest.raises(NotPending, match=r"was denied by 'ann' already \(too risky\); the first answer stands"):
            await bench.store.decide(asked.id, True, None, "bob")
        (resumed,) = await bench.store.resume(bench.runner, 8)
        assert resumed.answers == (Answered(asked.id, False, "too risky"),)

    async def test_a_question_that_nobody_answers_expires_and_counts_as_denied(self, bench: Bench) -> None:
        """I16: silence is no consent. The next stored time is its own; who comes later is told."""
        run = await running(bench)
        asked = await ask(bench, run, expires_s=60.0)
        assert await bench.store.next_due() == bench.clock.now_ms() + 60_000
        assert await bench.pass_time(59) == 0
        assert await bench.pass_time(1) == 1
        assert (await bench.store.approval(asked.id)).state is ApprovalState.EXPIRED
        with pytest.raises(NotPending, match="has expired"):
            await bench.store.decide(asked.id, True, None, "ann")
        (resumed,) = await bench.store.resume(bench.runner, 8)
        assert resumed.answers == (Answered(asked.id, False, "nobody answered in time"),)

    async def test_a_question_may_wait_for_ever(self, bench: Bench) -> None:
        """Where the policy says so."""
        asked = await ask(bench, await running(bench), expires_s=None)
        assert asked.expires_at is None
        assert await bench.store.next_due() is None

    async def test_a_withdrawn_question_is_void_and_the_run_goes_on(self, bench: Bench) -> None:
        """Semantics: it needs its slots again, and is told nothing."""
        run = await running(bench)
        asked = await ask(bench, run)
        await bench.store.withdraw(run.run, run.fence, asked.id)
        await bench.store.withdraw(run.run, run.fence, asked.id)
        assert (await bench.store.approval(asked.id)).state is ApprovalState.VOID
        (resumed,) = await bench.store.resume(bench.runner, 8)
        assert resumed.answers == ()
        with pytest.raises(NotPending, match=r"is void \(its agent has withdrawn it\)"):
            await bench.store.decide(asked.id, True, None, "ann")

    async def test_a_withdrawn_question_that_was_answered_meanwhile_is_not_told(self, bench: Bench) -> None:
        """The first answer stands in the record; its agent does not want it."""
        run = await running(bench)
        asked = await ask(bench, run)
        await bench.store.decide(asked.id, True, None, "ann")
        await bench.store.withdraw(run.run, run.fence, asked.id)
        assert (await bench.store.approval(asked.id)).state is ApprovalState.ALLOWED
        (resumed,) = await bench.store.resume(bench.runner, 8)
        assert resumed.answers == ()

    @pytest.mark.parametrize(
        ("rule", "state"), [(Rule.ALLOW, ApprovalState.ALLOWED), (Rule.DENY, ApprovalState.DENIED)]
    )
    async def test_a_rule_answers_without_a_wait(self, bench: Bench, rule: Rule, state: ApprovalState) -> None:
        """A policy decides at once; question and answer are kept all the same."""
        run = await running(bench)
        asked = await ask(bench, run, rule=rule)
        assert (asked.state, asked.actor) == (state, "policy")
        assert await bench.standing(run.task) == RUNNING
        types = [event.type for event in await bench.store.events(run.run, 0, 500)]
        assert types[-2:] == [EventType.APPROVAL_REQUESTED, EventType.APPROVAL_DECIDED]

    async def test_one_who_asks_too_much_is_denied(self, bench: Bench) -> None:
        """I18: so many at once, and so many in all."""
        run = await running(bench)
        asked = [await ask(bench, run) for _ in range(OPEN_MAX + 1)]
        assert [one.state for one in asked[-2:]] == [ApprovalState.PENDING, ApprovalState.DENIED]
        assert asked[-1].why == "it asks too many questions"
        chatty = await running(bench)
        asked = [await ask(bench, chatty, rule=Rule.ALLOW) for _ in range(ASKED_MAX + 1)]
        assert [one.state for one in asked[-2:]] == [ApprovalState.ALLOWED, ApprovalState.DENIED]

    async def test_a_run_whose_process_is_not_recorded_asks_nothing(self, bench: Bench) -> None:
        """I7, I12: nothing of it has been executed."""
        await bench.submit(command=("true",))
        run = await bench.take()
        with pytest.raises(IllegalTransition):
            await ask(bench, run)

    async def test_only_the_owner_of_a_run_asks(self, bench: Bench) -> None:
        """I2, I16: a stale fence, or a run that has ended, asks nothing."""
        run = await running(bench)
        with pytest.raises(LeaseLost):
            await bench.store.ask(run.run, run.fence - 1, Question(text="?"))
        asked = await ask(bench, run)
        with pytest.raises(LeaseLost):
            await bench.store.withdraw(run.run, run.fence + 1, asked.id)
        other = await running(bench)
        with pytest.raises(NotFound, match="has asked no approval"):
            await bench.store.withdraw(other.run, other.fence, asked.id)
        await bench.finish(run)
        with pytest.raises(LeaseLost):
            await ask(bench, run)

    async def test_a_question_that_wants_words_waits_for_them_and_a_yes_is_none(self, bench: Bench) -> None:
        """Surface 3: ``waiting/input``; the words are its answer, and a rule has none."""
        run = await running(bench)
        asked = await bench.store.ask(run.run, run.fence, Question(text="Which?", words=True))
        assert await bench.standing(run.task) == (TaskState.WAITING, Reason.INPUT)
        assert asked.words
        with pytest.raises(Invalid, match=r"wants an answer in words: .*--text ANSWER"):
            await bench.store.decide(asked.id, True, None, ACTOR)
        assert (await bench.store.decide(asked.id, True, "the blue one", ACTOR)).why == "the blue one"
        [resumed] = await bench.store.resume(bench.runner, 1)
        assert [(one.allow, one.why) for one in resumed.answers] == [(True, "the blue one")]
        ruled = await bench.store.ask(run.run, run.fence, Question(text="Which?", words=True, rule=Rule.ALLOW))
        assert (ruled.state, ruled.actor) == (ApprovalState.DENIED, "policy")


class Inquiring(Suite):
    """Who wants to answer sees what there is, and why a task waits."""

    async def test_explain_says_what_it_waits_for_and_since_when(self, bench: Bench) -> None:
        """I14: each open question, then what its way back waits for."""
        await small(bench)
        run = await running(bench, queue="q", lane="x")
        asked = await ask(bench, run, text="May I delete it?")
        (obstacle,) = await bench.explained(run.task)
        assert (obstacle.kind, obstacle.holders) == (ObstacleKind.APPROVAL, (asked.id,))
        assert (obstacle.since, obstacle.until) == (asked.created_at, asked.expires_at)
        assert "May I delete it?" in obstacle.text
        assert f"taxiway approval allow {asked.id[-6:]}" in obstacle.text
        other = await running(bench, queue="q", lane="x")
        bench.clock.advance(1)
        decided = await bench.store.decide(asked.id, True, None, "ann")
        found = await bench.explained(run.task)
        assert [one.kind for one in found] == [
            ObstacleKind.APPROVAL,
            ObstacleKind.QUEUE_FULL,
            ObstacleKind.LANE_FULL,
        ]
        assert (found[0].since, found[2].holders) == (decided.decided_at, (other.task,))
        await bench.finish(other)
        assert await bench.claim() == []
        (obstacle,) = await bench.explained(run.task)
        assert (obstacle.kind, obstacle.holders) == (ObstacleKind.APPROVAL, (bench.runner,))

    async def test_a_list_has_everything_once_in_the_order_of_asking(self, bench: Bench) -> None:
        """I17: over all pages, whatever is decided in between."""
        asked = [(await ask(bench, await running(bench))).id for _ in range(7)]
        seen, cursor = [], None
        while True:
            page = await bench.store.approvals(PENDING, 2, cursor)
            seen += [one.id for one in page.items]
            if len(seen) == 4:
                await bench.store.decide(asked[0], True, None, "ann")
                await bench.store.decide(asked[6], True, None, "ann")
            cursor = page.cursor
            if cursor is None:
                break
        assert seen == asked[:6]
        allowed = ApprovalFilter(states=frozenset({ApprovalState.ALLOWED}))
        assert [one.id for one in (await bench.store.approvals(allowed, 50, None)).items] == [asked[0], asked[6]]
        mine = ApprovalFilter(task=(await bench.store.approval(asked[3])).task)
        assert [one.id for one in (await bench.store.approvals(mine, 50, None)).items] == [asked[3]]
        assert [one.id for one in (await bench.store.approvals(ApprovalFilter(), 50, None)).items] == asked
        with pytest.raises(Invalid, match="no cursor"):
            await bench.store.approvals(PENDING, 2, "x")

    async def test_one_is_found_by_a_part_of_its_id(self, bench: Bench) -> None:
        """Semantics, "Ids": the end that people see, or the start."""
        asked = [await ask(bench, await running(bench)) for _ in range(2)]
        assert await bench.store.find_approval(asked[1].id[-6:]) == asked[1].id
        assert await bench.store.find_approval(asked[1].id) == asked[1].id
        with pytest.raises(Ambiguous):
            await bench.store.find_approval(asked[1].id[:9])
        with pytest.raises(NotFound):
            await bench.store.find_approval("zzzzzz")
        with pytest.raises(Invalid):
            await bench.store.find_approval("ab")

    async def test_request_decision_and_effect_stand_in_both_logs(self, bench: Bench) -> None:
        """I4, I16, I21: what was asked with which input, who said what, and when it went on."""
        run = await running(bench)
        asked = await ask(bench, run, tool="shell", input={"command": "rm -r build"})
        await bench.store.decide(asked.id, True, "fine", "ann")
        await bench.store.resume(bench.runner, 1)
        told = [(event.type, event.data) for event in await bench.store.events(run.run, 1, 500)]
        assert told == [
            (
                EventType.APPROVAL_REQUESTED,
                {"approval": asked.id, "text": "May I?", "tool": "shell", "input": {"command": "rm -r build"}},
            ),
            (EventType.APPROVAL_DECIDED, {"approval": asked.id, "state": "allowed", "by": "ann", "why": "fine"}),
            (EventType.STATUS, {"phase": "resumed"}),
        ]
        changes = [one for one in await bench.store.changes(0, 500) if one.id in (asked.id, run.task)]
        assert [(one.kind, one.state, one.actor) for one in changes[2:]] == [
            (ChangeKind.APPROVAL, "pending", run.run),
            (ChangeKind.TASK, "waiting", run.run),
            (ChangeKind.APPROVAL, "allowed", "ann"),
            (ChangeKind.TASK, "running", bench.runner),
        ]


async def small(bench: Bench) -> None:
    """A queue and a lane with room for one."""
    await bench.store.set_lane("x", 1, ACTOR)
    await bench.store.make_queue("q", 1, ACTOR)


async def running(bench: Bench, **fields: Any) -> Claimed:
    """A task that runs."""
    await bench.submit(**fields)
    run = await bench.take()
    await bench.store.started(run.run, run.fence, None)
    return run


async def ask(bench: Bench, run: Claimed, text: str = "May I?", **fields: Any) -> Approval:
    """A run asks a person."""
    return await bench.store.ask(run.run, run.fence, Question(text=text, **fields))
