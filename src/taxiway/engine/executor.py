"""The executor: one run from claim to outcome, as a pipeline of named steps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

from taxiway.agents.protocol import Agent
from taxiway.clock import Chance
from taxiway.core.errors import LeaseLost, NotFound, OutcomeUnknown, StoreUnusable, Unavailable
from taxiway.core.limits import CANCEL_GRACE_S, LEASE_S, TERM_GRACE_S
from taxiway.core.redact import Scrubber
from taxiway.core.run import Failed, Lost, Outcome, StopCause
from taxiway.core.task import Reason
from taxiway.observe.observer import Moment, Observer
from taxiway.store.protocol import Claimed, ExecutionStore, Finished

ASK_AGAIN_S: Final = 1.0  #: how long a store that is locked is left alone

JobFunction = Callable[[Mapping[str, Any]], Awaitable[Any]]


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What runs are executed with: the programs' adapter, the jobs by name (``threaded``: those that run in a thread),
    the runner's own environment, and how long a program that was asked to end is waited for."""

    agent: Agent
    jobs: Mapping[str, JobFunction] = {}
    environment: Mapping[str, str] = {}
    scrubber: Scrubber = Scrubber()
    folder: str = "."
    ask_grace_s: float = CANCEL_GRACE_S  # for adapters of programs with a protocol (How.ASK): a plain process has none
    term_grace_s: float = TERM_GRACE_S
    lease_s: float = LEASE_S
    threaded: frozenset[str] = frozenset()


class Drive(Protocol):
    """One run being executed by its kind of work."""

    async def run(self) -> Outcome:
        """Do the work; raises ``LeaseLost`` when the run became somebody else's."""
        ...

    def stop(self, cause: StopCause, hard: bool = False) -> None:
        """Have it ended; may be called again, and more harshly."""
        ...

    async def ping(self) -> None:
        """Say that the runner lives."""
        ...


MakeDrive = Callable[[Claimed], Drive]


