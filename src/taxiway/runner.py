"""A runner of this process, put together: adapter, drives, services, and its goodbye."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from taxiway.agents.environment import child_environment
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Conversation, Settled
from taxiway.agents.settle import settle_trees
from taxiway.clock import Ids, SystemClock, system_chance
from taxiway.core.errors import Invalid, Unavailable
from taxiway.core.limits import HEARTBEAT_S, LEASE_S
from taxiway.core.redact import Scrubber
from taxiway.core.run import ProcessMark
from taxiway.core.secretrefs import REFERENCE
from taxiway.core.template import Rendered
from taxiway.diagnosis import tag_prefix
from taxiway.engine.canceller import Canceller
from taxiway.engine.dispatcher import Dispatcher
from taxiway.engine.engine import Crew, serving
from taxiway.engine.executor import Drive, Executor, Means
from taxiway.engine.heart import Heart
from taxiway.engine.job_drive import JobDrive
from taxiway.engine.process_drive import ProcessDrive
from taxiway.engine.reaper import Host
from taxiway.engine.recorder import Recorder
from taxiway.engine.service import Service
from taxiway.jobs import CURRENT, REGISTRY, RunInfo, as_coroutine, runs_in_thread
from taxiway.observe.observer import Observer
from taxiway.settings import Settings
from taxiway.store.protocol import Claimed, Runner, Store, Wake
from taxiway.store.sqlite.locks import RunnerLock, forget, is_dead
from taxiway.store.sqlite.opening import OpenStore


class Parts(NamedTuple):
    """What a runner is put together from; ``environment`` and ``folder`` are those of this process."""

    opened: OpenStore
    settings: Settings
    scrubber: Scrubber
    observer: Observer
    ids: Ids
    clock: SystemClock
    runner: str
    host: Host
    environment: Mapping[str, str]
    folder: Path


@asynccontextmanager
async def with_runner(parts: Parts, services: Sequence[Service]) -> AsyncIterator[Crew]:
    """Run a runner beside ``services`` for as long as the block lasts; what still runs at its end goes back."""
    opened, settings, runner, host = parts.opened, parts.settings, parts.runner, parts.host
    store, observer = opened.store, parts.observer
    lock = RunnerLock(opened.folder, runner)
    agent = ProcessAgent()
    threads = ThreadPoolExecutor(settings.slots, thread_name_prefix="taxiway-job")
    functions = REGISTRY if settings.jobs is None else settings.jobs
    jobs = {name: as_coroutine(found, threads) for name, found in functions.items()}
    scope = msgspec.structs.replace(settings.scope, needs=frozenset({"process", *(f"job:{name}" for name in jobs)}))
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
    work = opened.wakes.subscribe(Dispatcher.topics)
    executor = Executor(store, _drives(parts, means), system_chance(), observer, work.ring, means.scrubber)
    dispatcher = Dispatcher(store, executor, runner, scope, settings.slots)
    crew = Crew(store, runner, executor, dispatcher)
    if not settings.plan_first:
        crew.begin()
    own: list[Service] = [
        Canceller(store, executor, runner),
        Heart(store, executor, runner, observer, settings.lease_s * HEARTBEAT_S / LEASE_S),
    ]
    me = Runner(id=runner, host=host.name, boot_id=host.boot_id, pid=os.getpid(), slots=settings.slots, scope=scope)
    try:
        await store.register(me)
        async with serving([(dispatcher, work), *with_wakes(opened, [*services, *own])], observer) as group:
            executor.open(group)
            try:
                yield crew
            finally:
                await crew.drain()
    finally:
        await agent.aclose()
        threads.shutdown(wait=False)
        await _leave(store, runner)
        lock.release()


async def _leave(store: Store, runner: str) -> None:
    """Say goodbye, unless runs are left: then others settle them, since the runner's lock is free."""
    with suppress(Unavailable):
        if not await store.live_runs(runner):
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


def with_wakes(opened: OpenStore, services: Sequence[Service]) -> list[tuple[Service, Wake]]:
    """Each service with what wakes it."""
    return [(service, opened.wakes.subscribe(service.topics)) for service in services]


def _drives(parts: Parts, means: Means) -> Callable[[Claimed], Drive]:
    store, settings = parts.opened.store, parts.settings
    tags = tag_prefix(store.path)

    def environment(rendered: Rendered, claim: Claimed, tag: str) -> dict[str, str]:
        own = {"TAXIWAY_TASK": claim.task, "TAXIWAY_RUN": claim.run, "TAXIWAY_ATTEMPT": str(claim.attempt)}
        asked = {name: _secret(value, settings.secrets) for name, value in rendered.env.items()}
        return child_environment(means.environment, {**asked, **own}, tag)

    async def confirm(conversation: Conversation) -> bool:
        settled = await asyncio.to_thread(settle_trees, [conversation.mark])
        return all(found.certain for found in settled.values())

    def make(claim: Claimed) -> Drive:
        recorder = Recorder(store, parts.clock, means.scrubber, claim.run, claim.fence, settings.run_output_bytes_max)
        if claim.spec.job is not None:
            function = means.jobs[claim.spec.job]
            info = RunInfo(claim.task, claim.run, claim.attempt)

            async def call(args: Mapping[str, Any]) -> Any:
                CURRENT.set(info)
                return await function(args)

            return JobDrive(claim, call, recorder, claim.spec.job in means.threaded)
        return ProcessDrive(claim, store, recorder, means, tags + parts.ids.new("proc"), environment, confirm)

    return make


def _secret(value: str, secrets: Mapping[str, str]) -> str:
    name = value.removeprefix(REFERENCE)
    if name == value:
        return value
    if name not in secrets:
        raise Invalid(f"there is no secret '{name}' on this runner; declare it under [secrets] in its configuration")
    return secrets[name]
