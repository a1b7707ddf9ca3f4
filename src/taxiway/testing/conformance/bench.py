"""A store on a bench: short verbs for the suites, a hand clock, and a health check when the bench is put away."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import pytest

from taxiway.clock import Ids, seeded_chance
from taxiway.core.errors import NotFound
from taxiway.core.limits import CASCADE_ROWS_MAX
from taxiway.core.plan import Plan
from taxiway.core.policy import MailboxChange, MailboxPolicy
from taxiway.core.readiness import Facts, Obstacle, Scope, obstacles
from taxiway.core.run import Completed, Failed, Outcome
from taxiway.core.task import Condition, Dependency, Reason, Task, TaskSpec, TaskState
from taxiway.store.protocol import Claimed, Finished, NewTask, PlanAdmitted, Runner, Store, Submitted
from taxiway.testing.clock import HandClock

ACTOR: Final = "test"
MAIN_SIZE: Final = 1_000  #: the size of lane ``main`` in a suite's store
SEED: Final = 7
MIDDLE: Final = 0.5  #: the chance that gives a backoff without jitter

_encode = msgspec.json.Encoder(order="sorted").encode


class Surroundings(msgspec.Struct, frozen=True):
    """What a store is opened with: a folder of its own, time, ids, and the size of lane ``main``."""

    folder: Path
    clock: HandClock
    new_id: Callable[[str], str]
    main_size: int = MAIN_SIZE


class Opened(Protocol):
    """A store that somebody opened, and how to let go of it."""

    @property
    def store(self) -> Store:
        """The store."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


class Suite:
    """Behaviours of one subject. Subclass it as ``class TestX(YourStore, X)``; ``YourStore`` has ``open_store``."""

    async def open_store(self, around: Surroundings) -> Opened:
        """Open a new, empty store."""
        raise NotImplementedError("say how your store is opened")

    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[Bench]:
        """A new store; when the test is over, every invariant query must still find nothing."""
        clock = HandClock()
        around = Surroundings(tmp_path, clock, Ids(clock, seeded_chance(SEED)).new)
        opened = await self.open_store(around)
        bench = Bench(opened.store, clock, Ids(clock, seeded_chance(SEED + 1)))
        try:
            await bench.register()
            yield bench
            await bench.settle()
            assert await opened.store.check() == []
        finally:
            await opened.close()


