"""What ends a run while it waits for a person, and what limits that change do to it meanwhile.

Semantics, "Waiting for a person".
"""

from __future__ import annotations

from typing import Any

import pytest

from taxiway.core.approval import ApprovalState
from taxiway.core.change import ChangeKind
from taxiway.core.errors import NotFound, NotPending
from taxiway.core.event import EventType
from taxiway.core.queue import QueueState
from taxiway.core.run import Cancelled, Completed, Deferred, Lost, StopCause
from taxiway.core.task import Reason, TaskState
from taxiway.testing.conformance.approving import PENDING, RUNNING, ask, running, small
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed


class Abandoning(Suite):
    """Whatever ends a run while it waits, its questions are void, and nothing of it is left."""

    @pytest.mark.parametrize(
        "outcome", [Completed(), failed(Reason.AGENT_ERROR), Lost(), Deferred("no room"), Cancelled(Reason.INTERRUPTED)]
    )
    @pytest.mark.parametrize("answered", [False, True])
    async def test_its_end_makes_its_questions_void(self, bench: Bench, outcome: Any, answered: bool) -> None:
        """I14: whether it was answered meanwhile or not; an answer after the end is refused."""
        await small(bench)
        run = await running(bench, queue="q", lane="x", retries=1)
        asked, open_still = await ask(bench, run), await ask(bench, run)
        await bench.store.decide(asked.id, True, None, "ann")
        if answered:
            await bench.store.decide(open_still.id, True, None, "ann")
        await bench.finish(run, outcome)
        assert await bench.store.check() == []
        assert await bench.store.resume(bench.runner, 8) == []
        with pytest.raises(NotPending, match="first answer stands" if answered else r"is void \(its run has ended\)"):
            await bench.store.decide(open_still.id, True, None, "bob")
        assert (await bench.store.events(run.run, 0, 500))[-1].type is EventType.RUN_FINISHED

    async def test_a_lost_run_asks_again_only_if_its_agent_does(self, bench: Bench) -> None:
        """Semantics: a dead process makes the question void; the task is queued at once."""
        run = await running(bench)
        await ask(bench, run)
        await bench.finish(run, Lost())
        assert await bench.standing(run.task) == (TaskState.QUEUED, None)
        again = await bench.take()
        assert again.task == run.task
        assert (await bench.store.approvals(PENDING, 50, None)).items == []
        assert (await ask(bench, again)).state is ApprovalState.PENDING

    async def test_a_cancel_reaches_a_run_that_waits(self, bench: Bench) -> None:
        """I15: it is stopped like any other, without slots; who answers now is told."""
        await small(bench)
        run = await running(bench, queue="q", lane="x")
        asked = await ask(bench, run)
        await bench.store.cancel(run.task, ACTOR)
        assert await bench.standing(run.task) == (TaskState.RUNNING, Reason.CANCELLING)
        assert [stop.cause for stop in await bench.store.stop_requests(bench.runner)] == [StopCause.CANCEL]
        with pytest.raises(NotPending, match=r"is void \(its task is being cancelled\)"):
            await bench.store.decide(asked.id, True, None, "ann")
        assert (await ask(bench, run)).state is ApprovalState.VOID, "a run that is being stopped asks nobody"
        assert await bench.store.check() == []
        assert await bench.store.resume(bench.runner, 8) == []
        await bench.finish(run, Cancelled(Reason.REQUESTED))
        assert await bench.standing(run.task) == (TaskState.CANCELLED, Reason.REQUESTED)

    @pytest.mark.parametrize("cause", [StopCause.DRAIN, StopCause.TIMEOUT, StopCause.STALLED])
    async def test_a_runner_may_stop_its_run_while_it_waits(self, bench: Bench, cause: StopCause) -> None:
        """Semantics: a drain, or a clock that ran out before the question was stored."""
        run = await running(bench)
        asked = await ask(bench, run)
        await bench.store.request_stop(run.run, run.fence, cause)
        assert await bench.standing(run.task) == RUNNING
        assert (await bench.store.approval(asked.id)).state is ApprovalState.VOID
        assert await bench.store.check() == []
        assert await bench.store.resume(bench.runner, 8) == []

    async def test_a_cancel_between_the_answer_and_the_going_on_wins(self, bench: Bench) -> None:
        """I15: it does not go on, and its agent is told nothing."""
        run = await running(bench)
        asked = await ask(bench, run)
        await bench.store.decide(asked.id, True, None, "ann")
        await bench.store.cancel(run.task, ACTOR)
        assert await bench.store.resume(bench.runner, 8) == []
        assert await bench.store.check() == []

    async def test_a_queue_that_is_being_stopped_waits_for_it(self, bench: Bench) -> None:
        """Semantics, "Queues": what is in flight comes to its end, and for that it must hear what was said."""
        await bench.store.make_queue("q", None, ACTOR)
        run = await running(bench, queue="q")
        asked = await ask(bench, run)
        await bench.store.move_queue("q", "stop", ACTOR)
        await bench.settle()
        assert (await bench.store.queue("q")).state is QueueState.STOPPING
        await bench.store.decide(asked.id, True, None, "ann")
        assert len(await bench.store.resume(bench.runner, 8)) == 1
        await bench.finish(run)
        assert (await bench.store.queue("q")).state is QueueState.COMPLETED

    async def test_a_paused_queue_does_not_keep_it_from_going_on(self, bench: Bench) -> None:
        """Semantics, "Queues": pausing starts nothing, and it has started."""
        run = await running(bench)
        asked = await ask(bench, run)
        await bench.store.move_queue("default", "pause", ACTOR)
        await bench.store.decide(asked.id, True, None, "ann")
        assert len(await bench.store.resume(bench.runner, 8)) == 1

    async def test_a_draining_runner_still_brings_answers(self, bench: Bench) -> None:
        """SQ-81: what runs comes to its own end, and for that it must hear what was said."""
        run = await running(bench)
        asked = await ask(bench, run)
        await bench.store.retire(bench.runner, "draining")
        await bench.store.decide(asked.id, True, None, "ann")
        assert len(await bench.store.resume(bench.runner, 8)) == 1

    async def test_a_limit_that_is_set_meanwhile_counts_it_when_it_is_back(self, bench: Bench) -> None:
        """A30, I3: while it waits it holds no slot of a lane that had no limit; later it takes one."""
        await bench.store.set_lane("x", None, ACTOR)
        waiting, other = [await running(bench, lane="x") for _ in range(2)]
        asked = await ask(bench, waiting)
        await bench.store.set_lane("x", 1, ACTOR)
        assert await bench.store.check() == []
        await bench.store.decide(asked.id, True, None, "ann")
        assert await bench.store.resume(bench.runner, 8) == []
        await bench.finish(other)
        assert len(await bench.store.resume(bench.runner, 8)) == 1
        assert await bench.store.check() == []

    async def test_a_raised_limit_lets_it_go_on(self, bench: Bench) -> None:
        """I14: nobody has to end for it."""
        await bench.store.set_lane("x", 1, ACTOR)
        waiting = await running(bench, lane="x")
        asked = await ask(bench, waiting)
        await running(bench, lane="x")
        await bench.store.decide(asked.id, True, None, "ann")
        await bench.store.set_lane("x", 2, ACTOR)
        assert len(await bench.store.resume(bench.runner, 8)) == 1

    async def test_its_session_is_held_meanwhile(self, bench: Bench) -> None:
        """Semantics, "Order inside a session": a head that waits for a person holds it."""
        await bench.send("s", "first")
        second = await bench.send("s", "second")
        run = await bench.take()
        await bench.store.started(run.run, run.fence, None)
        asked = await ask(bench, run)
        assert asked.session == "s"
        assert asked.agent == "fake"
        assert await bench.claim() == []
        await bench.finish(run)
        assert (await bench.take()).task == second.id

    async def test_forgetting_its_task_forgets_what_it_asked(self, bench: Bench) -> None:
        """A22: with a tombstone in the change log."""
        run = await running(bench)
        asked = await ask(bench, run)
        assert not await bench.store.remove(run.task, ACTOR), "not while it waits"
        await bench.finish(run)
        assert await bench.store.remove(run.task, ACTOR)
        with pytest.raises(NotFound):
            await bench.store.approval(asked.id)
        told = [one for one in await bench.store.changes(0, 500) if one.kind is ChangeKind.APPROVAL]
        assert [one.state for one in told] == ["pending", "void", "removed"]
