"""A simulated process: a strand of its own, a clock of its own, and seams at which something may happen to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from taxiway.clock import Ids
from taxiway.testing.simulator.dice import Dice
from taxiway.testing.simulator.loop import Strand

if TYPE_CHECKING:
    from taxiway.store.protocol import Store
    from taxiway.testing.simulator.wakes import VirtualWakes
    from taxiway.testing.simulator.world import World

START_MS: Final = 1_800_000_000_000


class Host:
    """A machine: its name, its boot, and by how much its wall clock is wrong."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.boot_id = f"boot-of-{name}"
        self.wrong_s = 0.0


class HostClock:
    """The clocks of a host, in virtual time: monotonic for all alike, wall time skewed and stepped."""

    def __init__(self, world: World, host: Host) -> None:
        self._world = world
        self._host = host

    def now_ms(self) -> int:
        """Wall time, milliseconds since 1970 UTC."""
        return START_MS + int((self._world.loop.time() + self._host.wrong_s) * 1000)

    def elapsed_s(self) -> float:
        """Virtual seconds since the start."""
        return self._world.loop.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def pause(self, seconds: float) -> None:
        """Nothing: nobody else runs meanwhile."""


class Process:
    """One process of the system under test. ``alive`` until it was killed or has ended; ``broken`` once a write of its
    store had an unknown outcome; ``leaving`` once it says goodbye itself; ``beaten_s`` is its last committed beat
    and ``silent_s`` the silence before that one, ``stood_s`` when it last stood still."""

    def __init__(self, world: World, name: str, host: Host, dice: Dice) -> None:
        self.world = world
        self.name = name
        self.host = host
        self.dice = dice
        self.strand = Strand(name)
        self.clock = HostClock(world, host)
        self.ids = Ids(self.clock, dice.fork())
        self.alive = True
        self.broken = False
        self.leaving = False
        self.beaten_s = 0.0
        self.silent_s = 0.0
        self.stood_s = float("-inf")
        self.runner: str | None = None
        self.draining = asyncio.Event()
        self.wakes: VirtualWakes
        self.store: Store

    def start(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin its main function; when that returns, or raises, the process has ended."""
        self.world.loop.spawn(self.strand, self._main(main))

    async def _main(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await main()
        except Exception as error:
            self.world.failed(self, error)
            raise
        finally:
            self.world.ended(self)

    async def seam(self, where: str) -> None:
        """A place where it may be slow, stopped for a while, or killed."""
        world = self.world
        if not world.chaos or not self.alive:
            return
        rates, roll = world.rates, self.dice.random()
        if roll < rates.kill_at_seam:
            world.kill(self, where)
            await asyncio.sleep(0)
        elif roll < rates.kill_at_seam + rates.pause_at_seam:
            world.pause(self, self.dice.about(rates.pause_s), where)
            await asyncio.sleep(0)
        if self.dice.hit(rates.slow):
            await asyncio.sleep(self.dice.about(rates.slow_s))
