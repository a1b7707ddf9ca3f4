"""Whatever is done to a store, in any order: it does what the model says, and stays sound (I2, I3, I8, I12, I15)."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from taxiway.clock import Ids, seeded_chance
from taxiway.core.errors import Conflict
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.queue import QueueState
from taxiway.core.readiness import obstacles
from taxiway.core.run import Cancelled, Completed, Deferred, Failed, Limited, Lost, Outcome, Released
from taxiway.core.task import Condition, Reason, TaskState
from taxiway.store.protocol import Claimed, TaskFilter
from taxiway.store.seams import Seams
from taxiway.store.sqlite.opening import OpenStore, open_sqlite
from taxiway.testing.clock import HandClock
from taxiway.testing.conformance.bench import ACTOR, Bench
from tests.property.conftest import LONG, QUICK
from tests.property.model import Model, Thing

T = TypeVar("T")
QUEUES = ("default", "q")
LANES = ("main", "x")
LIMITS = st.none() | st.integers(1, 4)
OUTCOMES = st.sampled_from(
    [
        Completed(),
        Failed(Reason.EXIT_CODE, "exit 1", 1),
        Failed(Reason.TIMEOUT, "too long"),
        Cancelled(Reason.REQUESTED),
        Deferred("no memory"),
        Limited(ProviderLimit(kind=LimitKind.RATE), "too many"),
        Released(),
        Lost(),
    ]
)


class StoreMachine(RuleBasedStateMachine):
    """A SQLite store and the model, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="taxiway-property-"))
        self.clock = HandClock()
        self.model = Model()
        self.live: list[Claimed] = []
        self.opened: OpenStore
        self.bench: Bench

    def do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    @initialize()
    def open(self) -> None:
        ids = Ids(self.clock, seeded_chance(1))
        seams = Seams(self.clock.now_ms, self.clock.elapsed_s, self.clock.pause, lambda: 0.5, ids.new)
        self.opened = self.do(open_sqlite(self.folder / "a.db", seams, "test", 3))
        self.bench = Bench(self.opened.store, self.clock, Ids(self.clock, seeded_chance(2)))
        self.do(self.bench.register())
        self.do(self.bench.store.make_queue("q", 2, ACTOR))
        self.do(self.bench.store.set_lane("x", 2, ACTOR))
        self.model.queues = dict.fromkeys(QUEUES, QueueState.RUNNING)
        self.model.slots = {"default": None, "q": 2}
        self.model.lanes = {"main": 3, "x": 2}

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            self.do(self.opened.close())
        self.loop.close()
        shutil.rmtree(self.folder)

    def pick(self, data: st.DataObject, *states: TaskState) -> Thing | None:
        fitting = [thing for thing in self.model.things.values() if not states or thing.state in states]
        return data.draw(st.sampled_from(fitting)) if fitting else None

    @rule(
        data=st.data(),
        queue=st.sampled_from(QUEUES),
        lane=st.sampled_from(LANES),
        priority=st.integers(-1, 2),
        position=st.integers(0, 2),
        delay=st.sampled_from([None, None, None, 1.0, 5.0]),
        expires=st.sampled_from([None, None, None, 3.0]),
        retries=st.integers(0, 2),
    )
    def submit(self, data: st.DataObject, delay: float | None, expires: float | None, **fields: Any) -> None:
        known = sorted(self.model.things)
        names = data.draw(st.lists(st.sampled_from(known), max_size=3, unique=True)) if known else []
        edges = [(name, data.draw(st.sampled_from(Condition))) for name in names]
        new = self.bench.new(after=edges, delay_s=delay, expires_s=expires, **fields)
        self.do(self.bench.submit_all(new))
        self.model.submit(new.id, new.spec, edges, self.clock.now_ms())

    @rule(free=st.integers(1, 5))
    def claim(self, free: int) -> None:
        """The claim takes exactly what the oracle says, in that order; explain said so before."""
        free_before = {
            thing.id
            for thing in self.model.things.values()
            if not thing.ended and not obstacles(self.do(self.bench.store.facts(thing.id)))
        }
        late = self.model.late(self.clock.now_ms())
        expected = self.model.claim(free, self.clock.now_ms())
        claimed = self.do(self.bench.claim(free))
        assert [run.task for run in claimed] == expected
        if not late:
            assert bool(claimed) == bool(free_before)
            assert {run.task for run in claimed[:1]} <= free_before
        self.live.extend(claimed)

    @precondition(lambda self: self.live)
    @rule(data=st.data(), outcome=OUTCOMES, chance=st.floats(0, 0.999))
    def finish(self, data: st.DataObject, outcome: Outcome, chance: float) -> None:
        run = data.draw(st.sampled_from(self.live))
        self.live.remove(run)
        answer = self.do(self.bench.finish(run, outcome, chance))
        after = self.model.finish(run.task, outcome, chance, self.clock.now_ms())
        assert (answer.applied, answer.state, answer.reason) == (True, after.state, after.reason)
        assert not self.do(self.bench.finish(run, Completed())).applied

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if (thing := self.pick(data)) is not None:
            self.do(self.bench.store.cancel(thing.id, ACTOR))
            self.model.cancel(thing.id, self.clock.now_ms())

    @rule(queue=st.sampled_from(QUEUES))
    def cancel_queue(self, queue: str) -> None:
        self.do(self.bench.store.cancel_all(ACTOR, queue))
        for thing in sorted(self.model.things.values(), key=lambda one: one.number):
            if thing.spec.queue == queue:
                self.model.cancel(thing.id, self.clock.now_ms())

    @rule(queue=st.sampled_from(QUEUES))
    def pause_or_resume(self, queue: str) -> None:
        running = self.model.queues[queue] is QueueState.RUNNING
        moved = self.do(self.bench.store.move_queue(queue, "pause" if running else "resume", ACTOR))
        self.model.queues[queue] = moved.state

    @rule(lane=st.sampled_from(LANES), size=LIMITS)
    def set_lane(self, lane: str, size: int | None) -> None:
        self.do(self.bench.store.set_lane(lane, size, ACTOR))
        self.model.lanes[lane] = size

    @rule(queue=st.sampled_from(QUEUES), slots=LIMITS)
    def set_queue(self, queue: str, slots: int | None) -> None:
        self.do(self.bench.store.set_queue(queue, slots, ACTOR))
        self.model.slots[queue] = slots

    @rule(seconds=st.sampled_from([0.5, 1.0, 4.0, 30.0]), limit=st.integers(1, 50))
    def time_passes(self, seconds: float, limit: int) -> None:
        self.clock.advance(seconds)
        while self.do(self.bench.store.wake_due(limit)):
            pass
        self.model.wake(self.clock.now_ms())

    @rule(seconds=st.sampled_from([0.5, 4.0]))
    def time_passes_unseen(self, seconds: float) -> None:
        """The timekeeper sleeps late."""
        self.clock.advance(seconds)

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        if (thing := self.pick(data)) is not None:
            expected = self.model.remove(thing.id, self.clock.now_ms())
            assert self.do(self.bench.store.remove(thing.id, ACTOR)) == expected

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """New tasks take the place of the old; what they are is read back, for the model knows no retries."""
        thing = self.pick(data, TaskState.FAILED, TaskState.CANCELLED)
        if thing is None:
            return
        try:
            ids = self.do(self.bench.store.retry(thing.id, ACTOR))
        except Conflict:
            return
        for new in ids:
            found = self.do(self.bench.task(new))
            assert found.retry_of is not None
            old = self.model.things[found.retry_of]
            assert old.ended
            self.model.numbers += 1
            made = Thing(
                new, self.model.numbers, found.spec, found.created_at, [], found.state, found.reason, found.due_at
            )
            made.expires = found.expires_at
            waits = self.do(self.bench.store.facts(new)).waits_for
            wanted = {edge.task: edge.on for edge in found.spec.after}
            made.after = [(parent, wanted[name]) for parent, name, _ in waits]
            self.model.things[new] = made

    @invariant()
    def every_task_stands_where_the_model_says(self) -> None:
        """I8, I12: state, reason, counters."""
        if not hasattr(self, "opened"):
            return
        self.do(self.bench.settle())
        page = self.do(self.bench.store.tasks(TaskFilter(superseded=True), 500, None))
        found = {task.id: (task.state, task.reason, task.attempt, task.fence, task.crashes) for task in page.items}
        expected = {
            thing.id: (thing.state, thing.reason, thing.attempt, thing.fence, thing.crashes)
            for thing in self.model.things.values()
        }
        assert found == expected

    @invariant()
    def the_store_is_sound(self) -> None:
        """I2-I4, I8, I9, I12-I14, I21: every invariant query, after every step."""
        if hasattr(self, "opened"):
            assert self.do(self.bench.store.check()) == []


class LongStoreMachine(StoreMachine):
    """The same, for as long as proof takes."""


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = QUICK
TestStoreMachineForLong = pytest.mark.timeout(3_600)(pytest.mark.proof(LongStoreMachine.TestCase))
TestStoreMachineForLong.settings = LONG
