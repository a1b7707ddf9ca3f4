"""Claims: what one costs with a million tasks behind it, beside what it costs with a thousand."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.depth import deepen
from benchmarks.figure import Figure, at_most
from benchmarks.place import Place
from benchmarks.stores import FILE, opened_store
from taxiway.clock import Ids
from taxiway.core.plan import Plan
from taxiway.core.readiness import Scope
from taxiway.core.run import Completed
from taxiway.core.task import Dependency, TaskSpec
from taxiway.store.protocol import NewTask, Runner, Store

SHALLOW = 1_000
DEEP = 1_000_000
GROUPS = 10_000
CLAIMS = 110
FREE = 8
AGENT = "side"  #: and its account

Prepare = Callable[[Store, Ids], Awaitable[str]]


async def depths(place: Place) -> list[Figure]:
    """A thousand against a million waiting: in the open, and shut in behind each kind of gate."""
    cases: dict[str, Prepare] = {
        "1,000,000 waiting": _open,
        "999,000 of them in a full lane": _full_lane,
        "999,000 of them in a paused queue": _paused_queue,
        "999,000 of them in a parked account": _parked_account,
        "999,000 of them behind a blocked parent": _blocked,
    }
    figures = []
    for name, prepare in cases.items():
        shallow, deep = await _filled(place, _open, SHALLOW), await _filled(place, prepare, DEEP)
        raw, measured, ratio = await compare(shallow, deep)
        place.forget(deep)
        figures.append(_figure("claim-depth", name, raw, measured, ratio, "1,000 waiting", 1.2))
    return figures


async def groups(place: Place) -> list[Figure]:
    """Ten thousand tasks in one group against one task in each of ten thousand."""
    figures = []
    for name, prepare in {
        "10,000 queues in one lane": _many_queues,
        "10,000 lanes": _many_lanes,
    }.items():
        one, many = await _filled(place, _open, GROUPS), await _filled(place, prepare, 0)
        raw, measured, ratio = await compare(one, many)
        figures.append(_figure("claim-groups", name, raw, measured, ratio, "10,000 tasks in one group", 3))
    return figures


async def accounts(place: Place) -> list[Figure]:
    """One account whose work waits in one queue, against one whose work waits in ten thousand queues or lanes; each
    claim takes its last slot. And what parking it by hand, and releasing it, costs then."""
    one = await _filled(place, _one_queue_of_an_account, 0, of_account=True)
    figures = []
    for name, prepare in {"queues": _queues_of_an_account, "lanes": _lanes_of_an_account}.items():
        many = await _filled(place, prepare, 0, of_account=True)
        raw, measured, ratio = await compare(one, many)
        what = f"one account that it fills, {GROUPS:,} {name}"
        figures.append(_figure("claim-accounts", what, raw, measured, ratio, "in one queue", 3))
        raw, measured, ratio = await _compare_parking(one, many)
        figures.append(
            Figure(
                scenario="claim-accounts",
                name=f"parking and releasing an account, {GROUPS:,} {name}",
                unit="us",
                measured=measured,
                raw=raw,
                raw_name="with one queue",
                ratio=ratio,
                goals=(at_most(3, "ratio"),),
            )
        )
    return figures


async def _compare_parking(one: Path, many: Path) -> tuple[float, float, float]:
    costs: dict[Path, list[float]] = {one: [], many: []}
    async with AsyncExitStack() as stack:
        stores = [(folder, (await stack.enter_async_context(opened_store(folder)))[0].store) for folder in (one, many)]
        for _ in range(CLAIMS):
            for folder, store in stores:
                began = time.perf_counter()
                await store.park_account(AGENT, None, "", "bench")
                await store.release_account(AGENT, "bench")
                costs[folder].append((time.perf_counter() - began) * 1e6)
    raw, measured = (statistics.median(costs[folder][5:]) for folder in (one, many))
    return raw, measured, measured / raw


def _figure(scenario: str, name: str, raw: float, measured: float, ratio: float, base: str, goal: float) -> Figure:
    return Figure(
        scenario=scenario,
        name=f"cost of a claimed task, {name}",
        unit="us",
        measured=measured,
        raw=raw,
        raw_name=base,
        ratio=ratio,
        goals=(at_most(goal, "ratio"),),
    )


async def _filled(place: Place, prepare: Prepare, tasks: int, of_account: bool = False) -> Path:
    """A store with ``SHALLOW`` tasks that may start, and as many more as ``prepare`` would have it, up to ``tasks``.
    They are jobs, or prompts ``of_account``."""
    folder = place.fresh("claims")
    async with opened_store(folder) as (opened, ids):
        deep = await prepare(opened.store, ids)
    if deep:
        deepen(folder / FILE, deep, max(0, tasks - SHALLOW))
    async with opened_store(folder) as (opened, ids):
        spec = TaskSpec(prompt="go", agent=AGENT, priority=1) if of_account else TaskSpec(job="noop", priority=1)
        await opened.store.submit([NewTask(ids.new("task"), spec, b"h") for _ in range(SHALLOW)], "bench")
    return folder


async def compare(shallow: Path, deep: Path) -> tuple[float, float, float]:
    """Claims of eight in both stores in turn; the medians per task in microseconds, and their ratio."""
    costs: dict[Path, list[float]] = {shallow: [], deep: []}
    async with AsyncExitStack() as stack:
        sides = []
        for folder in (shallow, deep):
            opened, ids = await stack.enter_async_context(opened_store(folder))
            runner = ids.new("runner")
            await opened.store.register(Runner(id=runner, host="h", boot_id="b", pid=1, slots=FREE))
            sides.append((folder, opened.store, runner))
        for _ in range(CLAIMS):
            for folder, store, runner in sides:
                began = time.perf_counter()
                claimed = await store.claim(runner, Scope(), FREE)
                costs[folder].append((time.perf_counter() - began) / FREE * 1e6)
                assert len(claimed) == FREE, f"{len(claimed)} claimed"
                for one in claimed:
                    await store.finish(one.run, one.fence, Completed(), 0.5)
    raw, measured = (statistics.median(costs[folder][5:]) for folder in (shallow, deep))
    return raw, measured, measured / raw


async def _submit(store: Store, ids: Ids, **fields: object) -> str:
    new = NewTask(ids.new("task"), TaskSpec(job="noop", **fields), b"h")  # type: ignore[arg-type]
    await store.submit([new], "bench")
    return new.id


async def _open(store: Store, ids: Ids) -> str:
    return await _submit(store, ids)


async def _full_lane(store: Store, ids: Ids) -> str:
    await store.set_lane("side", 1, "bench")
    await _submit(store, ids, lane="side", priority=1_000)
    runner = ids.new("runner")
    await store.register(Runner(id=runner, host="h", boot_id="b", pid=1, slots=1))
    assert len(await store.claim(runner, Scope(), 1)) == 1
    return await _submit(store, ids, lane="side", priority=500)


async def _paused_queue(store: Store, ids: Ids) -> str:
    await store.make_queue("side", None, "bench")
    await store.move_queue("side", "pause", "bench")
    return await _submit(store, ids, queue="side", priority=500)


async def _parked_account(store: Store, ids: Ids) -> str:
    await store.park_account("side", None, "", "bench")
    new = NewTask(ids.new("task"), TaskSpec(prompt="go", agent="side", priority=500), b"h")
    await store.submit([new], "bench")
    return new.id


async def _blocked(store: Store, ids: Ids) -> str:
    await store.make_queue("side", None, "bench")
    await store.move_queue("side", "pause", "bench")
    parent = await _submit(store, ids, queue="side")
    return await _submit(store, ids, after=(Dependency(parent),), priority=500)


async def _one_queue_of_an_account(store: Store, ids: Ids) -> str:
    await store.limit_account(AGENT, FREE, "bench")
    specs = [TaskSpec(prompt="go", agent=AGENT, priority=2)] * GROUPS
    await _submit_all(store, ids, specs)
    return ""


async def _queues_of_an_account(store: Store, ids: Ids) -> str:
    await store.limit_account(AGENT, FREE, "bench")
    await _make_queues(store)
    await _submit_all(
        store, ids, [TaskSpec(prompt="go", agent=AGENT, queue=f"q{number}", priority=2) for number in range(GROUPS)]
    )
    return ""


async def _lanes_of_an_account(store: Store, ids: Ids) -> str:
    await store.limit_account(AGENT, FREE, "bench")
    await _submit_lanes(store, ids, prompt="go", agent=AGENT)
    return ""


async def _many_queues(store: Store, ids: Ids) -> str:
    await _make_queues(store)
    await _submit_all(store, ids, [TaskSpec(job="noop", queue=f"q{number}", priority=2) for number in range(GROUPS)])
    return ""


async def _make_queues(store: Store) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(GROUPS):
            group.create_task(store.make_queue(f"q{number}", None, "bench"))


async def _submit_all(store: Store, ids: Ids, specs: Sequence[TaskSpec]) -> None:
    for start in range(0, len(specs), 1_000):
        await store.submit([NewTask(ids.new("task"), spec, b"h") for spec in specs[start : start + 1_000]], "bench")


async def _many_lanes(store: Store, ids: Ids) -> str:
    await _submit_lanes(store, ids, job="noop")
    return ""


async def _submit_lanes(store: Store, ids: Ids, **work: str) -> None:
    """A plan whose tasks have a lane each."""
    lanes: dict[str, int | None] = {f"l{number}": 4 for number in range(GROUPS)}
    specs = tuple(TaskSpec(name=lane, queue="plan", lane=lane, priority=2, **work) for lane in lanes)  # type: ignore[arg-type]
    plan = Plan(queue="plan", project="", tasks=specs, lanes=lanes, slots=None, source="bench")
    await store.submit_plan(plan, [NewTask(ids.new("task"), spec, b"h") for spec in specs], False, "bench")
