"""Whatever is done to sessions, in any order: every message has one outcome, order and limits hold, and nothing waits
for ever (SQ-01 to SQ-95, OC-01 to OC-09, I2, I3, I5, I12, I14, I15)."""

import asyncio
import copy
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from taxiway.clock import Ids, seeded_chance
from taxiway.core.errors import Conflict, LeaseLost, MailboxFull
from taxiway.core.policy import Box, Drop, MailboxChange, MailboxPolicy, Mode
from taxiway.core.run import Cancelled, Completed, Deferred, Failed, Lost, Outcome, Released
from taxiway.core.task import Condition, Reason
from taxiway.store.protocol import Claimed, TaskFilter, TurnFacts
from taxiway.testing.clock import HandClock
from taxiway.testing.conformance.bench import ACTOR, Bench
from taxiway.testing.simulator.world import StoreSeams
from tests.property.conftest import LONG, QUICK
from tests.property.mailbox_model import Mailbox, Message, Refused, Sessions
from tests.simulation.database import MemoryDatabase

T = TypeVar("T")
KEYS = ("talk", "work", "both")
OUTCOMES = st.sampled_from(
    [
        Completed(),
        Completed(),
        Failed(Reason.AGENT_ERROR, "it said no"),
        Failed(Reason.TIMEOUT, "too long"),
        Cancelled(Reason.REQUESTED),
        Deferred("no memory"),
        Released(),
        Lost(),
    ]
)
MODES = st.sampled_from(Mode)
DEBOUNCES = st.sampled_from([0.0, 1.0, 3.0])
POLICIES = st.builds(
    MailboxPolicy,
    mode=MODES,
    cap=st.integers(1, 4),
    drop=st.sampled_from(Drop),
    debounce_s=st.sampled_from([0.0, 0.0, 1.0, 3.0]),
    max_debounce_wait_s=st.sampled_from([None, None, 0.5, 4.0]),
    max_concurrent=st.integers(1, 3),
)
CHANGES = st.one_of(
    st.builds(MailboxChange, max_concurrent=st.integers(1, 3)),
    st.builds(MailboxChange, cap=st.integers(1, 4), drop=st.sampled_from(Drop)),
    st.builds(MailboxChange, mode=MODES, debounce_s=DEBOUNCES),
)
OVERRIDES = st.one_of(
    st.none(),
    st.none(),
    st.builds(MailboxChange, mode=MODES),
    st.builds(MailboxChange, mode=st.just(Mode.STEER)),
    st.builds(MailboxChange, mode=st.just(Mode.STEER)),
    st.builds(MailboxChange, mode=st.just(Mode.COLLECT), debounce_s=DEBOUNCES),
    st.builds(MailboxChange, cap=st.integers(1, 4), drop=st.sampled_from(Drop)),
    st.builds(MailboxChange, max_concurrent=st.integers(1, 3)),
)


