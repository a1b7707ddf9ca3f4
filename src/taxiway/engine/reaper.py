"""The reaper: settles what dead runners left. On this host by evidence at once, across hosts by leases (I2, I7, I14)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import msgspec

from taxiway.clock import Clock
from taxiway.core.limits import LEASE_S, REAP_EVERY_S
from taxiway.core.run import Lost, ProcessMark
from taxiway.observe.observer import Moment, Observer
from taxiway.store.protocol import LiveRun, Runner, Store, Topic


class Host(msgspec.Struct, frozen=True):
    """Which machine this is, and since which start of it."""

    name: str
    boot_id: str


class Settled(Protocol):
    """What became of a dead runner's process tree."""

    @property
    def certain(self) -> bool: ...
    @property
    def why(self) -> str: ...


SettleTrees = Callable[[Sequence[ProcessMark]], Awaitable[dict[str, Settled]]]


class Reaper:
    """Any process may do this; every write repeats the fence, so that two of them do no harm.

    ``is_dead`` tells for a runner of this host whether its lock is free; ``settle_trees`` ends and confirms process
    trees, answering by their tags.
    """

    name: Final = "reaper"
    topics: Final = Topic.NOTHING

    def __init__(
        self,
        store: Store,
        clock: Clock,
        host: Host,
        runner: str | None,
        is_dead: Callable[[str], bool],
        settle_trees: SettleTrees,
        observer: Observer,
    ) -> None:
        self._store = store
        self._clock = clock
        self._host = host
        self._runner = runner
        self._is_dead = is_dead
        self._settle_trees = settle_trees
        self._observer = observer
        self._beats: dict[str, tuple[int, float]] = {}

    async def step(self) -> float:
        """Look at every other runner once, and settle the dead ones."""
        others = [runner for runner in await self._store.runners() if runner.id != self._runner]
        for runner in others:
            why = self._death(runner)
            if why is not None:
                await self._settle(runner, why)
        alive = {runner.id for runner in others}
        self._beats = {name: beat for name, beat in self._beats.items() if name in alive}
        return REAP_EVERY_S

    def _death(self, runner: Runner) -> str | None:
        """Why a runner counts as dead, or ``None``."""
        if runner.host == self._host.name:
            if runner.boot_id != self._host.boot_id:
                return "the host was restarted"
            return "the runner died" if self._is_dead(runner.id) else None
        return self._lease_over(runner)

    def _lease_over(self, runner: Runner) -> str | None:
        """Its beat has not changed for a whole lease of our own monotonic clock, whatever the wall clocks say (I20)."""
        now = self._clock.elapsed_s()
        beat, since = self._beats.get(runner.id, (-1, now))
        if beat != runner.beat:
            self._beats[runner.id] = (runner.beat, now)
            return None
        return "its lease ran out" if now - since > LEASE_S else None

    async def _settle(self, runner: Runner, why: str) -> None:
        runs = await self._store.live_runs(runner.id)
        left = await self._confirmed(runner, runs)
        for run in left:
            await self._store.finish(run.run, run.fence, Lost(why), 0.5)
            self._observer(Moment.RUN_SETTLED, run=run.run, runner=runner.id, certain=True)
        if len(left) == len(runs):
            await self._store.retire(runner.id, "gone")
            self._observer(Moment.RUNNER_LOST, runner=runner.id, why=why)

    async def _confirmed(self, runner: Runner, runs: Sequence[LiveRun]) -> list[LiveRun]:
        """The runs of which no process is left; the others keep their slots, and an alarm is raised."""
        here = runner.host == self._host.name and runner.boot_id == self._host.boot_id
        marks = [run.process for run in runs if run.process is not None] if here else []
        settled = await self._settle_trees(marks) if marks else {}
        confirmed = []
        for run in runs:
            state = settled.get(run.process.tag) if run.process is not None else None
            if state is not None and not state.certain:
                self._observer(Moment.TREE_UNCERTAIN, run=run.run, why=state.why)
            else:
                confirmed.append(run)
        return confirmed
