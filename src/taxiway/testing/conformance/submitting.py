"""Submitting: whole or nothing, once for each key, refused with what would be right (A15-A21, B1, I1, I9)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from taxiway.core.errors import Conflict, Full, IdempotencyMismatch, Invalid, NotFound, QueueEnded, QueueStopping
from taxiway.core.policy import Drop
from taxiway.core.task import Backoff, Reason, TaskState
from taxiway.store.protocol import NewTask, TaskFilter
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed, spec_of


class Submitting(Suite):
    """What a submit promises."""

    async def test_a_submitted_task_is_there_as_it_was_asked_for(self, bench: Bench) -> None:
        """C40, B1, A15, I17: the spec as given, the counters at zero, the times of the store's clock."""
        asked = bench.new(name="one", priority=3, labels={"team": "red"}, metadata={"deep": [1, {"x": None}]})
        [answer] = await bench.submit_all(asked)
        found = await bench.task(asked.id)
        assert (answer.id, answer.state, answer.created) == (asked.id, TaskState.QUEUED, True)
        assert found.spec == asked.spec
        assert (found.attempt, found.fence, found.crashes, found.unmet) == (0, 0, 0, 0)
        assert found.created_at == bench.clock.now_ms()
        assert (found.started_at, found.finished_at, found.run) == (None, None, None)

    async def test_what_a_submit_tells_of_its_tasks_is_what_is_there(self, bench: Bench) -> None:
        """C40, I9: whatever a task was born as, also when its key was known, or a later one of the call moved it."""
        fallen = await bench.submit(name="fallen", expires_s=5)
        await bench.pass_time(6)
        await bench.session("s", max_concurrent=1, drop=Drop.OLD, cap=1)
        known = bench.new(idempotency_key="k", expires_s=60)
        await bench.submit_all(known)
        asked = [
            bench.new(name="one", labels={"team": "red"}, timeout_s=30, backoff=Backoff(first_s=2)),
            bench.new(after=["one"], delay_s=7),
            bench.new(after=[fallen]),
            bench.new(delay_s=3, expires_s=9.5),
            bench.new(idempotency_key="k", expires_s=60),
            bench.new(session="s", position=1),
            bench.new(session="s"),
            bench.new(session="s"),
        ]
        admitted = await bench.store.submit_and_read(asked, ACTOR)
        assert [task for _, task in admitted] == [await bench.task(answer.id) for answer, _ in admitted]
        assert [answer.created for answer, _ in admitted] == [True, True, True, True, False, True, True, True]
        assert {task.state for _, task in admitted} >= {TaskState.BLOCKED, TaskState.SCHEDULED, TaskState.CANCELLED}

    async def test_a_submit_with_one_bad_task_admits_none(self, bench: Bench) -> None:
        """I1: whole or nothing, whatever stood before the bad one."""
        before = await bench.store.last_version()
        with pytest.raises(Invalid):
            await bench.submit_all(bench.new(), bench.new(), bench.new(after=["nobody"]))
        assert await bench.store.last_version() == before
        assert (await bench.store.tasks(TaskFilter(), 10, None)).items == []
        assert (await bench.store.queue("default")).open == 0

    async def test_a_bad_submit_spoils_no_other_that_goes_at_the_same_time(self, bench: Bench) -> None:
        """I1: callers that share a transaction share nothing else."""
        good = [bench.new() for _ in range(20)]
        bad = [bench.new(after=["nobody"]) for _ in range(20)]
        mixed = [task for pair in zip(good, bad, strict=True) for task in pair]
        answers = await asyncio.gather(*(bench.submit_all(task) for task in mixed), return_exceptions=True)
        assert [isinstance(answer, Invalid) for answer in answers] == [False, True] * 20
        page = await bench.store.tasks(TaskFilter(), 100, None)
        assert {task.id for task in page.items} == {task.id for task in good}

    async def test_text_that_no_database_can_hold_spoils_only_its_own_call(self, bench: Bench) -> None:
        """I1, I18: a lone surrogate is one caller's mistake."""
        bad = NewTask(bench.ids.new("task"), spec_of(metadata={"x": "\ud800"}), b"hash")
        answers = await asyncio.gather(
            bench.submit_all(bad),
            *(bench.submit() for _ in range(5)),
            return_exceptions=True,
        )
        assert isinstance(answers[0], Exception)
        assert all(isinstance(answer, str) for answer in answers[1:])
        assert len(await bench.claim()) == 5

    async def test_a_repeated_call_means_by_a_name_the_task_that_its_key_stands_for(self, bench: Bench) -> None:
        """I9: also when another task bears that name by now."""
        await bench.submit(name="a", idempotency_key="k")
        await bench.drain()
        await bench.submit(name="a")
        _, child = await bench.submit_all(bench.new(name="a", idempotency_key="k"), bench.new(after=["a"]))
        assert child.state is TaskState.QUEUED

    async def test_the_same_key_gives_the_same_task(self, bench: Bench) -> None:
        """I9, C41: the first result comes back, and nothing is made."""
        first = bench.new(idempotency_key="k")
        again = bench.new(idempotency_key="k")
        [made] = await bench.submit_all(first)
        version = await bench.store.last_version()
        [known] = await bench.submit_all(again)
        assert (known.id, known.created) == (made.id, False)
        assert await bench.store.last_version() == version

    async def test_the_same_key_gives_the_same_task_also_when_it_has_ended(self, bench: Bench) -> None:
        """I9, C41: for as long as the task exists."""
        [made] = await bench.submit_all(bench.new(idempotency_key="k"))
        await bench.end_next()
        [known] = await bench.submit_all(bench.new(idempotency_key="k"))
        assert (known.id, known.state, known.created) == (made.id, TaskState.COMPLETED, False)

    async def test_the_same_key_with_another_payload_is_refused(self, bench: Bench) -> None:
        """I9, C41: the text names the task that holds the key."""
        first = await bench.submit(idempotency_key="k")
        with pytest.raises(IdempotencyMismatch, match=first):
            await bench.submit(idempotency_key="k", priority=1)
        assert len(await bench.claim()) == 1

    async def test_many_copies_at_the_same_time_make_one_task(self, bench: Bench) -> None:
        """I9: 64 concurrent copies."""
        copies = [bench.new(idempotency_key="k") for _ in range(64)]
        answers = await asyncio.gather(*(bench.submit_all(copy) for copy in copies))
        assert len({answer.id for [answer] in answers}) == 1
        assert sum(answer.created for [answer] in answers) == 1

    async def test_the_same_key_twice_in_one_call_is_one_task(self, bench: Bench) -> None:
        """I9: the second is answered with the first."""
        answers = await bench.submit_all(bench.new(idempotency_key="k"), bench.new(idempotency_key="k"))
        assert answers[0].id == answers[1].id
        assert [answer.created for answer in answers] == [True, False]

    async def test_keys_of_two_projects_are_strangers(self, bench: Bench) -> None:
        """I9: a key belongs to its project."""
        one = await bench.submit(project="/a", idempotency_key="k")
        two = await bench.submit(project="/b", idempotency_key="k")
        assert one != two

    async def test_a_refused_submit_leaves_its_key_free(self, bench: Bench) -> None:
        """I9: the key is taken in the task's own transaction."""
        with pytest.raises(Invalid):
            await bench.submit(idempotency_key="k", after=["nobody"])
        assert (await bench.submit_all(bench.new(idempotency_key="k")))[0].created

    async def test_a_known_key_is_answered_also_when_its_queue_takes_nothing_new(self, bench: Bench) -> None:
        """I9: repeating a call is always safe."""
        await bench.store.make_queue("q", None, ACTOR)
        asked = bench.new(queue="q", idempotency_key="k")
        await bench.submit_all(asked)
        await bench.store.move_queue("q", "stop", ACTOR)
        [known] = await bench.submit_all(bench.new(queue="q", idempotency_key="k"))
        assert (known.id, known.created) == (asked.id, False)

    async def test_no_wait_is_taken_when_it_can_start_now(self, bench: Bench) -> None:
        """Decision 13: room is there, also for those who go first, so nothing is refused."""
        first = await bench.submit()
        task = await bench.submit(no_wait=True)
        assert [run.task for run in await bench.claim()] == [first, task]

    @pytest.mark.parametrize("hurdle", ["delay", "lane", "queue", "turn", "dependency"])
    async def test_no_wait_is_refused_when_it_cannot_start_now(self, bench: Bench, hurdle: str) -> None:
        """Decision 13: refused at once, and nothing is stored."""
        fields: dict[str, Any] = {}
        match hurdle:
            case "delay":
                fields["delay_s"] = 1.0
            case "lane":
                await bench.store.set_lane("small", 1, ACTOR)
                await bench.submit(lane="small")
                await bench.take()
                fields["lane"] = "small"
            case "queue":
                await bench.store.move_queue("default", "pause", ACTOR)
            case "turn":
                await bench.store.retire(bench.runner, "gone")
                await bench.register(1)
                await bench.submit()
            case _:
                fields["after"] = [await bench.submit()]
        version = await bench.store.last_version()
        with pytest.raises(Full):
            await bench.submit(no_wait=True, **fields)
        assert await bench.store.last_version() == version

    async def test_an_unknown_lane_is_refused_with_the_nearest_name(self, bench: Bench) -> None:
        """Decision 14: nothing is sent to a lane that nobody made."""
        await bench.store.set_lane("builds", 2, ACTOR)
        with pytest.raises(Invalid, match="'builds'"):
            await bench.submit(lane="bulids")

    async def test_an_unknown_queue_is_refused_with_the_nearest_name(self, bench: Bench) -> None:
        """Decision 14."""
        with pytest.raises(NotFound, match="'default'"):
            await bench.submit(queue="defualt")

    async def test_an_unknown_dependency_is_refused_by_its_name(self, bench: Bench) -> None:
        """A21, I8: it would wait for ever."""
        with pytest.raises(Invalid, match="'nobody'"):
            await bench.submit(after=["nobody"])

    async def test_an_unknown_task_id_is_refused(self, bench: Bench) -> None:
        """A21, I8: a whole id that nobody has."""
        with pytest.raises(Invalid):
            await bench.submit(after=[bench.ids.new("task")])

    async def test_a_task_that_waits_for_itself_is_refused(self, bench: Bench) -> None:
        """A21, I8: by its name."""
        with pytest.raises(Invalid, match="itself"):
            await bench.submit(name="me", after=["me"])

    async def test_a_task_may_wait_only_for_what_is_there_already(self, bench: Bench) -> None:
        """A21, I8: so no cycle can form, in one call or over several."""
        with pytest.raises(Invalid):
            await bench.submit_all(bench.new(name="a", after=["b"]), bench.new(name="b", after=["a"]))

    async def test_one_dependency_named_twice_is_refused_in_words(self, bench: Bench) -> None:
        """A21: by name and by id it is the same task; one condition holds for it."""
        parent = await bench.submit(name="p")
        with pytest.raises(Invalid, match="twice"):
            await bench.submit(after=["p", parent])

    async def test_a_name_that_an_open_task_of_the_queue_has_is_refused(self, bench: Bench) -> None:
        """Names are how dependents and people find a task: two open ones of a queue never share one."""
        first = await bench.submit(name="build")
        with pytest.raises(Conflict, match=first):
            await bench.submit(name="build")
        assert len(await bench.claim()) == 1

    async def test_a_name_is_free_again_when_its_task_has_ended(self, bench: Bench) -> None:
        """In a standing queue; who waits for the name then waits for the newest."""
        await bench.submit(name="build")
        await bench.end_next()
        newest = await bench.submit(name="build")
        child = await bench.submit(after=["build"])
        assert await bench.standing(child) == (TaskState.BLOCKED, Reason.DEPENDENCY)
        assert (await bench.explained(child))[0].holders == (newest,)

    async def test_an_id_that_is_taken_is_refused_in_words(self, bench: Bench) -> None:
        """I9: ids are the caller's, and never stand for two tasks."""
        task = bench.new()
        await bench.submit_all(task)
        with pytest.raises(Conflict):
            await bench.submit_all(task)

    async def test_tasks_of_one_call_may_wait_for_each_other_by_name(self, bench: Bench) -> None:
        """A16: in the order of the list."""
        first, second = bench.new(name="a"), bench.new(name="b", after=["a"])
        answers = await bench.submit_all(first, second)
        assert [answer.state for answer in answers] == [TaskState.QUEUED, TaskState.BLOCKED]
        assert await bench.drain() == [first.id, second.id]

    async def test_a_task_without_dependencies_is_queued(self, bench: Bench) -> None:
        """A16."""
        assert await bench.standing(await bench.submit()) == (TaskState.QUEUED, None)

    async def test_a_task_behind_a_completed_one_is_queued(self, bench: Bench) -> None:
        """A16, A17: judged on what is so now."""
        parent = await bench.submit()
        await bench.end_next()
        assert await bench.standing(await bench.submit(after=[parent])) == (TaskState.QUEUED, None)

    async def test_a_task_behind_a_failed_one_is_born_cancelled(self, bench: Bench) -> None:
        """A20: with the same words as one that fell later; it never counts as open."""
        parent = await bench.submit()
        await bench.end_next(failed())
        found = await bench.task(await bench.submit(after=[parent]))
        assert (found.state, found.reason) == (TaskState.CANCELLED, Reason.DEPENDENCY_FAILED)
        assert found.error == "Dependency failed or was cancelled"
        assert found.finished_at == bench.clock.now_ms()
        assert (await bench.store.queue("default")).open == 0

    async def test_a_task_behind_one_that_was_born_skipped_is_skipped(self, bench: Bench) -> None:
        """Semantics, "Dependencies": skipped goes on as skipped, in one call as over several."""
        await bench.submit(name="p")
        await bench.end_next()
        rescue = bench.new(name="rescue", after=[("p", "failed")])
        report = bench.new(name="report", after=["rescue"])
        await bench.submit_all(rescue, report)
        assert await bench.standing(rescue.id) == (TaskState.CANCELLED, Reason.SKIPPED)
        assert await bench.standing(report.id) == (TaskState.CANCELLED, Reason.SKIPPED)

    async def test_a_paused_queue_keeps_what_comes_and_starts_nothing(self, bench: Bench) -> None:
        """Semantics, "Queues": paused admits."""
        await bench.store.move_queue("default", "pause", ACTOR)
        assert await bench.standing(await bench.submit()) == (TaskState.QUEUED, None)
        assert await bench.claim() == []

    async def test_a_stopping_queue_refuses(self, bench: Bench) -> None:
        """A14, A52, semantics, "Queues"."""
        await bench.store.make_queue("q", None, ACTOR)
        await bench.submit(queue="q")
        await bench.take()
        await bench.store.move_queue("q", "stop", ACTOR)
        with pytest.raises(QueueStopping, match="stopping"):
            await bench.submit(queue="q")

    async def test_an_ended_queue_refuses(self, bench: Bench) -> None:
        """Semantics, "Queues"."""
        await bench.store.make_queue("q", None, ACTOR)
        await bench.store.move_queue("q", "stop", ACTOR)
        with pytest.raises(QueueEnded):
            await bench.submit(queue="q")

    async def test_the_queue_of_the_project_comes_before_the_one_of_none(self, bench: Bench) -> None:
        """Semantics, "Queues": a queue belongs to a project; others fall back to the store's own."""
        task = await bench.submit(project="/anywhere")
        found = await bench.task(task)
        assert (found.project, found.spec.queue) == ("/anywhere", "default")
        assert (await bench.store.queue("default")).open == 1
