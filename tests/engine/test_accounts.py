"""Accounts, limits, retries, prices and budgets, with an agent whose provider does as it is told."""

from typing import Any

import pytest

from taxiway.core.account import Phase
from taxiway.core.accountfields import AccountKind
from taxiway.core.event import EventType
from taxiway.core.price import Price
from taxiway.core.task import Reason, TaskState, Usage
from taxiway.core.usage import UsageBy
from tests.engine.acting import Stage
from tests.engine.conftest import Bench, changed, ended
from tests.engine.test_turns import events

USED = {"input_tokens": 1_000_000, "output_tokens": 100_000, "cached_tokens": 400_000}


def once(first: list[Any], then: list[Any]) -> dict[str, Any]:
    """A script whose first turn is another one than the next."""
    return {"turns": [{"match": "limit", "steps": first}], "default": then}


async def test_a_limit_parks_the_account_and_all_agents_that_share_it(bench: Bench, stage: Stage) -> None:
    """one refusal is heard by everybody on the account, and by nobody else."""
    script = once([{"rate_limit": {"resets_in": 600, "text": "slow down"}}], [{"say": "ok"}])
    team = {"account": "team"}
    agents = {"one": stage.agent(script, **team), "two": stage.agent(script, **team), "other": stage.agent(script)}
    async with bench.open(agents=agents, accounts={"team": AccountKind(limit=4)}) as tw:
        met = await tw.submit(prompt="limit", agent="one")
        await changed(tw, met.id, TaskState.SCHEDULED)
        waits = await tw.submit(prompt="go", agent="two")
        other = await tw.submit(prompt="go", agent="other")
        assert (await ended(other)).state is TaskState.COMPLETED
        [account] = [one for one in await tw.accounts() if one.name == "team"]
        assert (account.phase, account.limit, account.agents) == (Phase.PARKED, 4, ("one", "two"))
        [obstacle] = await tw.explain(waits.id)
        assert "rate limit of account 'team' (slow down)" in obstacle.text
        assert (await met.get()).attempt == 0
        await tw.release_account("team")
        assert (await ended(waits)).state is TaskState.COMPLETED
        await tw.cancel(met.id)


async def test_a_quota_in_the_middle_of_a_turn_is_heard_at_once(bench: Bench, stage: Stage) -> None:
    """The turn goes on by its agent's own means, the others wait."""
    script = once([{"rate_limit": {"resets_in": 600, "kind": "quota", "fail": False}}, {"sleep": 0.3}], [{"say": "ok"}])
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        first = await tw.submit(prompt="limit", agent="fake")
        assert (await ended(first)).state is TaskState.COMPLETED
        assert (await tw.accounts())[0].phase is Phase.PARKED
        second = await tw.submit(prompt="go", agent="fake", on_limit="fail")
        assert (await second.get()).state is TaskState.QUEUED
        [told] = await events(first, EventType.RATE_LIMIT)
        assert told["kind"] == "quota"


async def test_who_does_not_want_to_wait_fails_with_quota(bench: Bench, stage: Stage) -> None:
    """Do not resume: the task, or its queue."""
    script = {"default": [{"rate_limit": {"resets_in": 600}}]}
    async with bench.open(agents={"a": stage.agent(script), "b": stage.agent(script)}) as tw:
        own = await ended(await tw.submit(prompt="x", agent="a", on_limit="fail"))
        assert (own.state, own.reason) == (TaskState.FAILED, Reason.QUOTA)
        await tw.set_on_limit("fail", queue="default")
        by_queue = await ended(await tw.submit(prompt="x", agent="b"))
        assert (by_queue.state, by_queue.reason) == (TaskState.FAILED, Reason.QUOTA)


