"""Queues and lanes: how work is ordered, and how much of it goes at once."""

from __future__ import annotations

from http import HTTPMethod
from typing import Annotated, Final

import msgspec

from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Handler, Reply, object_of, page_of, ref
from taxiway.store.protocol import TaskFilter
from taxiway.wire.documents import lane_document, queue_document, stats_document, task_document

OPEN_SHOWN: Final = 20  #: tasks of a snapshot
SIZE_MAX: Final = 1_000_000

Size = Annotated[int, msgspec.Meta(ge=1, le=SIZE_MAX)]
VERBS: Final = ("start", "pause", "resume", "stop", "reset")
LANE_VERBS: Final = ("start", "stop")


class NewQueue(msgspec.Struct, frozen=True):
    """A standing queue; ``slots`` bounds its live runs (none: unlimited)."""

    name: str
    slots: Size | None = None


class QueueChange(msgspec.Struct, frozen=True):
    """How many of its runs may go at once (null: unlimited), and what its tasks do when a provider's limit ends their
    turn (``wait``, ``fail``; null takes the word back); what is not said stays."""

    slots: Size | msgspec.UnsetType | None = msgspec.UNSET
    on_limit: str | msgspec.UnsetType | None = msgspec.UNSET


class LaneChange(msgspec.Struct, frozen=True):
    """How many runs a lane holds at once (null: unlimited), and whose lane it is where it is a queue's own."""

    size: Size | None
    queue: str | None = None


class LaneQuery(msgspec.Struct, frozen=True):
    """Whose lane it is, where it is a queue's own."""

    queue: str | None = None


async def make(call: Call) -> Reply:
    """Make a standing queue; it is started when it is made."""
    return Reply(queue_document(await call.tw.make_queue(call.body.name, call.body.slots)), 201)


async def every(call: Call) -> Reply:
    """Every queue."""
    return Reply({"items": [queue_document(queue) for queue in await call.tw.queues()], "cursor": None})


async def get(call: Call) -> Reply:
    """One queue."""
    return Reply(queue_document(await call.tw.queue(call.path["queue"])))


async def change(call: Call) -> Reply:
    """Resize a queue, or say what it does about limits."""
    asked: QueueChange = call.body
    name = call.path["queue"]
    if asked.slots is not msgspec.UNSET:
        await call.tw.set_queue(name, asked.slots)
    if asked.on_limit is not msgspec.UNSET:
        await call.tw.set_on_limit(asked.on_limit, queue=name)
    return Reply(queue_document(await call.tw.queue(name)))


def moving(verb: str) -> Handler:
    """Start, pause, resume, stop or reset a queue; what its state does not allow is refused and changes nothing."""

    async def move(call: Call) -> Reply:
        return Reply(queue_document(await call.tw.move_queue(call.path["queue"], verb)))

    return move


async def stats(call: Call) -> Reply:
    """Counts of its tasks by state, by state and reason, and by lane."""
    return Reply(stats_document(await call.tw.queue_stats(call.path["queue"])))


async def snapshot(call: Call) -> Reply:
    """Its counts and the first 20 tasks, open ones first."""
    name = call.path["queue"]
    counts = await call.tw.queue_stats(name)
    page = await call.tw.tasks(TaskFilter(queue=name, open_first=True), OPEN_SHOWN)
    return Reply({"stats": stats_document(counts), "items": [task_document(task) for task in page.items]})


async def lanes(call: Call) -> Reply:
    """Every lane."""
    return Reply({"items": [lane_document(lane) for lane in await call.tw.lanes()], "cursor": None})


async def set_lane(call: Call) -> Reply:
    """Make or resize a lane."""
    asked: LaneChange = call.body
    return Reply(lane_document(await call.tw.set_lane(call.path["lane"], asked.size, asked.queue)))


def moving_lane(verb: str) -> Handler:
    """Stop a lane (it refuses new work, and what waits in it is cancelled), or start it again."""

    async def move(call: Call) -> Reply:
        return Reply(lane_document(await call.tw.move_lane(call.path["lane"], verb, call.query.queue)))

    return move


ENDPOINTS: Final = (
    Endpoint(
        method=HTTPMethod.POST,
        path="/queues",
        scope=TokenScope.ADMIN,
        handler=make,
        summary="Make a queue",
        body=NewQueue,
        answer=ref("Queue"),
        status=201,
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/queues",
        scope=TokenScope.VIEWER,
        handler=every,
        summary="List queues",
        answer=page_of("Queue"),
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/queues/{queue}",
        scope=TokenScope.VIEWER,
        handler=get,
        summary="One queue",
        answer=ref("Queue"),
    ),
    Endpoint(
        method=HTTPMethod.PATCH,
        path="/queues/{queue}",
        scope=TokenScope.ADMIN,
        handler=change,
        summary="Resize a queue",
        body=QueueChange,
        answer=ref("Queue"),
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/queues/{queue}/stats",
        scope=TokenScope.VIEWER,
        handler=stats,
        summary="A queue's counts",
        answer=ref("QueueStats"),
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/queues/{queue}/snapshot",
        scope=TokenScope.VIEWER,
        handler=snapshot,
        summary="A queue's counts and first tasks",
        answer=object_of(stats=ref("QueueStats"), items={"type": "array", "items": ref("Task")}),
    ),
    *(
        Endpoint(
            method=HTTPMethod.POST,
            path=f"/queues/{{queue}}/{verb}",
            scope=TokenScope.OPERATOR,
            handler=moving(verb),
            summary=f"{verb.capitalize()} a queue",
            answer=ref("Queue"),
        )
        for verb in VERBS
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/lanes",
        scope=TokenScope.VIEWER,
        handler=lanes,
        summary="List lanes",
        answer=page_of("Lane"),
    ),
    Endpoint(
        method=HTTPMethod.PUT,
        path="/lanes/{lane}",
        scope=TokenScope.ADMIN,
        handler=set_lane,
        summary="Make or resize a lane",
        body=LaneChange,
        answer=ref("Lane"),
    ),
    *(
        Endpoint(
            method=HTTPMethod.POST,
            path=f"/lanes/{{lane}}/{verb}",
            scope=TokenScope.OPERATOR,
            handler=moving_lane(verb),
            query=LaneQuery,
            summary=f"{verb.capitalize()} a lane",
            answer=ref("Lane"),
        )
        for verb in LANE_VERBS
    ),
)
