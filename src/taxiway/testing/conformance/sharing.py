"""Several tenants on one store: names, numbers, logs, limits, accounts, and the runner that serves them all (I10)."""

from __future__ import annotations

import pytest

from taxiway.core.errors import Ambiguous, Forbidden, Gap, Invalid
from taxiway.core.limits import CASCADE_ROWS_MAX
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.readiness import ObstacleKind, Scope
from taxiway.core.run import Limited
from taxiway.core.task import TaskState
from taxiway.store.protocol import TaskFilter
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed


class Sharing(Suite):
    """Two tenants on one store: names, numbers, logs, limits, and the runner that serves both."""

    async def test_a_tenant_is_made_by_its_first_use(self, bench: Bench) -> None:
        """Whoever reads or writes first: it has what every tenant has, and nobody else knows of it."""
        assert await bench.store.tenants() == ["default"]
        other = bench.store.of("acme")
        assert [queue.name for queue in await other.queues()] == ["default"]
        assert [lane.name for lane in await other.lanes()] == ["main"]
        assert (await other.queue("default")).tenant == "acme"
        await bench.store.of("umbrella").make_queue("q", 1, ACTOR)
        assert await bench.store.tenants() == ["acme", "default", "umbrella"]
        assert [queue.name for queue in await bench.store.queues()] == ["default"]

    @pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "x" * 65, "é", "a\n"])
    async def test_what_is_no_word_is_no_tenant(self, bench: Bench, name: str) -> None:
        """Letters, digits, ``-``, ``_`` and ``.``, 64 at most."""
        with pytest.raises(Invalid, match="tenant"):
            bench.store.of(name)
        assert bench.store.of("A.b_c-9") is not None

    async def test_one_name_is_another_thing_to_another_tenant(self, bench: Bench) -> None:
        """I10: task names, idempotency keys, sessions, queues, lanes and ids."""
        other = tenant(bench, "acme")
        fields = {"name": "lint", "idempotency_key": "k", "session": "talk"}
        mine = await bench.submit(**fields)
        theirs = await other.submit(**fields, priority=3)
        assert mine != theirs
        assert await bench.store.find_task("lint") == mine
        assert await other.store.find_task("lint") == theirs
        assert (await bench.task(mine)).session != (await other.task(theirs)).session
        same = bench.new()
        assert [(await each.submit_all(same))[0].created for each in (bench, other)] == [True, True]
        await other.store.cancel(same.id, ACTOR)
        assert (await bench.task(same.id)).state is TaskState.QUEUED

    async def test_a_part_of_an_id_is_not_ambiguous_by_what_others_have(self, bench: Bench) -> None:
        """I10: no candidate of another tenant is named or counted."""
        other = tenant(bench, "acme")
        mine = await bench.submit()
        for _ in range(3):
            await other.submit()
        part = mine[:12]  # the time, which all of them share
        assert await bench.store.find_task(part) == mine
        with pytest.raises(Ambiguous) as raised:
            await other.store.find_task(part)
        assert len(raised.value.details["candidates"]) == 3

    async def test_lanes_and_queues_of_one_name_have_room_each_for_itself(self, bench: Bench) -> None:
        """I3, I10: lane ``x`` of one is not that of another."""
        other = tenant(bench, "acme")
        for each in (bench, other):
            await each.store.set_lane("x", 1, ACTOR)
            for _ in range(2):
                await each.submit(lane="x")
        claimed = await bench.claim()
        assert sorted(run.tenant for run in claimed) == ["acme", "default"]
        assert [lane.live for lane in await other.store.lanes() if lane.name == "x"] == [1]

    async def test_a_runner_serves_all_tenants_or_those_of_its_scope(self, bench: Bench) -> None:
        """Semantics, runners: also where its scope names queues, which every tenant may have."""
        others = [tenant(bench, name) for name in ("acme", "umbrella")]
        mine, acme, umbrella = [await each.submit() for each in (bench, *others)]
        scope = Scope(queues=frozenset({("", "default")}), tenants=frozenset({"umbrella"}))
        assert [run.task for run in await bench.claim(scope=scope)] == [umbrella]
        await bench.register(1, Scope(tenants=frozenset({"umbrella"})))
        await bench.store.retire(bench.runner, "draining")
        assert [run.task for run in await bench.claim(scope=Scope(tenants=frozenset({"acme", "default"})))] == []
        await bench.register()
        assert [run.task for run in await bench.claim(scope=Scope(queues=frozenset({("", "default")})))] == [mine, acme]

    async def test_explain_tells_of_runners_for_others_and_not_of_their_work(self, bench: Bench) -> None:
        """I10: what waits before it is counted of its own tenant only, and no scope names another one."""
        other = tenant(bench, "acme")
        await bench.store.retire(bench.runner, "gone")
        await bench.register(1, Scope(tenants=frozenset({"default", "umbrella"})))
        waiting = await other.submit()
        assert [found.kind for found in await other.explained(waiting)] == [ObstacleKind.RUNNER_SCOPE]
        assert "umbrella" not in repr(await other.store.facts(waiting))
        await bench.store.retire(bench.runner, "gone")
        await bench.register(1)
        for _ in range(5):
            await bench.submit(priority=1)
        assert (await other.store.facts(waiting)).ahead == 1

    async def test_each_tenant_reads_its_own_changes_by_the_numbers_of_the_store(self, bench: Bench) -> None:
        """I10, I21: in the order of commits, what the engine writes among them; a cursor goes on behind its own."""
        other = tenant(bench, "acme")
        mine, theirs = [await each.submit() for each in (bench, other)]
        for run in await bench.claim():
            await bench.finish(run, failed())
        for each, task in ((bench, mine), (other, theirs)):
            states = [one.state for one in await each.store.changes(0, 500) if one.id == task]
            assert states == ["queued", "running", "failed"]
        own = await other.store.changes(0, 500)
        assert {one.id for one in own} == {"main", "default", theirs}
        assert [one.version for one in own] == sorted(one.version for one in own)
        assert await other.store.last_version() == own[-1].version
        assert await other.store.changes(own[2].version, 500) == own[3:]

    async def test_a_prune_forgets_what_one_tenant_has(self, bench: Bench) -> None:
        """I10, I21: the other's tasks and log stay, and only who lost something is told of a gap."""
        other = tenant(bench, "acme")
        for each in (bench, other):
            await each.submit()
        await bench.drain()
        theirs, mine = await other.store.changes(0, 500), await bench.store.changes(0, 500)
        bench.clock.advance(10)
        while await bench.store.prune(bench.clock.now_ms(), 2, ACTOR):
            pass
        assert await other.store.changes(0, 500) == theirs
        assert await other.store.changes(theirs[0].version, 500) == theirs[1:]
        with pytest.raises(Gap) as raised:
            await bench.store.changes(mine[0].version, 500)
        assert raised.value.details["newest"] == await bench.store.last_version()
        assert len((await other.store.tasks(TaskFilter(), 100, None)).items) == 1

    async def test_a_cancel_of_all_holds_nobody_else_up(self, bench: Bench) -> None:
        """I6, I10: also between its pages; what it reaches are the tenant's own."""
        other = tenant(bench, "acme")
        many = CASCADE_ROWS_MAX + 10
        for start in range(0, many, 500):
            await other.submit_all(*(bench.new() for _ in range(min(500, many - start))))
        mine = await bench.submit()
        assert await other.store.cancel_all(ACTOR) == many
        assert [run.task for run in await bench.claim()] == [mine]
        assert await bench.explained(await bench.submit()) == []
        late = await other.submit()
        assert [found.kind for found in await other.explained(late)] == [ObstacleKind.CANCEL_ALL]
        await bench.settle()
        assert [found.task for found in await bench.store.live_runs()] == [mine]
        assert (await bench.task(mine)).state is TaskState.RUNNING
        assert await other.explained(late) == []

    async def test_a_configured_account_is_one_allowance_for_all(self, bench: Bench) -> None:
        """One key at one provider: its limit counts the runs of every tenant, whichever came first."""
        other = tenant(bench, "acme")
        before = await other.send("talk", "words")
        await bench.store.use_accounts({"fake": 1}, {}, ACTOR)
        await bench.send("talk", "words", delay_s=None)
        [run] = await bench.claim()
        assert (run.task, run.tenant) == (before.id, "acme")
        assert [account.live for account in await other.store.accounts()] == [1]
        assert [account.live for account in await bench.store.accounts()] == [0], "whose runs they are is not told"
        await bench.finish(run)
        assert [found.tenant for found in await bench.claim()] == ["default"]

    async def test_what_a_provider_said_to_one_is_told_to_no_other(self, bench: Bench) -> None:
        """I10: the state of a shared account is for all, the words are for those to whom it belongs."""
        other = tenant(bench, "acme")
        await bench.store.use_accounts({"fake": 2}, {}, ACTOR)
        waiting = [(await each.send("talk", "words")).id for each in (other, bench)]
        first, second = await bench.claim()
        limit = ProviderLimit(kind=LimitKind.QUOTA, resets_in_s=60.0, text="the words of acme")
        await bench.finish(first, Limited(limit, "no more"))
        for each in (bench, other):
            [account] = await each.store.accounts()
            assert (account.phase, account.kind, account.why) == ("parked", "quota", None)
        assert not [one for one in await bench.store.changes(0, 500) if one.actor == first.run]
        await bench.finish(second)
        await bench.store.park_account("fake", None, "the words of default", ACTOR)
        assert [one.why for one in await bench.store.accounts()] == ["the words of default"]
        assert [one.why for one in await other.store.accounts()] == [None]
        assert "the words" not in repr(await other.explained(waiting[0]))

    async def test_a_shared_account_is_moved_by_those_who_operate_the_store(self, bench: Bench) -> None:
        """Its own account a tenant parks; the one that all share it does not."""
        other = tenant(bench, "acme")
        await bench.store.use_accounts({"fake": 2}, {}, ACTOR)
        for move in (
            other.store.park_account("fake", None, "why", ACTOR),
            other.store.release_account("fake", ACTOR),
            other.store.limit_account("fake", 9, ACTOR),
        ):
            with pytest.raises(Forbidden, match="shared"):
                await move
        assert (await other.store.park_account("own", None, "why", ACTOR)).why == "why"
        assert [account.name for account in await bench.store.accounts()] == ["fake"]


def tenant(bench: Bench, name: str) -> Bench:
    """The same bench for another tenant; its runner serves both."""
    made = Bench(bench.store.of(name), bench.clock, bench.ids)
    made.runner = bench.runner
    return made
