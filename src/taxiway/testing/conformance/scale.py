"""Large graphs: ends reach everybody, in pages that hold up nobody (A20, I8, I14, I18)."""

from __future__ import annotations

import pytest

from taxiway.core.limits import CASCADE_ROWS_MAX
from taxiway.core.queue import QueueState
from taxiway.core.run import Completed, Outcome
from taxiway.core.task import TaskState
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed, plan_of, spec_of

WIDE = 10_000


class Scaling(Suite):
    """Ten thousand dependents, side by side and one behind the other."""

    async def test_a_fan_out_beyond_one_page_is_settled_in_pages(self, bench: Bench) -> None:
        """A20: the first page at once, the rest as fast as anybody comes by; the claim respects what is pending."""
        await bench.submit(name="p")
        width = CASCADE_ROWS_MAX * 2 + 500
        await bench.submit_all(*(bench.new(after=["p"]) for _ in range(width)))
        await bench.end_next()
        assert await bench.store.check() == []
        stats = await bench.store.queue_stats("default")
        assert stats.by_state == {"completed": 1, "queued": CASCADE_ROWS_MAX, "blocked": width - CASCADE_ROWS_MAX}
        assert await bench.store.next_due() == 0
        assert await bench.store.advance(CASCADE_ROWS_MAX) == CASCADE_ROWS_MAX
        assert await bench.store.check() == []
        await bench.settle()
        assert (await bench.store.queue_stats("default")).by_state == {"completed": 1, "queued": width}
        assert await bench.store.next_due() is None

    @pytest.mark.parametrize("outcome", [Completed(), failed()], ids=["completed", "failed"])
    async def test_ten_thousand_wait_for_one(self, bench: Bench, outcome: Outcome) -> None:
        """I8, A20."""
        specs = [spec_of(name="p"), *(spec_of(name=f"c{index}", after=["p"]) for index in range(WIDE))]
        await bench.run_plan(plan_of(*specs))
        await bench.end_next(outcome)
        await bench.settle()
        states = (await bench.store.queue_stats("plan")).by_state
        if isinstance(outcome, Completed):
            assert states == {"completed": 1, "queued": WIDE}
        else:
            assert states == {"failed": 1, "cancelled": WIDE}
            assert (await bench.store.queue("plan")).state is QueueState.FAILED

    async def test_one_waits_for_ten_thousand(self, bench: Bench) -> None:
        """I8: unlimited fan-in; the last one to end lets it go."""
        parents = [spec_of(name=f"p{index}") for index in range(WIDE)]
        join = spec_of(name="join", after=[spec.name or "" for spec in parents])
        admitted = await bench.run_plan(plan_of(*parents, join))
        assert (await bench.task(admitted.ids["join"])).unmet == WIDE
        done = await bench.drain()
        assert done[-1] == admitted.ids["join"]
        assert (await bench.store.queue("plan")).state is QueueState.COMPLETED

    async def test_a_chain_of_ten_thousand_falls_to_its_end(self, bench: Bench) -> None:
        """A20, DA5: unlimited depth."""
        specs = [spec_of(name="t0")]
        specs += [spec_of(name=f"t{depth}", after=[f"t{depth - 1}"]) for depth in range(1, WIDE)]
        admitted = await bench.run_plan(plan_of(*specs))
        await bench.end_next(failed())
        await bench.settle()
        assert (await bench.store.queue_stats("plan")).by_state == {"failed": 1, "cancelled": WIDE - 1}
        assert (await bench.task(admitted.ids[f"t{WIDE - 1}"])).state is TaskState.CANCELLED
        ids = await bench.store.retry(admitted.ids["t0"], ACTOR)
        assert len(ids) == WIDE
        assert (await bench.task(ids[-1])).spec.name == f"t{WIDE - 1}"

    async def test_a_stop_beyond_one_page_cancels_everybody(self, bench: Bench) -> None:
        """A10."""
        await bench.store.make_queue("q", None, ACTOR)
        width = CASCADE_ROWS_MAX + 500
        await bench.submit_all(*(bench.new(queue="q") for _ in range(width)))
        await bench.store.move_queue("q", "stop", ACTOR)
        assert await bench.claim() == []
        await bench.settle()
        assert (await bench.store.queue_stats("q")).by_reason == {"cancelled/queue_stopped": width}
        assert (await bench.store.queue("q")).state is QueueState.COMPLETED
