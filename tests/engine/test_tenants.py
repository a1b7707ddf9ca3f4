"""A process that is opened for a tenant: its verbs are that tenant's, and its runner serves them all (I10)."""

import hashlib
from pathlib import Path

import pytest

import taxiway
from taxiway.core.errors import Invalid, NotFound
from taxiway.core.plan import Plan
from taxiway.core.readiness import Scope
from taxiway.core.task import TaskSpec
from taxiway.core.workspace import RunDiff
from taxiway.workspaces.diff import Taken
from tests.engine.acting import Stage
from tests.engine.conftest import Bench, ended


async def test_what_is_asked_for_one_tenant_is_not_there_for_another(bench: Bench) -> None:
    """I10: in two processes on one store, of which the other one's runner does the work."""
    async with bench.open(slots=0, tenant="acme") as acme, bench.open() as tw:
        handle = await acme.submit(command=["true"], name="theirs")
        assert (await ended(handle)).state == "completed"
        assert (await acme.task("theirs")).tenant == "acme"
        with pytest.raises(NotFound):
            await tw.task(handle.id)
        assert (await tw.tasks()).items == []
        assert [task.id for task in (await acme.tasks()).items] == [handle.id]


async def test_what_a_run_asks_for_is_its_tenants(bench: Bench) -> None:
    """I10: the program is told whose it is, whosever runner started it, and no task says otherwise."""
    async with bench.open(slots=0, tenant="acme") as acme, bench.open(slots=2) as tw:
        handles = [await one.submit(command=["printenv", "TAXIWAY_STORE_TENANT"]) for one in (acme, tw)]
        assert [(await ended(handle)).output for handle in handles] == ["acme\n", "default\n"]
        with pytest.raises(Invalid, match="TAXIWAY_STORE_TENANT"):
            await acme.submit(command=["true"], env={"TAXIWAY_STORE_TENANT": "default"})


async def test_a_runner_of_one_queue_takes_that_of_its_own_tenant(bench: Bench) -> None:
    """I10: every tenant may have a plan of this name in this project."""
    plan = Plan(queue="p", project="", source="p.yaml", tasks=(TaskSpec(command=("true",), name="one", queue="p"),))
    scope = Scope(queues=frozenset({("", "p")}))
    async with bench.open(slots=0, tenant="acme") as acme:
        await acme.run_plan(plan)
        async with bench.open(tenant="umbrella", scope=scope) as tw:
            assert (await tw.wait((await tw.run_plan(plan)).ids["one"], 25)).state == "completed"
            assert [task.state for task in (await acme.tasks()).items] == ["queued"]


async def test_a_prune_of_one_tenant_leaves_the_diffs_of_others(bench: Bench) -> None:
    """I10: the diffs of all tenants lie in one folder."""
    async with bench.open(tenant="acme") as acme, bench.open(slots=0) as tw:
        handle = await acme.submit(command=["true"])
        await ended(handle)
        [run] = await acme.runs(handle.id)
        digest = hashlib.sha256(b"patch").hexdigest()
        kept = RunDiff(run=run.id, task=handle.id, workspace="w", base="0", size=5, digest=digest)
        acme.workshop.patches.put(Taken(kept, b"patch"))
        assert await tw.forget_diffs() == 0
        assert await acme.remove(handle.id)
        assert await tw.forget_diffs() == 0


async def test_a_tenant_is_named_by_a_word(bench: Bench) -> None:
    """Bad input: nothing is made for what can be no tenant."""
    with pytest.raises(Invalid, match="a tenant is a word"):
        async with bench.open(slots=0, tenant="a/b"):
            raise AssertionError("it was opened")
    async with taxiway.open(bench.path, slots=0) as tw:
        assert await tw.store.tenants() == ["default"]


async def test_what_an_agent_is_told_comes_from_its_own_tenant(bench: Bench, stage: Stage, tmp_path: Path) -> None:
    """I10: the turn goes on in the session of that tenant, whosever runner drives it."""
    accept = {"commands": [["sh", "-c", "test -e seen || { touch seen; exit 1; }"]], "rounds": 1}
    agents = {"fake": stage.agent({"default": [{"say": "turn {turn}"}]})}
    async with bench.open(slots=0, tenant="acme", agents=agents) as acme, bench.open(agents=agents):
        box = await acme.session("s", agent="fake")
        sent = await box.send("go", cwd=str(tmp_path), accept=accept, budget={"tokens": 1_000_000})
        task = await ended(sent.task)
    assert (task.state, task.error) == ("completed", None)
