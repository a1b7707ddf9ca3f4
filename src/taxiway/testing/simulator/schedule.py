"""One schedule: chaos, healing, drain; and what it showed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from taxiway.core.limits import LEASE_MARGIN_S
from taxiway.core.queue import QueueState
from taxiway.core.readiness import ObstacleKind, obstacles
from taxiway.core.task import TASK_TERMINAL, Reason, TaskState
from taxiway.testing.simulator.faults import Rates
from taxiway.testing.simulator.history import CANCEL_S, now
from taxiway.testing.simulator.loop import Stuck
from taxiway.testing.simulator.process import START_MS
from taxiway.testing.simulator.world import Database, Note, Sizes, Violation, World

if TYPE_CHECKING:
    from taxiway.testing.simulator.history import Known
    from taxiway.testing.simulator.ledger import Life

LOOK_EVERY_S: Final = 4.0
LATE_LOOKS: Final = 2  #: how often in a row startable work may be seen waiting
FRESH_RUNNERS_MAX: Final = 2
EVENTS_MAX: Final = 10_000
SLEPT_PAST_S: Final = 40.0  #: a stored time may be missed by a timekeeper's longest sleep after a lost hint


class Report(msgspec.Struct, frozen=True):
    """What one schedule showed. ``digest`` is the same for the same seed, bit by bit."""

    seed: int
    violations: list[Violation]
    digest: str
    steps: int
    virtual_s: float
    counts: dict[str, int]
    rates: Rates
    notes: list[Note]

    @property
    def held(self) -> bool:
        """Whether every invariant held."""
        return not self.violations


def run_schedule(
    seed: int, open_database: Callable[[], Database], *, rates: Rates | None = None, sizes: Sizes | None = None
) -> Report:
    """Run the schedule of one seed over a new database. ``rates`` replaces the faults that the seed would pick."""
    database = open_database()
    world = World(seed, database, rates, sizes or Sizes())
    try:
        try:
            world.loop.run(_Schedule(world).run())
        except Stuck as stuck:
            world.violate("I14", str(stuck))
        return Report(
            seed=seed,
            violations=world.violations,
            digest=world.digest(),
            steps=world.loop.steps,
            virtual_s=world.loop.time(),
            counts=world.counts,
            rates=world.rates,
            notes=world.notes,
        )
    finally:
        world.over, world.chaos = True, False
        world.loop.close()
        database.close()


class _Schedule:
    def __init__(self, world: World) -> None:
        self._world = world
        self._dice = world.dice.fork()
        self._late: dict[str, int] = {}

    async def run(self) -> None:
        world = self._world
        for _ in range(self._dice.whole(1, world.sizes.runners)):
            world.start_runner()
        for _ in range(self._dice.whole(1, world.sizes.doors)):
            world.start_door()
        await self._chaos()
        world.heal()
        await self._drain()
        world.history.read()
        world.check()
        self._judge_end()

    # -- chaos --------------------------------------------------------------------------------------------------------
    async def _chaos(self) -> None:
        world, rates = self._world, self._world.rates
        end = world.loop.time() + self._dice.between(0.2, 1.0) * world.sizes.chaos_s
        harms: list[tuple[float, Callable[[], None]]] = [
            (rates.kill_every_s, self._kill),
            (rates.pause_every_s, self._pause),
            (rates.lose_guardian_every_s, self._lose_guardian),
            (rates.jump_every_s, self._jump),
            (rates.drain_every_s, self._drain_runner),
            (1.5, self._restart),
        ]
        for every_s, harm in harms:
            if every_s:
                self._again(every_s, harm, end)
        await asyncio.sleep(end - world.loop.time())

    def _again(self, every_s: float, harm: Callable[[], None], end: float) -> None:
        def strike() -> None:
            if self._world.chaos:
                harm()
                self._again(every_s, harm, end)

        self._world.later(self._dice.about(every_s), strike)

    def _kill(self) -> None:
        living = [process for process in self._world.processes.values() if process.alive]
        if living:
            self._world.kill(self._dice.pick(living), "any moment")

    def _pause(self) -> None:
        living = [process for process in self._world.processes.values() if process.alive]
        if living:
            self._world.pause(self._dice.pick(living), self._dice.about(self._world.rates.pause_s), "any moment")

    def _lose_guardian(self) -> None:
        trees = self._world.live_trees()
        if trees:
            self._world.count("guardians lost")
            self._dice.pick(trees).lose_guardian(certain=self._dice.hit(0.5))

    def _jump(self) -> None:
        self._world.jump(self._dice.pick((-15.0, -2.0, 2.0, 15.0)))

    def _drain_runner(self) -> None:
        runners = self._world.alive("runner")
        if runners:
            self._world.count("drains")
            process = self._dice.pick(runners)
            self._world.note(process.name, "asked to drain")
            process.draining.set()

    def _restart(self) -> None:
        """Somebody looks after the processes: where one is missing, a new one is started."""
        world = self._world
        if len(world.alive("runner")) < world.sizes.runners:
            world.start_runner()
        if len(world.alive("door")) < world.sizes.doors:
            world.start_door()

    # -- drain --------------------------------------------------------------------------------------------------------
    async def _drain(self) -> None:
        """With all faults healed everything that may run is done in bounded time, and nothing waits in vain (I14)."""
        world = self._world
        if not world.alive("runner"):
            world.start_runner()
        world.start_door()
        await self._open_queues()
        end = world.loop.time() + world.sizes.drain_s
        fresh = 0
        await asyncio.sleep(2 * LOOK_EVERY_S)
        while open_tasks := list(world.history.open_tasks()):
            if world.loop.time() > end:
                shown = ", ".join(f"{known.task.id} {known.state}/{known.reason}" for known in open_tasks[:4])
                world.violate("I14", f"not ended {world.sizes.drain_s:.0f} s after healing: {shown}")
                return
            await asyncio.sleep(LOOK_EVERY_S)
            self._look_for_wedges()
            if not world.alive("runner"):
                fresh += 1  # those that had stood still for too long end when they notice it
                world.start_runner()
            if fresh > FRESH_RUNNERS_MAX:
                world.violate("I14", "runners end although nothing goes wrong any more")
            await self._open_queues()
            if not any(world.history.open_tasks()):
                await asyncio.sleep(2 * LOOK_EVERY_S)  # somebody who stood still may just be asking for more
        for name, tasks in world.waiting.items():
            for task in tasks:
                world.violate("I14", f"{name} still waits for the end of {task}")

    async def _open_queues(self) -> None:
        for queue in await self._world.store.queues():
            if queue.state in (QueueState.PAUSED, QueueState.IDLE):
                verb = "resume" if queue.state is QueueState.PAUSED else "start"
                await self._world.admin.move_queue(queue.name, verb, "world", queue.project)

    def _look_for_wedges(self) -> None:
        """Work that the next claim would take, or a time that is long over, must not be seen again and again."""
        world = self._world
        seen: dict[str, int] = {}
        for known in world.history.open_tasks():
            if self._waits_in_vain(known):
                seen[known.task.id] = self._late.get(known.task.id, 0) + 1
                if seen[known.task.id] > LATE_LOOKS:
                    world.violate("I14", f"{known.task.id} could go on ({known.state}), and nobody takes care of it")
        self._late = seen
        asleep = world.mailboxes.overdue(START_MS + int(world.loop.time() * 1000), SLEPT_PAST_S)
        if asleep is not None:
            world.violate("I14", f"the quiet time of session {asleep} is long over, and nobody sees to it")

    def _waits_in_vain(self, known: Known) -> bool:
        if known.state is TaskState.RUNNING and known.cancel_s is not None:
            silence_s = self._world.rates.lease_s + LEASE_MARGIN_S  # of a runner that died where nobody lives any more
            return self._world.loop.time() > max(self._world.healed_s, known.cancel_s) + silence_s + CANCEL_S
        if known.state not in (TaskState.QUEUED, TaskState.SCHEDULED, TaskState.WAITING):
            return False
        facts = now(self._world.store.facts(known.task.id))
        if known.state is TaskState.QUEUED:
            found = {obstacle.kind for obstacle in obstacles(facts)}
            return not found - {ObstacleKind.TURN, ObstacleKind.CANCEL_ALL}
        if known.state is TaskState.WAITING:
            waiting = facts.waiting
            return waiting is not None and not waiting.pending and waiting.parked and facts.gate.room() != 0
        due_s = ((facts.due_at or 0) - START_MS) / 1000
        return self._world.loop.time() > due_s + SLEPT_PAST_S

    # -- the end ------------------------------------------------------------------------------------------------------
    def _judge_end(self) -> None:
        """What was acknowledged is there (I1), and every outcome is what really happened (I15)."""
        world = self._world
        for task in world.ledger.acked:
            if task not in world.history.tasks and task not in world.ledger.removed:
                world.violate("I1", f"{task} was acknowledged, and the store does not know it")
        for life in world.ledger.lives:
            if life.gone_s is None and life.run not in world.ledger.fenced_off:
                world.violate("I6", f"a process of {life.run} lives although all has ended")
        for known in world.history.tasks.values():
            if known.state in TASK_TERMINAL and known.task.id not in world.ledger.removed:
                self._judge_outcome(known)

    def _judge_outcome(self, known: Known) -> None:
        world, task = self._world, known.task.id
        lived = task if known.claims else world.mailboxes.carriers.get(task, task)
        lives = [life for life in world.ledger.lives if life.task == lived]
        match known.state, known.reason:
            case TaskState.COMPLETED, _:
                good = [life for life in lives if life.exit_code == 0]
                if not good:
                    world.violate("I15", f"{task} completed, and no process of it exited with 0")
                elif good[-1].said is not None:
                    self._judge_output(good[-1])
            case TaskState.FAILED, Reason.EXIT_CODE:
                if not any(life.exit_code for life in lives):
                    world.violate("I15", f"{task} failed with a status, and no process of it exited with one")
            case TaskState.CANCELLED, Reason.REQUESTED:
                asked = world.ledger.cancel_asked
                if not {task, f"queue:{known.task.spec.queue}", "*"} & asked and not world.mailboxes.stopped(task):
                    world.violate("I15", f"{task} was cancelled, and nobody asked for it")
            case TaskState.CANCELLED, Reason.QUEUE_STOPPED:
                if known.task.spec.queue not in world.ledger.stop_asked:
                    world.violate("I15", f"{task} was stopped with its queue, and nobody stopped that")
            case _:
                pass

    def _judge_output(self, life: Life) -> None:
        """What a completed run wrote stands in its log once, whole and in order (I4)."""
        events = now(self._world.store.events(life.run, 0, EVENTS_MAX))
        stored = b"".join(event.body for event in events if event.data.get("stream") == "stdout")
        if stored != life.said and now(self._world.store.run(life.run)).outcome == "completed":
            self._world.violate("I4", f"{life.run} wrote {len(life.said or b'')} bytes, its log holds {len(stored)}")
