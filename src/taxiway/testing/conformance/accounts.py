"""Accounts: a provider's limit parks all that share it, at no cost to a claim, and one run goes first after the reset
(semantics, "Counters", "The claim")."""

from __future__ import annotations

from typing import Any

import pytest

from taxiway.core.account import JITTER_S_MAX, Account, Phase
from taxiway.core.errors import Invalid, NotFound
from taxiway.core.failureclass import FailureClass
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.readiness import ObstacleKind
from taxiway.core.run import Cancelled, Failed, Limited, Lost
from taxiway.core.task import OnLimit, Reason, TaskState
from taxiway.store.protocol import Claimed
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed

RESET_S = 600.0


class _Accounts(Suite):
    async def prompt(self, bench: Bench, agent: str = "fake", **fields: Any) -> str:
        """Submit words for an agent; the task's id."""
        return await bench.submit(prompt="go on", agent=agent, **fields)

    async def prompts(self, bench: Bench, count: int, agent: str = "fake", **fields: Any) -> list[str]:
        """Several of them."""
        return [await self.prompt(bench, agent, **fields) for _ in range(count)]

    async def refuse(self, bench: Bench, run: Claimed, seconds: float | None = RESET_S, chance: float = 0.0) -> None:
        """The provider refuses a run until so many seconds from now."""
        await bench.finish(run, refusal(bench, seconds), chance)

    async def account(self, bench: Bench, name: str = "fake") -> Account:
        """An account as it is now."""
        return next(found for found in await bench.store.accounts() if found.name == name)


def refusal(bench: Bench, seconds: float | None, kind: LimitKind = LimitKind.RATE) -> Limited:
    """A run that ended by a limit which resets in so many seconds."""
    resets_at = None if seconds is None else bench.clock.now_ms() + int(seconds * 1000)
    return Limited(ProviderLimit(kind=kind, resets_at=resets_at, text="too many"), "the provider says: too many")


