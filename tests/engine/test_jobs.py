"""In-process jobs: Python functions, sync in threads and async on the loop."""

import asyncio
import sys
import threading

import pytest

import taxiway
from taxiway import EventType
from taxiway.jobs import REGISTRY
from tests.engine.conftest import DEADLINE_S, Bench, changed, ended, everything


async def test_a_job_gets_its_args_and_gives_its_result(bench) -> None:
    """Issue 2: sync and async alike; the result is JSON, None is no result."""

    def add(a: int, b: int) -> int:
        return a + b

    async def greet(*, name: str) -> dict:
        await asyncio.sleep(0)
        return {"hello": name}

    async with bench.open(jobs={"add": add, "greet": greet, "nothing": lambda: None}) as tw:
        assert (await ended(await tw.submit(job="add", args={"a": 1, "b": 2}))).result == 3
        assert (await ended(await tw.submit(job="greet", args={"name": "you"}))).result == {"hello": "you"}
        task = await ended(await tw.submit(job="nothing"))
        assert (task.state, task.result, task.output, task.exit_code) == ("completed", None, None, None)


async def test_a_registered_job_is_found_by_its_name(bench) -> None:
    """Surface 7: @taxiway.job and @taxiway.job(name=…); two functions of one name are refused."""

    @taxiway.job(name="registered-here")
    def one() -> str:
        return "one"

    try:
        async with bench.open() as tw:
            assert (await ended(await tw.submit(job="registered-here"))).result == "one"

        def other() -> str:
            return "two"

        with pytest.raises(taxiway.Invalid, match="two jobs called 'registered-here'"):
            taxiway.job(name="registered-here")(other)
    finally:
        del REGISTRY["registered-here"]


async def test_a_sync_job_runs_in_a_thread_and_holds_nothing_up(bench) -> None:
    """Issue 2: as many at once as there are slots, beside the engine's own work."""
    meet = threading.Barrier(12)

    def together() -> str:
        meet.wait(DEADLINE_S)
        return threading.current_thread().name

    async with bench.open(slots=12, jobs={"together": together}) as tw:
        tasks = await tw.submit_many([{"job": "together"} for _ in range(12)])
        names = {(await ended(task)).result for task in tasks}
    assert len(names) == 12
    assert threading.main_thread().name not in names


async def test_an_exception_fails_the_task_with_its_traceback_in_the_run_log(bench) -> None:
    """A41: one line in the task, all of it in the log; agent_error is retried like other failures."""

    def broken() -> None:
        raise ValueError("no such luck")

    async with bench.open(jobs={"broken": broken}) as tw:
        handle = await tw.submit(job="broken", retries=1, backoff={"first": 0})
        task = await ended(handle)
        assert (task.state, task.reason, task.attempt) == ("failed", "agent_error", 2)
        assert task.error == "ValueError: no such luck"
        errors = [event async for event in handle.events() if event.type is EventType.ERROR]
    assert len(errors) == 2
    assert "in broken" in errors[0].data["text"]


@pytest.mark.parametrize(
    "raised",
    [SystemExit(3), StopIteration("x"), asyncio.CancelledError("x"), TimeoutError("x"), ValueError("half \ud800")],
    ids=lambda raised: type(raised).__name__,
)
@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_whatever_a_job_raises_it_fails_alone(bench, raised, kind) -> None:
    """I13, A41: not the runner, not its neighbours; and the run has an end."""

    def sync() -> None:
        raise raised

    async def coroutine() -> None:
        raise raised

    async with bench.open(jobs={"sync": sync, "async": coroutine}) as tw:
        task = await ended(await tw.submit(job=kind))
        assert (task.state, task.reason) == ("failed", "agent_error")
        assert (await ended(await tw.submit(command=["true"]))).state == "completed"


