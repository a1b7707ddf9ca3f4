"""From what a person writes (a plan's task, flags, Python arguments) to a checked ``TaskSpec``, or every fault at once.

One reader for each field, in one table. The words are those of the plan file (``timeout: 30m``); the record's own
names for durations (``timeout_s: 1800``) are taken too, so a spec in JSON can be handed in again as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import msgspec

from taxiway.core import fieldtypes
from taxiway.core.acceptance import acceptance
from taxiway.core.after import dependencies
from taxiway.core.errors import Invalid, Problem, TooLarge
from taxiway.core.fault import Fault, Path
from taxiway.core.fieldtypes import Bad, Parts
from taxiway.core.limits import (
    LABELS_PER_TASK_MAX,
    NAME_CHARS_MAX,
    POSITION_MAX,
    PRIORITY_MAX,
    RETRIES_MAX,
    SPEC_BYTES_MAX,
)
from taxiway.core.nearest import nearest
from taxiway.core.placeholders import BASE, BASE_HINT, base_mistake, templated
from taxiway.core.policy import MailboxChange
from taxiway.core.promptfields import AGENT_HINT, NEEDS_AGENT, OF_PROMPTS, PROMPT_FIELDS, missing_agent
from taxiway.core.retry import RETRY_ON_LEGAL
from taxiway.core.task import RESERVED_FIELDS, Backoff, Budget, Reason, TaskSpec
from taxiway.core.template import INPUT_VARIABLE, mistakes
from taxiway.core.workspacefields import workspace

OF_PROGRAMS: Final = ("workspace", "accept")  #: fields that a job in this process cannot have
KINDS: Final = ("command", "shell", "prompt", "job")
RESERVED_SENTENCE: Final = "comes with a later version; this version runs command, shell, prompt and job"

#: Variables that every run is given, so nobody else may set them.
OWN_VARIABLES: Final = ("TAXIWAY_TASK", "TAXIWAY_RUN", "TAXIWAY_ATTEMPT", "TAXIWAY_PROCESS", "TAXIWAY_STORE_TENANT")

_MERGED: Final = frozenset({"env", "labels", "metadata", "backoff"})
_OTHER_WORDS: Final = {
    "depends_on": "after", "needs": "after", "dependencies": "after", "depends": "after",
    "cmd": "command", "argv": "command", "exec": "command", "run": "shell", "script": "shell",
    "environment": "env", "dir": "cwd", "directory": "cwd", "workdir": "cwd", "working_dir": "cwd",
    "working_directory": "cwd", "input": "stdin", "retry": "retries", "deadline": "timeout", "tags": "labels",
    "pool": "lane", "function": "job", "message": "prompt", "text": "prompt", "conversation": "session",
}  # fmt: skip


class Draft(msgspec.Struct):
    """A task that is being read: good fields under the record's names, and what was wrong with the others."""

    path: Path
    fields: dict[str, Any]
    faults: list[Fault]
    cleared: set[str]

    def fault(self, message: str, *path: str | int, hint: str = "", code: str = "") -> None:
        """Note one thing that is wrong."""
        self.faults.append(Fault((*self.path, *path), message, hint, code))


def task_spec(
    fields: Mapping[str, Any], where: Path = (), defaults: Mapping[str, Any] | None = None, agent: str | None = None
) -> TaskSpec | tuple[Problem, ...]:
    """A checked spec, or every problem with ``fields``; ``where`` leads to them, for the problems' field paths.

    ``defaults`` are fields as ``read_defaults`` gives them. A field that is ``None`` counts as not given, and takes
    a default away. ``agent`` works on a prompt outside of any session that names nobody; in a session it may be the
    session's that does, which is not known here. Whether the lane and the tasks of ``after`` exist is for the store,
    or the plan's check, to say.
    """
    draft = read_task(fields, where)
    spec = finish(draft, defaults or {}, agent=agent)
    return tuple(fault.problem() for fault in draft.faults) if spec is None else spec


def checked_spec(
    fields: Mapping[str, Any], defaults: Mapping[str, Any] | None = None, agent: str | None = None
) -> TaskSpec:
    """The same for callers that speak in exceptions. Raises ``Invalid`` with every problem, ``TooLarge`` where size is
    all that is wrong."""
    spec = task_spec(fields, (), defaults, agent)
    if isinstance(spec, TaskSpec):
        return spec
    kind = TooLarge if all(problem.code == TooLarge.code for problem in spec) else Invalid
    raise kind(f"this is no task: {spec[0]}" + (f" (and {len(spec) - 1} more)" if len(spec) > 1 else ""), spec)


