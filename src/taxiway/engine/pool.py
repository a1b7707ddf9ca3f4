"""The session pool of one runner: agents' processes, kept warm between the turns of a conversation.

A conversation is in one process at a time, and a process takes one turn at a time. What is written here is only where
the processes are; whose they are, and that they are there, stands in the store (I7).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import msgspec

from taxiway.agents.protocol import TAG_VARIABLE, Ended, ProcessMark, SpawnFailure
from taxiway.core.errors import NotFound, OutcomeUnknown, StoreUnusable, Unavailable
from taxiway.core.limits import SAFETY_POLL_S
from taxiway.engine.live import Graces, Live, Phase, Wanted
from taxiway.observe.observer import Moment, Observer
from taxiway.store.protocol import ExecutionStore, Topic, WarmProcess

CONFIRM_EVERY_S: Final = 1.0  #: how often a tree that would not die is looked at again
ASK_AGAIN_S: Final = 1.0  #: how long a store that is locked is left alone


class PoolMeans(msgspec.Struct, frozen=True, kw_only=True):
    """What a pool works with: its runner, how many processes it may have, how their tags are made, the graces of an
    ending, who confirms that nothing of a tree is left, and which folder a path leads to now (any value that tells it
    from others)."""

    runner: str
    size: int
    new_tag: Callable[[], str]
    graces: Graces
    confirm: Callable[[ProcessMark], Awaitable[bool]]
    place: Callable[[str], object]


class SessionPool:
    """The live processes of one runner. As a service it ends those that hold no conversation any more."""

    name: Final = "pool"
    topics: Final = Topic.SIGNAL

    def __init__(self, store: ExecutionStore, means: PoolMeans, observer: Observer) -> None:
        self._store = store
        self._means = means
        self._observer = observer
        self._lives: dict[str, Live] = {}
        self._opening = 0
        self._waiting = 0
        self._closed = False
        self._hard = False
        self._left = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None

    def open(self, group: asyncio.TaskGroup) -> None:
        """Idle processes are kept in ``group`` from now on."""
        self._group = group

    async def step(self) -> float:
        """End idle processes whose conversation was reset or put away, or goes on elsewhere."""
        if self._in(Phase.IDLE):
            for name in await self._store.outdated_processes(self._means.runner):
                live = self._lives.get(name)
                if live is not None:
                    self._dismiss(live)
        return SAFETY_POLL_S

    async def check_out(self, wanted: Wanted) -> Live | SpawnFailure:
        """The session's warm process where it fits, else one that has just been opened and waits for its go.

        Whoever gets one gives it back by ``check_in``, ``write_off`` or ``abandon``.
        """
        mine = None if wanted.session is None else self._of(wanted.session)
        if mine is not None:
            if await self._taken(mine, wanted):
                return mine
            if mine.phase is Phase.WORKING:
                return SpawnFailure("the conversation is still in use by an earlier turn", passing=True)
            self._dismiss(mine)
            await self._gone(mine)  # a conversation is never in two processes
        if not await self._room():
            return SpawnFailure(f"all {self._means.size} processes that this runner may have are at work", passing=True)
        return await self._opened(wanted)

    async def write_down(self, live: Live) -> None:
        """Before its go: a session's process is stored with its pids (I7). A run's own stands in the run."""
        if live.session is not None:
            live.written_down = True
            runner, session = self._means.runner, live.session
            await self._store.opened_process(WarmProcess(id=live.name, session=session, runner=runner, mark=live.mark))

    async def check_in(self, live: Live, keep: bool, spent_s: float = 0.0) -> None:
        """Its turn is over. It stays warm for the next one, or has ended and is confirmed gone on return.

        ``spent_s``: so long ago it was asked to stop; that counts as a part of its grace.
        """
        warm_s = live.wanted.agent.kind.warm_s
        if not keep or self._closed or live.session is None or warm_s <= 0:
            await self._end(live, spent_s)
            return
        live.phase = Phase.IDLE
        live.idle_since = asyncio.get_running_loop().time()
        self._give(live, self._keep(live, warm_s))

    async def write_off(self, live: Live, ended: Ended) -> None:
        """It ended by itself: confirmed gone on return."""
        live.phase = Phase.ENDING
        try:
            await self._settled(live, ended.certain)
        except BaseException:
            self._forget(live, drop=True)
            raise

    async def abandon(self, live: Live, confirm: bool) -> None:
        """Let go of it: its guardian kills the tree by itself. ``confirm``: and that is waited for."""
        live.phase = Phase.ENDING
        live.dialogue.drop()
        if confirm:
            await self.write_off(live, Ended(certain=False))
        else:
            self._forget(live, drop=True)

    async def ping(self) -> None:
        """Tell every guardian that the runner lives."""
        for live in tuple(self._lives.values()):
            await live.dialogue.ping()

    def close(self) -> None:
        """Nothing stays warm any more; what is idle is ended now."""
        self._closed = True
        for live in self._in(Phase.IDLE):
            self._dismiss(live)

    def kill(self) -> None:
        """The same with SIGKILL at once."""
        self._hard = True
        self.close()
        for live in tuple(self._lives.values()):
            live.kill()

    async def empty(self) -> None:
        """Wait until every process is confirmed gone."""
        while self._lives:
            await self._somebody_left()

    def drop(self) -> None:
        """The runner is going down: guardians kill their trees by themselves, and others confirm it."""
        for live in tuple(self._lives.values()):
            self._forget(live, drop=True)

    async def _taken(self, live: Live, wanted: Wanted) -> bool:
        """Whether an idle process fits and still listens; then it is the caller's."""
        fits = live.name == wanted.holder and not wanted.fresh and wanted.fits(live.wanted)
        if live.phase is not Phase.IDLE or not fits or live.place != self._means.place(wanted.opening.cwd):
            return False
        live.phase = Phase.WORKING
        try:
            live.reused = await self._relieved(live)
        except BaseException:  # who asked for it does not want it any more
            self._see_off(live)
            raise
        if not live.reused:
            self._see_off(live)
        return live.reused

    async def _relieved(self, live: Live) -> bool:
        """Take an idle process from its keeper; whether it may take a turn, once what it said has been read."""
        assert live.keeper is not None, "what is idle has a keeper"
        live.keeper.cancel()
        await asyncio.wait({live.keeper})
        live.keeper = None
        try:
            return await live.lull(0)
        except Exception as error:
            self._broken(live, error)
            return False

    async def _room(self) -> bool:
        """Wait until one more process may be opened; ``False`` when all are at work (A36, A39).

        The longest idle one has to go; each who waits has one of them sent away, and no more.
        """
        self._waiting += 1
        try:
            while len(self._lives) + self._opening >= self._means.size:
                ending = self._in(Phase.ENDING)
                if len(ending) < self._waiting:
                    idle = min(self._in(Phase.IDLE), key=lambda live: live.idle_since, default=None)
                    if idle is None and not ending:
                        return False
                    if idle is not None:
                        self._dismiss(idle)
                await self._somebody_left()
            return True
        finally:
            self._waiting -= 1

    async def _opened(self, wanted: Wanted) -> Live | SpawnFailure:
        tag = self._means.new_tag()
        opening = wanted.opening
        opening = msgspec.structs.replace(opening, tag=tag, env={**opening.env, TAG_VARIABLE: tag})
        self._opening += 1
        try:
            opened = await wanted.agent.driver.open(opening)
        finally:
            self._opening -= 1
            self._left.set()
        if isinstance(opened, SpawnFailure):
            return opened
        live = self._lives[tag] = Live(tag, wanted, opened, self._means.place(opening.cwd))
        if self._hard:
            live.kill()
        return live

    async def _keep(self, live: Live, warm_s: float) -> None:
        """Keep an idle process until its time is over, somebody wants it ended, or it ends by itself (A39)."""
        try:
            await live.lull(warm_s)
        except Exception as error:
            self._broken(live, error)
        await self._end(live)

    def _see_off(self, live: Live) -> None:
        """Have it ended, and do not wait for that."""
        live.phase = Phase.ENDING
        self._give(live, self._end(live))

    def _give(self, live: Live, care: Coroutine[Any, Any, None]) -> None:
        """Give it to a keeper of its own."""
        assert self._group is not None, "the pool has not been opened"
        live.keeper = self._group.create_task(care, name=live.name)
        live.keeper.add_done_callback(lambda _: self._kept(live))

    def _kept(self, live: Live) -> None:
        """Its keeper has ended: taken from it by a turn, with the process gone, or stopped with the whole engine."""
        if live.phase is not Phase.WORKING:
            self._forget(live, drop=True)

    def _dismiss(self, live: Live) -> None:
        """Have an idle process ended by its keeper."""
        if live.phase is Phase.IDLE:
            live.phase = Phase.ENDING
            live.call()

    async def _end(self, live: Live, spent_s: float = 0.0) -> None:
        """End it, confirm it, and write it off."""
        live.phase = Phase.ENDING
        try:
            await self._settled(live, await self._certainly_ended(live, spent_s))
        except BaseException:
            self._forget(live, drop=True)
            raise

    async def _certainly_ended(self, live: Live, spent_s: float) -> bool:
        """Have it ended; whether its tree is known to be gone. What an adapter raises ends its process, not us."""
        try:
            return (await live.end(self._means.graces.after(spent_s))).certain
        except Exception as error:
            self._broken(live, error)
            return False

    async def _settled(self, live: Live, certain: bool) -> None:
        """Return when nothing of the tree is left and the store knows it."""
        while not certain:
            certain = await self._means.confirm(live.mark)
            if not certain:
                self._observer(Moment.TREE_UNCERTAIN, process=live.name, why="its processes could not be ended yet")
                await asyncio.sleep(CONFIRM_EVERY_S)
        while live.written_down:
            try:
                await self._store.closed_process(live.name)
                live.written_down = False
            except NotFound:
                live.written_down = False
            except (OutcomeUnknown, StoreUnusable):
                raise
            except Unavailable as error:  # somebody keeps it locked
                self._observer(Moment.SERVICE_FAILED, service=self.name, error=repr(error))
                await asyncio.sleep(ASK_AGAIN_S)
        self._forget(live)

    def _broken(self, live: Live, error: Exception) -> None:
        self._observer(Moment.SERVICE_FAILED, service=self.name, error=repr(error))
        live.dialogue.drop()

    def _forget(self, live: Live, drop: bool = False) -> None:
        if self._lives.pop(live.name, None) is not None:
            if drop:
                live.dialogue.drop()
            self._left.set()

    def _in(self, phase: Phase) -> list[Live]:
        return [live for live in self._lives.values() if live.phase is phase]

    def _of(self, session: str) -> Live | None:
        return next((live for live in self._lives.values() if live.session == session), None)

    async def _gone(self, live: Live) -> None:
        while live.name in self._lives:
            await self._somebody_left()

    async def _somebody_left(self) -> None:
        self._left.clear()
        await self._left.wait()
