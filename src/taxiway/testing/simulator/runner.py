"""A runner as a simulated process: the same parts as the real one, put together over scripted agents."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from taxiway.agents.protocol import TAG_VARIABLE, CertaintyLevel, Conversation, Settled
from taxiway.core.errors import LeaseLost, Unavailable
from taxiway.core.limits import HEARTBEAT_S, LEASE_S
from taxiway.core.readiness import Scope
from taxiway.core.redact import Scrubber
from taxiway.core.run import ProcessMark
from taxiway.core.template import Rendered
from taxiway.engine.canceller import Canceller
from taxiway.engine.courier import Courier
from taxiway.engine.dispatcher import Dispatcher
from taxiway.engine.engine import Crew, serving
from taxiway.engine.executor import Drive, Executor, Means
from taxiway.engine.feed import Feed
from taxiway.engine.heart import Heart
from taxiway.engine.job_drive import JobDrive
from taxiway.engine.parking import Parking
from taxiway.engine.process_drive import ProcessDrive
from taxiway.engine.reaper import Host, Reaper
from taxiway.engine.recorder import Recorder
from taxiway.engine.service import Service
from taxiway.engine.timekeeper import Timekeeper
from taxiway.observe.observer import Moment
from taxiway.store.protocol import Claimed, Runner, Store
from taxiway.testing.agent import ScriptedAgent
from taxiway.testing.simulator.asking import Inquirer
from taxiway.testing.simulator.ledger import TreeWatch
from taxiway.testing.simulator.turns import AGENT, TurnDrive

if TYPE_CHECKING:
    from taxiway.testing.simulator.process import Process
    from taxiway.testing.simulator.world import World

JOB_SECONDS = {"quick": 0.2, "slow": 3.0}
SETTLE_LOOKS = 18
SETTLE_LOOK_S = 0.1


class SimulatedEvidence:
    """What a process knows of the runners and trees of its host."""

    def __init__(self, world: World, process: Process) -> None:
        self._world = world
        self._process = process

    def is_dead(self, runner: str) -> bool:
        """Whether its lock is free."""
        return self._world.is_dead(runner)

    def forget(self, runner: str) -> None:
        """Its lock file goes."""

    async def settle_trees(self, marks: Sequence[ProcessMark], /) -> dict[str, Settled]:
        """End trees of this host from outside, and look for a while whether they are gone."""
        await self._process.seam("settle")
        trees = {mark.tag: self._world.tree(mark.tag) for mark in marks}
        for look in range(SETTLE_LOOKS):
            left = [tag for tag, tree in trees.items() if tree is not None and not tree.settle()]
            if not left:
                break
            if look:
                await asyncio.sleep(SETTLE_LOOK_S)
        return {
            tag: Settled(certain=tree is None or tree.settle(), level=CertaintyLevel.SWEEP, why="simulated")
            for tag, tree in trees.items()
        }


class RunnerMain:
    """One runner's main function and what it is made of."""

    def __init__(self, world: World, process: Process, store: Store) -> None:
        self._world = world
        self._process = process
        self._store = store
        self._slots = process.dice.whole(1, 4)
        self.agent = ScriptedAgent(
            world.workload.script_of,
            boot_id=process.host.boot_id,
            timers=world,
            watch=TreeWatch(world, process),
            seam=process.seam,
        )
        lease_s = world.rates.lease_s
        self._means = Means(agent=self.agent, term_grace_s=process.dice.between(0.2, 2.0), lease_s=lease_s)
        self._evidence = SimulatedEvidence(world, process)

    async def run(self) -> None:
        """Register, serve, drain when asked to, retire."""
        process, store, world = self._process, self._store, self._world
        runner = process.runner = process.ids.new("runner")
        world.lock(runner, process)
        host = Host(process.host.name, process.host.boot_id)
        work = process.wakes.subscribe(Dispatcher.topics)
        self._courier = Courier(store, runner)
        executor = Executor(store, self._drive, process.dice, self._observe, work.ring, Scrubber())
        jobs = (f"job:{name}" for name in world.workload.jobs())
        scope = Scope(needs=frozenset({"process", f"agent:{AGENT}", *jobs}))
        self._parking = Parking(process.dice.whole(0, 4) if world.rates.asks else 0, work.ring)
        dispatcher = Dispatcher(store, executor, runner, scope, self._slots, self._parking)
        crew = Crew(store, runner, executor, dispatcher)
        crew.begin()
        services: list[Service] = [
            Feed(store, process.wakes),
            Timekeeper(store, process.clock),
            Canceller(store, executor, runner),
            self._courier,
            Heart(store, executor, runner, self._observe, self._means.lease_s * HEARTBEAT_S / LEASE_S),
            Reaper(store, process.clock, host, runner, self._evidence, self._observe, self._means.lease_s),
        ]
        waking = [(service, process.wakes.subscribe(service.topics)) for service in services]
        with suppress(Unavailable, LeaseLost):
            await store.register(
                Runner(id=runner, host=host.name, boot_id=host.boot_id, pid=1, slots=self._slots, scope=scope)
            )
            async with serving([(dispatcher, work), *waking], self._observe) as group:
                executor.open(group)
                try:
                    await process.draining.wait()
                finally:
                    await crew.drain()
            if not await store.live_runs(runner):
                await store.retire(runner, "gone")

    def _drive(self, claim: Claimed) -> Drive:
        process = self._process
        self._world.ledger.home(claim.run, process.host.name)
        if claim.seat is not None and claim.spec.job is None:
            inquirer = Inquirer(claim, self._store, self._parking, self._world, process)
            return TurnDrive(claim, self._work, self._store, self._courier, process.dice, inquirer)
        return self._work(claim)

    def _work(self, claim: Claimed) -> Drive:
        process = self._process
        recorder = Recorder(self._store, process.clock, self._means.scrubber, claim.run, claim.fence)
        if claim.spec.job is not None:
            return JobDrive(claim, self._job(claim), recorder)
        tag = process.ids.new("proc")
        return ProcessDrive(claim, self._store, recorder, self._means, tag, _environment, self._confirm)

    def _job(self, claim: Claimed) -> Any:
        async def call(args: Mapping[str, Any]) -> Any:
            ledger = self._world.ledger
            life = ledger.began(claim.run, claim.task, None, self._process)
            try:
                await asyncio.sleep(self._process.dice.about(JOB_SECONDS[claim.spec.job or ""]))
                if self._process.dice.hit(0.2):
                    raise ValueError("the job did not like it")
                life.exit_code = 0
                return {"args": len(args)}
            finally:
                life.finished = True
                ledger.over(life)

        return call

    async def _confirm(self, conversation: Conversation) -> bool:
        return all(found.certain for found in (await self._evidence.settle_trees([conversation.mark])).values())

    def _observe(self, moment: Moment, **facts: Any) -> None:
        self._world.observed(self._process, moment, facts)


def _environment(rendered: Rendered, claim: Claimed, tag: str) -> dict[str, str]:
    own = {"TAXIWAY_TASK": claim.task, "TAXIWAY_RUN": claim.run, "TAXIWAY_ATTEMPT": str(claim.attempt)}
    return {**rendered.env, **own, TAG_VARIABLE: tag}
