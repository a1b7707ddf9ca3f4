"""Tasks: submitted one by one or as a list, listed in order, cancelled, tried again, forgotten, explained."""

from __future__ import annotations

from http import HTTPMethod
from typing import Annotated, Any, Final, Literal

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.errors import Invalid, NotFound
from taxiway.core.limits import LIST_COUNT_MAX, LIST_PAGE_DEFAULT, LIST_PAGE_MAX, NAME_CHARS_MAX, SUBMIT_BATCH_MAX
from taxiway.core.task import Task, TaskState
from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, InProject, Reply, object_in, object_of, page_of, ref
from taxiway.server.reach import Reach
from taxiway.store.protocol import TaskFilter
from taxiway.verbs import Taxiway
from taxiway.wire.documents import (
    admitted_document,
    diff_document,
    obstacle_document,
    run_document,
    task_document,
)

COUNT_MAX: Final = 100_000
LABELS_MAX: Final = 20
PATCH: Final = "text/x-diff"

Limit = Annotated[int, msgspec.Meta(ge=1, le=LIST_PAGE_MAX)]
Reader = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_CHARS_MAX)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

SUBMIT: Final = {"oneOf": [ref("NewTask"), {"type": "array", "items": ref("NewTask"), "maxItems": SUBMIT_BATCH_MAX}]}
REMOVED: Final = object_of(removed={"type": "boolean"})


class TaskFilterQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks. ``label`` is ``key=value`` and may stand several times; ``q`` stands in a task's name, labels,
    command or prompt."""

    queue: str | None = None
    project: str | None = None
    state: str | None = None
    lane: str | None = None
    session: str | None = None
    label: Annotated[tuple[str, ...], msgspec.Meta(max_length=LABELS_MAX)] = ()
    q: Text | None = None
    superseded: bool = False


class TaskQuery(TaskFilterQuery, frozen=True, kw_only=True):
    """Which tasks a list shows. ``label`` is ``key=value`` and may stand several times; ``q`` stands in a task's name,
    labels, command or prompt, and a page that looks for it may be short although more follow. ``order`` is
    ``priority``, or ``open`` for what has not ended first and then the newest that has; with ``reader`` each task says
    what it is to that one."""

    order: Literal["priority", "open"] = "priority"
    reader: Reader | None = None
    limit: Limit = LIST_PAGE_DEFAULT
    cursor: str | None = None


class CountQuery(TaskFilterQuery, frozen=True, kw_only=True):
    """Which tasks are counted, and where counting ends."""

    most: Annotated[int, msgspec.Meta(ge=1, le=COUNT_MAX)] = LIST_COUNT_MAX


class ReaderQuery(msgspec.Struct, frozen=True):
    """For whom."""

    reader: Reader | None = None


class ReadBy(msgspec.Struct, frozen=True):
    """Who has read it."""

    reader: Reader


class CancelAll(msgspec.Struct, frozen=True):
    """Of which queue; null is of all."""

    queue: str | None = None


async def submit(call: Call) -> Reply:
    """Admit one task, or a list of them: all or none."""
    listed = isinstance(call.body, list)
    many = [object_in(fields, "a task") for fields in (call.body if listed else [call.body])]
    if call.key is not None and not listed and many[0].get("idempotency_key") is None:
        many = [{**many[0], "idempotency_key": call.key}]  # admission makes a repeated call do nothing (I9)
    admitted = await call.tw.intake.submit_and_read(many)
    documents = [admitted_document(task, answer) for answer, task in admitted]
    status = 201 if any(answer.created for answer, _ in admitted) and not call.replayed else 200
    if listed:
        return Reply({"items": documents, "cursor": None}, status)
    return Reply(documents[0], status, {"location": f"/v1/tasks/{documents[0]['id']}"})


async def page(call: Call) -> Reply:
    """A page in priority order. What matched throughout and kept its place appears exactly once."""
    asked: TaskQuery = call.query
    found = await call.tw.tasks(await _filter(call.tw, asked), asked.limit, asked.cursor)
    items = await _seen_by(call.tw, found.items, asked.reader)
    return Reply({"items": items, "cursor": found.cursor})


async def count(call: Call) -> Reply:
    """How many there are; counting ends at ``most``."""
    asked: CountQuery = call.query
    return Reply({"count": await call.tw.count_tasks(await _filter(call.tw, asked), asked.most)})


async def _seen_by(tw: Taxiway, tasks: list[Task], reader: str | None) -> list[dict[str, Any]]:
    """Tasks as documents, with what they are to a reader if one is named."""
    if reader is None:
        return [task_document(task) for task in tasks]
    attention = await tw.attention(tasks, reader)
    return [task_document(task) | {"attention": str(attention[task.id])} for task in tasks]


async def _filter(tw: Taxiway, asked: TaskFilterQuery) -> TaskFilter:
    session = None if asked.session is None else (await tw.session_verbs.get(asked.session)).id
    return TaskFilter(
        queue=asked.queue,
        project=asked.project,
        states=frozenset(_state(word) for word in asked.state.split(",")) if asked.state else frozenset(),
        lane=asked.lane,
        labels=tuple(_label(text) for text in asked.label),
        session=session,
        superseded=asked.superseded,
        open_first=isinstance(asked, TaskQuery) and asked.order == "open",
        text=asked.q,
    )


def _state(word: str) -> TaskState:
    try:
        return TaskState(word)
    except ValueError:
        legal = ", ".join(TaskState)
        raise Invalid(f"'{word}' is no state of a task; there are {legal}") from None


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise Invalid(f"a label is asked for as key=value, not '{text}'")
    return key, value


async def get(call: Call) -> Reply:
    """One task, by its id, a unique part of it, its name, or ``QUEUE/NAME``."""
    found = await call.tw.task(call.path["task"])
    return Reply((await _seen_by(call.tw, [found], call.query.reader))[0])


async def read(call: Call) -> Reply:
    """Mark it as seen by a reader, as it is now; readers do not know of each other."""
    found = await call.tw.read(call.path["task"], call.body.reader)
    return Reply((await _seen_by(call.tw, [found], call.body.reader))[0])


async def diff(call: Call) -> Reply:
    """What it changed in its workspace: the last of its runs of which a diff was kept, with the patch; as the patch
    alone where `text/x-diff` is accepted."""
    found = await call.tw.diff(call.path["task"])
    if PATCH in call.accept:
        return Reply(None, text=found.patch, media=PATCH)
    return Reply(diff_document(found))


async def remove(call: Call) -> Reply:
    """Forget a task with its logs; not while it runs."""
    try:
        return Reply({"removed": await call.tw.remove(call.path["task"])})
    except NotFound:
        if call.done:
            return Reply({"removed": True})
        raise


async def cancel(call: Call) -> Reply:
    """Ask that a task ends; what it is then. One that has ended stays as it is."""
    return Reply(task_document(await call.tw.cancel(call.path["task"])))


async def cancel_all(call: Call) -> Reply:
    """Cancel everything, or everything of a queue; how many tasks that found open."""
    return Reply({"cancelled": await call.tw.cancel_all(call.body.queue)})


async def retry(call: Call) -> Reply:
    """Try a failed or cancelled task again, with what fell with it; its own successor first."""
    handles = await call.tw.retry(call.path["task"])
    documents = [task_document(await call.tw.task(handle.id)) for handle in handles]
    return Reply({"items": documents, "cursor": None}, 201)


async def explain(call: Call) -> Reply:
    """Every condition that keeps a task from running."""
    found = await call.tw.explain(call.path["task"])
    return Reply({"items": [obstacle_document(obstacle) for obstacle in found], "cursor": None})


async def runs(call: Call) -> Reply:
    """A task's runs, oldest first."""
    return Reply({"items": [run_document(run) for run in await call.tw.runs(call.path["task"])], "cursor": None})


