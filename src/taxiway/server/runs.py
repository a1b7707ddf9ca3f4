"""Runs: one attempt each, with its numbered log."""

from __future__ import annotations

from http import HTTPMethod
from typing import Annotated, Final

import msgspec

from taxiway.core.limits import EVENTS_PAGE_MAX
from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Reply, object_of, page_of, ref
from taxiway.server.reach import Reach
from taxiway.wire.documents import event_document, run_document, task_document


class EventsQuery(msgspec.Struct, frozen=True):
    """A page of the log: what has a higher number than ``after``, in order."""

    after: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=EVENTS_PAGE_MAX)] = EVENTS_PAGE_MAX


EVENTS: Final = object_of(
    items={"type": "array", "items": ref("Event")},
    cursor={"type": "integer"},
)


async def get(call: Call) -> Reply:
    """One run."""
    store = call.tw.store
    return Reply(run_document(await store.run(await store.find_run(call.path["run"]))))


async def events(call: Call) -> Reply:
    """A page of its log; ``cursor`` is the number to go on behind."""
    store, asked = call.tw.store, call.query
    run = await store.find_run(call.path["run"])
    found = await store.events(run, asked.after, asked.limit)
    cursor = found[-1].seq if found else asked.after
    return Reply({"items": [event_document(event) for event in found], "cursor": cursor})


async def submitted(call: Call) -> Reply:
    """What it has submitted by its own token, in order."""
    store = call.tw.store
    found = await store.submitted(await store.find_run(call.path["run"]))
    return Reply({"items": [task_document(task) for task in found], "cursor": None})


ENDPOINTS: Final = (
    Endpoint(
        method=HTTPMethod.GET,
        path="/runs/{run}/submitted",
        scope=TokenScope.VIEWER,
        handler=submitted,
        summary="What a run has submitted",
        answer=page_of("Task"),
        reach=Reach.RUN,
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/runs/{run}",
        scope=TokenScope.VIEWER,
        handler=get,
        summary="One run",
        answer=ref("Run"),
        reach=Reach.RUN,
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/runs/{run}/events",
        scope=TokenScope.VIEWER,
        handler=events,
        summary="A page of a run's log",
        query=EventsQuery,
        answer=EVENTS,
        reach=Reach.RUN,
    ),
)
