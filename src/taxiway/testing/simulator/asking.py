"""Simulated agents that ask for permissions, and the person who answers them: what was said is heard once, and as it
was said."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from taxiway.core.approval import ApprovalState, Question
from taxiway.core.errors import IllegalTransition, NotPending
from taxiway.engine.parking import Parking
from taxiway.store.protocol import ApprovalFilter, Claimed, Resumed, Store
from taxiway.testing.simulator.history import now

if TYPE_CHECKING:
    from taxiway.testing.simulator.process import Process
    from taxiway.testing.simulator.world import World

EXPIRES_S: Final = 20.0
LOOK_S: Final = 0.5  #: how often the person looks, on the average
PENDING: Final = ApprovalFilter(states=frozenset({ApprovalState.PENDING}))
HEARD: Final = (ApprovalState.ALLOWED, ApprovalState.DENIED, ApprovalState.EXPIRED)


class Inquirer:
    """What one turn asks. While a question is open it says nothing else."""

    def __init__(self, claim: Claimed, store: Store, parking: Parking, world: World, process: Process) -> None:
        self._claim = claim
        self._store = store
        self._parking = parking
        self._world = world
        self._dice = process.dice
        self._open: set[str] = set()
        self._over = asyncio.Event()

    def begin(self) -> None:
        """The turn has begun."""
        self._parking.opened(self._claim.run, self)

    def end(self) -> None:
        """The turn is over."""
        self._parking.closed(self._claim.run)

    async def perhaps(self) -> None:
        """Ask one question, or two at once, and wait for the answers; sometimes not for so long."""
        if self._dice.hit(self._world.rates.asks):
            with suppress(IllegalTransition):  # its program has not begun
                await self._ask()

    async def _ask(self) -> None:
        claim = self._claim
        for _ in range(self._dice.pick((1, 1, 2))):
            question = Question(text="May I?", expires_s=self._dice.pick((0.5, EXPIRES_S)))
            asked = await self._store.ask(claim.run, claim.fence, question)
            if asked.state is ApprovalState.PENDING and asked.id not in self._world.heard:
                self._open.add(asked.id)
                self._parking.park(claim.run)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._dice.about(EXPIRES_S)):
                while self._open:
                    self._over.clear()
                    await self._over.wait()
        for approval in sorted(self._open):
            self._open.discard(approval)
            await self._store.withdraw(claim.run, claim.fence, approval)

    async def go_on(self, resumed: Resumed) -> None:
        """It has its slots again, and hears what was said."""
        world = self._world
        for answer in resumed.answers:
            self._open.discard(answer.approval)
            told = now(world.store.approval(answer.approval))
            allowed = told.state is ApprovalState.ALLOWED
            if told.run != resumed.run or told.state not in HEARD or answer.allow is not allowed:
                world.violate("I15", f"{resumed.run} heard allow={answer.allow} of {told.id}, which is {told.state}")
            if answer.approval in world.heard:
                world.violate("I15", f"the answer to {answer.approval} was told twice")
            world.heard.add(answer.approval)
            world.count("answers heard")
        self._over.set()


class Person:
    """Somebody who answers, as one of several; who was first is believed, and stays so."""

    def __init__(self, store: Store, world: World, process: Process) -> None:
        self._store = store
        self._world = world
        self._name = process.name
        self._dice = process.dice

    async def answer(self) -> None:
        """Look for questions, and answer one of them."""
        await asyncio.sleep(self._dice.about(LOOK_S))
        found = (await self._store.approvals(PENDING, 20, None)).items
        if not found:
            return
        asked, allow = self._dice.pick(found), self._dice.hit(0.6)
        with suppress(NotPending):
            await self._store.decide(asked.id, allow, None, self._name)
            stored = now(self._world.store.approval(asked.id))
            if (stored.state, stored.actor) != ("allowed" if allow else "denied", self._name):
                self._world.violate(
                    "I1", f"{self._name} answered {asked.id}, which is {stored.state} by {stored.actor}"
                )
