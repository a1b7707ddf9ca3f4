"""A runner of this process, put together: adapter, drives, services, and its goodbye."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from taxiway.agents.adapters import driver_of, program_of
from taxiway.agents.environment import child_environment
from taxiway.agents.prices import list_prices
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Conversation, Settled
from taxiway.agents.pulse import take_pulse
from taxiway.agents.settle import settle_trees
from taxiway.clock import Ids, SystemClock, system_chance
from taxiway.core.agent import AgentKind
from taxiway.core.errors import Invalid, Unavailable
from taxiway.core.limits import HEARTBEAT_S, LEASE_S
from taxiway.core.redact import Scrubber
from taxiway.core.run import ProcessMark
from taxiway.core.secretrefs import REFERENCE, secret_in
from taxiway.core.template import Rendered
from taxiway.engine.accepting_drive import AcceptingDrive
from taxiway.engine.agent_drive import AgentDrive, Crewmates, ResultCheck
from taxiway.engine.canceller import Canceller
from taxiway.engine.courier import Courier
from taxiway.engine.dispatcher import Dispatcher
from taxiway.engine.engine import Crew, serving
from taxiway.engine.executor import Drive, Executor, JobFunction, MakeDrive, Means
from taxiway.engine.handing_drive import HandingDrive, waits_for_diffs
from taxiway.engine.heart import Heart
from taxiway.engine.job_drive import JobDrive
from taxiway.engine.live import Equipped, Graces
from taxiway.engine.parking import Parking
from taxiway.engine.pass_drive import PassDrive
from taxiway.engine.pool import PoolMeans, SessionPool
from taxiway.engine.prepared_drive import PreparedDrive
from taxiway.engine.process_drive import ProcessDrive
from taxiway.engine.reaper import Host
from taxiway.engine.recorder import Recorder
from taxiway.engine.service import Service
from taxiway.engine.watching import Vigil
from taxiway.engine.workspace_drive import Workshop, WorkspaceDrive
from taxiway.jobs import CURRENT, REGISTRY, RunInfo, as_coroutine, runs_in_thread
from taxiway.observe.observer import Observer
from taxiway.passes import FilePasses
from taxiway.settings import Settings
from taxiway.store.protocol import Claimed, ExecutionStore, Runner, Wake, Wakes
from taxiway.store.sqlite.locks import RunnerLock, forget, is_dead


class Parts(NamedTuple):
    """What a runner is put together from; ``environment`` and ``folder`` are those of this process. Its lock lies among
    ``locks``, and the tags of its processes begin with ``tags``. ``passes`` hands runs what they may show a server,
    where there is one."""

    store: ExecutionStore
    wakes: Wakes
    locks: Path
    tags: str
    settings: Settings
    scrubber: Scrubber
    observer: Observer
    ids: Ids
    clock: SystemClock
    runner: str
    host: Host
    environment: Mapping[str, str]
    folder: Path
    workshop: Workshop
    broken: ResultCheck
    passes: FilePasses | None = None


@asynccontextmanager
async def with_runner(parts: Parts, services: Sequence[Service]) -> AsyncIterator[Crew]:
    """Run a runner beside ``services`` for as long as the block lasts; what still runs at its end goes back."""
    store, settings, runner, host = parts.store, parts.settings, parts.runner, parts.host
    observer = parts.observer
    lock = RunnerLock(parts.locks, runner)
    agent = ProcessAgent()
    agents = _equipped(parts, agent)
    threads = ThreadPoolExecutor(settings.slots, thread_name_prefix="taxiway-job")
    functions = REGISTRY if settings.jobs is None else settings.jobs
    jobs = {name: as_coroutine(found, threads) for name, found in functions.items()}
    needs = {"process", *(f"job:{name}" for name in jobs), *(f"agent:{name}" for name in agents)}
    scope = msgspec.structs.replace(settings.scope, needs=frozenset(needs), tenants=_tenants(settings))
    means = Means(
        agent=agent,
        jobs=jobs,
        environment=parts.environment,
        folder=str(parts.folder),
        scrubber=parts.scrubber,
        ask_grace_s=settings.ask_grace_s,
        term_grace_s=settings.term_grace_s,
        lease_s=settings.lease_s,
        threaded=frozenset(name for name, found in functions.items() if runs_in_thread(found)),
    )
    work = parts.wakes.subscribe(Dispatcher.topics)
    parking = Parking(_processes(settings) - settings.slots, work.ring)  # each of them keeps a process
    prices = {**list_prices(), **settings.prices}
    courier = Courier(store, runner)
    vigil = Vigil(settings.stuck, take_pulse, parts.clock)
    rest = (settings.approvals, prices, vigil, system_chance(), parts.broken, observer)
    mates = Crewmates(_pool(parts), courier, parking, *rest)
    make_drive = _drives(parts, means, agents, mates)
    executor = Executor(store, make_drive, system_chance(), observer, work.ring, means.scrubber)
    dispatcher = Dispatcher(store, executor, runner, scope, settings.slots, parking)
    crew = Crew(store, runner, executor, dispatcher, mates.pool)
    if not settings.plan_first:
        crew.begin()
    own: list[Service] = [
        Canceller(store, executor, runner),
        mates.courier,
        mates.pool,
        Heart(store, executor, runner, observer, settings.lease_s * HEARTBEAT_S / LEASE_S, mates.pool),
    ]
    me = Runner(id=runner, host=host.name, boot_id=host.boot_id, pid=os.getpid(), slots=settings.slots, scope=scope)
    try:
        await store.register(me)
        async with serving([(dispatcher, work), *with_wakes(parts.wakes, [*services, *own])], observer) as group:
            executor.open(group)
            mates.pool.open(group)
            try:
                yield crew
            finally:
                await crew.drain()
    finally:
        mates.pool.drop()
        await agent.aclose()
        threads.shutdown(wait=False)
        await _leave(store, runner)
        if parts.passes is not None:
            parts.passes.close()
        lock.release()


async def _leave(store: ExecutionStore, runner: str) -> None:
    """Say goodbye, unless runs or processes are left: then others settle them, since the runner's lock is free."""
    with suppress(Unavailable):
        await store.retire(runner, "gone")


