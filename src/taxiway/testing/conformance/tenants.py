"""Tenants are apart: what one has is not there for another, by no verb, in no word and in no count (I10)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, Final

import msgspec

from taxiway.core.approval import ApprovalState, Question
from taxiway.core.change import ChangeKind
from taxiway.core.errors import Error
from taxiway.core.expected import Expected
from taxiway.core.policy import MailboxChange, MailboxPolicy
from taxiway.core.readiness import Facts, Scope
from taxiway.core.session import Signal
from taxiway.core.task import OnLimit
from taxiway.core.token import TokenScope
from taxiway.core.usage import UsageBy
from taxiway.store.protocol import (
    ApprovalFilter,
    Guard,
    NewTask,
    NewToken,
    PlanAdmitted,
    Reply,
    SessionFilter,
    Store,
    TaskFilter,
)
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, digest, failed, plan_of, spec_of

#: Verbs for the whole store: of the engine, which proves by a fence what is its own, of whoever operates it, and of who
#: shows a token.
OF_THE_STORE: Final = frozenset(
    "register beat declare_lost retire claim started record finish stop_requests request_stop next_due wake_due "
    "advance runners live_runs check backup close signals settle_signal tell_session opened_process closed_process "
    "warm_processes outdated_processes ask withdraw resume tell_account use_accounts of tenants token tokens_used "
    "prune_replies runner runner_of redeem_invite schema tally_all live_processes_of_all count_changes "
    "run_key holder sign_in deliver_signal".split()
)
CUT: Final = 3  #: characters are left out where an id is named by its start
ANY_ID: Final = re.compile(r"\b(task|run|sess|appr|sig|tok)_[0-9a-z]{26}\b")
NUMBERS: Final = frozenset({"version", "seq", "max_version", "active_at"})  #: the store numbers for all of them


class Things(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody has, by its ids and names; or what nobody has."""

    task: str
    ended: str
    run: str
    session: str
    approval: str
    signal: str
    token: str
    task_part: str
    run_part: str
    session_part: str
    approval_part: str
    name: str = "aaa000"
    queue: str = "qqq000"
    lane: str = "lll000"
    session_key: str = "sss000"
    idempotency_key: str = "kkk000"
    account: str = "ccc000"
    plan: str = "ppp000"


Call = Callable[[Store, Things], Awaitable[Any]]


def new(theirs: Things, **fields: Any) -> NewTask:
    """A task with the id of one of theirs: ids are looked up, and so given, in the tenant."""
    spec = spec_of(**fields)
    return NewTask(theirs.task, spec, digest(spec))


async def _is_own(store: Store, _: Things) -> bool:
    return await store.last_version() == (await store.changes(0, 1_000))[-1].version


async def _submit_to(store: Store, theirs: Things) -> Facts:
    """What keeps a task of an agent that is called as their account: it does not wait behind that one."""
    [answer] = await store.submit([new(theirs, prompt="words", agent=theirs.account)], ACTOR)
    return await store.facts(answer.id)


async def _run_plan(store: Store, theirs: Things) -> PlanAdmitted:
    plan = plan_of(spec_of(name="one"), queue=theirs.plan)
    return await store.submit_plan(plan, [new(theirs, name="one", queue=theirs.plan)], False, ACTOR)


_FRESH: Final = count(1)  #: a server gives tokens ids of its own, which are never given twice


def _token(id: str) -> NewToken:
    return NewToken(id=id, name="ann", scope=TokenScope.VIEWER, hash=bytes(32))


def _seen(theirs: Things) -> Expected:
    """Their task, as nobody has seen it."""
    return Expected(kind=ChangeKind.TASK, ref=theirs.task, versions=frozenset())


