"""Tasks: submitted one by one or as a list, listed in order, cancelled, tried again, forgotten, explained."""

from __future__ import annotations

from http import HTTPMethod
from typing import Annotated, Any, Final

import msgspec

from taxiway.core.errors import Invalid
from taxiway.core.limits import LIST_PAGE_DEFAULT, LIST_PAGE_MAX, SUBMIT_BATCH_MAX
from taxiway.core.task import TaskState
from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Reply, object_in, object_of, page_of, ref
from taxiway.store.protocol import TaskFilter
from taxiway.verbs import Taxiway
from taxiway.wire.documents import (
    admitted_document,
    diff_document,
    obstacle_document,
    receipt_document,
    run_document,
    task_document,
)

Limit = Annotated[int, msgspec.Meta(ge=1, le=LIST_PAGE_MAX)]

SUBMIT: Final = {"oneOf": [ref("NewTask"), {"type": "array", "items": ref("NewTask"), "maxItems": SUBMIT_BATCH_MAX}]}
REMOVED: Final = object_of(removed={"type": "boolean"})


class TaskQuery(msgspec.Struct, frozen=True):
    """Which tasks a list shows. ``label`` is ``key=value``; ``order`` is ``priority``, or ``open`` for what has not
    ended first and then the newest that has. ``count``: say also how many there are, as far as they are counted."""

    queue: str | None = None
    project: str | None = None
    state: str | None = None
    lane: str | None = None
    session: str | None = None
    label: tuple[str, ...] = ()
    superseded: bool = False
    order: str = "priority"
    count: bool = False
    limit: Limit = LIST_PAGE_DEFAULT
    cursor: str | None = None


class Steer(msgspec.Struct, frozen=True):
    """What to say."""

    text: str


class CancelAll(msgspec.Struct, frozen=True):
    """Of which queue; null is of all."""

    queue: str | None = None


async def submit(call: Call) -> Reply:
    """Admit one task, or a list of them: all or none."""
    many = [object_in(fields, "a task") for fields in (call.body if isinstance(call.body, list) else [call.body])]
    if call.key is not None:
        many = [_keyed(fields, call.key, number, len(many)) for number, fields in enumerate(many)]
    answers = await call.tw.intake.submit_many(many)
    documents = [admitted_document(await call.tw.task(answer.id), answer) for answer in answers]
    status = 201 if any(answer.created for answer in answers) else 200
    if isinstance(call.body, list):
        return Reply({"items": documents, "cursor": None}, status)
    return Reply(documents[0], status, {"location": f"/v1/tasks/{answers[0].id}"})


def _keyed(fields: dict[str, Any], key: str, number: int, total: int) -> dict[str, Any]:
    """The task with the call's key as its own, so that admission itself makes a repeated call do nothing (I9)."""
    if fields.get("idempotency_key") is not None:
        return fields
    return {**fields, "idempotency_key": key if total == 1 else f"{key}/{number}"}


async def page(call: Call) -> Reply:
    """A page in priority order. What matched throughout and kept its place appears exactly once."""
    asked: TaskQuery = call.query
    wanted = await _filter(call.tw, asked)
    found = await call.tw.tasks(wanted, asked.limit, asked.cursor)
    document: dict[str, Any] = {"items": [task_document(task) for task in found.items], "cursor": found.cursor}
    return Reply(document | ({"total": await call.tw.count_tasks(wanted)} if asked.count else {}))


async def _filter(tw: Taxiway, asked: TaskQuery) -> TaskFilter:
    session = None if asked.session is None else (await tw.session_verbs.get(asked.session)).id
    if asked.order not in ("priority", "open"):
        raise Invalid(f"order must be priority or open, not '{asked.order}'")
    return TaskFilter(
        queue=asked.queue,
        project=asked.project,
        states=frozenset(_state(word) for word in asked.state.split(",")) if asked.state else frozenset(),
        lane=asked.lane,
        labels=tuple(_label(text) for text in asked.label),
        session=session,
        superseded=asked.superseded,
        open_first=asked.order == "open",
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
    return Reply(task_document(await call.tw.task(call.path["task"])))


async def remove(call: Call) -> Reply:
    """Forget a task with its logs; not while it runs."""
    return Reply({"removed": await call.tw.remove(call.path["task"])})


async def cancel(call: Call) -> Reply:
    """Ask that a task ends; what it is then. One that has ended stays as it is."""
    return Reply(task_document(await call.tw.cancel(call.path["task"])))


async def cancel_all(call: Call) -> Reply:
    """Cancel everything, or everything of a queue; how many tasks that found open."""
    return Reply({"cancelled": await call.tw.cancel_all(call.body.queue)})


async def steer(call: Call) -> Reply:
    """Words for the live turn of an agent's task, and how far they got at once; what its session's turn does not take
    is the next turn."""
    return Reply(receipt_document(await call.tw.steer(call.path["task"], call.body.text, 0)))


async def interrupt(call: Call) -> Reply:
    """Have the live turn of an agent's task ended; its conversation stays."""
    return Reply(receipt_document(await call.tw.interrupt(call.path["task"], 0)))


async def retry(call: Call) -> Reply:
    """Try a failed or cancelled task again, with what fell with it; its own successor first."""
    handles = await call.tw.retry(call.path["task"])
    documents = [task_document(await call.tw.task(handle.id)) for handle in handles]
    return Reply({"items": documents, "cursor": None}, 201)


async def explain(call: Call) -> Reply:
    """Every condition that keeps a task from running."""
    found = await call.tw.explain(call.path["task"])
    return Reply({"items": [obstacle_document(obstacle) for obstacle in found], "cursor": None})


async def diff(call: Call) -> Reply:
    """What a task changed in its workspace: the last of its runs of which a diff was kept."""
    return Reply(diff_document(await call.tw.diff(call.path["task"])))


async def runs(call: Call) -> Reply:
    """A task's runs, oldest first."""
    return Reply({"items": [run_document(run) for run in await call.tw.runs(call.path["task"])], "cursor": None})


ENDPOINTS: Final = (
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
    ),
    Endpoint(
        method=HTTPMethod.DELETE,
        path="/tasks/{task}",
        scope=TokenScope.OPERATOR,
        handler=remove,
        summary="Forget a task",
        answer=REMOVED,
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/tasks/{task}/cancel",
        scope=TokenScope.OPERATOR,
        handler=cancel,
        summary="Cancel a task",
        answer=ref("Task"),
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
        path="/tasks/{task}/steer",
        scope=TokenScope.OPERATOR,
        handler=steer,
        summary="Steer a live turn",
        body=Steer,
        answer=ref("Receipt"),
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/tasks/{task}/interrupt",
        scope=TokenScope.OPERATOR,
        handler=interrupt,
        summary="Interrupt a live turn",
        answer=ref("Receipt"),
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/tasks/{task}/retry",
        scope=TokenScope.OPERATOR,
        handler=retry,
        summary="Try a task again",
        answer=page_of("Task"),
        status=201,
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
        path="/tasks/{task}/diff",
        scope=TokenScope.VIEWER,
        handler=diff,
        summary="What a task changed",
        answer=ref("Diff"),
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/tasks/{task}/runs",
        scope=TokenScope.VIEWER,
        handler=runs,
        summary="A task's runs",
        answer=page_of("Run"),
    ),
)
