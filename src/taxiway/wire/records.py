"""Documents as records of the core again: what a client makes of an answer."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, TypeVar, get_args, get_origin

import msgspec

from taxiway.core.account import Account
from taxiway.core.agent import AgentReport
from taxiway.core.approval import Approval
from taxiway.core.change import Change
from taxiway.core.errors import Unavailable
from taxiway.core.event import Event
from taxiway.core.lane import Lane
from taxiway.core.policy import Box
from taxiway.core.queue import Queue, QueueStats
from taxiway.core.readiness import Obstacle
from taxiway.core.run import Run
from taxiway.core.session import Receipt, RunSignal, Session, Stopped
from taxiway.core.statistics import Summary
from taxiway.core.task import Task, TaskSpec
from taxiway.core.token import Token
from taxiway.core.usage import UsageLine
from taxiway.core.workspace import RunDiff, TaskDiff
from taxiway.store.protocol import Runner
from taxiway.wire.moments import milliseconds

T = TypeVar("T", bound=msgspec.Struct)
Document = Mapping[str, Any]

_MOMENTS: Final[dict[type[Any], tuple[str, ...]]] = {
    Task: ("created_at", "due_at", "expires_at", "started_at", "finished_at"),
    Run: ("claimed_at", "started_at", "ended_at"),
    Event: ("at",),
    Change: ("at",),
    Session: ("quiet_at", "created_at", "active_at", "updated_at"),
    Queue: ("created_at",),
    QueueStats: ("generated_at",),
    Approval: ("created_at", "expires_at", "decided_at"),
    Account: ("since", "until"),
    Obstacle: ("since", "until"),
    RunSignal: ("created_at", "settled_at"),
    AgentReport: ("tried_at",),
    Runner: ("started_at", "seen_at"),
    RunDiff: ("taken_at",),
    Token: ("created_at", "expires_at", "used_at", "revoked_at"),
    Summary: ("generated_at",),
}


def record(kind: type[T], document: Document, **more: Any) -> T:
    """A record of a kind from its document; fields that the kind does not have are passed over, at every depth (a newer
    server may say more). Raises ``Unavailable`` where it is none."""
    known = {name: document[name] for name in kind.__struct_fields__ if name in document}
    try:
        for name in _MOMENTS.get(kind, ()):
            known[name] = milliseconds(document.get(name))
        return msgspec.convert(_known(kind, {**known, **more}), kind)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise Unavailable(
            f"what the server says of a {kind.__name__.lower()} is not understood ({error}); it may be newer than this"
        ) from None


def _known(kind: type[msgspec.Struct], document: Document) -> dict[str, Any]:
    """The fields that a kind has, those of the records in it likewise."""
    inner = _records_in(kind)
    return {
        name: _known(inner[name], value) if name in inner and isinstance(value, Mapping) else value
        for name, value in document.items()
        if name in kind.__struct_fields__
    }


@cache
def _records_in(kind: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct]]:
    """Which fields of a kind hold a record, and of which kind."""
    return {
        field.name: inner
        for field in msgspec.structs.fields(kind)
        for inner in (get_args(field.type) or (field.type,))
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct) and get_origin(field.type) is not tuple
    }


def task_of(document: Document) -> Task:
    """A task, as far as its document tells: numbers that only the store has use for are 0."""
    spec = {name: document[name] for name in TaskSpec.__struct_fields__ if name in document}
    spec["after"] = [{"task": task, "on": on} for task, on in document["after"].items()]
    return record(Task, document, spec=spec, seq=0, tenant="", session=None, box=Box.OUT)


def run_of(document: Document) -> Run:
    """A run."""
    return record(Run, document)


def event_of(document: Document) -> Event:
    """A line of a run's log; ``body`` is the text again, which is not always what was printed."""
    text = document["data"].get("text", "") if "bytes" in document else ""
    return record(Event, document, body=str(text).encode())


def change_of(document: Document) -> Change:
    """A line of the change log."""
    return record(Change, document)


def session_of(document: Document) -> Session:
    """A session."""
    return record(Session, document, policy=document["mailbox"])


def receipt_of(document: Document) -> Receipt:
    """How far a signal got."""
    return record(Receipt, document)


def stopped_of(document: Document) -> Stopped:
    """What a stop reached."""
    return record(Stopped, document)


def queue_of(document: Document) -> Queue:
    """A queue."""
    return record(Queue, document)


def stats_of(document: Document) -> QueueStats:
    """A queue's counts."""
    return record(QueueStats, document)


def lane_of(document: Document) -> Lane:
    """A lane."""
    return record(Lane, document)


def approval_of(document: Document) -> Approval:
    """What an agent asks."""
    return record(Approval, document)


def account_of(document: Document) -> Account:
    """An account."""
    return record(Account, document)


def obstacle_of(document: Document) -> Obstacle:
    """What keeps a task from running."""
    return record(Obstacle, document)


def diff_of(document: Document) -> TaskDiff:
    """What a task changed, with its patch as it is."""
    exact = document.get("patch_base64")
    patch = document["patch"].encode() if exact is None else b64decode(exact)
    return TaskDiff(record(RunDiff, document), patch)


def usage_of(document: Document) -> UsageLine:
    """What a group of runs used."""
    return record(UsageLine, document)


def signal_of(document: Document) -> RunSignal:
    """What a run was told."""
    return record(RunSignal, document)


def agent_of(document: Document) -> AgentReport:
    """A configured agent."""
    return record(AgentReport, document)


def runner_of(document: Document) -> Runner:
    """A runner, as far as its document tells."""
    return record(Runner, document, boot_id="")


def summary_of(document: Document) -> Summary:
    """How a store is doing."""
    return record(Summary, document)


def token_of(document: Document) -> Token:
    """A token."""
    return record(Token, document)
