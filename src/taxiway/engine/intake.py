"""Intake: every verb that a door may use. It judges by pure rules what is asked, then asks the store once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, Final

import msgspec

from taxiway.clock import Ids
from taxiway.core.bounds import Bounds
from taxiway.core.errors import Draining, Invalid, Problem
from taxiway.core.fault import Fault
from taxiway.core.fieldtypes import Bad
from taxiway.core.fieldtypes import name as checked_name
from taxiway.core.ids import is_full_id
from taxiway.core.lane import Lane
from taxiway.core.limits import NAME_CHARS_MAX, SUBMIT_BATCH_MAX
from taxiway.core.plan import Plan
from taxiway.core.policy import MailboxPolicy
from taxiway.core.promptfields import AGENT_HINT, NEEDS_AGENT
from taxiway.core.queue import Queue, QueueStats
from taxiway.core.readiness import Obstacle, obstacles
from taxiway.core.redact import Scrubber
from taxiway.core.secretrefs import literal_secrets
from taxiway.core.session import Attention
from taxiway.core.spechash import spec_hash
from taxiway.core.specs import checked_spec
from taxiway.core.task import Task, TaskSpec, TaskState
from taxiway.engine.attention import noted
from taxiway.store.protocol import NewTask, PlanAdmitted, Pruned, Store, Submitted

DRAINING: Final = "Taxiway is shutting down, please retry shortly"


def checked_reader(reader: str) -> str:
    """The name of a reader. Raises ``Invalid`` for what is none."""
    if not reader.strip() or len(reader) > NAME_CHARS_MAX or not reader.isprintable():
        said = f"must be a name of 1 to {NAME_CHARS_MAX} characters"
        raise Invalid(f"reader {said}", [Problem(said, "reader")])
    return reader


def _check_name(name: str, what: str) -> None:
    try:
        checked_name(name)
    except Bad as bad:
        raise Invalid(f"the name of a {what} {bad.message}", [Problem(bad.message, "name", hint=bad.hint)]) from None


class Prompting(msgspec.Struct, frozen=True):
    """What holds for prompts and sessions that do not say it: who works on a prompt, how long an agent may be silent
    (seconds, ``None``: as any other work), and the policy of a new session's mailbox; and what judges the schemas of
    results, which may take a moment and is asked in a thread."""

    agent: str | None = None
    idle_timeout_s: float | None = None
    mailbox: MailboxPolicy = MailboxPolicy()
    schema_faults: Callable[[Sequence[dict[str, Any]]], Sequence[Fault | None]] | None = None


class Shutter:
    """Whether anything new is taken: one for all doors of a process."""

    def __init__(self) -> None:
        self.down = False


class Intake:
    """The verbs, for one actor (who is written into the change log) in one project.

    ``defaults`` are spec fields that fill what a task leaves open (``timeout_s``); ``prompting`` is the same for
    prompts and sessions; ``scrubber`` takes declared secrets out of what is stored, as far as their values are known
    here; ``declared`` are variables that take references to secrets only, with the secrets' names.
    """

    def __init__(
        self,
        store: Store,
        ids: Ids,
        actor: str,
        project: str,
        defaults: Mapping[str, Any],
        scrubber: Scrubber,
        declared: Mapping[str, str],
        prompting: Prompting | None = None,
    ) -> None:
        self._store = store
        self._ids = ids
        self._actor = actor
        self._project = project
        self._defaults = defaults
        self._scrubber = scrubber
        self._declared = declared
        self._prompting = prompting or Prompting()
        self._shutter = Shutter()
        self._bounds: Bounds | None = None

    def speaking_as(self, actor: str, store: Store, project: str | None = None, bounds: Bounds | None = None) -> Intake:
        """The same door for another actor, or in another project: what is shut is shut for both. Within ``bounds`` it
        is for a run that asks for work."""
        other = copy(self)
        other._actor, other._store, other._bounds = actor, store, bounds
        other._project = self._project if project is None else project
        return other

    @property
    def prompting(self) -> Prompting:
        """What holds for prompts and sessions that do not say it."""
        return self._prompting

    def drain(self) -> None:
        """Take nothing new from now on (SQ-80); everything else can still be asked for."""
        self._shutter.down = True

    async def submit(self, fields: Mapping[str, Any]) -> Submitted:
        """Admit one task, described as in a plan file. Raises ``Invalid`` with every fault, ``QueueStopping``, …"""
        return (await self.submit_many([fields]))[0]

    async def submit_many(self, many: Sequence[Mapping[str, Any]], project: str | None = None) -> list[Submitted]:
        """Admit up to 1,000 tasks, all of them or none; later ones may name earlier ones in ``after``. They are of
        this door's project unless another one is named."""
        return await self._store.submit(await self._judged(many, project), self._actor)

    async def submit_and_read(self, many: Sequence[Mapping[str, Any]]) -> list[tuple[Submitted, Task]]:
        """The same, each with its task as it then is."""
        return await self._store.submit_and_read(await self._judged(many, None), self._actor)

    async def _judged(self, many: Sequence[Mapping[str, Any]], project: str | None) -> list[NewTask]:
        """What is asked, checked and complete."""
        self._check_open()
        if len(many) > SUBMIT_BATCH_MAX:
            raise Invalid(f"{len(many)} tasks in one call; {SUBMIT_BATCH_MAX} are the most")
        wanted = self._project if project is None else project
        bounds = self._bounds
        asked = many if bounds is None else [bounds.filled(fields) for fields in many]
        specs = [checked_spec(fields, agent=self._prompting.agent) for fields in asked]
        if bounds is not None:
            for spec in specs:
                bounds.check(spec)
        self._refuse_literal_secrets(specs)
        await self._refuse_bad_schemas(specs)
        return [self._new(spec, wanted) for spec in await self._completed(specs, wanted)]

    async def run_plan(self, plan: Plan, fresh: bool = False) -> PlanAdmitted:
        """Admit a plan whole, or run it again."""
        self._check_open()
        self._refuse_literal_secrets(plan.tasks)
        await self._refuse_bad_schemas(plan.tasks)
        tasks = [self._new(spec, plan.project) for spec in await self._completed(plan.tasks, plan.project)]
        plan = msgspec.structs.replace(plan, tasks=tuple(new.spec for new in tasks))
        return await self._store.submit_plan(plan, tasks, fresh, self._actor)

    async def find(self, task: str) -> str:
        """The whole id of the task that somebody means; names of this project go before those of others."""
        return task if is_full_id(task, "task") else await self._store.find_task(task, self._project)

    async def cancel(self, task: str) -> Task:
        """Ask that a task ends; the task as it then is."""
        return await self._store.cancel(await self.find(task), self._actor)

    async def cancel_all(self, queue: str | None = None) -> int:
        """Cancel everything, or everything of a queue; the count of tasks found open."""
        return await self._store.cancel_all(self._actor, queue, self._project)

    async def retry(self, task: str) -> list[str]:
        """Try a failed or cancelled task again, with what fell with it; the new ids, its own first."""
        self._check_open()
        return await self._store.retry(await self.find(task), self._actor)

    async def remove(self, task: str) -> bool:
        """Forget a task; ``False`` while it runs."""
        return await self._store.remove(await self.find(task), self._actor)

    async def attention(self, tasks: Sequence[str], reader: str) -> dict[str, Attention]:
        """What tasks are to a reader (C31)."""
        return await self._store.attention(tasks, checked_reader(reader))

    async def read(self, task: str, reader: str) -> Task:
        """Mark a task as seen by a reader (C47)."""
        return await self._store.read_task(await self.find(task), checked_reader(reader))

    async def explain(self, task: str) -> list[Obstacle]:
        """Every condition that keeps a task from running (empty when the next claim takes it), and whether it stands
        still."""
        found = await self.find(task)
        facts = await self._store.facts(found)
        takes_a_turn = facts.state is TaskState.RUNNING and facts.gate.needs.startswith("agent:")
        return obstacles(facts) + (await noted(self._store, found) if takes_a_turn else [])

    async def move_queue(self, name: str, verb: str) -> Queue:
        """``start``, ``pause``, ``resume``, ``stop`` or ``reset`` a queue; illegal moves raise and change nothing."""
        return await self._store.move_queue(name, verb, self._actor, self._project)

    async def set_queue(self, name: str, slots: int | None) -> Queue:
        """Resize a queue; ``None`` is unlimited."""
        return await self._store.set_queue(name, slots, self._actor, self._project)

    async def make_queue(self, name: str, slots: int | None = None) -> Queue:
        """Make a standing queue."""
        _check_name(name, "queue")
        return await self._store.make_queue(name, slots, self._actor)

    async def queue(self, name: str) -> Queue:
        """One queue: of this project, else of none."""
        return await self._store.queue(name, self._project)

    async def queue_stats(self, name: str) -> QueueStats:
        """Counts of a queue."""
        return await self._store.queue_stats(name, self._project)

    async def snapshot(self, name: str, limit: int) -> tuple[QueueStats, list[Task]]:
        """Counts of a queue and its first tasks, open ones first, as they are at one moment."""
        return await self._store.snapshot(name, self._project, limit)

    async def lane(self, name: str, queue: str | None = None) -> Lane:
        """One lane."""
        return await self._store.lane(name, queue, self._project)

    async def set_lane(self, name: str, size: int | None, queue: str | None = None) -> Lane:
        """Make or resize a lane."""
        _check_name(name, "lane")
        return await self._store.set_lane(name, size, self._actor, queue, self._project)

    async def move_lane(self, name: str, verb: str, queue: str | None = None) -> Lane:
        """``stop`` or ``start`` a lane."""
        return await self._store.move_lane(name, verb, self._actor, queue, self._project)

    async def prune(self, before_ms: int, limit: int) -> Pruned:
        """Forget what ended before a time, one page of it."""
        return await self._store.prune(before_ms, limit, self._actor)

    def _check_open(self) -> None:
        if self._shutter.down:
            raise Draining(DRAINING)

    async def _completed(self, specs: Sequence[TaskSpec], project: str) -> list[TaskSpec]:
        """Specs with everything filled in that they leave open: defaults, and the agents of their sessions."""
        agents: dict[str, str] = {}
        for spec in specs:
            if spec.prompt is not None and spec.agent is None and spec.session not in agents:
                agents[spec.session or ""] = await self._agent_of(spec, project)
        return [self._with_defaults(spec, agents) for spec in specs]

    async def _agent_of(self, spec: TaskSpec, project: str) -> str:
        """Who works on a prompt that names nobody: its session's agent, else the configured one."""
        found = None if spec.session is None else await self._store.keyed_session(spec.session, project)
        agent = self._prompting.agent if found is None or found.agent is None else found.agent
        if agent is None:
            problem = Problem(NEEDS_AGENT, "agent", hint=AGENT_HINT)
            raise Invalid(f"this is no task: {problem}", [problem])
        return agent

    def _with_defaults(self, spec: TaskSpec, agents: Mapping[str, str]) -> TaskSpec:
        usual = dict(self._defaults)
        if spec.prompt is not None:
            usual["agent"] = agents.get(spec.session or "")
            if self._prompting.idle_timeout_s is not None:
                usual["idle_timeout_s"] = self._prompting.idle_timeout_s
        missing = {key: value for key, value in usual.items() if getattr(spec, key) is None}
        return msgspec.structs.replace(spec, **missing) if missing else spec

    def _refuse_literal_secrets(self, specs: Sequence[TaskSpec]) -> None:
        """A value under a secret's name would be stored by every door that does not know the secret (I11)."""
        problems = [
            msgspec.structs.replace(found, field=f"tasks.{spec.name}.{found.field}" if spec.name else found.field)
            for spec in specs
            for found in literal_secrets(spec, self._declared)
        ]
        if problems:
            raise Invalid("a secret is written as a reference, never as a value", problems)

    async def _refuse_bad_schemas(self, specs: Sequence[TaskSpec]) -> None:
        """A schema that means nothing would fail every turn, after it was paid for."""
        having = [spec for spec in specs if spec.result_schema is not None]
        if not having or self._prompting.schema_faults is None:
            return
        found = await asyncio.to_thread(self._prompting.schema_faults, [spec.result_schema or {} for spec in having])
        problems = [
            Fault(("result_schema", *fault.path), fault.message, fault.hint).problem()
            for fault in found
            if fault is not None
        ]
        if problems:
            raise Invalid(f"this is no task: {problems[0]}", problems)

    def _new(self, spec: TaskSpec, project: str) -> NewTask:
        """Scrub what was asked, hash it, and give it an id."""
        if self._scrubber.active:
            asked = msgspec.to_builtins(spec)
            spec = msgspec.convert({field: self._scrubber.value(value) for field, value in asked.items()}, TaskSpec)
        asker = None if self._bounds is None else self._bounds.run
        return NewTask(self._ids.new("task"), spec, spec_hash(spec), project, self._prompting.mailbox, asker)