#: Every verb of people, called with what another tenant has.
CALLS: Final[tuple[tuple[str, Call], ...]] = (
    ("submit", lambda s, t: s.submit([new(t, name=t.name, idempotency_key=t.idempotency_key)], ACTOR)),
    ("submit", lambda s, t: s.submit([new(t, after=[t.ended])], ACTOR)),
    ("submit", lambda s, t: s.submit([new(t, after=[t.name])], ACTOR)),
    ("submit", lambda s, t: s.submit([new(t, queue=t.queue)], ACTOR)),
    ("submit", lambda s, t: s.submit([new(t, lane=t.lane)], ACTOR)),
    ("submit", lambda s, t: s.submit([new(t, session=t.session_key)], ACTOR)),
    ("submit", lambda s, t: _submit_to(s, t)),
    ("submit_and_read", lambda s, t: s.submit_and_read([new(t, name=t.name, queue=t.queue)], ACTOR)),
    ("submit_plan", lambda s, t: _run_plan(s, t)),
    ("cancel", lambda s, t: s.cancel(t.task, ACTOR)),
    ("cancel_all", lambda s, _: s.cancel_all(ACTOR)),
    ("cancel_all", lambda s, t: s.cancel_all(ACTOR, t.queue)),
    ("retry", lambda s, t: s.retry(t.ended, ACTOR)),
    ("remove", lambda s, t: s.remove(t.ended, ACTOR)),
    ("read_task", lambda s, t: s.read_task(t.task, "reader")),
    ("attention", lambda s, t: s.attention([t.task], "reader")),
    ("find_task", lambda s, t: s.find_task(t.task_part)),
    ("find_task", lambda s, t: s.find_task(t.task[:-CUT])),
    ("find_task", lambda s, t: s.find_task(t.name)),
    ("find_task", lambda s, t: s.find_task(f"{t.queue}/{t.name}")),
    ("find_task", lambda s, t: s.find_task(f"{t.queue}/{t.task}")),
    ("task", lambda s, t: s.task(t.task)),
    ("tasks", lambda s, _: s.tasks(TaskFilter(superseded=True), 100, None)),
    ("tasks", lambda s, _: s.tasks(TaskFilter(open_first=True), 100, None)),
    ("tasks", lambda s, t: s.tasks(TaskFilter(queue=t.queue), 100, None)),
    ("tasks", lambda s, t: s.tasks(TaskFilter(session=t.session), 100, None)),
    ("tasks", lambda s, _: s.tasks(TaskFilter(labels=(("of", "them"),)), 100, None)),
    ("tasks", lambda s, t: s.tasks(TaskFilter(text=t.name), 100, None)),
    ("count_tasks", lambda s, _: s.count_tasks(TaskFilter(), 100)),
    ("runs", lambda s, t: s.runs(t.task)),
    ("run", lambda s, t: s.run(t.run)),
    ("find_run", lambda s, t: s.find_run(t.run_part)),
    ("find_run", lambda s, t: s.find_run(t.run[:-CUT])),
    ("events", lambda s, t: s.events(t.run, 0, 100)),
    ("changes", lambda s, _: s.changes(0, 100)),
    ("last_version", _is_own),
    ("facts", lambda s, t: s.facts(t.task)),
    ("queue", lambda s, t: s.queue(t.queue)),
    ("queues", lambda s, _: s.queues()),
    ("make_queue", lambda s, t: s.make_queue(t.queue, None, ACTOR)),
    ("move_queue", lambda s, t: s.move_queue(t.queue, "pause", ACTOR)),
    ("set_queue", lambda s, t: s.set_queue(t.queue, 9, ACTOR)),
    ("queue_stats", lambda s, t: s.queue_stats(t.queue)),
    ("snapshot", lambda s, t: s.snapshot(t.queue, None, 20)),
    ("lanes", lambda s, _: s.lanes()),
    ("lane", lambda s, t: s.lane(t.lane)),
    ("lane", lambda s, t: s.lane("own", t.queue)),
    ("set_lane", lambda s, t: s.set_lane(t.lane, 9, ACTOR)),
    ("set_lane", lambda s, t: s.set_lane("own", 9, ACTOR, t.queue)),
    ("move_lane", lambda s, t: s.move_lane(t.lane, "stop", ACTOR)),
    ("make_session", lambda s, t: s.make_session(t.session_key, "", "other", MailboxPolicy(), ACTOR)),
    ("set_session", lambda s, t: s.set_session(t.session, MailboxChange(cap=1), ACTOR)),
    ("find_session", lambda s, t: s.find_session(t.session_key, None)),
    ("find_session", lambda s, t: s.find_session(t.session_part, None)),
    ("find_session", lambda s, t: s.find_session(t.session[:-CUT], None)),
    ("keyed_session", lambda s, t: s.keyed_session(t.session_key, "")),
    ("session", lambda s, t: s.session(t.session, "reader")),
    ("sessions", lambda s, _: s.sessions(SessionFilter(state="all"), 100, None)),
    ("session_tasks", lambda s, t: s.session_tasks(t.session, 100, 0)),
    ("earlier_turns", lambda s, t: s.earlier_turns(t.session, 0, 100)),
    ("stop_session", lambda s, t: s.stop_session(t.session, ACTOR)),
    ("stop_all_of_session", lambda s, t: s.stop_all_of_session(t.session, ACTOR)),
    ("reset_session", lambda s, t: s.reset_session(t.session, True, ACTOR)),
    ("archive_session", lambda s, t: s.archive_session(t.session, True, ACTOR)),
    ("read_session", lambda s, t: s.read_session(t.session, "reader")),
    ("session_output", lambda s, t: s.session_output(t.run, 0, 100)),
    ("fork_session", lambda s, t: s.fork_session(t.session, "forked", ACTOR)),
    ("tell_task", lambda s, t: s.tell_task(t.task, Signal.STEER, "words", ACTOR)),
    ("tell_run", lambda s, t: s.tell_run(t.run, Signal.STOP, None, ACTOR)),
    ("run_signals", lambda s, t: s.run_signals(t.run, 0, 100)),
    ("cancel_signal", lambda s, t: s.cancel_signal(t.signal, ACTOR)),
    ("receipt", lambda s, t: s.receipt(t.signal)),
    ("make_token", lambda s, _: s.make_token(_token(f"tok_{next(_FRESH):026d}"), ACTOR)),
    ("tokens", lambda s, _: s.tokens()),
    ("revoke_token", lambda s, t: s.revoke_token(t.token, ACTOR)),
    ("make_link", lambda s, t: s.make_link(t.token, _token(f"tok_{next(_FRESH):026d}"), ACTOR)),
    ("reply", lambda s, t: s.reply(t.idempotency_key, bytes(32))),
    ("settle_reply", lambda s, t: s.settle_reply(t.idempotency_key, bytes(32), Reply(200, b"{}"))),
    ("steps_below", lambda s, t: s.steps_below(t.task, t.task)),
    ("submitted", lambda s, t: s.submitted(t.run)),
    ("guarded", lambda s, t: s.guarded(Guard(t.idempotency_key, bytes(32))).set_lane("own", 9, ACTOR)),
    ("guarded", lambda s, t: s.guarded(Guard(expected=_seen(t))).cancel(t.task, ACTOR)),
    ("approval", lambda s, t: s.approval(t.approval)),
    ("decide", lambda s, t: s.decide(t.approval, True, "words", ACTOR)),
    ("find_approval", lambda s, t: s.find_approval(t.approval_part)),
    ("find_approval", lambda s, t: s.find_approval(t.approval[:-CUT])),
    ("approvals", lambda s, _: s.approvals(ApprovalFilter(), 100, None)),
    ("approvals", lambda s, t: s.approvals(ApprovalFilter(task=t.task), 100, None)),
    ("approvals", lambda s, _: s.approvals(ApprovalFilter(states=frozenset({ApprovalState.PENDING})), 100, None)),
    ("accounts", lambda s, _: s.accounts()),
    ("park_account", lambda s, t: s.park_account(t.account, None, "words", ACTOR)),
    ("release_account", lambda s, t: s.release_account(t.account, ACTOR)),
    ("limit_account", lambda s, t: s.limit_account(t.account, 1, ACTOR)),
    ("set_queue_on_limit", lambda s, t: s.set_queue_on_limit(t.queue, OnLimit.FAIL, ACTOR, None)),
    ("set_session_on_limit", lambda s, t: s.set_session_on_limit(t.session, OnLimit.FAIL, ACTOR)),
    *(("usage", lambda s, _, by=by: s.usage(by, 0, 1 << 60, 100)) for by in UsageBy),
    ("tally", lambda s, _: s.tally()),
    ("recent_runs", lambda s, _: s.recent_runs(100)),
    ("live_processes", lambda s, _: s.live_processes()),
    ("prune", lambda s, _: s.prune(1 << 60, 1_000, ACTOR)),
)  # fmt: skip


