"""Runners that work from elsewhere: registered, renewed, given work, and told what to look at.

A runner dials, nobody dials it. Its lease is one for all its runs. What it is answered may be lost on the way, so every
call may be repeated: a claim says which runs are known, and gets those back that its answer never brought.
"""

from __future__ import annotations

import asyncio
from http import HTTPMethod
from typing import Annotated, Any, Final

import msgspec

from taxiway.core.account import Account
from taxiway.core.approval import answered
from taxiway.core.limits import LIST_PAGE_MAX
from taxiway.core.readiness import Scope
from taxiway.core.run import Released, RunState
from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Handler, NoQuery, Reply, Schema, object_of, ref
from taxiway.server.runnerdesk import TOPICS
from taxiway.store.protocol import (
    ApprovalFilter,
    Claimed,
    LiveRun,
    PendingSignal,
    Resumed,
    Runner,
    StopRequest,
    WarmProcess,
)
from taxiway.wire.documents import account_document

ELSEWHERE: Final = "remote:"  #: before the host that a remote runner names: nobody here is to look for its processes
WAIT_S_MAX: Final = 20.0
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
Wait = Annotated[float, msgspec.Meta(ge=0, le=WAIT_S_MAX)]


class Register(msgspec.Struct, frozen=True):
    """A runner: an id that it made, where it is, how much it runs at once and what it takes."""

    id: Annotated[str, msgspec.Meta(pattern="^runner_[0-9a-z_]{1,40}$")]
    host: Name
    boot_id: Name
    pid: Count
    slots: Annotated[int, msgspec.Meta(ge=1, le=100_000)]
    scope: Scope = Scope()


class Claim(msgspec.Struct, frozen=True):
    """How many tasks it takes of which kind, which runs it knows to be its own, and how long it waits for one."""

    free: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    scope: Scope = Scope()
    known: Annotated[tuple[str, ...], msgspec.Meta(max_length=100_000)] = ()
    wait_s: Wait = 0.0


class Resume(msgspec.Struct, frozen=True):
    """For how many runs there is room, and which of its runs wait for an answer as far as it knows."""

    room: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    waiting: Annotated[tuple[str, ...], msgspec.Meta(max_length=1_000)] = ()


class Retire(msgspec.Struct, frozen=True):
    """Whether it drains, or is gone."""

    state: Annotated[str, msgspec.Meta(pattern="^(draining|gone)$")]


class HintsQuery(msgspec.Struct, frozen=True):
    """For how many seconds to wait for something."""

    wait_s: Wait = WAIT_S_MAX


# -- a runner ------------------------------------------------------------------------------------------------------
async def register(call: Call) -> Reply:
    """Write down a runner that works with this key."""
    asked: Register = call.body
    runner = Runner(**{**msgspec.structs.asdict(asked), "host": ELSEWHERE + asked.host}, token=call.principal.token)
    await call.tw.store.register(runner)
    return Reply({"id": asked.id}, 201)


async def renew(call: Call) -> Reply:
    """Renew its lease, for all its runs; not ``live``: it counts as gone, and others have taken over."""
    return Reply({"live": await call.tw.store.beat(await _own(call))})


async def claim(call: Call) -> Reply:
    """Take work. What an earlier claim took and its answer never brought goes back to its queue first."""
    asked: Claim = call.body
    runner, store, known = await _own(call), call.tw.store, frozenset(call.body.known)
    for run in await store.live_runs(runner):
        if run.process is None and run.run not in known:
            await store.finish(run.run, run.fence, Released("its runner did not hear of it"), 0.5)
    scope = msgspec.structs.replace(asked.scope, tenants=frozenset({call.principal.tenant}))  # its key is of one (I10)
    clock, wake = asyncio.get_running_loop(), call.desk.work()
    until_s = clock.time() + asked.wait_s
    try:
        while True:
            claimed = await store.claim(runner, scope, asked.free)
            left_s = until_s - clock.time()
            if claimed or left_s <= 0:
                return _items(await call.desk.mint.with_tokens(claimed))
            await wake.wait(left_s)
    finally:
        wake.close()


async def accounts(call: Call) -> Reply:
    """Accounts as its tenant sees them: whether what a turn waits for is a provider's reset."""
    await _own(call)
    return Reply({"items": [account_document(one) for one in await call.tw.store.accounts()]})


async def resume(call: Call) -> Reply:
    """Let runs go on that were answered; those of which it has not heard that they do, again."""
    asked: Resume = call.body
    runner, store = await _own(call), call.tw.store
    found = await store.resume(runner, asked.room)
    told = {one.run for one in found}
    for name in asked.waiting:
        if name not in told:
            found += await _untold(call, name)
    return _items(found)


