"""The JSON Schema of every document, made from the core's own records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from taxiway.core.account import Account
from taxiway.core.agent import AgentReport
from taxiway.core.approval import Approval
from taxiway.core.change import Change
from taxiway.core.event import Event
from taxiway.core.lane import Lane
from taxiway.core.plan import Plan
from taxiway.core.planschema import plan_schema
from taxiway.core.queue import Queue, QueueStats
from taxiway.core.readiness import Obstacle
from taxiway.core.run import Run
from taxiway.core.session import Attention, Disposition, Receipt, RunSignal, Session, Stopped
from taxiway.core.statistics import Bucket, Durations, Summary, Tally, TreeUse
from taxiway.core.task import Condition, Task, TaskSpec
from taxiway.core.token import Token
from taxiway.core.usage import UsageLine
from taxiway.core.workspace import RunDiff
from taxiway.store.protocol import Runner

Schema = dict[str, Any]

PREFIX: Final = "#/components/schemas/"
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
NO_MOMENT: Final[Schema] = {"anyOf": [MOMENT, {"type": "null"}]}
RECORDS: Final = (
    Task, TaskSpec, Run, Event, Change, Session, Stopped, Queue, QueueStats, Lane, Approval, Account, UsageLine,
    Obstacle, Token, RunSignal, Receipt, AgentReport, Runner, RunDiff, Summary, Tally, TreeUse, Durations, Bucket,
)  # fmt: skip
#: Fields of a task's record that its document leaves out.
RUNNERS_OWN: Final = ("boot_id", "scope", "beat", "token")  #: the same of a runner's
INWARD: Final = ("seq", "tenant", "spec", "fence", "crashes", "unmet", "session", "box")
_MOMENTS: Final = re.compile(r"(\w+_)?at|since|until")
_OPTIONAL: Final = frozenset({"bytes", "attention"})  #: properties that some documents of a kind do not have


def schemas() -> dict[str, Schema]:
    """Every schema by its name, as OpenAPI's components have them."""
    _, found = msgspec.json.schema_components(RECORDS, ref_template=PREFIX + "{name}")
    named: dict[str, Schema] = {name: _plain(schema) for name, schema in found.items()}
    named["Task"] = _task(named)
    named["Session"] = _renamed(named["Session"], "policy", "mailbox")
    named["Account"]["properties"]["size"] = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    named["Event"]["properties"] = {**named["Event"]["properties"], "bytes": {"type": "integer"}}
    del named["Event"]["properties"]["body"]
    for name in RUNNERS_OWN:
        del named["Runner"]["properties"][name]
    named["Runner"]["properties"]["remote"] = {"type": "boolean"}
    for record in RECORDS:
        if record not in (TaskSpec,):
            properties = named[record.__name__]["properties"]
            named[record.__name__]["required"] = [name for name in properties if name not in _OPTIONAL]
    told = {name: inner for name, inner in named["Task"]["properties"].items() if name not in _OPTIONAL}
    named["Sent"] = _with(told, SENT)
    named["Admitted"] = _with(told, {"admitted": _with({}, SENT)})
    named["TaskDiff"] = _with(named.pop("RunDiff")["properties"], PATCH)
    del named["TaskSpec"]
    return named | _of_plans() | {"Problem": PROBLEM}


#: What is known of a message when it was sent.
SENT: Final[Schema] = {
    "created": {"type": "boolean"},
    "disposition": {"enum": [str(one) for one in Disposition]},
    "position": {"type": ["integer", "null"]},
    "offered": {"type": ["string", "null"]},
    "carrier": {"type": ["string", "null"]},
    "dropped": {"type": "array", "items": {"type": "string"}},
}
PATCH: Final[Schema] = {"patch": {"type": "string"}, "patch_base64": {"type": ["string", "null"]}}
PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "Why nothing was done (RFC 9457). `code` is stable; `problems` names every fault of what was sent.",
    "required": ["type", "title", "status", "detail", "code", "request"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request": {"type": "string"},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["message"],
                "properties": {"message": {"type": "string"}, "field": {"type": "string"}, "hint": {"type": "string"}},
            },
        },
    },
}


def _plain(schema: Mapping[str, Any]) -> Schema:
    """A record's schema as that of its document: times as text, nothing about how Python builds it."""
    if "properties" not in schema:
        return {key: value for key, value in schema.items() if key != "description"}
    properties = {
        name: _moment(name, inner) or {key: value for key, value in inner.items() if key != "default"}
        for name, inner in schema["properties"].items()
    }
    return {"type": "object", "description": _sentence(schema), "properties": properties, "required": []}


def _moment(name: str, schema: Mapping[str, Any]) -> Schema | None:
    """Times are whole numbers inside, and text outside."""
    whole = schema.get("type") == "integer"
    maybe = any(one.get("type") == "integer" for one in schema.get("anyOf", ()))
    if not _MOMENTS.fullmatch(name) or not (whole or maybe):
        return None
    return MOMENT if whole else NO_MOMENT


def _sentence(schema: Mapping[str, Any]) -> str:
    text = re.sub(r"\s+", " ", str(schema.get("description", "")))
    return text.replace("``", "`")


def _task(named: Mapping[str, Schema]) -> Schema:
    """The fields of its spec, then its own."""
    own = {name: inner for name, inner in named["Task"]["properties"].items() if name not in INWARD}
    asked = dict(named["TaskSpec"]["properties"])
    asked["after"] = {"type": "object", "additionalProperties": {"enum": [str(one) for one in Condition]}}
    more: dict[str, Schema] = {
        "max_attempts": {"type": "integer"},
        "attention": {"description": "What it is to the reader that was named.", "enum": [*map(str, Attention)]},
    }
    return {**named["Task"], "properties": {"id": own.pop("id"), **asked, **own, **more}}


def _renamed(schema: Schema, old: str, new: str) -> Schema:
    properties = {new if name == old else name: inner for name, inner in schema["properties"].items()}
    return {**schema, "properties": properties}


def _with(base: Schema, more: Schema) -> Schema:
    """An object that has these properties, and those."""
    properties = base | more
    return {"type": "object", "properties": properties, "required": list(properties)}


def _of_plans() -> dict[str, Schema]:
    """What is submitted: the words of plan files, and for a task by itself the few that a plan says for all."""
    plan = plan_schema()
    named = {f"Plan.{name}": _pointed(schema) for name, schema in plan["$defs"].items()}
    whole = _pointed({key: value for key, value in plan.items() if key not in ("$defs", "$schema", "title")})
    task = named["Plan.task"]
    own: dict[str, Schema] = {
        "queue": {"type": "string"},
        "idempotency_key": {"type": ["string", "null"]},
        "no_wait": {"type": "boolean"},
    }
    return named | {Plan.__name__: whole, "NewTask": {**task, "properties": task["properties"] | own}}


def _pointed(schema: Any) -> Any:
    """The same with its references led to where they stand here."""
    if isinstance(schema, Mapping):
        return {
            key: PREFIX + "Plan." + value.removeprefix("#/$defs/") if key == "$ref" else _pointed(value)
            for key, value in schema.items()
        }
    return [_pointed(one) for one in schema] if isinstance(schema, list) else schema
