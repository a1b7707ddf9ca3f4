"""The JSON Schema of a plan file, so that editors complete and check it while it is being written."""

from __future__ import annotations

from typing import Any, Final

from taxiway.core.acceptance import acceptance_schema
from taxiway.core.agent import Access, Resume
from taxiway.core.fieldtypes import NAME_PATTERN, SESSION_KEY_PATTERN
from taxiway.core.limits import (
    ARGV_ITEMS_MAX,
    LABELS_PER_TASK_MAX,
    MAILBOX_COUNT_MAX,
    NAME_CHARS_MAX,
    PLAN_TASKS_MAX,
    POSITION_MAX,
    PRIORITY_MAX,
    RETRIES_MAX,
)
from taxiway.core.policy import Drop, Mode
from taxiway.core.retry import RETRY_ON_LEGAL
from taxiway.core.task import Condition, OnLimit
from taxiway.core.workspaceschema import workspace_schema

Schema = dict[str, Any]

_NUMBER: Final = r"[0-9]{1,12}(\.[0-9]{1,12})?"
DURATION_PATTERN: Final = (
    rf"^\s*({_NUMBER}|(?=.*[0-9])({_NUMBER}d)?({_NUMBER}h)?({_NUMBER}m)?({_NUMBER}s)?({_NUMBER}ms)?)\s*$"
)
_PLACEHOLDERS: Final = (
    "May hold ${{ name.output }}, ${{ name.exit_code }}, ${{ name.diff }} and ${{ name.result.path }} of tasks in after"
)
_KINDS: Final = ("command", "shell", "prompt", "job")


