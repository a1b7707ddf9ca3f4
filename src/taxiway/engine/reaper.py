"""The reaper settles what dead runners left: by evidence of this host at once, by their silence else (I2, I7, I14)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

import msgspec

from taxiway.clock import Clock
from taxiway.core.errors import NotFound
from taxiway.core.limits import LEASE_MARGIN_S, REAP_EVERY_S
from taxiway.core.run import Lost, ProcessMark
from taxiway.observe.observer import Moment, Observer
from taxiway.store.protocol import LiveRun, Runner, Store, Topic, WarmProcess

Owner = LiveRun | WarmProcess  #: whom a process tree belongs to

LOOK_S_MAX: Final = 2 * REAP_EVERY_S  #: as much silence a look observes at most: who looks later stood still itself


class Host(msgspec.Struct, frozen=True):
    """Which machine this is, and since which start of it."""

    name: str
    boot_id: str


class Settled(Protocol):
    """What became of a dead runner's process tree."""

    @property
    def certain(self) -> bool:
        """Whether nothing of it is left."""
        ...

    @property
    def why(self) -> str:
        """How that is known, or why it is not."""
        ...


class Evidence(Protocol):
    """What can be known and done on this host about another runner of it."""

    def is_dead(self, runner: str) -> bool:
        """Whether its process is gone for certain."""
        ...

    async def settle_trees(self, marks: Sequence[ProcessMark], /) -> Mapping[str, Settled]:
        """End and confirm process trees; what became of each, by tag."""
        ...

    def forget(self, runner: str) -> None:
        """All of it is settled: nobody will ask for it again."""
        ...


class Silence(msgspec.Struct, frozen=True):
    """What a reaper observed of another runner: its beat, when that was last heard, for how long it has not changed."""

    beat: int
    heard_s: float
    lasted_s: float = 0.0


class Reaper:
    """Any process may do this; every write repeats the fence, so that two of them do no harm."""

    name: Final = "reaper"
    topics: Final = Topic.NOTHING

    def __init__(
        self,
        store: Store,
        clock: Clock,
        host: Host,
        runner: str | None,
        evidence: Evidence,
        observer: Observer,
        lease_s: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._host = host
        self._runner = runner
        self._evidence = evidence
        self._observer = observer
        self._lease_s = lease_s
        self._silences: dict[str, Silence] = {}

    async def step(self) -> float:
        """Look at every other runner once, and settle the dead ones."""
        asked_s = self._clock.elapsed_s()  # before the answer: a process may stand still between the two
        if any(silence.lasted_s > self._lease_s for silence in self._silences.values()):
            await self._store.wake_due(0)  # a write of nothing: while the store takes none, nobody can beat either
        others = [runner for runner in await self._store.runners() if runner.id != self._runner]
        heard_s = self._clock.elapsed_s()
        self._silences = {runner.id: self._heard(runner, asked_s, heard_s) for runner in others}
        for runner in others:
            why = self._death(runner)
            if why is not None:
                await self._settle(runner, why)
        return REAP_EVERY_S

    def _heard(self, runner: Runner, asked_s: float, heard_s: float) -> Silence:
        """The silence of a runner by our own monotonic clock, whatever the wall clocks say (I20).

        It counts from one answer to the next question, and only as far as somebody looked: what was not observed, as
        when this process or its whole host stood still, counts for the runner (fault 8).
        """
        known = self._silences.get(runner.id)
        if known is None or known.beat != runner.beat:
            return Silence(runner.beat, heard_s)
        observed_s = min(max(asked_s - known.heard_s, 0.0), LOOK_S_MAX)
        return Silence(runner.beat, heard_s, known.lasted_s + observed_s)

    def _death(self, runner: Runner) -> str | None:
        """Why a runner counts as dead, or ``None``. One that holds its lock may have been stopped (fault 6)."""
        if runner.state == "lost":
            return "its lease ran out"  # another one found that, and may have died since
        if runner.host == self._host.name:
            if runner.boot_id != self._host.boot_id:
                return "the host was restarted"
            if self._evidence.is_dead(runner.id):
                return "the runner died"
        over = self._silences[runner.id].lasted_s > self._lease_s + LEASE_MARGIN_S
        return "its lease ran out" if over else None

    async def _settle(self, runner: Runner, why: str) -> None:
        """First its lease, then what it has: nothing that it takes later, and nothing if it beats again (I2)."""
        if not await self._store.declare_lost(runner.id, runner.beat):
            return
        runs, kept = await self._store.live_runs(runner.id), await self._store.warm_processes(runner.id)
        owners: list[Owner] = [*runs, *kept]
        gone = await self._confirmed(runner, owners)
        await asyncio.gather(*(self._end(runner, owner, why) for owner in gone))  # together: few commits
        if len(gone) == len(owners) and await self._store.retire(runner.id, "gone"):
            if runner.host == self._host.name:
                self._evidence.forget(runner.id)
            self._observer(Moment.RUNNER_LOST, runner=runner.id, why=why)

    async def _end(self, runner: Runner, owner: Owner, why: str) -> None:
        if isinstance(owner, WarmProcess):
            await self._store.closed_process(owner.id)
            return
        with suppress(NotFound):  # another one settled it, and its task was removed since
            await self._store.finish(owner.run, owner.fence, Lost(why, unstarted=owner.process is None), 0.5)
        self._observer(Moment.RUN_SETTLED, run=owner.run, runner=runner.id, certain=True)

    async def _confirmed(self, runner: Runner, owners: Sequence[Owner]) -> list[Owner]:
        """Those of which no process is left; of the others runs keep their slots, and an alarm is raised."""
        here = runner.host == self._host.name and runner.boot_id == self._host.boot_id
        marks = {mark.tag: mark for owner in owners if (mark := _mark_of(owner)) is not None} if here else {}
        settled = await self._evidence.settle_trees(list(marks.values())) if marks else {}
        confirmed = []
        for owner in owners:
            mark = _mark_of(owner)
            state = settled.get(mark.tag) if mark is not None else None
            if state is not None and not state.certain:
                self._observer(Moment.TREE_UNCERTAIN, **_named(owner), why=state.why)
            else:
                confirmed.append(owner)
        return confirmed


def _mark_of(owner: Owner) -> ProcessMark | None:
    return owner.mark if isinstance(owner, WarmProcess) else owner.process


def _named(owner: Owner) -> dict[str, str]:
    return {"process": owner.id} if isinstance(owner, WarmProcess) else {"run": owner.run}
