"""Sessions: conversations and their mailboxes."""

from __future__ import annotations

from http import HTTPMethod
from typing import Annotated, Any, Final

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.limits import LIST_PAGE_DEFAULT
from taxiway.core.session import Session
from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, InProject, Reply, Schema, object_in, object_of, page_of, ref
from taxiway.server.queues import Answer
from taxiway.server.reach import Reach
from taxiway.store.protocol import SessionFilter
from taxiway.wire.documents import (
    event_document,
    sent_document,
    session_document,
    stopped_document,
    task_document,
)

After = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]


class NewSession(msgspec.Struct, frozen=True):
    """A session to be made, or found: ``mailbox`` holds words of the policy that hold from now on."""

    key: str
    agent: str | None = None
    mailbox: dict[str, Any] = {}
    title: str | None = None


class SessionChange(msgspec.Struct, frozen=True):
    """What to change; an agent only where it has none."""

    agent: str | None = None
    mailbox: dict[str, Any] = {}


class Fork(msgspec.Struct, frozen=True):
    """The key of the new session."""

    key: str
    title: str | None = None


class SessionsQuery(msgspec.Struct, frozen=True):
    """Which sessions a list shows; any number is taken for ``limit`` and cut to 1 to 100."""

    state: str = "default"
    reader: str | None = None
    agent: str | None = None
    archived: bool = False
    limit: float = LIST_PAGE_DEFAULT
    cursor: str | None = None


class ReaderQuery(msgspec.Struct, frozen=True):
    """For whom."""

    reader: str | None = None


class Reader(msgspec.Struct, frozen=True):
    """Who has read it."""

    reader: str


class Reset(msgspec.Struct, frozen=True):
    """Whether what waits goes, too."""

    discard: bool = False


class Archive(msgspec.Struct, frozen=True):
    """Put away, or taken back."""

    archived: bool = True


class TraceQuery(msgspec.Struct, frozen=True):
    """A page of events of one run: the requested, else the live, else the last."""

    run: str | None = None
    after: After = 0
    limit: float = LIST_PAGE_DEFAULT


class TasksQuery(msgspec.Struct, frozen=True):
    """Its open tasks behind a submission number."""

    after: After = 0
    limit: float = LIST_PAGE_DEFAULT


TRACE: Final[Schema] = object_of(
    run={"type": ["string", "null"]},
    items={"type": "array", "items": ref("Event")},
    cursor={"type": ["integer", "null"]},
)


async def make(call: Call) -> Reply:
    """The session of a key, made when there is none."""
    asked: NewSession = call.body
    return _one(await call.tw.session_verbs.make(asked.key, asked.agent, asked.mailbox, asked.title))


async def page(call: Call) -> Reply:
    """A page: active first, then unread, then by last activity."""
    asked: SessionsQuery = call.query
    wanted = SessionFilter(asked.state, asked.reader, asked.agent, asked.archived)
    found = await call.tw.session_verbs.page(wanted, asked.limit, asked.cursor)
    return Reply({"items": [session_document(one) for one in found.items], "cursor": found.cursor})


async def get(call: Call) -> Reply:
    """One session, by its key, its id, or a unique part of that; with the attention that it has for ``reader``."""
    return _one(await call.tw.session_verbs.get(call.path["session"], call.query.reader))


async def change(call: Call) -> Reply:
    """Change its policy from now on."""
    asked: SessionChange = call.body
    return _one(await call.tw.session_verbs.set(call.path["session"], asked.mailbox, asked.agent))


async def send(call: Call) -> Reply:
    """Send it a message: fields as those of a task."""
    fields = object_in(call.body, "a message")
    if call.key is not None and fields.get("idempotency_key") is None:
        fields = {**fields, "idempotency_key": call.key}
    sent = await call.tw.session_verbs.send(call.path["session"], fields)
    return Reply(sent_document(await call.tw.task(sent.id), sent), 201 if sent.created else 200)


async def fork(call: Call) -> Reply:
    """A new session that begins as this one's conversation is at its first turn."""
    asked: Fork = call.body
    return _one(await call.tw.session_verbs.fork(call.path["session"], asked.key, asked.title), 201)


async def stop(call: Call) -> Reply:
    """Ask that its oldest started run ends; null when nothing runs."""
    task = await call.tw.session_verbs.stop(call.path["session"])
    return Reply({"task": None if task is None else task_document(task)})


async def stop_all(call: Call) -> Reply:
    """Stop what runs, cancel what waits; how many of each."""
    return Reply(stopped_document(await call.tw.session_verbs.stop_all(call.path["session"])))


async def reset(call: Call) -> Reply:
    """Begin a new conversation."""
    return Reply(stopped_document(await call.tw.session_verbs.reset(call.path["session"], call.body.discard)))


async def read(call: Call) -> Reply:
    """Mark it as seen by a reader, as it is now."""
    return _one(await call.tw.session_verbs.read(call.path["session"], call.body.reader))


async def archive(call: Call) -> Reply:
    """Put it away, or take it back; not while something of it runs or waits."""
    return _one(await call.tw.session_verbs.archive(call.path["session"], call.body.archived))


async def tasks(call: Call) -> Reply:
    """Its open tasks, in order of submission; ``cursor`` is the submission number to go on behind."""
    asked: TasksQuery = call.query
    found = await call.tw.session_verbs.tasks(call.path["session"], asked.limit, asked.after)
    return Reply({"items": [task_document(task) for task in found], "cursor": found[-1].seq if found else None})