async def _untold(call: Call, name: str) -> list[Resumed]:
    """A run that goes on already, and whose runner does not know: the answer that said so was lost."""
    store = call.tw.store
    run = await store.run(await call.desk.own_run(store, call.principal, name))
    if run.state is not RunState.RUNNING:
        return []
    asked = await store.approvals(ApprovalFilter(task=run.task), LIST_PAGE_MAX, None)
    answers = [answered(one.id, one.state, one.why) for one in asked.items if one.run == name]
    return [Resumed(name, run.fence, tuple(answers))]


async def retire(call: Call) -> Reply:
    """It drains, or is gone; ``done`` is whether it is so now."""
    return Reply({"done": await call.tw.store.retire(await _own(call), call.body.state)})


async def hints(call: Call) -> Reply:
    """Wait until there may be something to look at: work to claim, stops, signals. What comes between two calls is kept
    for the next one."""
    runner = await _own(call)
    return Reply({"topics": await call.desk.hear(call.tw.store, runner, call.query.wait_s)})


async def stops(call: Call) -> Reply:
    """Its live runs that somebody wants ended."""
    return _items(await call.tw.store.stop_requests(await _own(call)))


async def signals(call: Call) -> Reply:
    """What its live runs have been told and have not settled."""
    return _items(await call.tw.store.signals(await _own(call)))


async def live_runs(call: Call) -> Reply:
    """Its runs that have not ended."""
    return _items(await call.tw.store.live_runs(await _own(call)))


# -- processes of sessions -----------------------------------------------------------------------------------------
async def processes(call: Call) -> Reply:
    """Processes of sessions that it keeps."""
    return _items(await call.tw.store.warm_processes(await _own(call)))


async def outdated(call: Call) -> Reply:
    """Those of them that hold no conversation any more."""
    return Reply({"items": await call.tw.store.outdated_processes(await _own(call))})


async def closed(call: Call) -> Reply:
    """It is confirmed gone."""
    runner, store, name = await _own(call), call.tw.store, call.path["process"]
    if any(one.id == name for one in await store.warm_processes(runner)):
        await store.closed_process(name)
    return Reply({"id": name})


async def _own(call: Call) -> str:
    return await call.desk.own_runner(call.tw.store, call.principal, call.path["runner"])


def _items(found: list[Any]) -> Reply:
    return Reply({"items": found})


def _of(kind: type[msgspec.Struct]) -> Schema:
    return object_of(items={"type": "array", "items": ref(kind.__name__)})


DONE: Final = object_of(done={"type": "boolean"})
NAMED: Final = object_of(id={"type": "string"})
NAMES: Final = object_of(items={"type": "array", "items": {"type": "string"}})
HINTS: Final = object_of(topics={"type": "array", "items": {"enum": sorted(TOPICS)}})
OWN: Final = "/runners/{runner}"


def _post(path: str, handler: Handler, summary: str, body: type[msgspec.Struct] | None, answer: Schema) -> Endpoint:
    return Endpoint(
        method=HTTPMethod.POST,
        path=path,
        scope=TokenScope.RUNNER,
        handler=handler,
        summary=summary,
        body=body,
        answer=answer,
        records=RECORDS,
        status=201 if handler is register else 200,
        secret=handler is claim,
    )


def _get(path: str, handler: Handler, summary: str, answer: Schema, query: type[msgspec.Struct] = NoQuery) -> Endpoint:
    return Endpoint(
        method=HTTPMethod.GET,
        path=path,
        scope=TokenScope.RUNNER,
        handler=handler,
        summary=summary,
        query=query,
        answer=answer,
        records=RECORDS,
    )


RECORDS: Final = (Claimed, LiveRun, PendingSignal, Resumed, StopRequest, WarmProcess)
ENDPOINTS: Final = (
    _post("/runners", register, "Register a runner", Register, NAMED),
    _post(f"{OWN}/renew", renew, "Renew a runner's lease", None, object_of(live={"type": "boolean"})),
    _post(f"{OWN}/claim", claim, "Take work", Claim, _of(Claimed)),
    _post(f"{OWN}/resume", resume, "Let answered runs go on", Resume, _of(Resumed)),
    _post(f"{OWN}/retire", retire, "Drain, or go", Retire, DONE),
    _get(f"{OWN}/hints", hints, "Wait for something to look at", HINTS, HintsQuery),
    _get(f"{OWN}/stops", stops, "Runs that are to end", _of(StopRequest)),
    _get(f"{OWN}/accounts", accounts, "Accounts of its tenant", _of(Account)),
    _get(f"{OWN}/signals", signals, "What live runs were told", _of(PendingSignal)),
    _get(f"{OWN}/runs", live_runs, "Live runs of a runner", _of(LiveRun)),
    _get(f"{OWN}/processes", processes, "Processes of sessions", _of(WarmProcess)),
    _get(f"{OWN}/processes/outdated", outdated, "Processes to end", NAMES),
    Endpoint(
        method=HTTPMethod.DELETE,
        path=f"{OWN}/processes/{{process}}",
        scope=TokenScope.RUNNER,
        handler=closed,
        summary="A process is gone",
        answer=NAMED,
    ),
)
