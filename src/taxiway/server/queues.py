"""Queues and lanes: how work is ordered, and how much of it goes at once."""

from __future__ import annotations

from http import HTTPMethod
from typing import Annotated, Final

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.task import OnLimit
from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Handler, InProject, Reply, object_of, page_of, ref
from taxiway.wire.documents import lane_document, queue_document, stats_document, task_document

SIZE_MAX: Final = 1_000_000

Size = Annotated[int, msgspec.Meta(ge=1, le=SIZE_MAX)]
VERBS: Final = ("start", "pause", "resume", "stop", "reset")
LANE_VERBS: Final = ("start", "stop")


class NewQueue(msgspec.Struct, frozen=True):
    """A standing queue; ``slots`` bounds its live runs (none: unlimited)."""

    name: str
    slots: Size | None = None


class QueueChange(msgspec.Struct, frozen=True):
    """How many of its runs may go at once; null is unlimited."""

    slots: Size | None


class LaneChange(msgspec.Struct, frozen=True):
    """How many runs a lane holds at once (null: unlimited), and whose lane it is where it is a queue's own."""

    size: Size | None
    queue: str | None = None


class LaneQuery(msgspec.Struct, frozen=True):
    """Whose lane it is, where it is a queue's own, and the project in which that is meant."""

    queue: str | None = None
    project: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """What to do when a provider's limit ends a turn: wait for its reset, or fail; null says nothing."""

    on_limit: OnLimit | None


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
    """Resize a queue."""
    return Reply(queue_document(await call.tw.set_queue(call.path["queue"], call.body.slots)))


def moving(verb: str) -> Handler:
    """Start, pause, resume, stop or reset a queue; what its state does not allow is refused and changes nothing."""

    async def move(call: Call) -> Reply:
        return Reply(queue_document(await call.tw.move_queue(call.path["queue"], verb)))

    return move


async def stats(call: Call) -> Reply:
    """Counts of its tasks by state, by state and reason, and by lane; zeros where there is no such queue."""
    return Reply(stats_document(await call.tw.queue_stats(call.path["queue"])))


async def snapshot(call: Call) -> Reply:
    """Its counts and the first 20 tasks, open ones first, as they are at one moment; zeros and none where there is no
    such queue."""
    name = call.path["queue"]
    counts, first = await call.tw.snapshot(name)
    return Reply({"stats": stats_document(counts), "items": [task_document(task) for task in first]})


async def set_on_limit(call: Call) -> Reply:
    """Say what its tasks do about a provider's limit, or take the word back."""
    name = call.path["queue"]
    await call.tw.set_on_limit(call.body.on_limit, queue=name)
    return Reply(queue_document(await call.tw.queue(name)))


async def lanes(call: Call) -> Reply:
    """Every lane."""
    return Reply({"items": [lane_document(lane) for lane in await call.tw.lanes()], "cursor": None})


async def lane(call: Call) -> Reply:
    """One lane: store-wide, or of a queue."""
    return Reply(lane_document(await call.tw.lane(call.path["lane"], call.query.queue)))


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
        versioned=ChangeKind.QUEUE,
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
        query=InProject,
        versioned=ChangeKind.QUEUE,
    ),
    Endpoint(
        method=HTTPMethod.PATCH,
        path="/queues/{queue}",
        scope=TokenScope.ADMIN,
        handler=change,
        summary="Resize a queue",
        body=QueueChange,
        answer=ref("Queue"),
        query=InProject,
        versioned=ChangeKind.QUEUE,
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/queues/{queue}/stats",
        scope=TokenScope.VIEWER,
        handler=stats,
        summary="A queue's counts",
        answer=ref("QueueStats"),
        query=InProject,
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/queues/{queue}/snapshot",
        scope=TokenScope.VIEWER,
        handler=snapshot,
        summary="A queue's counts and first tasks",
        answer=object_of(stats=ref("QueueStats"), items={"type": "array", "items": ref("Task")}),
        query=InProject,
    ),
    *(
        Endpoint(
            method=HTTPMethod.POST,
            path=f"/queues/{{queue}}/{verb}",
            scope=TokenScope.OPERATOR,
            handler=moving(verb),
            summary=f"{verb.capitalize()} a queue",
            answer=ref("Queue"),
            query=InProject,
            versioned=ChangeKind.QUEUE,
        )
        for verb in VERBS
    ),
    Endpoint(
        method=HTTPMethod.PUT,
        path="/queues/{queue}/on-limit",
        scope=TokenScope.OPERATOR,
        handler=set_on_limit,
        query=InProject,
        body=Answer,
        summary="Say what a queue does about limits",
        answer=ref("Queue"),
        versioned=ChangeKind.QUEUE,
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/lanes/{lane}",
        scope=TokenScope.VIEWER,
        handler=lane,
        query=LaneQuery,
        summary="One lane",
        answer=ref("Lane"),
        versioned=ChangeKind.LANE,
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
        query=InProject,
        versioned=ChangeKind.LANE,
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
            versioned=ChangeKind.LANE,
        )
        for verb in LANE_VERBS
    ),
)