def read_task(fields: Mapping[str, Any], path: Path, refused: Mapping[str, str] | None = None) -> Draft:
    """Read every field on its own; ``refused`` gives a sentence for fields that have no place here."""
    draft = Draft(path, {}, [], set())
    for key, value in fields.items():
        if refused is not None and key in refused:
            draft.fault(refused[key], key)
        elif (field := _FIELDS.get(key)) is not None:
            _read_field(draft, key, value, *field)
        else:
            draft.faults.append(_unknown(path, key, refused or {}))
    return draft


def read_defaults(fields: Mapping[str, Any], path: Path) -> Draft:
    """Read fields that shall hold for every task: all but what makes one task different from another."""
    sentence = "makes a task what it is, so it cannot be a default"
    refused = dict.fromkeys(("name", *KINDS, "args", "after", "idempotency_key"), sentence)
    return read_task(fields, path, refused | {"mailbox": "is said for a session (sessions: …) or for one message"})


def finish(
    draft: Draft, defaults: Mapping[str, Any], plan: Collection[str] | None = None, agent: str | None = None
) -> TaskSpec | None:
    """Lay the fields over the defaults, judge them together, and make the spec; ``None`` where there were faults.

    ``plan`` holds the names of all tasks when they come from a plan file: there, placeholders mean something without
    ``template: true``. ``agent`` is as in ``task_spec``.
    """
    fields = _with_defaults(draft, defaults)
    _check_together(draft, fields)
    _check_prompt(draft, fields, agent)
    texts = list(templated(fields))
    if plan is not None and texts:
        fields.setdefault("template", True)
    if not fields.get("template") and any(path == BASE for path, _ in texts):
        draft.fault("holds a placeholder, and this task has no template: true", *BASE, hint=BASE_HINT)
    if fields.get("template") and texts and not _faulty(draft, "after"):
        _check_templates(draft, fields, texts, plan or ())
    if draft.faults:
        return None
    spec = _made(fields, agent)
    size = len(msgspec.json.encode(spec))
    if size > SPEC_BYTES_MAX:
        draft.fault(
            f"is {size} bytes long; a task has at most {SPEC_BYTES_MAX}",
            hint="put the bulk in a file",
            code=TooLarge.code,
        )
        return None
    return spec


def _made(fields: dict[str, Any], agent: str | None) -> TaskSpec:
    for name, record in (("backoff", Backoff), ("mailbox", MailboxChange), ("budget", Budget)):
        if name in fields:
            fields[name] = record(**fields[name])
    if agent is not None and missing_agent(fields, None):
        fields["agent"] = agent
    return TaskSpec(**fields)


def legal_fields() -> tuple[str, ...]:
    """The names that a person may write, without the record's own names for durations."""
    return tuple(key for key in _FIELDS if not key.endswith("_s"))


def _read_field(draft: Draft, key: str, value: Any, attribute: str, reader: Callable[[Any], Any]) -> None:
    if attribute in draft.fields or attribute in draft.cleared:
        draft.fault(f"is given twice, as {attribute.removesuffix('_s')} and {attribute}", key)
    elif value is None:
        draft.cleared.add(attribute)
    else:
        try:
            draft.fields[attribute] = reader(value)
        except Bad as bad:
            for one in (bad, *bad.others):
                draft.fault(one.message, key, *one.path, hint=one.hint, code=one.code)
            draft.cleared.add(attribute)


def _unknown(path: Path, key: object, refused: Mapping[str, str]) -> Fault:
    if not isinstance(key, str):
        return Fault(path, f"has the field {key!r}, and the names of fields are texts")
    if key in RESERVED_FIELDS:
        return Fault((*path, key), RESERVED_SENTENCE)
    meant = _OTHER_WORDS.get(key.lower()) or nearest(key, [name for name in legal_fields() if name not in refused])
    return Fault((*path, key), "is no field of a task", f"did you mean '{meant}'?" if meant else "")


