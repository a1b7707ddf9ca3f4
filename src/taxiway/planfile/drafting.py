"""From a document to the parts of a plan, noting every fault with its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from taxiway.core import fieldtypes
from taxiway.core.errors import Problem
from taxiway.core.fault import Fault
from taxiway.core.fault import Path as FieldPath
from taxiway.core.fieldtypes import Bad
from taxiway.core.limits import PLAN_TASKS_MAX
from taxiway.core.nearest import suggestion
from taxiway.core.plan import PlanSession
from taxiway.core.plancheck import MAIN_LANE, Suggestions, check_between, check_size
from taxiway.core.plandiffs import check_diffs
from taxiway.core.plansessions import read_sessions, seat
from taxiway.core.policy import MailboxPolicy
from taxiway.core.specs import KINDS, Draft, finish, read_defaults, read_task
from taxiway.core.task import TaskSpec
from taxiway.planfile.document import Document
from taxiway.planfile.overrides import FLAG, overridden, override
from taxiway.planfile.project import working_folder
from taxiway.schemas.judge import SchemaJudge

TOP_FIELDS: Final = ("queue", "slots", "lanes", "defaults", "sessions", "tasks")

_NOT_IN_A_TASK: Final = {
    "queue": "belongs to the whole plan: write it at the top",
    "idempotency_key": "is for single tasks; a plan knows its tasks by their names",
    "no_wait": "is for single tasks; a plan is admitted whole, and its tasks wait for their turn",
}


class Parts(msgspec.Struct):
    """What a plan is made of."""

    queue: str
    slots: int | None = None
    lanes: dict[str, int | None] = msgspec.field(default_factory=dict)
    sessions: dict[str, PlanSession] = msgspec.field(default_factory=dict)
    tasks: list[TaskSpec] = msgspec.field(default_factory=list)


class House(msgspec.Struct, frozen=True):
    """What holds where the plan says nothing: the store-wide lanes that exist, who works on a prompt that names nobody,
    and the policy of a mailbox; and who judges the schemas of results."""

    lanes: frozenset[str] = frozenset()
    agent: str | None = None
    mailbox: MailboxPolicy = MailboxPolicy()
    schemas: SchemaJudge = msgspec.field(default_factory=SchemaJudge)


class Drafting:
    """One reading of one document; ``problems`` gathers whatever is wrong."""

    def __init__(self, document: Document, file: str, folder: Path, house: House) -> None:
        self._document = document
        self._file = file
        self._folder = folder
        self._house = house
        self._overridden: frozenset[FieldPath] = frozenset()
        self._folders: dict[str | None, tuple[str, str]] = {}
        self._missing_defaults: set[str | None] = set()
        self.problems: list[Problem] = list(document.problems)

    def read(self, queue: str, overrides: Sequence[str]) -> Parts:
        """The plan's parts, ``queue`` being the name that it has unless it says another; only to be used when there
        are no problems."""
        value, self._overridden = override(self._document.value, overrides, self.problems)
        parts = Parts(queue)
        if not isinstance(value, Mapping):
            self._note(Fault((), "a plan is a table with tasks in it", "tasks: {hello: {command: [echo, hello]}}"))
            return parts
        self._top(value, parts)
        lanes = {*self._house.lanes, *parts.lanes}
        defaults = self._defaults(value.get("defaults"), lanes)
        drafts = self._drafts(value.get("tasks"))
        faults = [
            *check_between(drafts, lanes),
            *seat(drafts, defaults, parts.sessions),
            *check_diffs(drafts, defaults),
        ]
        names = {draft.fields["name"] for draft in drafts if "name" in draft.fields}
        for draft in drafts:
            spec = self._finished(draft, defaults, parts.queue, names)
            if spec is not None:
                parts.tasks.append(spec)
        faults += self._schema_faults(drafts)
        for fault in (*(fault for draft in drafts for fault in draft.faults), *faults):
            self._note(fault)
        return parts

    def _schema_faults(self, drafts: Sequence[Draft]) -> list[Fault]:
        having = [draft for draft in drafts if draft.fields.get("result_schema") is not None]
        found = self._house.schemas.faults([draft.fields["result_schema"] for draft in having]) if having else []
        return [
            Fault((*draft.path, "result_schema", *fault.path), fault.message, fault.hint)
            for draft, fault in zip(having, found, strict=True)
            if fault is not None
        ]

    def _note(self, fault: Fault) -> None:
        if overridden(fault.path, self._overridden):
            self.problems.append(fault.problem(FLAG))
            return
        line, column = self._document.locate(fault.path) or (None, None)
        self.problems.append(fault.problem(self._file, line, column))

    def _top(self, value: Mapping[str, Any], parts: Parts) -> None:
        for key in value:
            if key not in TOP_FIELDS:
                self._note(Fault((str(key),), "is no field of a plan", suggestion(str(key), TOP_FIELDS)))
        if value.get("queue") is not None:
            parts.queue = self._named(("queue",), value["queue"]) or parts.queue
        if (fault := check_size(value.get("slots"), ("slots",), "slots")) is not None:
            self._note(fault)
        else:
            parts.slots = value.get("slots")
        if value.get("lanes") is not None:
            parts.lanes = self._lanes(value["lanes"])
        parts.sessions, faults = read_sessions(value.get("sessions"), self._house.mailbox)
        for fault in faults:
            self._note(fault)

    def _lanes(self, value: Any) -> dict[str, int | None]:
        if not isinstance(value, Mapping):
            self._note(Fault(("lanes",), f"must be a table of lanes and sizes, not {fieldtypes.kind_of(value)}"))
            return {}
        for lane, size in value.items():
            self._named(("lanes", lane), lane)
            if (fault := check_size(size, ("lanes", lane), "a lane's size")) is not None:
                self._note(fault)
        return dict(value)

    def _named(self, path: FieldPath, value: Any) -> str | None:
        try:
            return fieldtypes.name(value)
        except Bad as bad:
            self._note(Fault(path, bad.message, bad.hint))
            return None

    def _defaults(self, value: Any, lanes: set[str]) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self._note(Fault(("defaults",), f"must be a table of fields, not {fieldtypes.kind_of(value)}"))
            return {}
        refused = {key: value[key] for key in value if key in _NOT_IN_A_TASK}
        for key in refused:
            self._note(Fault(("defaults", key), _NOT_IN_A_TASK[key]))
        draft = read_defaults({key: item for key, item in value.items() if key not in refused}, ("defaults",))
        lane = draft.fields.get("lane", MAIN_LANE)
        if lane not in {*lanes, MAIN_LANE}:
            hint = Suggestions().of(lane, {*lanes, MAIN_LANE})
            draft.fault(f"there is no lane '{lane}' in this plan or in the store", "lane", hint=hint)
        for fault in draft.faults:
            self._note(fault)
        return draft.fields

    def _drafts(self, value: Any) -> list[Draft]:
        match value:
            case None:
                self._note(
                    Fault(("tasks",), "a plan needs at least one task", "tasks: {hello: {command: [echo, hello]}}")
                )
            case Mapping() | list() if not value:
                self._note(Fault(("tasks",), "is empty; a plan needs at least one task"))
            case Mapping() | list() if len(value) > PLAN_TASKS_MAX:
                self._note(Fault(("tasks",), f"are {len(value)}; a plan has at most {PLAN_TASKS_MAX}"))
            case Mapping():
                return [self._draft(name, item, ("tasks", name)) for name, item in value.items()]
            case list():
                return [self._draft(None, item, ("tasks", place)) for place, item in enumerate(value)]
            case _:
                self._note(Fault(("tasks",), f"must be a table of named tasks, not {fieldtypes.kind_of(value)}"))
        return []

    def _draft(self, name: str | None, value: Any, path: FieldPath) -> Draft:
        if not isinstance(value, Mapping):
            message = f"a task is a table with command, shell, prompt or job in it, not {fieldtypes.kind_of(value)}"
            return Draft(path, {} if name is None else {"name": name}, [Fault(path, message)], set(KINDS))
        draft = read_task(value, path, _NOT_IN_A_TASK)
        if name is None:
            if "name" not in draft.fields and "name" not in draft.cleared:
                draft.fault("has no name; every task of a plan has one", hint="add name: …")
            return draft
        if draft.fields.get("name", name) != name:
            draft.fault(f"the task is called '{name}' already", "name", hint="take this field away")
        try:
            draft.fields["name"] = fieldtypes.name(name)
        except Bad as bad:
            draft.fault(bad.message, hint=bad.hint)
            draft.fields["name"] = name
        return draft

    def _finished(self, draft: Draft, defaults: dict[str, Any], queue: str, names: set[str]) -> TaskSpec | None:
        self._place(draft, defaults)
        draft.fields["queue"] = queue
        return finish(draft, defaults, names, self._house.agent)

    def _place(self, draft: Draft, defaults: dict[str, Any]) -> None:
        """Where the task runs: a folder that exists, seen from the plan's own."""
        if "job" in draft.fields and "cwd" not in draft.fields:
            return
        cwd = draft.fields.get("cwd", None if "cwd" in draft.cleared else defaults.get("cwd"))
        if cwd not in self._folders:
            self._folders[cwd] = working_folder(cwd, self._folder)
        real, problem = self._folders[cwd]
        if problem:
            hint = "write the folder out: ~ is not expanded here" if cwd and cwd.startswith("~") else ""
            own = "cwd" in draft.fields
            if own or cwd not in self._missing_defaults:
                draft.faults.append(Fault((*draft.path, "cwd") if own else ("defaults", "cwd"), problem, hint))
            self._missing_defaults |= {cwd} if not own else set()
        draft.fields["cwd"] = real
