"""A turn as a simulated agent takes it: a scripted program, and beside it what the agent tells and is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from taxiway.core.errors import LeaseLost, NotFound
from taxiway.core.run import Outcome, StopCause
from taxiway.engine.courier import Courier
from taxiway.engine.executor import Drive
from taxiway.store.protocol import Claimed, PendingSignal, Store, TurnFacts

if TYPE_CHECKING:
    from taxiway.testing.simulator.asking import Inquirer
    from taxiway.testing.simulator.dice import Dice

AGENT: Final = "simulated"
WINDOW: Final = 1_000
TALK_S: Final = 0.6  #: how often an agent has something to tell, on the average
THINK_S: Final = 0.3  #: how long it takes to take a steer, or to decline it


class TurnDrive:
    """One turn, or another piece of a session's work. ``drive`` makes the program's own drive of a claim that names a
    command: of a prompt, that is its first word."""

    def __init__(
        self,
        claim: Claimed,
        drive: Callable[[Claimed], Drive],
        store: Store,
        courier: Courier,
        dice: Dice,
        inquirer: Inquirer,
    ) -> None:
        self._claim = claim
        self._program = drive(_with_command(claim))
        self._store = store
        self._courier = courier
        self._dice = dice
        self._inquirer = inquirer
        self._heard: set[str] = set()
        self._talks: list[asyncio.Task[None]] = []
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> Outcome:
        """Run the program; while it runs, the agent talks and listens."""
        self._courier.opened(self._claim.run, self)
        self._inquirer.begin()
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._talks.append(group.create_task(self._talk()))
                outcome = await self._program.run()
                self._group = None
                for talk in self._talks:
                    talk.cancel()
            return outcome
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            self._courier.closed(self._claim.run)
            self._inquirer.end()

    def stop(self, cause: StopCause, hard: bool = False) -> None:
        """Have the program ended."""
        self._program.stop(cause, hard)

    async def ping(self) -> None:
        """Say that the runner lives."""
        await self._program.ping()

    async def tell(self, signal: PendingSignal) -> None:
        """Think about it for a while, and then take it, or not."""
        if signal.id not in self._heard and self._group is not None:
            self._heard.add(signal.id)
            self._talks.append(self._group.create_task(self._answer(signal)))

    async def _answer(self, signal: PendingSignal) -> None:
        with suppress(LeaseLost, NotFound):
            await asyncio.sleep(self._dice.about(THINK_S))
            taken = self._dice.hit(0.6)
            why = None if taken else "not now"
            await self._store.settle_signal(signal.run, signal.fence, signal.id, taken, why)

    async def _talk(self) -> None:
        """Name the conversation, tell how full its window is, and take steers, or not any more."""
        claim, dice = self._claim, self._dice
        assert claim.seat is not None
        agent = claim.spec.prompt is not None
        thread = claim.seat.thread or f"{claim.seat.session}/{claim.seat.generation}/{claim.run}"
        with suppress(LeaseLost, NotFound):
            while True:
                facts = TurnFacts(
                    thread=thread if agent else None,
                    context_tokens=dice.pick((None, 100, 590, 600, 900)),
                    context_window=WINDOW,
                    steerable=agent and dice.hit(0.8),
                )
                await self._store.tell_session(claim.run, claim.fence, facts)
                await self._inquirer.perhaps()
                await asyncio.sleep(dice.about(TALK_S))


def _with_command(claim: Claimed) -> Claimed:
    if claim.spec.prompt is None:
        return claim
    command = ("program", claim.spec.prompt.split()[0])
    spec = msgspec.structs.replace(claim.spec, prompt=None, agent=None, command=command)
    return msgspec.structs.replace(claim, spec=spec)