class Separating(Suite):
    """The matrix: every verb, with everything that another tenant has, answers as for what nobody has."""

    def test_every_verb_of_a_store_is_in_the_matrix(self) -> None:
        """I10: a new verb says whether it is one tenant's or the whole store's."""
        verbs = {name for name in dir(Store) if not name.startswith("_")}
        assert verbs == {verb for verb, _ in CALLS} | OF_THE_STORE
        assert {verb for verb, _ in CALLS} & OF_THE_STORE == set()

    async def test_what_another_tenant_has_is_as_what_nobody_has(self, bench: Bench) -> None:
        """I10: by every verb, in result, error and text; and nothing of the other one has changed by it."""
        theirs = await fill(bench)
        before = await everything(bench.store)
        wrong = []
        for number, (verb, call) in enumerate(CALLS):
            met = await outcome(bench.store.of(f"one-{number}"), call, theirs)
            missed = await outcome(bench.store.of(f"two-{number}"), call, nobody(bench, number))
            if met != missed:
                wrong.append((verb, number, met, missed))
            if await everything(bench.store) != before:
                wrong.append((verb, number, "it changed what another tenant has", ""))
                before = await everything(bench.store)
        assert wrong == []
        assert await bench.store.check() == []

    async def test_the_one_to_whom_it_belongs_meets_what_others_do_not(self, bench: Bench) -> None:
        """The matrix bites: whatever names one of its things answers its owner otherwise, but for what sets it anew."""
        theirs = await fill(bench)
        same = []
        for number, (verb, call) in enumerate(CALLS):
            if "t" not in call.__code__.co_varnames:  # it names nothing
                continue
            missed = await outcome(bench.store.of(f"two-{number}"), call, nobody(bench, number))
            if await outcome(bench.store, call, theirs) == missed:
                same.append(verb)
        assert same == ["set_lane", "settle_reply", "park_account"]

    async def test_a_tenant_and_a_guard_hold_whichever_was_said_first(self, bench: Bench) -> None:
        """I9, I10: a call under a key is one tenant's, and made once there."""
        views: list[Callable[[str, Guard], Store]] = [
            lambda tenant, guard: bench.store.of(tenant).guarded(guard),
            lambda tenant, guard: bench.store.guarded(guard).of(tenant),
        ]
        for number, view in enumerate(views):
            tenant, again = f"guarded-{number}", Guard("key", bytes(32))
            made = await view(tenant, Guard("key", bytes(32))).set_lane("own", 3, ACTOR)
            assert await view(tenant, again).set_lane("own", 3, ACTOR) == made
            assert again.replayed
            assert "own" in [lane.name for lane in await bench.store.of(tenant).lanes()]
        assert "own" not in [lane.name for lane in await bench.store.lanes()]


