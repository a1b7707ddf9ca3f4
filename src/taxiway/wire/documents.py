"""Records of the core as documents: what HTTP answers and ``--json`` prints."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final

import msgspec

from taxiway.core.account import Account
from taxiway.core.agent import AgentReport
from taxiway.core.approval import Approval
from taxiway.core.change import Change
from taxiway.core.event import Event, EventType
from taxiway.core.lane import Lane
from taxiway.core.plan import Plan
from taxiway.core.queue import Queue, QueueStats
from taxiway.core.readiness import Obstacle
from taxiway.core.run import Run
from taxiway.core.session import Answer, Receipt, RunSignal, Session, Stopped
from taxiway.core.statistics import Summary
from taxiway.core.task import Task, TaskSpec
from taxiway.core.token import Token
from taxiway.core.usage import UsageLine
from taxiway.core.workspace import TaskDiff
from taxiway.store.protocol import Runner
from taxiway.wire.moments import rfc3339

_OWN: Final = ("state", "reason", "attempt", "max_attempts", "error", "output", "result", "exit_code", "signal")
_RECORDS: Final = ("backoff", "budget", "mailbox", "workspace", "accept")  #: fields of a spec that are records
_SENT: Final = ("created", "disposition", "position", "offered", "carrier", "dropped")


def task_document(task: Task) -> dict[str, Any]:
    """A task: what was asked, and what came of it."""
    return {
        "id": task.id,
        **spec_document(task.spec),
        "project": task.project,
        **{field: getattr(task, field) for field in _OWN},
        "usage": msgspec.structs.asdict(task.usage),
        "created_at": rfc3339(task.created_at),
        "due_at": rfc3339(task.due_at),
        "expires_at": rfc3339(task.expires_at),
        "started_at": rfc3339(task.started_at),
        "finished_at": rfc3339(task.finished_at),
        "run": task.run,
        "carrier": task.carrier,
        "retry_of": task.retry_of,
        "submitted_by": task.submitted_by,
        "superseded": task.superseded,
        "version": task.version,
    }


def spec_document(spec: TaskSpec) -> dict[str, Any]:
    """A spec with every field, also those that nobody gave; ``after`` as a plan file has it."""
    document = msgspec.structs.asdict(spec)
    for name in _RECORDS:
        document[name] = msgspec.to_builtins(document[name])
    document["after"] = {edge.task: str(edge.on) for edge in spec.after}
    document["backoff"] = msgspec.structs.asdict(spec.backoff)
    return document


def plan_document(plan: Plan) -> dict[str, Any]:
    """A checked plan as the plan file that means the same, wherever it is read: whole folders, no defaults."""
    tasks = {}
    for spec in plan.tasks:
        fields: dict[str, Any] = msgspec.to_builtins(spec)
        fields.pop("queue", None)
        fields |= {name: _said(fields[name]) for name in _RECORDS if isinstance(fields.get(name), dict)}
        tasks[fields.pop("name")] = fields
    sessions = {one.key: {"agent": one.agent, "mailbox": msgspec.to_builtins(one.policy)} for one in plan.sessions}
    return {"queue": plan.queue, "slots": plan.slots, "lanes": plan.lanes, "sessions": sessions, "tasks": tasks}


def _said(record: dict[str, Any]) -> dict[str, Any]:
    """The fields of a record that say something."""
    return {name: value for name, value in record.items() if value is not None}


def session_document(found: Session) -> dict[str, Any]:
    """A session, its policy as ``mailbox``."""
    document = {name: msgspec.to_builtins(value) for name, value in msgspec.structs.asdict(found).items()}
    document["usage"] = msgspec.structs.asdict(found.usage)
    document["mailbox"] = document.pop("policy")
    for field in ("quiet_at", "created_at", "active_at", "updated_at"):
        document[field] = rfc3339(document[field])
    return document


def sent_document(task: Task, sent: Answer) -> dict[str, Any]:
    """A message: its task, and what was known when it was sent."""
    return task_document(task) | {name: msgspec.to_builtins(getattr(sent, name)) for name in _SENT}


def admitted_document(task: Task, sent: Answer) -> dict[str, Any]:
    """A task that was submitted, and what was known of it then."""
    return task_document(task) | {"admitted": {name: msgspec.to_builtins(getattr(sent, name)) for name in _SENT}}


def receipt_document(receipt: Receipt) -> dict[str, Any]:
    """How far a signal got."""
    return {name: msgspec.to_builtins(value) for name, value in msgspec.structs.asdict(receipt).items()}


def run_document(run: Run) -> dict[str, Any]:
    """One attempt."""
    document = {name: msgspec.to_builtins(value) for name, value in msgspec.structs.asdict(run).items()}
    document["usage"] = msgspec.structs.asdict(run.usage)
    for field in ("claimed_at", "started_at", "ended_at"):
        document[field] = rfc3339(document[field])
    return document


def event_document(event: Event) -> dict[str, Any]:
    """One numbered line of a run's log."""
    document = {
        "run": event.run,
        "seq": event.seq,
        "type": str(event.type),
        "at": rfc3339(event.at),
        "data": event.data,
    }
    if event.type is EventType.OUTPUT:
        document["bytes"] = len(event.body)
    return document


