"""Two tenants on one store, whatever they do: each gets what it would get on a store of its own (I10)."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from taxiway.clock import Ids, seeded_chance
from taxiway.core.approval import Question
from taxiway.core.errors import Ambiguous, Error
from taxiway.core.limits import CASCADE_ROWS_MAX
from taxiway.core.policy import MailboxChange, Mode
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.readiness import Scope, obstacles
from taxiway.core.run import Cancelled, Completed, Deferred, Failed, Limited, Lost, Released
from taxiway.core.task import Condition, Reason
from taxiway.core.usage import UsageBy
from taxiway.store.protocol import ApprovalFilter, Claimed, SessionFilter, Store, TaskFilter, TurnFacts
from taxiway.store.seams import Seams
from taxiway.store.sqlite.opening import OpenStore, open_sqlite
from taxiway.testing.clock import HandClock
from taxiway.testing.conformance.bench import ACTOR, Bench
from tests.property.conftest import LONG, QUICK

T = TypeVar("T")
TENANTS = st.sampled_from(["acme", "umbrella"])
QUEUES = ("default", "q")
LANES = ("main", "x")
SESSIONS = st.sampled_from([None, None, "talk", "chat"])
PLACE = st.integers(0, 30)
OUTCOMES = st.sampled_from(
    [
        Completed(output="done"),
        Failed(Reason.EXIT_CODE, "exit 1", 1),
        Cancelled(Reason.REQUESTED),
        Deferred("no memory"),
        Limited(ProviderLimit(kind=LimitKind.QUOTA, resets_in_s=20.0, text="too many"), "too many"),
        Released(),
        Lost(),
    ]
)
ANY_ID = re.compile(r"\b(?:task|run|sess|appr|sig|runner)_[0-9a-z]{26}\b")
NUMBERS = frozenset({"version", "seq", "max_version", "tenant", "tenants", "cursor"})  #: the store's, and whose


class Side:
    """One store as one tenant meets it: things by the order in which they came, so that two sides can be compared."""

    def __init__(self, bench: Bench, whose: str) -> None:
        self.bench = bench
        self.store: Store = bench.store
        self.scope = Scope(tenants=frozenset({whose}))
        self.tasks: list[str] = []
        self.runs: list[Claimed] = []
        self.approvals: list[str] = []
        self._names: dict[str, str] = {}

    def task(self, place: int) -> str:
        return self.tasks[place % len(self.tasks)] if self.tasks else "task_" + "0" * 26

    def plain(self, value: Any) -> Any:
        """A result without what only the store counts, and with ids by the order in which they were met."""
        match value:
            case dict():
                return {key: self.plain(one) for key, one in value.items() if key not in NUMBERS}
            case list() | tuple():
                return [self.plain(one) for one in value]
            case str():
                return ANY_ID.sub(lambda found: self._names.setdefault(found[0], f"<{len(self._names)}>"), value)
            case _:
                return value

    async def outcome(self, verb: Callable[["Side"], Awaitable[Any]]) -> object:
        try:
            return self.plain(msgspec.to_builtins(await verb(self), enc_hook=str))
        except Error as error:
            return [type(error).__name__, self.plain(error.to_json())]

    async def everything(self) -> object:
        store = self.store
        tasks = (await store.tasks(TaskFilter(superseded=True), 500, None)).items
        runs = [run for task in tasks for run in await store.runs(task.id)]
        queues, sessions = await store.queues(), await store.sessions(SessionFilter(state="all"), 100, None)
        changes = [
            msgspec.to_builtins(one)
            for one in await store.changes(0, 1_000)
            if one.kind not in ("runner", "queue", "lane")
        ]
        found = [
            tasks,
            runs,
            [await store.events(run.id, 0, 500) for run in runs],
            [obstacles(await store.facts(task.id)) for task in tasks],
            queues,
            [(await store.queue_stats(queue.name)).by_reason for queue in queues],
            await store.lanes(),
            sessions.items,
            [await store.session_tasks(session.id, 100, 0) for session in sessions.items],
            (await store.approvals(ApprovalFilter(), 100, None)).items,
            await store.accounts(),
            await store.usage(UsageBy.SESSION, 0, 1 << 60, 100),
        ]
        return self.plain([msgspec.to_builtins(found, enc_hook=str), changes])


class TenantMachine(RuleBasedStateMachine):
    """A store that two tenants share, and beside it a store for each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="taxiway-property-"))
        self.clock = HandClock()
        self.opened: list[OpenStore] = []
        self.sides: dict[str, tuple[Side, Side]] = {}

    def do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    def bench(self, name: str) -> Bench:
        ids = Ids(self.clock, seeded_chance(len(self.opened)))
        seams = Seams(self.clock.now_ms, self.clock.elapsed_s, self.clock.pause, lambda: 0.5, ids.new)
        opened = self.do(open_sqlite(self.folder / f"{name}.db", seams, "test", 2))
        self.opened.append(opened)
        bench = Bench(opened.store, self.clock, Ids(self.clock, seeded_chance(100 + len(self.opened))))
        self.do(bench.register())
        return bench

    @initialize()
    def open(self) -> None:
        shared = self.bench("shared")
        for name in ("acme", "umbrella"):
            mine = Bench(shared.store.of(name), self.clock, shared.ids)
            mine.runner = shared.runner
            self.sides[name] = (Side(mine, name), Side(self.bench(name), "default"))
            for side in self.sides[name]:
                self.do(side.store.make_queue("q", 2, ACTOR))
                self.do(side.store.set_lane("x", 1, ACTOR))
                self.do(side.bench.session("chat", max_concurrent=2))

    def teardown(self) -> None:
        for opened in self.opened:
            self.do(opened.close())
        self.loop.close()
        shutil.rmtree(self.folder)

    def same(self, tenant: str, verb: Callable[[Side], Awaitable[Any]]) -> None:
        """Both sides give the same answer, or refuse in the same words."""
        shared, own = self.sides[tenant]
        assert self.do(shared.outcome(verb)) == self.do(own.outcome(verb))

    @rule(
        tenant=TENANTS,
        queue=st.sampled_from(QUEUES),
        lane=st.sampled_from(LANES),
        session=SESSIONS,
        mode=st.sampled_from(Mode),
        priority=st.integers(-1, 1),
        delay=st.sampled_from([None, None, 5.0]),
        key=st.sampled_from([None, None, "k"]),
        name=st.sampled_from([None, None, "lint"]),
        after=st.none() | st.tuples(PLACE, st.sampled_from(Condition)),
    )
    def submit(
        self,
        tenant: str,
        session: str | None,
        mode: Mode,
        delay: float | None,
        key: str | None,
        after: tuple[int, Condition] | None,
        **fields: Any,
    ) -> None:
        async def verb(side: Side) -> Any:
            edges = [] if after is None else [(side.task(after[0]), after[1])]
            talk = {} if session is None else {"session": session, "prompt": "words", "agent": "fake"}
            mailbox = MailboxChange(mode=mode) if session == "talk" else None
            new = side.bench.new(after=edges, delay_s=delay, idempotency_key=key, mailbox=mailbox, **talk, **fields)
            [answer] = await side.bench.submit_all(new)
            side.tasks.append(answer.id)
            return answer

        self.same(tenant, verb)

    @rule(tenant=TENANTS, free=st.integers(1, 4))
    def claim(self, tenant: str, free: int) -> None:
        async def verb(side: Side) -> Any:
            claimed = await side.bench.claim(free, side.scope)
            side.runs.extend(claimed)
            for run in claimed:
                await side.store.started(run.run, run.fence, None)
            return claimed

        self.same(tenant, verb)

    @precondition(lambda self: any(shared.runs for shared, _ in self.sides.values()))
    @rule(tenant=TENANTS, place=PLACE, outcome=OUTCOMES)
    def finish(self, tenant: str, place: int, outcome: Any) -> None:
        async def verb(side: Side) -> Any:
            return await side.bench.finish(side.runs.pop(place % len(side.runs)), outcome) if side.runs else None

        self.same(tenant, verb)

    @rule(tenant=TENANTS, place=PLACE)
    def ask(self, tenant: str, place: int) -> None:
        async def verb(side: Side) -> Any:
            if not side.runs:
                return None
            run = side.runs[place % len(side.runs)]
            asked = await side.store.ask(run.run, run.fence, Question(text="May I?", expires_s=30.0))
            side.approvals.append(asked.id)
            return asked

        self.same(tenant, verb)

    @rule(tenant=TENANTS, place=PLACE, allow=st.booleans())
    def answer(self, tenant: str, place: int, allow: bool) -> None:
        async def verb(side: Side) -> Any:
            if not side.approvals:
                return None
            return await side.store.decide(side.approvals[place % len(side.approvals)], allow, None, ACTOR)

        self.same(tenant, verb)

    @rule()
    def resume(self) -> None:
        """Runners take up what may go on, of whichever tenant."""
        for tenant in self.sides:
            for side in self.sides[tenant]:
                self.do(side.store.resume(side.bench.runner, 100))

    @rule(tenant=TENANTS, place=PLACE)
    def steer(self, tenant: str, place: int) -> None:
        async def verb(side: Side) -> Any:
            if side.runs:
                run = side.runs[place % len(side.runs)]
                await side.store.tell_session(run.run, run.fence, TurnFacts(steerable=True, context_tokens=place))

        self.same(tenant, verb)

    @rule(tenant=TENANTS, place=PLACE, what=st.sampled_from(["cancel", "retry", "remove"]))
    def change_a_task(self, tenant: str, place: int, what: str) -> None:
        async def verb(side: Side) -> Any:
            found = await getattr(side.store, what)(side.task(place), ACTOR)
            if what == "retry":
                side.tasks.extend(found)
            return found

        self.same(tenant, verb)

    @rule(tenant=TENANTS, queue=st.none() | st.sampled_from(QUEUES))
    def cancel_all(self, tenant: str, queue: str | None) -> None:
        self.same(tenant, lambda side: side.store.cancel_all(ACTOR, queue))

    @rule(tenant=TENANTS, queue=st.sampled_from(QUEUES), verb=st.sampled_from(["pause", "resume", "stop", "start"]))
    def move_a_queue(self, tenant: str, queue: str, verb: str) -> None:
        if verb != "stop" or queue == "q":
            self.same(tenant, lambda side: side.store.move_queue(queue, verb, ACTOR))

    @rule(tenant=TENANTS, lane=st.sampled_from(LANES), size=st.none() | st.integers(1, 3))
    def set_lane(self, tenant: str, lane: str, size: int | None) -> None:
        self.same(tenant, lambda side: side.store.set_lane(lane, size, ACTOR))

    @rule(tenant=TENANTS, key=st.sampled_from(["talk", "chat"]), what=st.sampled_from(["stop", "all", "reset"]))
    def stop_a_session(self, tenant: str, key: str, what: str) -> None:
        async def verb(side: Side) -> Any:
            session = await side.store.find_session(key, None)
            match what:
                case "stop":
                    return await side.store.stop_session(session, ACTOR)
                case "all":
                    return await side.store.stop_all_of_session(session, ACTOR)
                case _:
                    return await side.store.reset_session(session, True, ACTOR)

        self.same(tenant, verb)

    @rule(tenant=TENANTS, move=st.sampled_from(["park", "release"]))
    def move_an_account(self, tenant: str, move: str) -> None:
        async def verb(side: Side) -> Any:
            if move == "park":
                return await side.store.park_account("fake", None, "why", ACTOR)
            return await side.store.release_account("fake", ACTOR)

        self.same(tenant, verb)

    @rule(tenant=TENANTS, place=PLACE, chars=st.integers(4, 12))
    def find(self, tenant: str, place: int, chars: int) -> None:
        """By the end of an id, which is chance: other tenants' ids neither hide nor add one."""

        async def verb(side: Side) -> Any:
            found = await side.store.find_task(side.task(place)[-chars - 8 :])
            try:
                return found, await side.store.find_task("lint")
            except Ambiguous as error:  # they come by their ids, which are chance
                return found, len(error.details["candidates"])

        self.same(tenant, verb)

    @rule(tenant=TENANTS)
    def prune(self, tenant: str) -> None:
        async def verb(side: Side) -> int:
            tasks = 0  # a log has also lines that are the store's own
            while pruned := await side.store.prune(self.clock.now_ms() - 10_000, 100, ACTOR):
                tasks += pruned.tasks
            return tasks

        self.same(tenant, verb)

    @rule(seconds=st.sampled_from([1.0, 6.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        for opened in self.opened:
            while self.do(opened.store.wake_due(CASCADE_ROWS_MAX)):
                pass

    @invariant()
    def each_tenant_finds_what_it_would_find_on_a_store_of_its_own(self) -> None:
        """I10: everything that can be read, after every step."""
        for opened in self.opened:
            while self.do(opened.store.advance(CASCADE_ROWS_MAX)):
                pass
        for shared, own in self.sides.values():
            assert self.do(shared.everything()) == self.do(own.everything())

    @invariant()
    def the_shared_store_is_sound(self) -> None:
        """I10: every invariant query, after every step."""
        if self.opened:
            assert self.do(self.opened[0].store.check()) == []


class LongTenantMachine(TenantMachine):
    """The same, for as long as proof takes."""


TestTenantMachine = TenantMachine.TestCase
TestTenantMachine.settings = QUICK
TestTenantMachineForLong = pytest.mark.timeout(3_600)(pytest.mark.proof(LongTenantMachine.TestCase))
TestTenantMachineForLong.settings = LONG