ENDPOINTS: Final = (
    Endpoint(
        method=HTTPMethod.GET,
        path="/tasks-count",
        scope=TokenScope.VIEWER,
        handler=count,
        summary="Count tasks",
        query=CountQuery,
        answer=object_of(count={"type": "integer"}),
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/tasks/{task}/read",
        scope=TokenScope.VIEWER,
        handler=read,
        summary="Mark a task as seen",
        body=ReadBy,
        answer=ref("Task"),
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/tasks/{task}/diff",
        scope=TokenScope.VIEWER,
        handler=diff,
        summary="What a task changed",
        answer=ref("TaskDiff"),
        media=PATCH,
        reach=Reach.TASK,
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/tasks",
        scope=TokenScope.OPERATOR,
        handler=submit,
        summary="Submit a task, or up to 1,000",
        body=SUBMIT,
        answer={"oneOf": [ref("Admitted"), page_of("Admitted")]},
        status=201,
        also=(200,),
        keyed=True,
        query=InProject,
        reach=Reach.SUBMIT,
        large=True,
        admits=True,
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/tasks",
        scope=TokenScope.VIEWER,
        handler=page,
        summary="List tasks",
        query=TaskQuery,
        answer=page_of("Task"),
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/tasks/{task}",
        scope=TokenScope.VIEWER,
        handler=get,
        summary="One task",
        answer=ref("Task"),
        versioned=ChangeKind.TASK,
        query=ReaderQuery,
        reach=Reach.TASK,
    ),
    Endpoint(
        method=HTTPMethod.DELETE,
        path="/tasks/{task}",
        scope=TokenScope.OPERATOR,
        handler=remove,
        summary="Forget a task",
        answer=REMOVED,
        versioned=ChangeKind.TASK,
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/tasks/{task}/cancel",
        scope=TokenScope.OPERATOR,
        handler=cancel,
        summary="Cancel a task",
        answer=ref("Task"),
        versioned=ChangeKind.TASK,
        reach=Reach.BELOW,
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/tasks/cancel-all",
        scope=TokenScope.OPERATOR,
        handler=cancel_all,
        summary="Cancel everything",
        body=CancelAll,
        answer=object_of(cancelled={"type": "integer"}),
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/tasks/{task}/retry",
        scope=TokenScope.OPERATOR,
        handler=retry,
        summary="Try a task again",
        answer=page_of("Task"),
        status=201,
        versioned=ChangeKind.TASK,
        admits=True,
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/tasks/{task}/explain",
        scope=TokenScope.VIEWER,
        handler=explain,
        summary="Why a task does not run",
        answer=page_of("Obstacle"),
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/tasks/{task}/runs",
        scope=TokenScope.VIEWER,
        handler=runs,
        summary="A task's runs",
        answer=page_of("Run"),
        reach=Reach.TASK,
    ),
)