@pytest.mark.parametrize(
    "result", [object(), {1, 2, 3j}, {"x": lambda: 1}, "half \ud800"], ids=["object", "set", "function", "surrogate"]
)
async def test_a_result_that_is_no_json_fails_the_task(bench, result) -> None:
    """Issue 2: said in one sentence, and nothing half is kept."""
    async with bench.open(jobs={"give": lambda: result}) as tw:
        task = await ended(await tw.submit(job="give"))
    assert (task.state, task.reason, task.result) == ("failed", "agent_error", None)
    assert "no JSON" in task.error


async def test_a_result_that_is_too_large_fails_the_task(bench) -> None:
    """I18: 1 MiB is the most; the text says so."""
    async with bench.open(jobs={"give": lambda: "x" * (1 << 20)}) as tw:
        task = await ended(await tw.submit(job="give"))
    assert (task.state, task.reason) == ("failed", "agent_error")
    assert str(1 << 20) in task.error


async def test_a_result_that_refers_to_itself_fails_the_task(bench) -> None:
    """I13."""
    endless: list = []
    endless.append(endless)
    async with bench.open(jobs={"give": lambda: endless}) as tw:
        assert (await ended(await tw.submit(job="give"))).reason == "agent_error"


async def test_wrong_args_fail_the_task(bench) -> None:
    """A41: a call that does not fit its function."""
    async with bench.open(jobs={"add": lambda a: a}) as tw:
        task = await ended(await tw.submit(job="add", args={"b": 1}))
    assert (task.state, task.reason) == ("failed", "agent_error")
    assert "unexpected keyword argument 'b'" in task.error


async def test_an_async_job_is_cancelled_in_its_await(bench) -> None:
    """B22, I6: it may tidy up; the task is cancelled when it has ended."""
    tidied = asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            tidied.set()

    async with bench.open(jobs={"forever": forever}) as tw:
        handle = await tw.submit(job="forever")
        await changed(tw, handle.id, "running")
        await handle.cancel()
        task = await ended(handle)
    assert (task.state, task.reason) == ("cancelled", "requested")
    assert tidied.is_set()


async def test_an_async_job_that_fails_while_it_is_cancelled_is_cancelled(bench) -> None:
    """B24: what it says after the stop does not count, be it an error or a result."""

    async def stubborn(how: str) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if how == "error":
                raise ValueError("too late") from None
        return "too late"

    async with bench.open(jobs={"stubborn": stubborn}) as tw:
        for how in ("error", "result"):
            handle = await tw.submit(job="stubborn", args={"how": how}, retries=2)
            await changed(tw, handle.id, "running")
            await handle.cancel()
            task = await ended(handle)
            assert (task.state, task.reason, task.result) == ("cancelled", "requested", None)


async def test_an_async_job_times_out(bench) -> None:
    """B14: cancelled in its await, with the reason 'timeout'; one that swallows it is too late all the same."""

    async def slow(swallow: bool) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not swallow:
                raise
        return "late"

    async with bench.open(jobs={"slow": slow}) as tw:
        for swallow in (False, True):
            task = await ended(await tw.submit(job="slow", args={"swallow": swallow}, timeout=0.1))
            assert (task.state, task.reason, task.result) == ("failed", "timeout", None)


@pytest.mark.parametrize("how", ["cancel", "timeout"])
async def test_a_sync_job_holds_its_slot_until_its_thread_returns(bench, how) -> None:
    """B8, I3, I6: nobody can stop a thread, so its run lasts; nothing starts beside it, and it ends as asked."""
    inside, go_on = threading.Event(), threading.Event()
    live: list[str] = []

    def hold(name: str) -> list[str]:
        live.append(name)
        if name == "first":
            inside.set()
            go_on.wait(DEADLINE_S)
        seen = list(live)
        live.remove(name)
        return seen

    async with bench.open(jobs={"hold": hold}) as tw:
        await tw.set_lane("one", 1)
        spec = {"timeout": 0.1} if how == "timeout" else {}
        first = await tw.submit(job="hold", args={"name": "first"}, lane="one", **spec)
        second = await tw.submit(job="hold", args={"name": "second"}, lane="one")
        await asyncio.to_thread(inside.wait, DEADLINE_S)
        if how == "cancel":
            await first.cancel()
        proof = await tw.submit(command=["true"], delay=0.4)
        await ended(proof)
        assert (await first.get()).state == "running"
        assert (await second.get()).state == "queued"
        go_on.set()
        task = await ended(first)
        assert (task.state, task.reason) == (("cancelled", "requested") if how == "cancel" else ("failed", "timeout"))
        assert (await ended(second)).result == ["second"]


