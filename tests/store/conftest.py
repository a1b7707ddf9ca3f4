"""How these tests open a SQLite store: a real file, time moved by hand or the machine's own."""

from pathlib import Path

import taxiway.testing  # noqa: F401  so that pytest explains the suites' assertions
from taxiway.clock import Ids, SystemClock, seeded_chance
from taxiway.store.sqlite.opening import OpenStore, Seams, open_sqlite
from taxiway.testing.clock import HandClock


async def open_by_hand(path: Path, clock: HandClock, name: str = "test", seed: int = 1) -> OpenStore:
    """Open a store whose time is moved by hand."""
    chance = seeded_chance(seed)
    seams = Seams(clock.now_ms, clock.elapsed_s, clock.pause, chance.random, Ids(clock, chance).new)
    return await open_sqlite(path, seams, name, 1_000)


async def open_for_real(path: Path, name: str, seed: int) -> OpenStore:
    """Open a store as a process does, with the machine's clock."""
    clock, chance = SystemClock(), seeded_chance(seed)
    seams = Seams(clock.now_ms, clock.elapsed_s, clock.pause, chance.random, Ids(clock, chance).new)
    return await open_sqlite(path, seams, name, 1_000)