class Parking(_Accounts):
    """From a refusal to the next answer."""

    async def test_a_refused_task_waits_for_the_reset_and_burns_no_attempt(self, bench: Bench) -> None:
        """Semantics, "Counters": rate limit with a reset, no attempt, scheduled/rate_limit until then."""
        task = await self.prompt(bench)
        await self.refuse(bench, await bench.take())
        found = await bench.task(task)
        assert (found.state, found.reason, found.attempt) == (TaskState.SCHEDULED, Reason.RATE_LIMIT, 0)
        assert found.due_at == bench.clock.now_ms() + RESET_S * 1000

    async def test_nothing_of_a_parked_account_starts_before_its_reset(self, bench: Bench) -> None:
        """One refusal parks all that share the account; others go on."""
        await self.prompts(bench, 5)
        other = await self.prompt(bench, "other")
        await self.refuse(bench, (await bench.claim(1))[0])
        assert [run.task for run in await bench.claim()] == [other]
        await bench.pass_time(RESET_S - 0.001)
        assert await bench.claim() == []

    async def test_after_the_reset_one_run_probes_and_the_rest_follows_on_a_ramp(self, bench: Bench) -> None:
        """Exactly one probing call, then 2, 4, 8 as answers come, in priority order."""
        await self.prompts(bench, 30)
        first = await self.prompt(bench, priority=5)
        await self.refuse(bench, (await bench.claim(1))[0])
        await bench.pass_time(RESET_S)
        waves = []
        running = await bench.claim()
        assert [run.task for run in running] == [first]
        while running:
            waves.append(len(running))
            for run in running:
                await bench.finish(run)
            running = await bench.claim()
        assert waves == [1, 2, 4, 8, 16]

    async def test_a_probe_that_is_refused_parks_again(self, bench: Bench) -> None:
        """A reset that was too early costs one call, not fifty."""
        await self.prompts(bench, 3)
        await self.refuse(bench, (await bench.claim(1))[0])
        await bench.pass_time(RESET_S)
        await self.refuse(bench, (await bench.claim())[0])
        assert (await self.account(bench)).phase is Phase.PARKED
        await bench.pass_time(RESET_S - 1)
        assert await bench.claim() == []
        await bench.pass_time(1)
        assert len(await bench.claim()) == 1

    @pytest.mark.parametrize("outcome", [Cancelled(Reason.REQUESTED), Lost(), failed(Reason.AGENT_ERROR)])
    async def test_a_probe_that_tells_nothing_is_followed_by_another_one(self, bench: Bench, outcome: Any) -> None:
        """Nobody waits for ever behind a probe that was cancelled or lost (I14)."""
        await self.prompts(bench, 4)
        await self.refuse(bench, (await bench.claim(1))[0])
        await bench.pass_time(RESET_S)
        for _ in range(2):
            (probe,) = await bench.claim()
            await bench.finish(probe, outcome)
        assert len(await bench.claim()) == 1

    async def test_of_several_resets_the_latest_holds(self, bench: Bench) -> None:
        """What was in flight when the limit was met may know better."""
        tasks = await self.prompts(bench, 3)
        one, two, three = await bench.claim()
        await self.refuse(bench, one, 60)
        await self.refuse(bench, two, 300)
        await self.refuse(bench, three, 10)
        until = bench.clock.now_ms() + 300_000
        assert (await self.account(bench)).until == until
        assert {(await bench.task(task)).due_at for task in tasks} == {until}

    async def test_the_jitter_comes_after_the_reset_never_before(self, bench: Bench) -> None:
        """By the chance that is handed in."""
        await self.prompt(bench)
        await self.refuse(bench, await bench.take(), chance=0.999999)
        until = (await self.account(bench)).until
        assert until is not None
        reset = bench.clock.now_ms() + RESET_S * 1000
        assert reset < until <= reset + JITTER_S_MAX * 1000

    async def test_what_succeeds_from_before_the_refusal_opens_nothing(self, bench: Bench) -> None:
        """An answer that was on its way is no probe."""
        await self.prompts(bench, 3)
        one, two = await bench.claim(2)
        await self.refuse(bench, one)
        await bench.finish(two)
        assert await bench.claim() == []
        assert (await self.account(bench)).phase is Phase.PARKED

    async def test_a_run_from_before_does_not_keep_the_probe_waiting(self, bench: Bench) -> None:
        """It may hang for an hour."""
        await self.prompts(bench, 3)
        one, _ = await bench.claim(2)
        await self.refuse(bench, one)
        await bench.pass_time(RESET_S)
        assert len(await bench.claim()) == 1

    async def test_the_first_answer_opens_the_account_while_the_probe_still_runs(self, bench: Bench) -> None:
        """A turn may take an hour; that the provider answers is known after a second."""
        await self.prompts(bench, 6)
        await self.refuse(bench, (await bench.claim(1))[0])
        await bench.pass_time(RESET_S)
        (probe,) = await bench.claim()
        assert probe.watched
        await bench.store.tell_account(probe.run, probe.fence, None, 0.0)
        assert len(await bench.claim()) == 1  # two at once, and one of them runs already
        await bench.store.tell_account(probe.run, probe.fence, None, 0.0)
        await bench.finish(probe)
        assert (await self.account(bench)).size == 2  # an answer counts once

    async def test_a_limit_in_the_middle_of_a_turn_parks_the_others(self, bench: Bench) -> None:
        """The turn itself goes on: its agent waits by its own means."""
        await self.prompts(bench, 3)
        (run,) = await bench.claim(1)
        met = ProviderLimit(kind=LimitKind.QUOTA, resets_at=bench.clock.now_ms() + 60_000)
        await bench.store.tell_account(run.run, run.fence, met, 0.0)
        assert await bench.claim() == []
        await bench.finish(run)
        assert await bench.claim() == []
        await bench.pass_time(60)
        assert len(await bench.claim()) == 1

    async def test_a_warning_parks_nobody(self, bench: Bench) -> None:
        """It refuses nothing yet."""
        await self.prompts(bench, 2)
        (run,) = await bench.claim(1)
        limit = ProviderLimit(kind=LimitKind.WARNING, used=0.9, resets_at=bench.clock.now_ms() + 60_000)
        await bench.store.tell_account(run.run, run.fence, limit, 0.0)
        assert len(await bench.claim()) == 1

    async def test_the_reset_is_a_time_that_somebody_wakes_up_for(self, bench: Bench) -> None:
        """I14, I20: also when no task is scheduled for it."""
        task = await self.prompt(bench)
        await self.refuse(bench, await bench.take())
        await bench.store.cancel(task, ACTOR)
        assert await bench.store.next_due() == bench.clock.now_ms() + RESET_S * 1000
        await bench.pass_time(RESET_S)
        assert await bench.store.next_due() is None

    async def test_a_refusal_without_a_reset_waits_longer_each_time(self, bench: Bench) -> None:
        """Nobody asks every second."""
        await self.prompt(bench)
        for expected in (60, 120, 240):
            await self.refuse(bench, await bench.take(), None)
            assert await bench.store.next_due() == bench.clock.now_ms() + expected * 1000
            await bench.pass_time(expected)

    async def test_a_session_waits_for_its_head(self, bench: Bench) -> None:
        """Semantics, "Order inside a session": a head that waits for a limit holds the session."""
        first = (await bench.send("s", "one")).id
        second = (await bench.send("s", "two")).id
        await self.refuse(bench, await bench.take())
        await bench.pass_time(RESET_S)
        assert [run.task for run in await bench.claim()] == [first]
        assert (await bench.explained(second))[0].kind is ObstacleKind.SESSION

    async def test_cancelling_wins_over_waiting_for_a_reset(self, bench: Bench) -> None:
        """I15."""
        task = await self.prompt(bench)
        run = await bench.take()
        await bench.store.cancel(task, ACTOR)
        await self.refuse(bench, run)
        assert await bench.standing(task) == (TaskState.CANCELLED, Reason.REQUESTED)

    async def test_a_quota_without_a_reset_fails_its_task_and_parks_the_others(self, bench: Bench) -> None:
        """Semantics: only a quota with a reset is waited for; the others are not sent after it one by one."""
        task, other = await self.prompts(bench, 2)
        limit = ProviderLimit(kind=LimitKind.QUOTA)
        await bench.finish(await bench.take(), Failed(Reason.QUOTA, "no credit", limit=limit))
        assert await bench.standing(task) == (TaskState.FAILED, Reason.QUOTA)
        assert await bench.claim() == []
        assert (await bench.explained(other))[0].kind is ObstacleKind.RATE_LIMIT