async def test_a_job_that_this_runner_does_not_know_is_left_to_another_one(bench) -> None:
    """Semantics, The claim: a runner's scope holds the jobs it knows; explain says so."""
    async with bench.open(jobs={}) as tw:
        handle = await tw.submit(job="elsewhere")
        proof = await tw.submit(command=["true"])
        await ended(proof)
        assert (await handle.get()).state == "queued"
        assert [obstacle.kind for obstacle in await handle.explain()] == ["runner_scope"]
        async with bench.open(jobs={"elsewhere": lambda: "here"}):
            assert (await ended(handle)).result == "here"


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_job_knows_its_run(bench, kind) -> None:
    """Surface 7: current_run() says which task, run and attempt; outside of a job there is none."""

    def look() -> list:
        run = taxiway.current_run()
        if run.attempt == 1:
            raise ValueError("again")
        return [run.task, run.run, run.attempt]

    async def look_async() -> list:
        return look()

    async with bench.open(jobs={"sync": look, "async": look_async}) as tw:
        handle = await tw.submit(job=kind, retries=1, backoff={"first": 0})
        task = await ended(handle)
        assert task.result == [handle.id, (await handle.runs())[1].id, 2]
    with pytest.raises(LookupError):
        taxiway.current_run()


async def test_a_job_that_talks_to_its_own_taxiway_may_submit_more(bench) -> None:
    """I14: a job may use the verbs; what they raise is its own failure, not the engine's."""
    box: dict = {}

    async def parent() -> str:
        child = await box["tw"].submit(command=["echo", "child"])
        return (await child.wait(DEADLINE_S)).output

    async def refused() -> None:
        await box["tw"].task("task_00000000000000000000000000")

    async with bench.open(jobs={"parent": parent, "refused": refused}) as tw:
        box["tw"] = tw
        assert (await ended(await tw.submit(job="parent"))).result == "child\n"
        task = await ended(await tw.submit(job="refused"))
        assert (task.state, task.reason) == ("failed", "agent_error")


async def test_a_sync_jobs_work_is_not_thrown_away_by_a_drain(bench: Bench) -> None:
    """Semantics, Counters: a drain waits for the thread, and what it completed is completed, once."""
    inside, go_on = threading.Event(), threading.Event()
    calls: list[int] = []

    def work() -> str:
        calls.append(1)
        inside.set()
        go_on.wait(DEADLINE_S)
        return "done"

    async with bench.open(jobs={"work": work}) as tw:
        handle = await tw.submit(job="work")
        await asyncio.to_thread(inside.wait, DEADLINE_S)
        asyncio.get_running_loop().call_later(0.2, go_on.set)
    async with bench.open(jobs={"work": work}) as tw:
        task = await tw.wait(handle.id, DEADLINE_S)
        assert (task.state, task.result) == ("completed", "done")
    assert len(calls) == 1


async def test_a_deep_result_is_read_back_as_it_was(bench) -> None:
    """Issue 2: JSON in, JSON out, with big numbers and text in every script."""
    value = {"big": 2**62, "text": "ж\N{SNOWMAN}\0", "list": [None, True, 1.5], "": {}}
    async with bench.open(jobs={"give": lambda: value}) as tw:
        assert (await ended(await tw.submit(job="give"))).result == value
        assert len(await everything(tw)) == 1


async def test_recursion_in_a_job_is_its_own_failure(bench) -> None:
    """I13: a stack that overflows is a RecursionError like any other."""

    def dive() -> None:
        dive()

    async with bench.open(jobs={"dive": dive}) as tw:
        task = await ended(await tw.submit(job="dive"))
    assert "RecursionError" in task.error
    assert sys.getrecursionlimit() > 0