class HostEvidence:
    """What this host knows of the runners that used the store from here: their locks, and their process trees."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def is_dead(self, runner: str) -> bool:
        """Whether its lock is free."""
        return is_dead(self._folder, runner)

    async def settle_trees(self, marks: Sequence[ProcessMark], /) -> dict[str, Settled]:
        """End and confirm them in a thread: up to 2 s."""
        return await asyncio.to_thread(settle_trees, marks)

    def forget(self, runner: str) -> None:
        """Its lock file goes."""
        forget(self._folder, runner)


def with_wakes(wakes: Wakes, services: Sequence[Service]) -> list[tuple[Service, Wake]]:
    """Each service with what wakes it."""
    return [(service, wakes.subscribe(service.topics)) for service in services]


def _equipped(parts: Parts, process: ProcessAgent) -> dict[str, Equipped]:
    """The agents whose programs are here."""
    return {
        name: Equipped(name, kind, driver_of(kind, process))
        for name, kind in parts.settings.agents.items()
        if program_of(kind, parts.environment) is not None
    }


def _pool(parts: Parts) -> SessionPool:
    settings, tags = parts.settings, parts.tags
    means = PoolMeans(
        runner=parts.runner,
        size=_processes(settings),
        new_tag=lambda: tags + parts.ids.new("proc"),
        graces=Graces(settings.ask_grace_s, settings.term_grace_s),
        confirm=_confirmed,
        place=_place,
    )
    return SessionPool(parts.store, means, parts.observer)


def _place(folder: str) -> tuple[int, int] | None:
    """Which folder a path leads to; a process that stands in a removed one stands nowhere."""
    try:
        found = Path(folder).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _processes(settings: Settings) -> int:
    """How many processes of agents the runner may have at once."""
    return 2 * settings.slots if settings.processes_max is None else settings.processes_max


async def _confirmed(mark: ProcessMark) -> bool:
    settled = await asyncio.to_thread(settle_trees, [mark])
    return all(found.certain for found in settled.values())


def _drives(parts: Parts, means: Means, agents: Mapping[str, Equipped], mates: Crewmates) -> Callable[[Claimed], Drive]:
    store, settings, tags = parts.store, parts.settings, parts.tags

    def environment(rendered: Rendered, claim: Claimed, tag: str) -> dict[str, str]:
        own = _own_variables(claim) | _shown(parts, claim, rendered.env)
        return _environment(parts, _resolved(parts, claim, rendered.env), own, tag)

    def agent_environment(kind: AgentKind, rendered: Rendered, claim: Claimed) -> dict[str, str]:
        # A session's process outlives the run, so nothing in its environment may name one.
        own = _own_variables(claim) if claim.seat is None else {}
        usual = {**_account_env(settings, kind, claim), **kind.env}
        own |= _shown(parts, claim, {**usual, **rendered.env})
        known = {name: secret_in(value, settings.secrets) for name, value in usual.items() if name not in rendered.env}
        return _environment(parts, known | _resolved(parts, claim, rendered.env), own, "")

    def recorder_of(claim: Claimed) -> Recorder:
        scrubber = _scrubber(parts, claim)
        return Recorder(store, parts.clock, scrubber, claim.run, claim.fence, settings.run_output_bytes_max)

    async def confirm(conversation: Conversation) -> bool:
        return await _confirmed(conversation.mark)

    def make(claim: Claimed, recorder: Recorder) -> Drive:
        spec = claim.spec
        around = _around(parts, claim, partial(make, recorder=recorder), recorder, means.folder)
        if around is not None:
            return around
        if spec.job is not None:
            return JobDrive(claim, _job(claim, means.jobs[spec.job]), recorder, spec.job in means.threaded)
        if spec.prompt is not None:
            agent = agents[spec.agent or ""]
            return AgentDrive(claim, store.of(claim.tenant), recorder, means, agent, mates, agent_environment)
        return ProcessDrive(claim, store, recorder, means, tags + parts.ids.new("proc"), environment, confirm)

    def prepare(claim: Claimed) -> Drive:
        hook, recorder = settings.before_run, recorder_of(claim)
        drive: Drive = (
            make(claim, recorder)
            if hook is None
            else PreparedDrive(claim, hook, partial(make, recorder=recorder), recorder)
        )
        return drive if parts.passes is None else PassDrive(claim, parts.passes, drive)

    return prepare


def _around(parts: Parts, claim: Claimed, make_drive: MakeDrive, recorder: Recorder, folder: str) -> Drive | None:
    """What is still to be done around the work itself: diffs looked up, a workspace, commands that accept it."""
    spec = claim.spec
    if waits_for_diffs(claim):
        return HandingDrive(claim, parts.workshop, make_drive, recorder)
    if spec.workspace is not None:
        return WorkspaceDrive(claim, spec.workspace, parts.workshop, make_drive, recorder, folder)
    if spec.accept is not None:
        return AcceptingDrive(claim, spec.accept, parts.store.of(claim.tenant), make_drive, recorder)
    return None


def _account_env(settings: Settings, kind: AgentKind, claim: Claimed) -> Mapping[str, str]:
    """The variables of the account whose slot the run took. A runner that does not know it must not use another one."""
    known = settings.accounts.get(claim.account or "")
    if known is not None:
        return known.env
    own = kind.account or claim.spec.agent
    if claim.account not in (None, own):
        raise Invalid(
            f"agent '{claim.spec.agent}' is to use account '{claim.account}', and by this runner's configuration it "
            f"uses '{own}'; write [accounts.{claim.account}] there, or configure all runners alike"
        )
    return {}


def _job(claim: Claimed, function: JobFunction) -> JobFunction:
    info = RunInfo(claim.task, claim.run, claim.attempt)

    async def call(args: Mapping[str, Any]) -> Any:
        CURRENT.set(info)
        return await function(args)

    return call


def _tenants(settings: Settings) -> frozenset[str] | None:
    """Whose work the runner takes: queues that its scope names are those of the tenant for which it was opened."""
    scope = settings.scope
    return frozenset({settings.tenant}) if scope.tenants is None and scope.queues is not None else scope.tenants


def _own_variables(claim: Claimed) -> dict[str, str]:
    """What a run is told of itself; the tenant, so that what it asks for in its turn is that one's too."""
    own = {"TAXIWAY_TASK": claim.task, "TAXIWAY_RUN": claim.run, "TAXIWAY_ATTEMPT": str(claim.attempt)}
    return {**own, "TAXIWAY_STORE_TENANT": claim.tenant}


def _shown(parts: Parts, claim: Claimed, asked: Mapping[str, str]) -> dict[str, str]:
    """The server that a run may ask, and where its token lies."""
    return {} if parts.passes is None else parts.passes.variables(claim, asked)


def _scrubber(parts: Parts, claim: Claimed) -> Scrubber:
    """A run's token is as secret as what is declared to be (I11)."""
    token = None if parts.passes is None else parts.passes.of(claim)
    return parts.scrubber if token is None else Scrubber([*parts.settings.secrets.values(), token])


def _resolved(parts: Parts, claim: Claimed, rendered: Mapping[str, str]) -> dict[str, str]:
    """A task's variables with its secrets. What a placeholder brings is text: else an agent could ask for any secret
    by saying its name."""
    refers = {name for name, text in claim.spec.env.items() if text.startswith(REFERENCE)}
    secrets = parts.settings.secrets
    return {name: secret_in(value, secrets) if name in refers else value for name, value in rendered.items()}


def _environment(parts: Parts, asked: Mapping[str, str], own: Mapping[str, str], tag: str) -> dict[str, str]:
    return child_environment(parts.environment, {**asked, **own}, tag)