def diff_document(found: TaskDiff, with_patch: bool = True) -> dict[str, Any]:
    """What a task changed; ``patch`` is for git, and bytes of it that are no UTF-8 stand in ``patch_base64``."""
    document: dict[str, Any] = msgspec.to_builtins(found.diff)
    document["taken_at"] = rfc3339(found.diff.taken_at)
    if not with_patch:
        return document
    text = found.patch.decode("utf-8", "replace")
    exact = text.encode() == found.patch
    return document | {"patch": text, "patch_base64": None if exact else b64encode(found.patch).decode()}


def queue_document(queue: Queue) -> dict[str, Any]:
    """A queue."""
    document = {name: msgspec.to_builtins(value) for name, value in msgspec.structs.asdict(queue).items()}
    document["created_at"] = rfc3339(queue.created_at)
    return document


def stats_document(stats: QueueStats) -> dict[str, Any]:
    """Counts of a queue."""
    document = {name: msgspec.to_builtins(value) for name, value in msgspec.structs.asdict(stats).items()}
    document["generated_at"] = rfc3339(stats.generated_at)
    return document


def approval_document(approval: Approval) -> dict[str, Any]:
    """What an agent asks, and what was said."""
    document = {name: msgspec.to_builtins(value) for name, value in msgspec.structs.asdict(approval).items()}
    for field in ("created_at", "expires_at", "decided_at"):
        document[field] = rfc3339(document[field])
    return document


def lane_document(lane: Lane) -> dict[str, Any]:
    """A lane."""
    return msgspec.structs.asdict(lane)


def account_document(account: Account) -> dict[str, Any]:
    """An account; ``size`` is how many of its runs may go at once now."""
    document = {name: msgspec.to_builtins(value) for name, value in msgspec.structs.asdict(account).items()}
    document["since"], document["until"] = rfc3339(account.since), rfc3339(account.until)
    return document | {"size": account.size}


def usage_document(line: UsageLine) -> dict[str, Any]:
    """What a group of runs used."""
    found: dict[str, Any] = msgspec.to_builtins(line)
    return found


def obstacle_document(obstacle: Obstacle) -> dict[str, Any]:
    """One thing that keeps a task from running."""
    return {
        "kind": str(obstacle.kind),
        "text": obstacle.text,
        "holders": list(obstacle.holders),
        "since": rfc3339(obstacle.since),
        "until": rfc3339(obstacle.until),
    }


def change_document(change: Change) -> dict[str, Any]:
    """One line of the change log."""
    document = {name: msgspec.to_builtins(value) for name, value in msgspec.structs.asdict(change).items()}
    return document | {"at": rfc3339(change.at)}


def stopped_document(stopped: Stopped) -> dict[str, Any]:
    """What a stop reached."""
    return msgspec.structs.asdict(stopped)


def summary_document(summary: Summary) -> dict[str, Any]:
    """How a store is doing."""
    document: dict[str, Any] = msgspec.to_builtins(summary)
    return document | {"generated_at": rfc3339(summary.generated_at)}


def token_document(token: Token) -> dict[str, Any]:
    """A token, without what it opens."""
    document = {name: msgspec.to_builtins(value) for name, value in msgspec.structs.asdict(token).items()}
    for field in ("created_at", "expires_at", "used_at", "revoked_at"):
        document[field] = rfc3339(document[field])
    return document


def signal_document(signal: RunSignal) -> dict[str, Any]:
    """What a run was told."""
    document = {name: msgspec.to_builtins(value) for name, value in msgspec.structs.asdict(signal).items()}
    for field in ("created_at", "settled_at"):
        document[field] = rfc3339(document[field])
    return document


def agent_document(agent: AgentReport) -> dict[str, Any]:
    """A configured agent, and what it can do."""
    document = {name: msgspec.to_builtins(value) for name, value in msgspec.structs.asdict(agent).items()}
    return document | {"tried_at": rfc3339(agent.tried_at)}


def runner_document(runner: Runner) -> dict[str, Any]:
    """A runner, as it says of itself; ``remote``: it works through a server."""
    return {
        "id": runner.id,
        "host": runner.host,
        "pid": runner.pid,
        "slots": runner.slots,
        "state": runner.state,
        "remote": runner.token is not None,
        "started_at": rfc3339(runner.started_at),
        "seen_at": rfc3339(runner.seen_at),
    }
