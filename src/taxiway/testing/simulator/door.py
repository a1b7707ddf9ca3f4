"""A door as a simulated process: it asks for work, changes its mind, watches, and repeats what got no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from taxiway.core.errors import Error, NotFound, OutcomeUnknown
from taxiway.core.policy import MailboxPolicy
from taxiway.core.task import TASK_TERMINAL
from taxiway.engine.engine import serving
from taxiway.engine.feed import Feed
from taxiway.engine.intake import Intake
from taxiway.engine.reaper import Host, Reaper
from taxiway.engine.service import Service
from taxiway.engine.session_intake import SessionIntake
from taxiway.engine.timekeeper import Timekeeper
from taxiway.observe.observer import Moment
from taxiway.store.protocol import Store
from taxiway.testing.simulator.asking import Person
from taxiway.testing.simulator.runner import SimulatedEvidence
from taxiway.testing.simulator.sender import Sender
from taxiway.testing.simulator.workload import LANES, PLANS, PROJECT, QUEUES

if TYPE_CHECKING:
    from taxiway.testing.simulator.process import Process
    from taxiway.testing.simulator.world import World

VERBS = ("pause", "resume", "pause", "resume", "start", "stop", "reset")


class DoorMain:
    """One door's main function. ``asked`` are tasks whose submit was acknowledged here or anywhere."""

    def __init__(self, world: World, process: Process, store: Store) -> None:
        self._world = world
        self._process = process
        self._dice = process.dice
        self._store = store
        self._intake = Intake(store, process.ids, process.name, PROJECT, {}, world.scrubber, {})
        self._sender = Sender(
            world, process, SessionIntake(store, self._intake, process.name, PROJECT, MailboxPolicy())
        )
        self._feed = Feed(store, process.wakes)
        self._pace_s = self._dice.pick((0.1, 0.4, 1.5))
        self._acts: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (8, self._submit),
            (4, self._submit_batch),
            (3, self._run_plan),
            (3, self._cancel),
            (0.3, self._cancel_all),
            (3, self._move_queue),
            (1, self._set_lane),
            (0.7, self._set_queue),
            (2, self._retry),
            (0.5, self._remove),
            (2, self._wait),
            (1, self._explain),
        ]

    async def run(self) -> None:
        """Ask for things while there is chaos; then stay, and go on waiting for what was asked."""
        world, process = self._world, self._process
        host, evidence = Host(process.host.name, process.host.boot_id), SimulatedEvidence(world, process)
        services: list[Service] = [
            self._feed,
            Timekeeper(self._store, process.clock),
            Reaper(self._store, process.clock, host, None, evidence, self._observe, world.rates.lease_s),
        ]
        waking = [(service, process.wakes.subscribe(service.topics)) for service in services]
        with suppress(OutcomeUnknown):
            async with serving(waking, self._observe) as group:
                self._group = group
                answering = group.create_task(self._answer()) if world.rates.asks else None
                while world.chaos:
                    await asyncio.sleep(self._dice.about(self._pace_s))
                    if world.may_ask():
                        await self._act(self._next_action())
                await process.draining.wait()
                if answering is not None:
                    answering.cancel()

    async def _answer(self) -> None:
        person = Person(self._store, self._world, self._process)
        while True:
            await self._act(person.answer)

    def _next_action(self) -> Callable[[], Awaitable[None]]:
        if self._world.repeats and self._dice.hit(0.5):
            return self._repeat
        if self._dice.hit(self._world.rates.sessions):
            return self._dice.pick((self._send, self._send, self._send, self._cancel, self._sender.next_action()))
        draw = self._dice.random() * sum(weight for weight, _ in self._acts)
        for weight, action in self._acts:
            draw -= weight
            if draw <= 0:
                return action
        return self._submit

    async def _act(self, action: Callable[[], Awaitable[None]]) -> None:
        try:
            await action()
        except OutcomeUnknown:
            raise
        except Error as error:
            self._world.note(self._process.name, f"refused: {error.code}")

    async def _submit(self) -> None:
        await self._submitted([self._world.workload.task()])

    async def _send(self) -> None:
        await self._submitted(self._world.workload.burst())

    async def _repeat(self) -> None:
        await self._submitted(self._world.repeats.pop(0))

    async def _submit_batch(self) -> None:
        await self._submitted(self._world.workload.batch())

    async def _submitted(self, many: list[dict[str, Any]]) -> None:
        """Submit until there is an answer: whoever gets none repeats the call with the same keys (I1b, I9)."""
        world, process = self._world, self._process
        keyed = all("idempotency_key" in fields for fields in many)
        try:
            answers = await self._intake.submit_many(many)
        except OutcomeUnknown:
            if keyed:
                world.repeat_later(many)
            raise
        for fields, answer in zip(many, answers, strict=True):
            world.note(process.name, f"submitted {answer.id} {'new' if answer.created else 'known'}")
            world.acknowledge(fields.get("idempotency_key"), answer.id)
        if keyed and self._dice.hit(world.rates.repeat):
            world.repeat_later(many)

    async def _run_plan(self) -> None:
        admitted = await self._intake.run_plan(self._world.workload.plan(), fresh=self._dice.hit(0.15))
        self._world.note(self._process.name, f"ran {admitted.queue}: {admitted.new} new, {admitted.kept} kept")
        for task in admitted.ids.values():
            self._world.acknowledge(None, task)

    async def _cancel(self) -> None:
        running = self._world.history.running()
        waiting = self._world.mailboxes.waiting()
        task = self._dice.pick(running) if running and self._dice.hit(0.6) else self._some_task()
        if waiting and self._dice.hit(self._world.rates.sessions):
            task = self._dice.pick(waiting)
        if task is not None:
            self._world.ledger.cancel_asked.add(task)
            found = await self._intake.cancel(task)
            self._world.note(self._process.name, f"cancel {task}: {found.state}")
            if found.state not in TASK_TERMINAL and found.reason != "cancelling":
                self._world.violate("I15", f"the reply to a cancel of {task} says {found.state}/{found.reason}")
            self._world.ledger.cancel_acked[task] = found.state

    async def _cancel_all(self) -> None:
        queue = self._dice.pick((*QUEUES, *PLANS, None))
        self._world.ledger.cancel_asked.add("*" if queue is None else f"queue:{queue}")
        await self._intake.cancel_all(queue)
        self._world.note(self._process.name, f"cancel all of {queue}")

    async def _move_queue(self) -> None:
        queue, verb = self._dice.pick((*QUEUES, *PLANS)), self._dice.pick(VERBS)
        if verb == "stop":
            self._world.ledger.stop_asked.add(queue)
        await self._intake.move_queue(queue, verb)
        self._world.note(self._process.name, f"{verb} {queue}")

    async def _set_lane(self) -> None:
        await self._intake.set_lane(self._dice.pick(LANES), self._dice.pick((1, 2, 4, None)))

    async def _set_queue(self) -> None:
        await self._intake.set_queue(self._dice.pick(QUEUES), self._dice.pick((1, 3, None)))

    async def _retry(self) -> None:
        task = self._some_task()
        if task is not None:
            made = await self._intake.retry(task)
            self._world.note(self._process.name, f"retry {task}: {', '.join(made)}")
            for new in made:
                self._world.acknowledge(None, new)

    async def _remove(self) -> None:
        task = self._some_task()
        if task is not None and await self._intake.remove(task):
            self._world.note(self._process.name, f"removed {task}")

    async def _explain(self) -> None:
        task = self._some_task()
        if task is not None:
            await self._intake.explain(task)

    async def _wait(self) -> None:
        task = self._some_task()
        if task is not None:
            self._group.create_task(self._until_ended(task))

    async def _until_ended(self, task: str) -> None:
        self._world.waiting.setdefault(self._process.name, []).append(task)
        with suppress(NotFound):
            found = await self._feed.ended(task)
            if found.state not in TASK_TERMINAL:
                self._world.violate("I4", f"a watcher was told that {task} ended, and it is {found.state}")
        self._world.waiting[self._process.name].remove(task)

    def _some_task(self) -> str | None:
        known = list(self._world.ledger.acked)
        return self._dice.pick(known[-12:]) if known else None

    def _observe(self, moment: Moment, **facts: Any) -> None:
        self._world.observed(self._process, moment, facts)
