"""The hook before a run: the embedder's last word, right before anything is executed."""

import asyncio
from contextlib import suppress
from contextvars import ContextVar

import msgspec

from taxiway.store.protocol import Claimed
from tests.engine.conftest import ended

USER: ContextVar[str] = ContextVar("user")


async def test_the_hook_is_asked_once_before_each_run_and_sees_what_went_before(bench) -> None:
    """SQ-93: with the slot taken; on a serial session it sees the previous run's effects."""
    seen: list[tuple[str, list[str]]] = []
    done: list[str] = []

    async def work(*, name: str) -> None:
        done.append(name)

    async def before_run(claim: Claimed) -> None:
        seen.append((claim.spec.args["name"], list(done)))

    async with bench.open(slots=4, jobs={"work": work}, before_run=before_run) as tw:
        sent = [await tw.submit(job="work", args={"name": name}, session="s") for name in "abc"]
        for handle in sent:
            await ended(handle)
    assert seen == [("a", []), ("b", ["a"]), ("c", ["a", "b"])]


async def test_the_hook_may_rewrite_the_work_and_set_its_context(bench) -> None:
    """SQ-92, SQ-93: a run has the context of its own hook, and no other's."""

    async def who(*, greeting: str) -> str:
        await asyncio.sleep(0)
        return f"{greeting} {USER.get()}"

    async def before_run(claim: Claimed):
        USER.set(claim.spec.labels["user"])
        return msgspec.structs.replace(claim.spec, args={"greeting": "hello"})

    async with bench.open(slots=4, jobs={"who": who}, before_run=before_run) as tw:
        sent = [await tw.submit(job="who", args={"greeting": "?"}, labels={"user": user}) for user in ("ann", "bob")]
        assert [(await ended(handle)).result for handle in sent] == ["hello ann", "hello bob"]


async def test_what_the_hook_raises_is_the_outcome_and_the_next_one_runs(bench) -> None:
    """SQ-93, SQ-95: nothing was executed, and the session goes on."""
    ran: list[str] = []

    async def work(*, name: str) -> None:
        ran.append(name)

    async def before_run(claim: Claimed) -> None:
        if claim.spec.args["name"] == "bad":
            raise ValueError("not for you")

    async with bench.open(jobs={"work": work}, before_run=before_run) as tw:
        bad = await tw.submit(job="work", args={"name": "bad"}, session="s")
        good = await tw.submit(job="work", args={"name": "good"}, session="s")
        refused = await ended(bad)
        assert (refused.state, refused.reason, refused.error) == ("failed", "agent_error", "ValueError: not for you")
        assert (await ended(good)).state == "completed"
    assert ran == ["good"]


async def test_a_hook_does_not_change_the_kind_of_work(bench) -> None:
    """SQ-93: the run was claimed for what it needs."""

    async def before_run(claim: Claimed):
        return msgspec.structs.replace(claim.spec, job=None, shell="echo no")

    async def work() -> None: ...

    async with bench.open(jobs={"work": work}, before_run=before_run) as tw:
        task = await ended(await tw.submit(job="work"))
        assert "changed the kind of its work" in task.error


async def test_a_stop_during_the_hook_holds_whatever_the_hook_makes_of_it(bench) -> None:
    """SQ-94: also when the hook swallows the cancellation; the work is never called."""
    asked, ran = asyncio.Event(), []

    async def work() -> None:
        ran.append("work")

    async def before_run(_: Claimed) -> None:
        asked.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async with bench.open(jobs={"work": work}, before_run=before_run) as tw:
        handle = await tw.submit(job="work")
        await asked.wait()
        await handle.cancel()
        assert (await ended(handle)).reason == "requested"
    assert ran == []


async def test_a_command_and_its_stop_go_through_the_hook(bench) -> None:
    """SQ-93, SQ-94: any kind of work; after the hook the stop is the program's."""

    async def before_run(claim: Claimed):
        return msgspec.structs.replace(claim.spec, shell="echo changed; exec sleep 100")

    async with bench.open(before_run=before_run, term_grace_s=0.5) as tw:
        handle = await tw.submit(shell="echo original")
        async for event in handle.events():
            if event.data.get("text"):
                assert event.data["text"] == "changed\n"
                await handle.cancel()
        assert (await ended(handle)).state == "cancelled"