class Allotting(_Accounts):
    """How many runs of an account go at once."""

    async def test_an_account_never_has_more_runs_than_its_limit(self, bench: Bench) -> None:
        """I3: over all queues, lanes and agents that share it."""
        await bench.store.use_accounts({"team": 3}, {"one": "team", "two": "team"}, ACTOR)
        await bench.store.make_queue("q", None, ACTOR)
        await self.prompts(bench, 3, "one")
        await self.prompts(bench, 3, "two", queue="q")
        running = await bench.claim()
        assert len(running) == 3
        await bench.finish(running[0])
        assert len(await bench.claim()) == 1
        assert (await self.account(bench, "team")).agents == ("one", "two")

    async def test_a_limit_may_change_while_work_runs(self, bench: Bench) -> None:
        """A30: raising starts more at once, lowering ends nothing."""
        await self.prompts(bench, 9)
        assert len(await bench.claim(4)) == 4
        await bench.store.limit_account("fake", 2, ACTOR)
        assert await bench.claim() == []
        await bench.store.limit_account("fake", 6, ACTOR)
        assert len(await bench.claim()) == 2

    async def test_an_overload_halves_and_answers_widen_again(self, bench: Bench) -> None:
        """Adaptive concurrency: halved once for a burst, grown by a round of answers, never above the limit."""
        await bench.store.limit_account("fake", 8, ACTOR)
        await self.prompts(bench, 60)
        running = await bench.claim()
        assert len(running) == 8
        for run in running:
            await bench.finish(run, Failed(Reason.PROVIDER, "529", failure=FailureClass.OVERLOADED))
        assert (await self.account(bench)).size == 4
        widths = []
        while running := await bench.claim():
            widths.append(len(running))
            for run in running:
                await bench.finish(run)
        assert widths[:4] == [4, 5, 6, 7]
        assert max(widths) == 8

    async def test_one_run_always_goes(self, bench: Bench) -> None:
        """Halved again and again it never comes to a standstill."""
        await self.prompts(bench, 30)
        waves = []
        for _ in range(6):
            running = await bench.claim(8)
            waves.append(len(running))
            for run in running:
                await bench.finish(run, Failed(Reason.PROVIDER, "529", failure=FailureClass.OVERLOADED))
        assert waves == [8, 4, 2, 1, 1, 1]

    async def test_a_parked_account_is_parked_by_hand_until_it_is_released(self, bench: Bench) -> None:
        """An operator's word; nothing wakes it."""
        task = await self.prompt(bench)
        await bench.store.park_account("fake", None, "the bill", ACTOR)
        assert await bench.claim() == []
        (obstacle,) = await bench.explained(task)
        assert obstacle.kind is ObstacleKind.ACCOUNT_PARKED
        assert "the bill" in obstacle.text
        assert await bench.store.next_due() is None
        await bench.store.release_account("fake", ACTOR)
        assert [run.task for run in await bench.claim()] == [task]

    async def test_a_release_lets_those_go_on_that_wait_for_the_reset(self, bench: Bench) -> None:
        """They do not sit out a time that somebody has taken back; one goes first all the same."""
        await self.prompts(bench, 3)
        await self.refuse(bench, (await bench.claim(1))[0])
        await bench.store.release_account("fake", ACTOR)
        await bench.pass_time(0)
        (probe,) = await bench.claim()
        await bench.finish(probe)
        assert len(await bench.claim()) == 2

    async def test_whoever_parks_for_an_hour_does_not_shorten_a_reset(self, bench: Bench) -> None:
        """Of several times the latest holds."""
        await self.prompt(bench)
        await self.refuse(bench, await bench.take())
        parked = await bench.store.park_account("fake", bench.clock.now_ms() + 1_000, "lunch", ACTOR)
        assert parked.until == bench.clock.now_ms() + RESET_S * 1000

    async def test_an_agent_that_changes_its_account_takes_its_work_along(self, bench: Bench) -> None:
        """The account is resolved at the claim: nothing is stranded behind the old one."""
        await self.prompts(bench, 3)
        await self.refuse(bench, (await bench.claim(1))[0])
        assert await bench.claim() == []
        await bench.store.use_accounts({"spare": 5}, {"fake": "spare"}, ACTOR)
        await bench.pass_time(0)
        running = await bench.claim()
        assert [run.account for run in running] == ["spare"] * 3
        await self.prompt(bench)
        assert [run.account for run in await bench.claim()] == ["spare"]

    async def test_a_limit_below_one_is_refused(self, bench: Bench) -> None:
        """DA17: park it instead."""
        with pytest.raises(Invalid, match="at least 1"):
            await bench.store.limit_account("fake", 0, ACTOR)
        with pytest.raises(NotFound, match="account list"):
            await bench.store.release_account("nobody", ACTOR)

    async def test_explain_says_which_account_since_when_and_until_when(self, bench: Bench) -> None:
        """ "rate limit of account X until 14:05, one probe first"."""
        met, waiting = await self.prompts(bench, 2)
        await self.refuse(bench, (await bench.claim(1))[0])
        for task in (met, waiting):
            (obstacle,) = await bench.explained(task)
            assert obstacle.kind is ObstacleKind.RATE_LIMIT
            assert obstacle.text == "rate limit of account 'fake' (too many); after its reset one run goes first"
            assert obstacle.since == bench.clock.now_ms()
            assert obstacle.until == bench.clock.now_ms() + RESET_S * 1000

    async def test_explain_and_claim_agree_about_an_account_that_is_full(self, bench: Bench) -> None:
        """Both ask the same predicate."""
        await bench.store.limit_account("fake", 1, ACTOR)
        first, second = await self.prompts(bench, 2)
        assert (await bench.explained(second))[0].kind is ObstacleKind.TURN
        assert [run.task for run in await bench.claim()] == [first]
        assert (await bench.explained(second))[0].kind is ObstacleKind.ACCOUNT_FULL

    @pytest.mark.parametrize("where", ["task", "session", "queue"])
    async def test_whoever_does_not_want_to_wait_fails_with_quota(self, bench: Bench, where: str) -> None:
        """ "do not resume" of a task, a session, or a queue."""
        fields = {"on_limit": OnLimit.FAIL} if where == "task" else {}
        task = (await bench.send("s", "go", **fields)).id
        if where == "session":
            await bench.store.set_session_on_limit(await bench.session("s"), OnLimit.FAIL, ACTOR)
        if where == "queue":
            await bench.store.set_queue_on_limit("default", OnLimit.FAIL, ACTOR, None)
        await self.refuse(bench, await bench.take())
        assert await bench.standing(task) == (TaskState.FAILED, Reason.QUOTA)

    async def test_the_nearer_word_about_waiting_holds(self, bench: Bench) -> None:
        """Task, then session, then queue."""
        await bench.session("s")
        await bench.store.set_queue_on_limit("default", OnLimit.FAIL, ACTOR, None)
        await bench.store.set_session_on_limit(await bench.session("s"), OnLimit.WAIT, ACTOR)
        task = (await bench.send("s", "go")).id
        await self.refuse(bench, await bench.take())
        assert await bench.standing(task) == (TaskState.SCHEDULED, Reason.RATE_LIMIT)

    async def test_a_provider_that_stumbles_is_asked_again_without_an_attempt(self, bench: Bench) -> None:
        """The table of classes: so often, then the failure counts; never where something would be done twice."""
        task = await self.prompt(bench)
        stumble = Failed(Reason.PROVIDER, "500", failure=FailureClass.STUMBLED, repeatable=True)
        for expected in (5, 10, 20, 40):
            answer = await bench.finish(await bench.take(), stumble)
            assert (answer.state, answer.reason) == (TaskState.SCHEDULED, Reason.BACKOFF)
            assert answer.due_at == bench.clock.now_ms() + expected * 1000
            await bench.pass_time(expected)
        assert (await bench.task(task)).attempt == 0
        await bench.finish(await bench.take(), stumble)
        assert await bench.standing(task) == (TaskState.FAILED, Reason.PROVIDER)

    async def test_a_turn_that_used_a_tool_is_not_taken_again_unasked(self, bench: Bench) -> None:
        """Never blindly after a tool had effects."""
        task = await self.prompt(bench)
        await bench.finish(await bench.take(), Failed(Reason.PROVIDER, "500", failure=FailureClass.STUMBLED))
        assert await bench.standing(task) == (TaskState.FAILED, Reason.PROVIDER)