class SessionMachine(RuleBasedStateMachine):
    """A SQLite store in memory and the model, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = HandClock()
        self.model = Sessions()
        self.ids: dict[str, str] = {}
        self.live: dict[str, Claimed] = {}
        self.over: list[Claimed] = []
        self.accepted: set[str] = set()
        self.sent = 0
        self.threads = 0
        self.database = MemoryDatabase()
        ids = Ids(self.clock, seeded_chance(1))
        seams = StoreSeams(self.clock.now_ms, self.clock.elapsed_s, lambda: 0.5, ids.new, lambda topics: None)
        self.bench = Bench(self.database.open(seams), self.clock, Ids(self.clock, seeded_chance(2)))

    def do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        self.model.now = self.clock.now_ms()
        return self.loop.run_until_complete(coroutine)

    @initialize(policies=st.tuples(POLICIES, POLICIES, POLICIES))
    def open(self, policies: tuple[MailboxPolicy, ...]) -> None:
        self.do(self.bench.register())
        self.do(self.bench.store.set_lane("main", None, ACTOR))
        self.do(self.bench.store.make_queue("q", None, ACTOR))
        for key, policy in zip(KEYS, policies, strict=True):
            self.ids[key] = self.do(self.bench.store.make_session(key, "", None, policy, ACTOR)).id
            self.model.boxes[key] = Mailbox(key, policy)

    def teardown(self) -> None:
        self.loop.close()
        self.database.close()

    def pick(self, data: st.DataObject) -> Message:
        return self.model.messages[data.draw(st.sampled_from(self.open_messages))]

    @property
    def open_messages(self) -> list[str]:
        """What has not ended; some of what has, so that it is asked for as well."""
        known = self.model.messages.values()
        return sorted([one.id for one in known if not one.ended] + [one.id for one in known if one.ended][-2:])

    def having(self, *boxes: Box) -> bool:
        return any(one.box in boxes for one in self.model.messages.values())

    # -- asking ---------------------------------------------------------------------------------------------------
    @rule(
        data=st.data(),
        key=st.sampled_from(["talk", *KEYS]),
        override=OVERRIDES,
        many=st.sampled_from([1, 1, 2, 3, 4]),
        delay_s=st.sampled_from([None, None, None, 1.0, 5.0]),
        expires_s=st.sampled_from([None, None, None, 6.0]),
        queue=st.sampled_from(["default", "default", "default", "q"]),
        priority=st.integers(0, 1),
        retries=st.integers(0, 1),
    )
    def send(self, data: st.DataObject, key: str, override: MailboxChange | None, many: int, **fields: Any) -> None:
        """SQ-01 to SQ-33, OC-01 to OC-05: the answer is what the model says, and a refused arrival changes nothing."""
        prompted = key == "talk" or (key == "both" and data.draw(st.booleans()))
        for _ in range(many):
            self._send(data, key, prompted, override, fields)

    def _send(
        self, data: st.DataObject, key: str, prompted: bool, override: MailboxChange | None, fields: dict[str, Any]
    ) -> None:
        known = sorted(self.model.messages)
        names = data.draw(st.sampled_from([0, 0, 0, 1])) if known else 0
        edges = [(data.draw(st.sampled_from(known)), data.draw(st.sampled_from(Condition))) for _ in range(names)]
        self.sent += 1
        words = {"prompt": f"words {self.sent}", "agent": "fake"} if prompted else {"job": "noop"}
        new = self.bench.new(session=key, mailbox=override, after=edges, **words, **fields)
        before = copy.deepcopy(self.model)
        self.model.now = self.clock.now_ms()
        try:
            self.model.send(new.id, new.spec, edges)
        except Refused:
            self.model = before
            with pytest.raises(MailboxFull):
                self.do(self.bench.submit_all(new))
        else:
            [answer] = self.do(self.bench.submit_all(new))
            assert answer.id == new.id
            self.accepted.add(new.id)

    # -- runs -----------------------------------------------------------------------------------------------------
    @precondition(lambda self: self.having(Box.ADMITTED))
    @rule(most=st.integers(1, 3))
    def claim(self, most: int) -> None:
        """SQ-03, SQ-91: the first of each session, and of those the most urgent; the turn is what the model says."""
        for _ in range(most):
            claimed = self.do(self.bench.claim(1))
            expected = self.model.claim()
            assert [run.task for run in claimed] == ([] if expected is None else [expected.id])
            if expected is not None:
                self.begun(claimed[0], expected)

    @precondition(lambda self: self.having(Box.ADMITTED))
    @rule(steerable=st.booleans())
    def claim_all(self, steerable: bool) -> None:
        """SQ-07, I3: one claim of many takes as many of each session as fit, in their order."""
        claimed = self.do(self.bench.claim(64))
        expected = []
        while (message := self.model.claim()) is not None:
            expected.append(message)
        assert {run.task for run in claimed} == {message.id for message in expected}
        for key in KEYS:
            mine = [message.id for message in expected if message.box_of.key == key]
            assert [run.task for run in claimed if run.task in mine] == mine
        for run in claimed:
            self.begun(run, self.model.messages[run.task])
        for run in claimed:
            self.say(run, TurnFacts(thread="first", steerable=steerable))

    def begun(self, run: Claimed, message: Message) -> None:
        box = message.box_of
        self.live[run.run] = run
        assert len(box.live) <= box.capacity, "more run than may"
        assert run.seat is not None
        assert (run.seat.generation, run.seat.thread) == (box.generation, box.thread)
        if message.spec.prompt is None:
            assert (run.seat.messages, run.seat.dropped) == ((), ())
            return
        turn = self.model.turn(message)
        assert [told.task for told in run.seat.messages] == [one.id for one in turn]
        assert [told.prompt for told in run.seat.messages] == [one.spec.prompt for one in turn]
        message.lines += [line for _, line in box.lines]
        box.lines = []
        assert list(run.seat.dropped) == message.lines

    @precondition(lambda self: self.live)
    @rule(data=st.data(), outcome=OUTCOMES, chance=st.floats(0, 0.999))
    def finish(self, data: st.DataObject, outcome: Outcome, chance: float) -> None:
        """SQ-05, OC-02: what the turn did not take waits again, what it carried ends as it does."""
        run = self.live.pop(data.draw(st.sampled_from(sorted(self.live))))
        self.end(run, outcome, chance)

    @precondition(lambda self: self.live)
    @rule()
    def crash(self) -> None:
        """The runner dies, and everything that it ran is lost."""
        for run in list(self.live.values()):
            self.end(run, Lost(), 0.5)
        self.live.clear()

    def end(self, run: Claimed, outcome: Outcome, chance: float) -> None:
        message = self.model.messages[run.task]
        answer = self.do(self.bench.finish(run, outcome, chance))
        after = self.model.finish(message, outcome, chance)
        assert (answer.applied, answer.state, answer.reason) == (True, after.state, after.reason)
        self.over.append(run)

    @precondition(lambda self: self.over)
    @rule(data=st.data(), outcome=OUTCOMES)
    def say_too_late(self, data: st.DataObject, outcome: Outcome) -> None:
        """SQ-50, I2, I12: what has ended says nothing any more."""
        run = data.draw(st.sampled_from(self.over))
        if run.task in self.model.messages:
            assert not self.do(self.bench.finish(run, outcome)).applied
            with pytest.raises(LeaseLost):
                self.do(self.bench.store.tell_session(run.run, run.fence, TurnFacts(thread="late")))
            with pytest.raises(LeaseLost):
                self.do(self.bench.store.settle_signal(run.run, run.fence, "sig_x", True, None))

    @precondition(lambda self: self.live)
    @rule(
        data=st.data(),
        steerable=st.booleans(),
        tokens=st.sampled_from([None, 10, 59, 60, 90]),
        window=st.sampled_from([None, 100]),
    )
    def tell(self, data: st.DataObject, steerable: bool, tokens: int | None, window: int | None) -> None:
        """SQ-50, SQ-70 to SQ-72: what a live turn tells counts in its own generation only."""
        run = self.live[data.draw(st.sampled_from(sorted(self.live)))]
        self.threads += 1
        thread = f"thread {self.threads}"
        self.say(run, TurnFacts(thread=thread, context_tokens=tokens, context_window=window, steerable=steerable))

    def say(self, run: Claimed, facts: TurnFacts) -> None:
        message = self.model.messages[run.task]
        self.do(self.bench.store.tell_session(run.run, run.fence, facts))
        self.model.tell(message, facts.thread or "", facts.context_tokens, facts.context_window)
        message.steerable = bool(facts.steerable)

    @precondition(lambda self: self.having(Box.STEERING))
    @rule(data=st.data(), applied=st.booleans())
    def settle_a_steer(self, data: st.DataObject, applied: bool) -> None:
        """OC-01, OC-02: taken, or waiting in its old place; the one that was not told of does not change."""
        pending = self.do(self.bench.store.signals(self.bench.runner))
        offered = {one.spec.prompt: one for one in self.model.messages.values() if one.box is Box.STEERING}
        assert sorted(signal.text or "" for signal in pending) == sorted(text or "" for text in offered)
        signal = pending[data.draw(st.integers(0, len(pending) - 1))]
        self.do(self.bench.store.settle_signal(signal.run, signal.fence, signal.id, applied, None))
        self.model.answer(offered[signal.text], applied)

    # -- control --------------------------------------------------------------------------------------------------
    @precondition(lambda self: self.open_messages)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """OC-09: each message by itself, until its turn has begun."""
        message = self.pick(data)
        if message.box is Box.RIDING:
            with pytest.raises(Conflict):
                self.do(self.bench.store.cancel(message.id, ACTOR))
            return
        self.do(self.bench.store.cancel(message.id, ACTOR))
        self.model.cancel(message)

    @precondition(lambda self: self.open_messages)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        """A22, A23: what does not run can be forgotten, and takes nobody along."""
        message = self.pick(data)
        if message.box is Box.RIDING:
            with pytest.raises(Conflict):
                self.do(self.bench.store.remove(message.id, ACTOR))
        elif self.do(self.bench.store.remove(message.id, ACTOR)):
            assert not message.runs
            self.model.remove(message)
            self.accepted.remove(message.id)
        else:
            assert message.runs

    @precondition(lambda self: self.live)
    @rule(key=st.sampled_from(KEYS))
    def stop_one(self, key: str) -> None:
        """SQ-40 to SQ-42: the oldest started that nobody has asked yet, and nothing else."""
        found = self.do(self.bench.store.stop_session(self.ids[key], ACTOR))
        expected = self.model.stop_one(self.model.boxes[key])
        assert (found and found.id) == (expected and expected.id)

    @precondition(lambda self: self.open_messages)
    @rule(key=st.sampled_from(KEYS))
    def stop_all(self, key: str) -> None:
        """SQ-43 to SQ-46: both counts, and what was submitted before never runs."""
        counts = self.do(self.bench.store.stop_all_of_session(self.ids[key], ACTOR))
        assert counts == self.model.stop_all(self.model.boxes[key])

    @rule(key=st.sampled_from(KEYS), discard=st.booleans())
    def reset(self, key: str, discard: bool) -> None:
        """SQ-49 to SQ-52."""
        counts = self.do(self.bench.store.reset_session(self.ids[key], discard, ACTOR))
        assert counts == self.model.reset(self.model.boxes[key], discard)

    @rule(key=st.sampled_from(KEYS), change=CHANGES)
    def set_policy(self, key: str, change: MailboxChange) -> None:
        """SQ-15, SQ-16."""
        self.do(self.bench.store.set_session(self.ids[key], change, ACTOR))
        self.model.set_policy(self.model.boxes[key], change)

    @rule()
    def pause_or_resume(self) -> None:
        """SQ-91: a paused queue holds the sessions of its heads."""
        self.do(self.bench.store.move_queue("q", "resume" if self.model.paused else "pause", ACTOR))
        self.model.paused ^= {"q"}

    # -- time -----------------------------------------------------------------------------------------------------
    @rule(seconds=st.sampled_from([0.4, 1.0, 4.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        """SQ-20 to SQ-26: quiet times end, the delayed join, the late expire."""
        self.clock.advance(seconds)
        while self.do(self.bench.store.wake_due(1_000)):
            pass
        self.model.wake()

    @rule(seconds=st.sampled_from([0.4, 4.0]))
    def time_passes_unseen(self, seconds: float) -> None:
        """The timekeeper sleeps late."""
        self.clock.advance(seconds)

    # -- what always holds ----------------------------------------------------------------------------------------
    @invariant()
    def every_message_stands_where_the_model_says(self) -> None:
        """I5: what was accepted waits, is admitted, is carried, or has ended once, for the reason of the step."""
        self.do(self.bench.settle())
        page = self.do(self.bench.store.tasks(TaskFilter(superseded=True), 500, None))
        assert {task.id for task in page.items} == self.accepted
        carried = (Box.MERGED, Box.RIDING)
        found = {
            task.id: (task.state, task.reason, task.box, task.carrier if task.box in carried else None, task.attempt)
            for task in page.items
        }
        expected = {
            one.id: (one.state, one.reason, one.box, one.carrier.id if one.box in carried else None, one.attempt)  # type: ignore[union-attr]
            for one in self.model.messages.values()
        }
        assert found == expected

    @invariant()
    def every_session_is_what_the_model_says(self) -> None:
        """Counts, generation, thread and quiet time; and no wedge: who may go is on its way (I14)."""
        for key, box in self.model.boxes.items():
            found = self.do(self.bench.store.session(self.ids[key]))
            assert (found.generation, found.thread, found.quiet_at) == (box.generation, box.thread, box.quiet)
            held = box.having(Box.ADMITTED)
            waiting = box.having(Box.WAITING, Box.MERGED)
            assert (found.waiting, found.held, found.live) == (len(waiting), len(held), len(box.live))
            assert not (box.room and box.head and box.quiet is None), "it may go, and nobody sees to it"
            if box.room and box.quiet is not None:
                assert (self.do(self.bench.store.next_due()) or 0) <= box.quiet

    @invariant()
    def the_store_is_sound(self) -> None:
        """Every invariant query, after every step."""
        assert self.do(self.bench.store.check()) == []


class LongSessionMachine(SessionMachine):
    """The same, for as long as proof takes."""


TestSessionMachine = SessionMachine.TestCase
TestSessionMachine.settings = settings(QUICK, max_examples=40)
TestSessionMachineForLong = pytest.mark.timeout(3_600)(pytest.mark.proof(LongSessionMachine.TestCase))
TestSessionMachineForLong.settings = settings(LONG, max_examples=1_500)