class Bench:
    """One store with one runner, and verbs that say in a word what a test wants done."""

    def __init__(self, store: Store, clock: HandClock, ids: Ids) -> None:
        self.store = store
        self.clock = clock
        self.ids = ids
        self.runner = ids.new("runner")

    async def register(self, slots: int = 100_000, scope: Scope | None = None) -> str:
        """A new runner takes over: the bench claims with it from now on."""
        self.runner = self.ids.new("runner")
        await self.store.register(
            Runner(id=self.runner, host="bench", boot_id="boot", pid=1, slots=slots, scope=scope or Scope())
        )
        return self.runner

    def new(self, project: str = "", **fields: Any) -> NewTask:
        """A task that a test asks for: an in-process job, unless ``fields`` say otherwise."""
        spec = spec_of(**fields)
        return NewTask(self.ids.new("task"), spec, digest(spec), project)

    async def submit(self, project: str = "", **fields: Any) -> str:
        """Submit one task; its id."""
        answers = await self.store.submit([self.new(project, **fields)], ACTOR)
        return answers[0].id

    async def submit_all(self, *tasks: NewTask) -> list[Submitted]:
        """Submit several in one call."""
        return await self.store.submit(tasks, ACTOR)

    async def send(self, session: str, text: str | None = None, **fields: Any) -> Submitted:
        """Send a message to a session: a job, or a prompt for ``agent`` (``fake`` unless it is said); what is known."""
        mailbox = {name: fields.pop(name) for name in tuple(fields) if name in MailboxChange.__struct_fields__}
        if text is not None:
            fields = {"prompt": text, "agent": "fake", **fields}
        change = MailboxChange(**mailbox) if mailbox else None
        return (await self.submit_all(self.new(session=session, mailbox=change, **fields)))[0]

    async def session(self, key: str, agent: str | None = None, **policy: Any) -> str:
        """Make a session with a policy; its id."""
        made = await self.store.make_session(key, "", agent, MailboxPolicy(**policy), ACTOR)
        return made.id

    async def claim(self, free: int = 64, scope: Scope | None = None, runner: str | None = None) -> list[Claimed]:
        """Claim up to ``free`` tasks in one call."""
        return await self.store.claim(runner or self.runner, scope or Scope(), free)

    async def take(self) -> Claimed:
        """Claim one task, which must be there."""
        claimed = await self.claim(1)
        assert claimed, "nothing was ready"
        return claimed[0]

    async def finish(self, run: Claimed, outcome: Outcome | None = None, chance: float = MIDDLE) -> Finished:
        """End a run; it completed, unless ``outcome`` says otherwise."""
        return await self.store.finish(run.run, run.fence, Completed() if outcome is None else outcome, chance)

    async def end_next(self, outcome: Outcome | None = None) -> str:
        """Claim the next task and end it; its id."""
        run = await self.take()
        await self.finish(run, outcome)
        return run.task

    async def drain(self, outcome: Outcome | None = None) -> list[str]:
        """Claim and end until nothing is ready; ids in the order of the claims."""
        done: list[str] = []
        while claimed := await self.claim(64):
            await asyncio.gather(*(self.finish(run, outcome) for run in claimed))
            done.extend(run.task for run in claimed)
            await self.settle()
        return done

    async def settle(self) -> None:
        """Do every page that cascades have left."""
        while await self.store.advance(CASCADE_ROWS_MAX):
            pass

    async def pass_time(self, seconds: float) -> int:
        """Let time pass and wake what is due; how many tasks moved."""
        self.clock.advance(seconds)
        return await self.store.wake_due(CASCADE_ROWS_MAX)

    async def fail_once(self) -> None:
        """A write that is refused: what a writer kept in mind from one transaction to the next, it reads again."""
        with pytest.raises(NotFound):
            await self.store.cancel(self.ids.new("task"), ACTOR)

    async def standing(self, task: str) -> tuple[TaskState, Reason | None]:
        """The state and reason of a task."""
        found = await self.store.task(task)
        return found.state, found.reason

    async def task(self, task: str) -> Task:
        """The whole record of a task."""
        return await self.store.task(task)

    async def explained(self, task: str) -> list[Obstacle]:
        """What stands in a task's way."""
        facts: Facts = await self.store.facts(task)
        return obstacles(facts)

    async def run_plan(self, plan: Plan, fresh: bool = False) -> PlanAdmitted:
        """Run a plan, or run it again."""
        tasks = [NewTask(self.ids.new("task"), spec, digest(spec), plan.project) for spec in plan.tasks]
        return await self.store.submit_plan(plan, tasks, fresh, ACTOR)


def spec_of(**fields: Any) -> TaskSpec:
    """A spec; ``after`` may be ids or names (wanting ``completed``), or ``(name, condition)`` pairs."""
    edges = tuple(
        Dependency(edge) if isinstance(edge, str) else Dependency(edge[0], Condition(edge[1]))
        for edge in fields.pop("after", ())
    )
    if not {"command", "shell", "prompt", "job"} & fields.keys():
        fields["job"] = "noop"
    return TaskSpec(after=edges, **fields)


def digest(spec: TaskSpec) -> bytes:
    """The hash by which a store tells specs apart."""
    return hashlib.sha256(_encode(spec)).digest()


def plan_of(*specs: TaskSpec, queue: str = "plan", project: str = "/p", **fields: Any) -> Plan:
    """A plan of these tasks; each belongs to the plan's queue."""
    tasks: Sequence[TaskSpec] = [msgspec.structs.replace(spec, queue=queue) for spec in specs]
    return Plan(queue=queue, project=project, source="plan.yaml", tasks=tuple(tasks), **fields)


def failed(reason: Reason = Reason.EXIT_CODE, exit_code: int | None = 1) -> Failed:
    """A failure."""
    return Failed(reason, f"it ended with {reason}", exit_code)