async def fill(bench: Bench) -> Things:
    """Something of everything, for the bench's own tenant."""
    known = Things.__struct_defaults__
    name, queue, lane, key, idempotency_key, account, plan = known
    await bench.store.make_queue(queue, 5, ACTOR)
    await bench.store.set_lane(lane, 5, ACTOR)
    await bench.store.park_account(account, None, "why", ACTOR)
    await bench.run_plan(plan_of(spec_of(name="one"), queue=plan))
    await bench.submit(name=name)
    ended = await bench.submit(queue=queue, name=name, labels={"of": "them"})
    await bench.claim(1, Scope(queues=frozenset({("", queue)})))
    [live] = await bench.store.live_runs()
    await bench.store.finish(live.run, live.fence, failed(), 0.5)
    await bench.submit(idempotency_key=idempotency_key, lane=lane, queue=queue)
    for _ in range(2):
        await bench.send(key, "words")
    session = await bench.store.find_session(key, None)
    await bench.store.settle_reply(idempotency_key, b"asked before" + bytes(20), Reply(200, b"{}"))
    token = await bench.store.make_token(_token(bench.ids.new("tok")), ACTOR)
    asking = await bench.submit(queue=queue, priority=9, prompt="words", agent="coder")
    [run] = await bench.claim(1)
    assert run.task == asking
    await bench.store.started(run.run, run.fence, None)
    told = await bench.store.tell_task(asking, Signal.STEER, "words", ACTOR)
    asked = await bench.store.ask(run.run, run.fence, Question(text="May I?"))
    parts = {"task_part": asking, "run_part": run.run, "session_part": session, "approval_part": asked.id}
    short = {field: value[-8:] for field, value in parts.items()}
    ids = {"task": asking, "ended": ended, "run": run.run, "session": session, "approval": asked.id}
    return Things(**ids, signal=told.signal or "", token=token.id, **short)