async def trace(call: Call) -> Reply:
    """A page of all events of one of its runs."""
    asked: TraceQuery = call.query
    found = await call.tw.session_verbs.trace(call.path["session"], asked.run, asked.after, asked.limit)
    return _trace(found)


async def output(call: Call) -> Reply:
    """A page of what a run wrote: messages, output, diffs, errors, its end; the cursor passes over all else."""
    asked: TraceQuery = call.query
    found = await call.tw.session_verbs.output(call.path["session"], asked.run, asked.after, asked.limit)
    return _trace(found)


async def set_on_limit(call: Call) -> Reply:
    """Say what its messages do about a provider's limit, or take the word back."""
    name = call.path["session"]
    await call.tw.set_on_limit(call.body.on_limit, session=name)
    return _one(await call.tw.session_verbs.get(name))


def _one(found: Session, status: int = 200) -> Reply:
    return Reply(session_document(found), status)


def _trace(found: Any) -> Reply:
    items = [event_document(event) for event in found.items]
    return Reply({"run": found.run, "items": items, "cursor": found.cursor})


ENDPOINTS: Final = (
    Endpoint(
        path="/sessions",
        handler=make,
        summary="Make or find a session",
        body=NewSession,
        answer=ref("Session"),
        scope=TokenScope.OPERATOR,
        method=HTTPMethod.POST,
        versioned=ChangeKind.SESSION,
        query=InProject,
    ),
    Endpoint(
        path="/sessions",
        handler=page,
        summary="List sessions",
        query=SessionsQuery,
        answer=page_of("Session"),
        scope=TokenScope.VIEWER,
        method=HTTPMethod.GET,
    ),
    Endpoint(
        path="/sessions/{session}",
        handler=get,
        summary="One session",
        query=ReaderQuery,
        answer=ref("Session"),
        scope=TokenScope.VIEWER,
        method=HTTPMethod.GET,
        versioned=ChangeKind.SESSION,
        reach=Reach.SESSION,
    ),
    Endpoint(
        path="/sessions/{session}",
        handler=change,
        summary="Change a session's policy",
        body=SessionChange,
        answer=ref("Session"),
        scope=TokenScope.OPERATOR,
        method=HTTPMethod.PATCH,
        versioned=ChangeKind.SESSION,
    ),
    Endpoint(
        path="/sessions/{session}/messages",
        handler=send,
        summary="Send a message",
        body=ref("NewTask"),
        answer=ref("Sent"),
        status=201,
        also=(200,),
        keyed=True,
        large=True,
        scope=TokenScope.OPERATOR,
        method=HTTPMethod.POST,
        reach=Reach.SESSION,
        admits=True,
    ),
    Endpoint(
        path="/sessions/{session}/fork",
        handler=fork,
        summary="Fork a session",
        body=Fork,
        answer=ref("Session"),
        status=201,
        scope=TokenScope.OPERATOR,
        method=HTTPMethod.POST,
    ),
    Endpoint(
        path="/sessions/{session}/stop",
        handler=stop,
        summary="Stop its oldest run",
        answer=object_of(task={"anyOf": [ref("Task"), {"type": "null"}]}),
        scope=TokenScope.OPERATOR,
        method=HTTPMethod.POST,
        versioned=ChangeKind.SESSION,
    ),
    Endpoint(
        path="/sessions/{session}/stop-all",
        handler=stop_all,
        summary="Stop what runs, cancel what waits",
        answer=ref("Stopped"),
        scope=TokenScope.OPERATOR,
        method=HTTPMethod.POST,
        versioned=ChangeKind.SESSION,
    ),
    Endpoint(
        path="/sessions/{session}/reset",
        handler=reset,
        summary="Begin a new conversation",
        body=Reset,
        answer=ref("Stopped"),
        scope=TokenScope.OPERATOR,
        method=HTTPMethod.POST,
        versioned=ChangeKind.SESSION,
    ),
    Endpoint(
        path="/sessions/{session}/read",
        handler=read,
        summary="Mark a session as seen",
        body=Reader,
        answer=ref("Session"),
        scope=TokenScope.VIEWER,
        method=HTTPMethod.POST,
    ),
    Endpoint(
        path="/sessions/{session}/archive",
        handler=archive,
        summary="Put a session away",
        body=Archive,
        answer=ref("Session"),
        scope=TokenScope.OPERATOR,
        method=HTTPMethod.POST,
        versioned=ChangeKind.SESSION,
    ),
    Endpoint(
        path="/sessions/{session}/tasks",
        handler=tasks,
        summary="A session's open tasks",
        query=TasksQuery,
        answer=object_of(items={"type": "array", "items": ref("Task")}, cursor={"type": ["integer", "null"]}),
        scope=TokenScope.VIEWER,
        method=HTTPMethod.GET,
    ),
    Endpoint(
        path="/sessions/{session}/trace",
        handler=trace,
        summary="Events of a session's run",
        query=TraceQuery,
        answer=TRACE,
        scope=TokenScope.VIEWER,
        method=HTTPMethod.GET,
    ),
    Endpoint(
        path="/sessions/{session}/output",
        handler=output,
        summary="What a session's run wrote",
        query=TraceQuery,
        answer=TRACE,
        scope=TokenScope.VIEWER,
        method=HTTPMethod.GET,
    ),
    Endpoint(
        path="/sessions/{session}/on-limit",
        handler=set_on_limit,
        summary="Say what a session does about limits",
        body=Answer,
        answer=ref("Session"),
        scope=TokenScope.OPERATOR,
        method=HTTPMethod.PUT,
        versioned=ChangeKind.SESSION,
    ),
)