def _with_defaults(draft: Draft, defaults: Mapping[str, Any]) -> dict[str, Any]:
    fields = dict(draft.fields)
    for attribute, value in defaults.items():
        if (attribute in OF_PROMPTS and "prompt" not in fields) or (attribute in OF_PROGRAMS and "job" in fields):
            continue
        if attribute in _MERGED and attribute in fields:
            fields[attribute] = {**value, **fields[attribute]}
        elif attribute not in fields and attribute not in draft.cleared:
            fields[attribute] = value
    return fields


def _check_together(draft: Draft, fields: Mapping[str, Any]) -> None:
    kinds = [kind for kind in KINDS if kind in fields or _faulty(draft, kind)]
    reserved = any(fault.message == RESERVED_SENTENCE for fault in draft.faults)
    if len(kinds) > 1:
        draft.fault(f"has {len(kinds)} kinds of work, {' and '.join(kinds)}; a task has exactly one")
    elif not kinds and not reserved and not draft.cleared.issuperset(KINDS):
        draft.fault("has no work: give one of command, shell, prompt or job")
    if fields.get("args") and kinds and "job" not in kinds:
        draft.fault("belongs to a job, and this task is a " + kinds[0], "args")
    for name in OF_PROGRAMS:
        if fields.get(name) is not None and "job" in kinds:
            draft.fault("belongs to what runs as a program, and this task is a job", name)
    if fields.get("no_wait") and fields.get("after"):
        draft.fault("refuses what cannot start at once, and this task waits for others (after)", "no_wait")
    delay, expires = fields.get("delay_s"), fields.get("expires_s")
    if delay is not None and expires is not None and expires <= delay:
        draft.fault(f"ends the chance to start ({expires:g}s) before the delay is over ({delay:g}s)", "expires")
    if len(fields.get("labels", ())) > LABELS_PER_TASK_MAX:
        draft.fault(f"has {len(fields['labels'])} labels; a task has at most {LABELS_PER_TASK_MAX}", "labels")


def _check_prompt(draft: Draft, fields: Mapping[str, Any], agent: str | None) -> None:
    """What belongs to prompts and to sessions, and what these need."""
    kinds = [kind for kind in KINDS if kind in fields]
    if kinds and "prompt" not in kinds and not _faulty(draft, "prompt"):
        for field, unsaid in OF_PROMPTS.items():
            if field in fields and fields[field] != unsaid:
                draft.fault(f"belongs to a prompt, and this task is a {kinds[0]}", field)
    if missing_agent(fields, agent) and not _faulty(draft, "agent") and not _faulty(draft, "session"):
        draft.fault(NEEDS_AGENT, "agent", hint=AGENT_HINT)
    if fields.get("mailbox") and not fields.get("session") and not _faulty(draft, "session"):
        draft.fault("belongs to a session, and this task names none", "mailbox")


def _faulty(draft: Draft, field: str) -> bool:
    depth = len(draft.path)
    return bool(draft.faults) and any(fault.path[: depth + 1] == (*draft.path, field) for fault in draft.faults)


def _check_templates(
    draft: Draft, fields: Mapping[str, Any], texts: list[tuple[Path, str]], others: Collection[str]
) -> None:
    names = frozenset(edge.task for edge in fields.get("after", ()))
    for path, text in texts:
        found = mistakes(text, names, others, shell=path == ("shell",))
        if path == BASE and (wrong := base_mistake(text, names)) is not None:
            found.append(wrong)
        for mistake in found:
            draft.fault(mistake.message, *path, hint=mistake.hint)


def _env(value: Any) -> dict[str, str]:
    return _table_of_texts(value, _variable, fieldtypes.argument)


def _variable(name: Any) -> str:
    found = fieldtypes.variable(name)
    if found.startswith(INPUT_VARIABLE) or found in OWN_VARIABLES:
        raise Bad("is a variable that Taxiway itself sets", "choose another name")
    return found


def _labels(value: Any) -> dict[str, str]:
    return _table_of_texts(value, fieldtypes.name, _label)


def _label(value: Any) -> str:
    found = fieldtypes.argument(value)
    if len(found) > NAME_CHARS_MAX:
        raise Bad(f"is {len(found)} characters long; a label has at most {NAME_CHARS_MAX}")
    return found


def _table_of_texts(value: Any, key: Callable[[Any], str], item: Callable[[Any], str]) -> dict[str, str]:
    parts = Parts()
    found = {
        parts.read((name,), key, name) or "": parts.read((name,), item, text) or ""
        for name, text in fieldtypes.table(value).items()
    }
    parts.close()
    return found


