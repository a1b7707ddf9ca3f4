"""Graphs of any shape: everybody ends as the pure rules say, whatever the order of the ends (A16-A20, I8)."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxiway.clock import Ids, seeded_chance
from taxiway.core.dependency import verdict
from taxiway.core.queue import QueueState
from taxiway.core.run import Completed
from taxiway.core.task import Condition, Reason, TaskSpec, TaskState
from taxiway.store.sqlite.opening import Seams, open_sqlite
from taxiway.testing.clock import HandClock
from taxiway.testing.conformance.bench import Bench, failed, plan_of, spec_of
from tests.property.conftest import LONG, QUICK

Graph = list[tuple[TaskSpec, bool]]


@st.composite
def graphs(draw: st.DrawFn, most: int = 14) -> Graph:
    """Tasks named n0, n1, …, each behind some earlier ones, with whether it will fail when it runs."""
    made: Graph = []
    for number in range(draw(st.integers(1, most))):
        parents = draw(st.lists(st.integers(0, number - 1), max_size=4, unique=True)) if number else []
        after = [(f"n{parent}", draw(st.sampled_from(Condition))) for parent in parents]
        made.append((spec_of(name=f"n{number}", after=after, priority=draw(st.integers(0, 2))), draw(st.booleans())))
    return made


def ends(graph: Graph) -> dict[str, tuple[TaskState, Reason | None]]:
    """How everybody ends. A task with several parents that let it down may fall by any of them."""
    found: dict[str, tuple[TaskState, Reason | None]] = {}
    for spec, fails in graph:
        why = {verdict(*found[edge.task], edge.on) for edge in spec.after} - {None}
        if why:
            found[spec.name or ""] = (TaskState.CANCELLED, None if len(why) > 1 else why.pop())
        else:
            found[spec.name or ""] = (TaskState.FAILED, Reason.EXIT_CODE) if fails else (TaskState.COMPLETED, None)
    return found


def ambiguous(graph: Graph) -> bool:
    """Whether some task would fall for two reasons at once: then the order of the ends decides which."""
    return any(end == (TaskState.CANCELLED, None) for end in ends(graph).values())


async def run(graph: Graph, order: list[int], folder: Path) -> None:
    """Run a graph as a plan, ending live runs in an order that chance gives, and compare."""
    clock = HandClock()
    ids = Ids(clock, seeded_chance(1))
    seams = Seams(clock.now_ms, clock.elapsed_s, clock.pause, lambda: 0.5, ids.new)
    opened = await open_sqlite(folder / "a.db", seams, "test", 1_000)
    bench = Bench(opened.store, clock, Ids(clock, seeded_chance(2)))
    try:
        await bench.register()
        admitted = await bench.run_plan(plan_of(*(spec for spec, _ in graph)))
        fails = {spec.name: fails for spec, fails in graph}
        live = await bench.claim()
        ended: set[str] = set()
        for pick in order:
            if not live:
                break
            claimed = live.pop(pick % len(live))
            for edge in claimed.spec.after:
                assert edge.task in ended, "it started before its parent had ended"
            await bench.finish(claimed, failed() if fails[claimed.spec.name] else Completed())
            assert await bench.store.check() == []
            for name, task in admitted.ids.items():
                if (await bench.task(task)).ended:
                    ended.add(name)
            live += await bench.claim()
        expected = ends(graph)
        found = {name: await bench.standing(task) for name, task in admitted.ids.items()}
        assert found == expected
        queue = await bench.store.queue("plan")
        assert queue.open == 0
        assert queue.state is (QueueState.FAILED if unhandled(graph, expected) else QueueState.COMPLETED)
    finally:
        await opened.close()


def unhandled(graph: Graph, found: dict[str, tuple[TaskState, Reason | None]]) -> bool:
    """Whether a failure is left that no dependent handled, or something fell with one."""
    handled = {
        edge.task
        for spec, _ in graph
        for edge in spec.after
        if edge.on is Condition.FAILED and found[spec.name or ""][0] is TaskState.COMPLETED
    }
    return any(
        (state is TaskState.FAILED and name not in handled) or reason is Reason.DEPENDENCY_FAILED
        for name, (state, reason) in found.items()
    )


def check(graph: Graph, order: list[int], factory: pytest.TempPathFactory) -> None:
    """One graph, unless two reasons would race."""
    if not ambiguous(graph):
        asyncio.run(run(graph, order, factory.mktemp("graph")))


ORDERS = st.lists(st.integers(0, 1000), min_size=20, max_size=20)


@settings(QUICK, max_examples=25)
@given(graph=graphs(), order=ORDERS)
def test_every_graph_ends_as_the_pure_rules_say(
    graph: Graph, order: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A19, A20, I8: and the queue's end says whether an unhandled failure is left (A12)."""
    check(graph, order, tmp_path_factory)


@pytest.mark.proof
@pytest.mark.timeout(3_600)
@settings(LONG)
@given(graph=graphs(), order=ORDERS)
def test_very_many_graphs_end_as_the_pure_rules_say(
    graph: Graph, order: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A19, A20, I8."""
    check(graph, order, tmp_path_factory)
