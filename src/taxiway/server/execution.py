"""Runs as their runners write them: every write proves its fence, names a run of the caller's own, and may be repeated.

What comes here was written by a machine elsewhere: it is held within the bounds that a runner at home keeps by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPMethod
from typing import Annotated, Any, Final

import msgspec

from taxiway.core.approval import Question
from taxiway.core.errors import Forbidden, Invalid, LeaseLost, TooLarge
from taxiway.core.event import EventType, NewEvent
from taxiway.core.limits import RESULT_BYTES_MAX, TASK_OUTPUT_BYTES_MAX
from taxiway.core.providerlimit import ProviderLimit
from taxiway.core.run import Outcome, ProcessMark, Run, RunState, StopCause
from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Handler, NoQuery, Reply, Schema, object_of, ref
from taxiway.store.protocol import Finished, TurnFacts, WarmProcess
from taxiway.wire.documents import approval_document, run_document, session_document, task_document

EVENTS_MAX: Final = 1_000  #: in one batch
EVENT_BYTES_MOST: Final = 1 << 20
INTEGER_MAX: Final = 1 << 53
FREE_FORM: Final = frozenset({"data", "result", "input"})  #: stored as text, whatever is in it
#: What only the store itself writes into the log of a run.
STORES_OWN: Final = frozenset(
    {
        EventType.RUN_STARTED,
        EventType.RUN_FINISHED,
        EventType.APPROVAL_REQUESTED,
        EventType.APPROVAL_DECIDED,
        EventType.SIGNAL_RECEIVED,
        EventType.SIGNAL_SETTLED,
    }
)
Number = Annotated[int, msgspec.Meta(ge=0, le=INTEGER_MAX)]
Chance = Annotated[float, msgspec.Meta(ge=0, le=1)]
Cause = Annotated[str, msgspec.Meta(max_length=4_000)]


class Started(msgspec.Struct, frozen=True):
    """Which processes it has."""

    fence: Number
    process: ProcessMark | None = None


class Events(msgspec.Struct, frozen=True):
    """Batch number ``batch`` (1, 2, …) of its events."""

    fence: Number
    batch: Number
    events: Annotated[tuple[NewEvent, ...], msgspec.Meta(max_length=EVENTS_MAX)]


class Finish(msgspec.Struct, frozen=True):
    """How it ended; ``chance`` (0 to 1) stretches the wait before its next attempt."""

    fence: Number
    outcome: Outcome
    chance: Chance = 0.5


class Stop(msgspec.Struct, frozen=True):
    """Why it is being stopped by its own runner."""

    fence: Number
    cause: StopCause


class Ask(msgspec.Struct, frozen=True):
    """What it asks."""

    fence: Number
    question: Question


class Fence(msgspec.Struct, frozen=True):
    """Nothing but the fence."""

    fence: Number


class Settle(msgspec.Struct, frozen=True):
    """Whether an instruction was taken, and why not."""

    fence: Number
    applied: bool
    why: Cause | None = None


class Tell(msgspec.Struct, frozen=True):
    """What its turn tells of its session."""

    fence: Number
    facts: TurnFacts


class Heard(msgspec.Struct, frozen=True):
    """What it heard of its provider: a limit, or (none) an answer."""

    fence: Number
    limit: ProviderLimit | None = None
    chance: Chance = 0.5


class Opened(msgspec.Struct, frozen=True):
    """The process that holds the conversation of its session from now on."""

    fence: Number
    runner: str
    mark: ProcessMark


class TurnsQuery(msgspec.Struct, frozen=True):
    """The last so many turns of a generation."""

    generation: Number
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100


# -- what it does ----------------------------------------------------------------------------------------------------
async def started(call: Call) -> Reply:
    """Record its processes before its program starts; ``stop``: it must not start any more."""
    asked: Started = _sound(call.body)
    return Reply({"stop": await call.tw.store.started(await _own(call), asked.fence, asked.process)})


async def record(call: Call) -> Reply:
    """Append a batch of events; one that is known changes nothing."""
    asked: Events = _sound(call.body)
    run = await _own(call)
    for event in asked.events:
        if event.type in STORES_OWN:
            raise Forbidden(f"events of the type {event.type} are written by the store itself")
        if len(_encode(event)) > EVENT_BYTES_MOST:
            raise TooLarge(f"an event has at most {EVENT_BYTES_MOST} bytes")
    return Reply({"seq": await call.tw.store.record(run, asked.fence, asked.batch, asked.events)})


async def finish(call: Call) -> Reply:
    """End it; the first one wins, and the same once more changes nothing."""
    asked: Finish = _sound(call.body)
    run = await _own(call)
    if len((getattr(asked.outcome, "output", None) or "").encode()) > 3 * TASK_OUTPUT_BYTES_MAX:
        raise TooLarge(f"an output has at most {TASK_OUTPUT_BYTES_MAX} bytes")
    if len(_encode(getattr(asked.outcome, "result", None))) > RESULT_BYTES_MAX:
        raise TooLarge(f"a result has at most {RESULT_BYTES_MAX} bytes")
    return Reply(await call.tw.store.finish(run, asked.fence, asked.outcome, asked.chance))


async def stop(call: Call) -> Reply:
    """Its runner stops it by itself (a timeout, a drain)."""
    asked: Stop = call.body
    run = await _own(call)
    await call.tw.store.request_stop(run, asked.fence, asked.cause)
    return Reply({"id": run})


async def attempts(call: Call) -> Reply:
    """Every run of its task."""
    store = call.tw.store
    run = await store.run(await _own(call))
    return Reply({"items": [run_document(one) for one in await store.runs(run.task)]})


# -- its turn --------------------------------------------------------------------------------------------------------
async def ask(call: Call) -> Reply:
    """Ask a person; pending: the run waits from now on, and has given its slots back."""
    asked: Ask = _sound(call.body)
    return Reply(approval_document(await call.tw.store.ask(await _own(call), asked.fence, asked.question)))


async def withdraw(call: Call) -> Reply:
    """It does not want to know any more."""
    run = await _own(call)
    await call.tw.store.withdraw(run, call.body.fence, call.path["approval"])
    return Reply({"id": run})


async def deliver(call: Call) -> Reply:
    """Its agent has been given an instruction, and has not answered yet."""
    run = await _own(call)
    await call.tw.store.deliver_signal(run, call.body.fence, call.path["signal"])
    return Reply({"id": run})


async def settle(call: Call) -> Reply:
    """It took an instruction, or could not."""
    asked: Settle = _sound(call.body)
    run = await _own(call)
    await call.tw.store.settle_signal(run, asked.fence, call.path["signal"], asked.applied, asked.why)
    return Reply({"id": run})


async def tell(call: Call) -> Reply:
    """What its turn tells of its session."""
    asked: Tell = _sound(call.body)
    run = await _own(call)
    await call.tw.store.tell_session(run, asked.fence, asked.facts)
    return Reply({"id": run})


async def heard(call: Call) -> Reply:
    """What it heard of its provider."""
    asked: Heard = _sound(call.body)
    run = await _own(call)
    await call.tw.store.tell_account(run, asked.fence, asked.limit, asked.chance)
    return Reply({"id": run})


async def session(call: Call) -> Reply:
    """The session that its turn belongs to."""
    return Reply(session_document(await call.tw.store.session(await _session_of(call, await _run(call)))))


async def turns(call: Call) -> Reply:
    """Earlier turns of that session."""
    asked: TurnsQuery = call.query
    name = await _session_of(call, await _run(call))
    found = await call.tw.store.earlier_turns(name, asked.generation, asked.limit)
    return Reply({"items": [task_document(one) for one in found]})


async def opened(call: Call) -> Reply:
    """Write down the process of its session, before its program runs."""
    asked: Opened = _sound(call.body)
    store, name, run = call.tw.store, call.path["process"], await _run(call)
    if run.fence != asked.fence or run.state is RunState.ENDED or run.runner != asked.runner:
        raise LeaseLost(f"run {run.id} is not yours any more (fence {asked.fence}); nothing was changed", run=run.id)
    if all(one.id != name for one in await store.warm_processes(run.runner)):
        session = await _session_of(call, run)
        await store.opened_process(WarmProcess(id=name, session=session, runner=run.runner, mark=asked.mark))
    return Reply({"id": name})


async def _own(call: Call) -> str:
    return await call.desk.own_run(call.tw.store, call.principal, call.path["run"])


async def _run(call: Call) -> Run:
    return await call.tw.store.run(await _own(call))


async def _session_of(call: Call, run: Run) -> str:
    found = (await call.tw.store.task(run.task)).session
    if found is None:
        raise Invalid(f"run {run.id} is no turn of a session", run=run.id)
    return found


def _sound(body: Any) -> Any:
    """The same, if it can be stored: whole characters only, and no numbers that nobody means."""
    try:
        _encode(body)
    except UnicodeEncodeError:
        raise Invalid("a text has halves of characters in it") from None
    _check_numbers(msgspec.to_builtins(body))
    return body


def _check_numbers(value: Any) -> None:
    match value:
        case bool():
            return
        case int() if abs(value) > INTEGER_MAX:
            raise Invalid(f"{value} is too large a number")
        case Mapping():
            for key, inner in value.items():
                if key not in FREE_FORM:
                    _check_numbers(inner)
        case list() | tuple():
            for inner in value:
                _check_numbers(inner)
        case _:
            return


_encode = msgspec.json.Encoder().encode
DONE: Final = object_of(id={"type": "string"})
STOP: Final = object_of(stop={"anyOf": [{"enum": sorted(StopCause)}, {"type": "null"}]})
RECORDS: Final = (Finished,)
OWN: Final = "/runs/{run}"


def _post(path: str, handler: Handler, summary: str, body: type[msgspec.Struct], answer: Schema = DONE) -> Endpoint:
    return Endpoint(
        method=HTTPMethod.POST,
        path=OWN + path,
        scope=TokenScope.RUNNER,
        handler=handler,
        summary=summary,
        body=body,
        answer=answer,
        records=RECORDS,
        large=True,
    )


def _get(path: str, handler: Handler, summary: str, answer: Schema, query: type[msgspec.Struct] = NoQuery) -> Endpoint:
    return Endpoint(
        method=HTTPMethod.GET,
        path=OWN + path,
        scope=TokenScope.RUNNER,
        handler=handler,
        summary=summary,
        query=query,
        answer=answer,
    )


def _all(name: str) -> Schema:
    return object_of(items={"type": "array", "items": ref(name)})


ENDPOINTS: Final = (
    _post("/started", started, "A run's processes, before its program starts", Started, STOP),
    _post("/events", record, "Append events to a run", Events, object_of(seq={"type": "integer"})),
    _post("/finish", finish, "End a run", Finish, ref("Finished")),
    _post("/stop", stop, "A runner stops its own run", Stop),
    _get("/attempts", attempts, "All runs of a run's task", _all("Run")),
    _post("/approvals", ask, "Ask a person", Ask, ref("Approval")),
    _post("/approvals/{approval}/withdraw", withdraw, "Withdraw a question", Fence),
    _post("/signals/{signal}/delivered", deliver, "An instruction has reached its turn", Fence),
    _post("/signals/{signal}/settle", settle, "Settle an instruction", Settle),
    _post("/session", tell, "What a turn tells of its session", Tell),
    _get("/session", session, "The session of a run", ref("Session")),
    _get("/turns", turns, "Earlier turns of a run's session", _all("Task"), TurnsQuery),
    _post("/provider", heard, "What a run heard of its provider", Heard),
    _post("/processes/{process}", opened, "The process that holds a run's session", Opened),
)