def _backoff(value: Any) -> dict[str, float]:
    parts = Parts()
    found = [parts.read((key,), _backoff_field, key, item) for key, item in fieldtypes.table(value).items()]
    parts.close()
    return dict(field for field in found if field is not None)


def _backoff_field(key: str, value: Any) -> tuple[str, float]:
    if key not in _BACKOFF:
        meant = nearest(key, [name for name in _BACKOFF if not name.endswith("_s")])
        raise Bad("is no field of backoff", f"did you mean '{meant}'?" if meant else "first, factor, max or jitter")
    attribute, reader = _BACKOFF[key]
    return attribute, reader(value)


def _retry_on(value: Any) -> tuple[Reason, ...]:
    if isinstance(value, str):
        return (_failure(value),)
    parts = Parts()
    found = [parts.read((place,), _failure, item) for place, item in enumerate(fieldtypes.items(value, "reasons"))]
    parts.close()
    return tuple(dict.fromkeys(reason for reason in found if reason is not None))


def _failure(value: Any) -> Reason:
    if not isinstance(value, str):
        raise Bad(f"must be a reason, not {fieldtypes.kind_of(value)}")
    if value not in RETRY_ON_LEGAL:
        meant, legal = nearest(value, RETRY_ON_LEGAL), ", ".join(sorted(RETRY_ON_LEGAL))
        hint = f"did you mean '{meant}'?" if meant else f"one of {legal}"
        raise Bad(f"'{value}' is no failure that can be tried again", hint)
    return Reason(value)


def _json_table(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = fieldtypes.plain(fieldtypes.table(value))
    return found


def _key(value: Any) -> str:
    found = fieldtypes.work(value)
    if len(found) > NAME_CHARS_MAX:
        raise Bad(f"is {len(found)} characters long; an idempotency key has at most {NAME_CHARS_MAX}")
    return found


_BACKOFF: Final[Mapping[str, tuple[str, Callable[[Any], float]]]] = {
    "first": ("first_s", fieldtypes.duration),
    "first_s": ("first_s", fieldtypes.duration),
    "factor": ("factor", fieldtypes.number(1, 1_000)),
    "max": ("max_s", fieldtypes.duration),
    "max_s": ("max_s", fieldtypes.duration),
    "jitter": ("jitter", fieldtypes.number(0, 1)),
}

#: What a person may write: the record's name for it, and its reader.
_FIELDS: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "name": ("name", fieldtypes.name),
    "queue": ("queue", fieldtypes.name),
    "lane": ("lane", fieldtypes.name),
    "priority": ("priority", fieldtypes.whole(-PRIORITY_MAX, PRIORITY_MAX)),
    "position": ("position", fieldtypes.whole(-POSITION_MAX, POSITION_MAX)),
    "command": ("command", fieldtypes.argv),
    "shell": ("shell", fieldtypes.work),
    "job": ("job", fieldtypes.name),
    **PROMPT_FIELDS,
    "args": ("args", _json_table),
    "after": ("after", dependencies),
    "cwd": ("cwd", fieldtypes.work),
    "workspace": ("workspace", workspace),
    "env": ("env", _env),
    "stdin": ("stdin", fieldtypes.text),
    "timeout": ("timeout_s", fieldtypes.clock),
    "timeout_s": ("timeout_s", fieldtypes.clock),
    "idle_timeout": ("idle_timeout_s", fieldtypes.clock),
    "idle_timeout_s": ("idle_timeout_s", fieldtypes.clock),
    "expires": ("expires_s", fieldtypes.clock),
    "expires_s": ("expires_s", fieldtypes.clock),
    "delay": ("delay_s", fieldtypes.duration),
    "delay_s": ("delay_s", fieldtypes.duration),
    "retries": ("retries", fieldtypes.whole(0, RETRIES_MAX)),
    "backoff": ("backoff", _backoff),
    "retry_on": ("retry_on", _retry_on),
    "accept": ("accept", acceptance),
    "no_wait": ("no_wait", fieldtypes.truth),
    "template": ("template", fieldtypes.truth),
    "idempotency_key": ("idempotency_key", _key),
    "labels": ("labels", _labels),
    "metadata": ("metadata", _json_table),
}