def plan_schema() -> Schema:
    """The schema (JSON Schema 2020-12) of a plan file in YAML, TOML or JSON.

    What lies between tasks (unknown names, circles, lanes, placeholders, folders) no schema can say; ``taxiway plan
    check`` does.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Taxiway plan",
        "description": "Tasks with dependencies that are admitted whole or not at all.",
        "type": "object",
        "required": ["tasks"],
        "additionalProperties": False,
        "properties": {
            "queue": _maybe(_name("The queue that the plan fills. Default: the file's stem.")),
            "slots": _maybe(
                _whole(1, None, "At most this many runs of the plan at once. Default: no limit of its own.")
            ),
            "lanes": _maybe(_lanes()),
            "defaults": _maybe(_defaults()),
            "sessions": _maybe(_sessions()),
            "tasks": _tasks(),
        },
        "$defs": {
            "name": {"type": "string", "pattern": f"^{NAME_PATTERN}$", "maxLength": NAME_CHARS_MAX},
            "key": {"type": "string", "pattern": f"^{SESSION_KEY_PATTERN}$", "maxLength": NAME_CHARS_MAX},
            "duration": {
                "description": "800ms, 30s, 5m, 1h30m, 2d, or a number of seconds.",
                "oneOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": DURATION_PATTERN}],
                "examples": ["30s", "5m", "1h30m"],
            },
            "argument": {"type": ["string", "number"], "description": _PLACEHOLDERS},
            "after": _after(),
            "mailbox": _mailbox(),
            "workspace": workspace_schema(),
            "accept": acceptance_schema(),
            "task": _task(named=False),
            "named_task": _task(named=True),
        },
    }


def _tasks() -> Schema:
    table = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": PLAN_TASKS_MAX,
        "propertyNames": {"$ref": "#/$defs/name"},
        "additionalProperties": {"$ref": "#/$defs/task"},
    }
    items = {"type": "array", "minItems": 1, "maxItems": PLAN_TASKS_MAX, "items": {"$ref": "#/$defs/named_task"}}
    return {"description": "The tasks by name, or a list of tasks that each have a name.", "oneOf": [table, items]}


def _task(named: bool) -> Schema:
    fields = _fields() | {"name": {"$ref": "#/$defs/name"}}
    return {
        "type": "object",
        "description": "One piece of work: exactly one of command, shell, prompt and job.",
        "properties": fields,
        "required": ["name"] if named else [],
        "additionalProperties": False,
        "oneOf": [{"required": [kind], "properties": {kind: {"not": {"type": "null"}}}} for kind in _KINDS],
    }


def _defaults() -> Schema:
    own = {*_KINDS, "args", "after", "mailbox"}
    return {
        "description": "Fields that hold for every task that does not say otherwise; env and labels are laid over.",
        "type": "object",
        "properties": {key: schema for key, schema in _fields().items() if key not in own},
        "additionalProperties": False,
    }


def _fields() -> Schema:
    return {
        key: _maybe(schema)
        for key, schema in (_work() | _prompt() | _order() | _clocks() | _failure() | _notes()).items()
    }


def _work() -> Schema:
    return {
        "command": {
            "description": f"The program and its arguments, no shell between. {_PLACEHOLDERS}.",
            "type": "array",
            "minItems": 1,
            "maxItems": ARGV_ITEMS_MAX,
            "items": {"$ref": "#/$defs/argument"},
            "examples": [["ruff", "check", "."]],
        },
        "shell": {
            "description": f"A text for sh. {_PLACEHOLDERS}: as one word, never as code; not in single quotes.",
            "type": "string",
            "pattern": r"\S",
            "examples": ["pytest -q | tail -n 20"],
        },
        "job": _name("The name of a Python job that was registered with @taxiway.job."),
        "args": {"description": f"Arguments of a job. {_PLACEHOLDERS}.", "type": "object"},
        "cwd": {
            "description": "The folder to run in, seen from the plan's own folder.",
            "type": "string",
            "minLength": 1,
        },
        "workspace": {"$ref": "#/$defs/workspace", "description": "Where it works. Default: dir, the folder itself."},
        "accept": {"$ref": "#/$defs/accept", "description": "Commands that must pass before it counts as completed."},
        "env": {
            "description": f"Variables, laid over a small allowed part of the runner's environment. {_PLACEHOLDERS}.",
            "type": "object",
            "propertyNames": {"pattern": "^(?!TAXIWAY_(IN_|TASK$|RUN$|ATTEMPT$|PROCESS$))[^=]+$"},
            "additionalProperties": {"$ref": "#/$defs/argument"},
        },
        "stdin": {"description": f"Text for the program's standard input. {_PLACEHOLDERS}.", "type": "string"},
        "template": {"description": "Whether ${{ }} means something here. Default: yes.", "type": "boolean"},
    }


def _prompt() -> Schema:
    return {
        "prompt": {
            "description": f"Words for an agent. {_PLACEHOLDERS}.",
            "type": "string",
            "pattern": r"\S",
            "examples": ["Fix what lint found:\n${{ lint.output }}"],
        },
        "agent": _name("Who works on a prompt. Default: its session's agent, else the configuration's."),
        "model": {
            "description": "The agent's own name of a model.",
            "type": "string",
            "minLength": 1,
            "maxLength": NAME_CHARS_MAX,
        },
        "access": {"description": "What the agent may do. Default: auto.", "enum": [str(one) for one in Access]},
        "session": {
            "$ref": "#/$defs/key",
            "description": "The key of the conversation that it belongs to: one of sessions, or any other.",
        },
        "resume": {
            "description": "How a prompt goes on with its session's conversation. Default: native.",
            "enum": [str(one) for one in Resume],
        },
        "result_schema": {
            "description": "The JSON Schema that the result of its turn shall follow, for agents that give one.",
            "type": "object",
        },
        "mailbox": {
            "$ref": "#/$defs/mailbox",
            "description": "What differs from the policy of its session for this one message.",
        },
        "safe_to_retry": {
            "description": "May a turn be taken again after its provider failed, also if a tool was used in it?",
            "type": "boolean",
        },
        "on_limit": {
            "description": "When a provider's limit ends its turn: wait for the reset, or fail. Default: wait.",
            "enum": [str(one) for one in OnLimit],
        },
        "budget": {
            "description": "What all its runs together may use up; a turn that goes beyond is ended.",
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "properties": {
                "usd": {"type": "number", "exclusiveMinimum": 0, "description": "Dollars, told or computed."},
                "tokens": _whole(1, None, "Tokens, read and written."),
                "wall_s": _duration("Time of running."),
            },
        },
    }


def _mailbox() -> Schema:
    fields = {
        "mode": {"enum": [str(one) for one in Mode], "description": "What an arrival does while it is busy."},
        "cap": _whole(1, MAILBOX_COUNT_MAX, "How many may wait. Default: 100."),
        "drop": {"enum": [str(one) for one in Drop], "description": "What a full mailbox does. Default: new."},
        "debounce": _duration("How long it must be quiet before a start. Default: 0s."),
        "max_debounce_wait": _duration("How long that may hold the first message back."),
        "max_concurrent": _whole(1, MAILBOX_COUNT_MAX, "How many go at once. Default: 1."),
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _maybe(schema) for name, schema in fields.items()},
    }


def _sessions() -> Schema:
    fields = {
        "agent": _name("The agent that this is a conversation with."),
        "mailbox": {"$ref": "#/$defs/mailbox", "description": "What it does with messages that come while it is busy."},
    }
    session = {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {name: _maybe(schema) for name, schema in fields.items()},
    }
    return {
        "description": "Conversations by their keys, each with its agent and its mailbox.",
        "type": "object",
        "propertyNames": {"$ref": "#/$defs/key"},
        "additionalProperties": session,
        "examples": [{"fixer": {"agent": "codex", "mailbox": {"mode": "queue", "cap": 20}}}],
    }


def _order() -> Schema:
    return {
        "after": {"$ref": "#/$defs/after"},
        "lane": _name("The lane that it runs in: one of the plan's or of the store's. Default: main."),
        "priority": _whole(-PRIORITY_MAX, PRIORITY_MAX, "Higher goes first. Default: 0."),
        "position": _whole(-POSITION_MAX, POSITION_MAX, "Among equal priorities lower goes first. Default: 0."),
    }


def _clocks() -> Schema:
    return {
        "timeout": _duration("The total clock of a run."),
        "idle_timeout": _duration("How long a run may say nothing."),
        "expires": _duration("The latest start, counted from submission; after it the task is cancelled."),
        "delay": _duration("The earliest start, counted from submission."),
    }


def _failure() -> Schema:
    number = {"type": "number", "minimum": 1, "maximum": 1000}
    return {
        "retries": _whole(0, RETRIES_MAX, "Further attempts after the first. Default: 0."),
        "backoff": {
            "description": "How long to wait before the next attempt: first * factor ** n, at most max.",
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "first": _duration("Before the second attempt. Default: 2s."),
                "factor": number | {"description": "How it grows. Default: 2."},
                "max": _duration("The longest wait. Default: 5m."),
                "jitter": {"type": "number", "minimum": 0, "maximum": 1, "description": "Default: 0.2."},
            },
        },
        "retry_on": {
            "description": "Which failures are tried again, instead of the usual ones.",
            "oneOf": [_failures(), {"type": "array", "items": _failures()}],
        },
    }


def _failures() -> Schema:
    return {"enum": sorted(RETRY_ON_LEGAL)}


def _notes() -> Schema:
    return {
        "labels": {
            "description": "Texts by which tasks can be found.",
            "type": "object",
            "maxProperties": LABELS_PER_TASK_MAX,
            "propertyNames": {"$ref": "#/$defs/name"},
            "additionalProperties": {"type": ["string", "number"], "maxLength": NAME_CHARS_MAX},
        },
        "metadata": {"description": "Whatever you like to keep with it.", "type": "object"},
    }


def _after() -> Schema:
    condition = {"enum": [*Condition, None], "default": str(Condition.COMPLETED)}
    table = {"type": "object", "propertyNames": {"$ref": "#/$defs/name"}, "additionalProperties": condition}
    name = {"$ref": "#/$defs/name"}
    return {
        "description": "Tasks that must end first: names, or names with completed (the default), failed or finished.",
        "oneOf": [name, {"type": "array", "items": {"oneOf": [name, table]}}, table],
        "examples": [["lint", "build"], {"lint": "failed"}],
    }


def _lanes() -> Schema:
    return {
        "description": "Lanes of this plan: at most so many of its runs at once in each; null for no limit.",
        "type": "object",
        "propertyNames": {"$ref": "#/$defs/name"},
        "additionalProperties": {"type": ["integer", "null"], "minimum": 1},
        "examples": [{"main": 2, "tests": 1}],
    }


def _name(description: str) -> Schema:
    return {"$ref": "#/$defs/name", "description": description}


def _duration(description: str) -> Schema:
    return {"$ref": "#/$defs/duration", "description": description}


def _whole(low: int, high: int | None, description: str) -> Schema:
    schema: Schema = {"type": "integer", "minimum": low, "description": description}
    return schema if high is None else schema | {"maximum": high}


def _maybe(schema: Schema) -> Schema:
    """A field that may also be null, which is the same as leaving it out."""
    outer = {key: schema[key] for key in ("description", "examples") if key in schema}
    return outer | {"anyOf": [{key: item for key, item in schema.items() if key not in outer}, {"type": "null"}]}