@pytest.mark.parametrize(
    ("steps", "fields", "state"),
    [
        ([], {}, TaskState.SCHEDULED),
        ([{"tool": "write"}], {}, TaskState.FAILED),
        ([{"tool": "write"}], {"safe_to_retry": True}, TaskState.SCHEDULED),
    ],
)
async def test_a_stumble_is_retried_unasked_unless_a_tool_was_used(
    bench: Bench, stage: Stage, steps: list[Any], fields: dict[str, Any], state: TaskState
) -> None:
    """Never blindly after a tool had effects, unless the task says that it is safe."""
    script = {"default": [*steps, {"fail": {"reason": "provider", "error": "500", "passing": True}}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        handle = await tw.submit(prompt="go", agent="fake", **fields)
        await changed(tw, handle.id, state)
        task = await handle.get()
        assert (task.state, task.attempt) == (state, 0 if state is TaskState.SCHEDULED else 1)


async def test_a_lasting_failure_of_the_provider_is_not_retried_unasked(bench: Bench, stage: Stage) -> None:
    """The table of classes: what will be the same the next time."""
    async with bench.open(agents={"fake": stage.agent({"default": [{"fail": {"reason": "provider"}}]})}) as tw:
        assert (await ended(await tw.submit(prompt="go", agent="fake"))).reason is Reason.PROVIDER


async def test_tokens_without_dollars_are_priced_and_marked_so(bench: Bench, stage: Stage) -> None:
    """What is not known has no price, and never a made-up 0."""
    script = {"default": [{"usage": USED}, {"say": "ok"}]}
    price = Price(input=2.0, output=10.0, cached=0.5)
    agents = {"known": stage.agent(script, model="m-1-2025-01-01"), "unknown": stage.agent(script)}
    async with bench.open(agents=agents, prices={"m-1": price}) as tw:
        known = await ended(await tw.submit(prompt="go", agent="known"))
        assert known.usage == Usage(1_000_000, 100_000, 400_000, 1.2 + 0.2 + 1.0, None, True)
        unknown = await ended(await tw.submit(prompt="go", agent="unknown"))
        assert unknown.usage == Usage(1_000_000, 100_000, 400_000)
        lines = {line.name: line for line in await tw.usage(UsageBy.AGENT)}
        assert lines["known"].usage.usd == 2.4
        assert lines["known"].usage.usd_computed
        assert (lines["unknown"].usage.usd, lines["unknown"].unpriced) == (None, 1)


async def test_what_an_agent_says_of_dollars_stands(bench: Bench, stage: Stage) -> None:
    """A table of prices knows less than the one who sends the bill."""
    script = {"default": [{"usage": {**USED, "usd": 0.25}}, {"say": "ok"}]}
    async with bench.open(agents={"fake": stage.agent(script, model="claude-sonnet-4-5")}) as tw:
        for text in ("a", "b"):
            box = await tw.session("box", agent="fake")
            task = await ended((await box.send(text)).task)
        assert (task.usage.usd, task.usage.usd_computed) == (0.25, False)
        [line] = await tw.usage(UsageBy.SESSION)
        assert (line.name, line.runs, line.usage.usd, line.usage.input_tokens) == ("box", 2, 0.5, 2_000_000)
        [day] = await tw.usage("day")
        assert day.runs == 2
        assert await tw.usage("queue", until=1) == []


@pytest.mark.parametrize("budget", [{"tokens": 1_000}, {"usd": 0.1}, {"wall_s": 0.3}])
async def test_a_turn_that_goes_beyond_its_budget_is_ended(
    bench: Bench, stage: Stage, budget: dict[str, float]
) -> None:
    """Reason budget, no retry; what was used is kept."""
    script = {"default": [{"usage": {**USED, "usd": 0.25}}, {"sleep": 30}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        task = await ended(await tw.submit(prompt="go", agent="fake", budget=budget, retries=3))
        assert (task.state, task.reason, task.attempt) == (TaskState.FAILED, Reason.BUDGET, 1)
        assert "its budget is used up" in (task.error or "")
        assert "wall_s" in budget or task.usage.usd == 0.25


async def test_an_account_gives_its_variables_to_its_agents(bench: Bench, stage: Stage) -> None:
    """Two accounts of one program never mix: a home of its own each; the agent's own variables are laid over them."""
    script = {"default": [{"say": "{env.CODER_HOME} {env.CODER_MODE}"}]}
    agents = {
        "left": stage.agent(script, account="l", env={"CODER_MODE": "fast"}),
        "right": stage.agent(script, account="r"),
    }
    accounts = {
        "l": AccountKind(env={"CODER_HOME": "/accounts/l", "CODER_MODE": "slow"}),
        "r": AccountKind(env={"CODER_HOME": "/accounts/r", "CODER_MODE": "slow"}),
    }
    async with bench.open(agents=agents, accounts=accounts) as tw:
        outputs = [(await ended(await tw.submit(prompt="go", agent=name))).output for name in agents]
        assert outputs == ["/accounts/l fast", "/accounts/r slow"]
        runs = [await tw.runs((await tw.tasks()).items[0].id)]
        assert {run.account for found in runs for run in found} <= {"l", "r"}


async def test_a_runner_that_does_not_know_the_account_uses_no_other_one(bench: Bench, stage: Stage) -> None:
    """What the store says and what a configuration says may differ for a moment."""
    async with bench.open(agents={"fake": stage.agent({"default": [{"say": "ok"}]})}) as tw:
        await tw.store.use_accounts({}, {"fake": "spare"}, "test")
        task = await ended(await tw.submit(prompt="go", agent="fake"))
        assert (task.state, task.reason) == (TaskState.FAILED, Reason.SPAWN_ERROR)
        assert "[accounts.spare]" in (task.error or "")


async def test_an_account_is_parked_and_released_by_hand(bench: Bench, stage: Stage) -> None:
    """Operator's verbs."""
    async with bench.open(agents={"fake": stage.agent({"default": [{"say": "ok"}]})}) as tw:
        parked = await tw.park_account("fake", for_s=600, why="maintenance")
        assert parked.by_hand
        handle = await tw.submit(prompt="go", agent="fake")
        assert "maintenance" in (await tw.explain(handle.id))[0].text
        assert (await tw.limit_account("fake", 2)).limit == 2
        await tw.release_account("fake")
        assert (await ended(handle)).state is TaskState.COMPLETED