def nobody(bench: Bench, number: int) -> Things:
    """Ids and names of the same form that nobody has: others for each call, for a call may make what it names."""
    prefixes = {
        "task": "task",
        "ended": "task",
        "run": "run",
        "session": "sess",
        "approval": "appr",
        "signal": "sig",
        "token": "tok",
    }
    ids = {field: bench.ids.new(prefix) for field, prefix in prefixes.items()}
    parts = {f"{field}_part": ids[field][-8:] for field in ("task", "run", "session", "approval")}
    fields = Things.__struct_fields__[-len(Things.__struct_defaults__) :]
    names = {field: f"{name[:3]}{number + 100}" for field, name in zip(fields, Things.__struct_defaults__, strict=True)}
    return Things(**ids, **parts, **names)


async def outcome(store: Store, call: Call, things: Things) -> object:
    """What a call gave or raised, with ids, given names and the store's numbers taken out."""
    try:
        found = await call(store, things)
    except Error as error:
        return [type(error).__name__, _plain(error.to_json(), things)]
    return _plain(msgspec.to_builtins(found, enc_hook=str), things)


def _plain(value: Any, things: Things) -> Any:
    match value:
        case dict():
            return {key: _plain(one, things) for key, one in value.items() if key not in NUMBERS | {"tenant"}}
        case list() | tuple():
            return [_plain(one, things) for one in value]
        case str():
            for field in Things.__struct_fields__:
                value = value.replace(getattr(things, field), f"<{field}>")
            for field in ("task", "run", "session", "approval"):
                value = value.replace(getattr(things, field)[:-CUT], f"<the start of {field}>")
            return ANY_ID.sub(r"<a \1>", value)
        case _:
            return value


async def everything(store: Store) -> list[object]:
    """All that a tenant can read, word for word."""
    tasks = (await store.tasks(TaskFilter(superseded=True), 500, None)).items
    runs = [run for task in tasks for run in await store.runs(task.id)]
    queues = await store.queues()
    sessions = (await store.sessions(SessionFilter(state="all"), 100, None)).items
    return [
        tasks,
        runs,
        [await store.events(run.id, 0, 500) for run in runs],
        [await store.facts(task.id) for task in tasks],
        queues,
        [await store.queue_stats(queue.name, queue.project) for queue in queues],
        await store.lanes(),
        sessions,
        [await store.session_tasks(session.id, 100, 0) for session in sessions],
        (await store.approvals(ApprovalFilter(), 100, None)).items,
        await store.accounts(),
        await store.tally(),
        await store.recent_runs(100),
        await store.changes(0, 1_000),
        await store.usage(UsageBy.AGENT, 0, 1 << 60, 100),
    ]