class Executor:
    """The runs of one runner. ``freed`` is called whenever a slot is free again."""

    def __init__(
        self,
        store: ExecutionStore,
        make_drive: MakeDrive,
        chance: Chance,
        observer: Observer,
        freed: Callable[[], None],
        scrubber: Scrubber,
    ) -> None:
        self._store = store
        self._make_drive = make_drive
        self._chance = chance
        self._observer = observer
        self._freed = freed
        self._scrubber = scrubber
        self._drives: dict[str, Drive] = {}
        self._stopping: set[str] = set()
        self._group: asyncio.TaskGroup | None = None
        self._unsettled = 0
        self._settled = asyncio.Event()

    @property
    def working(self) -> int:
        """How many slots are taken."""
        return len(self._drives)

    def open(self, group: asyncio.TaskGroup) -> None:
        """Runs live in ``group`` from now on."""
        self._group = group

    def take(self, claim: Claimed) -> None:
        """Start executing a claimed run."""
        try:
            drive = self._make_drive(claim)
        except Exception as error:
            drive = _Stillborn(self._own_failure(error))
        group = self._group
        assert group is not None, "the executor has not been opened"
        self._observer(
            Moment.RUN_CLAIMED,
            run=claim.run,
            task=claim.task,
            attempt=claim.attempt,
            work=work_of(claim),
            lane=claim.spec.lane,
            waited_s=None if claim.waited_ms is None else claim.waited_ms / 1000,
        )
        task = group.create_task(self._execute(claim, drive), name=claim.run)
        self._drives[claim.run] = drive
        self._unsettled += 1
        task.add_done_callback(lambda _: self._over(claim.run))  # of one that is cancelled before its first step, too

    def stop(self, run: str, cause: StopCause, hard: bool = False) -> None:
        """Have one run ended, if it is here. May be asked for again, and more harshly; observed is it once."""
        drive = self._drives.get(run)
        if drive is None:
            return
        if run not in self._stopping:
            self._stopping.add(run)
            self._observer(Moment.RUN_STOPPING, run=run, cause=cause)
        drive.stop(cause, hard)

    def stop_all(self, cause: StopCause, hard: bool = False) -> None:
        """Have every run ended."""
        for run in tuple(self._drives):
            self.stop(run, cause, hard)

    async def ping(self) -> None:
        """Tell every guardian that the runner lives."""
        for drive in tuple(self._drives.values()):
            await drive.ping()

    async def idle(self) -> None:
        """Wait until nothing runs here and every outcome is stored."""
        while self._unsettled:
            self._settled.clear()
            await self._settled.wait()

    async def _execute(self, claim: Claimed, drive: Drive) -> None:
        """Drive, then settle. The slot is free as soon as the outcome is on its way to the store: the next claim comes
        after it in the same order."""
        begun_s = asyncio.get_running_loop().time()
        outcome = await self._outcome(claim, drive)
        if outcome is not None:
            await self._settle(claim, outcome, begun_s)

    async def _outcome(self, claim: Claimed, drive: Drive) -> Outcome | None:
        try:
            return await drive.run()
        except (LeaseLost, NotFound):
            self._observer(Moment.LEASE_LOST, run=claim.run)
            return None
        except (OutcomeUnknown, StoreUnusable):
            raise
        except Unavailable as error:
            return Lost(f"its store was out of reach: {error.message}")
        except Exception as error:
            self._observer(Moment.SERVICE_FAILED, service="executor", error=repr(error))
            return self._own_failure(error)

    async def _settle(self, claim: Claimed, outcome: Outcome, begun_s: float) -> None:
        self._free(claim.run)
        try:
            finished = await self._finish(claim, outcome)
        except Unavailable as error:
            self._observer(Moment.STORE_FAILED, error=error.message)
            raise
        self._observer(
            Moment.RUN_FINISHED,
            run=claim.run,
            task=claim.task,
            work=work_of(claim),
            outcome=type(outcome).__name__.lower(),
            state=finished.state,
            reason=finished.reason,
            seconds=asyncio.get_running_loop().time() - begun_s,
        )

    async def _finish(self, claim: Claimed, outcome: Outcome) -> Finished:
        """Store the outcome. One that cannot be stored becomes a failure: it must not stop the others (I13).

        A run that is not there was settled by others, and its task removed since: as late as any late word (I12).
        """
        chance = self._chance.random()
        try:
            return await self._patiently(claim, outcome, chance)
        except NotFound:
            return Finished(False)
        except Unavailable:
            raise
        except Exception as error:
            self._observer(Moment.SERVICE_FAILED, service="executor", error=repr(error))
            return await self._patiently(claim, self._own_failure(error), chance)

    async def _patiently(self, claim: Claimed, outcome: Outcome, chance: float) -> Finished:
        """A store that somebody keeps locked is asked again: an outcome is not thrown away for that."""
        while True:
            try:
                return await self._store.finish(claim.run, claim.fence, outcome, chance)
            except (OutcomeUnknown, StoreUnusable):
                raise
            except Unavailable as error:
                self._observer(Moment.SERVICE_FAILED, service="executor", error=repr(error))
                await asyncio.sleep(ASK_AGAIN_S)

    def _own_failure(self, error: Exception) -> Failed:
        return Failed(Reason.INTERNAL, self._scrubber.text(f"Taxiway itself failed while it ran this: {error!r}"))

    def _over(self, run: str) -> None:
        self._free(run)
        self._unsettled -= 1
        if not self._unsettled:
            self._settled.set()

    def _free(self, run: str) -> None:
        self._stopping.discard(run)
        if self._drives.pop(run, None) is not None:
            self._freed()


def work_of(claim: Claimed) -> str:
    """Which kind of work it is: ``agent``, ``job`` or ``program``."""
    if claim.spec.prompt is not None:
        return "agent"
    return "program" if claim.spec.job is None else "job"


class _Stillborn:
    """A run that could not even be prepared: it ends at once with what went wrong."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    async def run(self) -> Outcome:
        return self._outcome

    def stop(self, cause: StopCause, hard: bool = False) -> None: ...

    async def ping(self) -> None: ...
