"""Driving a prompt: one turn of an agent, on its session's warm process or on one that is opened for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, assert_never

import msgspec

from taxiway.agents.dialogue import Asked, AskWithdrawn, DialogueEvent, Interrupt, Ready, Steer, Turn, TurnEnded
from taxiway.agents.protocol import Ended, Go, How, SpawnFailure
from taxiway.clock import Chance
from taxiway.core.approval import ApprovalPolicy
from taxiway.core.errors import Invalid, OutcomeUnknown, StoreUnusable, Unavailable
from taxiway.core.event import EventType
from taxiway.core.price import Prices, price_of
from taxiway.core.run import Failed, Outcome, StopCause
from taxiway.core.session import Signal
from taxiway.core.task import Reason
from taxiway.core.vitals import Started, TurnBegun
from taxiway.engine.clocks import RunClocks
from taxiway.engine.composing import MakeAgentEnvironment, compose, with_memory
from taxiway.engine.courier import Courier
from taxiway.engine.executor import Means
from taxiway.engine.live import Equipped, Live, Wanted
from taxiway.engine.meter import Meter
from taxiway.engine.pace import GATHER_S, Pace
from taxiway.engine.parking import Parking
from taxiway.engine.pool import SessionPool
from taxiway.engine.questions import Questions
from taxiway.engine.recorder import Recorder
from taxiway.engine.transcript import Transcript
from taxiway.engine.turn_end import End, Judge, NotBegun, Unready
from taxiway.engine.watching import Vigil, Watching
from taxiway.engine.witness import Witness
from taxiway.observe.observer import Observer, nobody
from taxiway.store.protocol import Claimed, ExecutionStore, PendingSignal, TurnFacts

ResultCheck = Callable[[Mapping[str, Any], Any], str | None]  #: by schema and result; it may take a moment

CLEAR_S_MAX: Final = 10.0  #: how long what a turn left running may take to go, before the process has to go itself


class Crewmates(msgspec.Struct, frozen=True):
    """Whom a turn works with on its runner: who lends processes, who brings signals, where those stand that wait for a
    person; what is asked of persons at all, what models cost, what turns are watched with, chance for what shall not
    happen everywhere at once, what says how a result does not follow its schema, and who hears of turns and tools."""

    pool: SessionPool
    courier: Courier
    parking: Parking
    policy: ApprovalPolicy
    prices: Prices
    vigil: Vigil
    chance: Chance
    broken: ResultCheck
    observer: Observer = nobody


class AgentDrive:
    """One run of a prompt."""

    def __init__(
        self,
        claim: Claimed,
        store: ExecutionStore,
        recorder: Recorder,
        means: Means,
        agent: Equipped,
        mates: Crewmates,
        environment: MakeAgentEnvironment,
    ) -> None:
        spec = claim.spec
        self._claim = claim
        self._store = store
        self._recorder = recorder
        self._means = means
        self._agent = agent
        self._mates = mates
        self._environment = environment
        self._clocks = RunClocks(self.stop, spec.timeout_s, spec.idle_timeout_s)
        self._questions = Questions(claim, store, recorder, self._clocks, mates.parking, mates.policy)
        model = spec.model or agent.kind.model
        self._meter = Meter(price_of(model, mates.prices), spec.budget)
        window = agent.kind.context_window
        self._witness = Witness(claim, agent.name, model, self._meter, recorder, mates.observer)
        self._transcript = Transcript(claim, store, recorder, self._meter, mates.chance, window)
        self._judge = Judge(spec, recorder, self._transcript, self._meter, agent.driver.abilities.degraded)
        self._watching = Watching(claim, store, recorder, self._clocks, agent, mates.vigil, self.stop)
        self._live: Live | None = None
        self._stop: StopCause | None = None
        self._stopped_s = 0.0
        self._cause: StopCause | None = None  # of the end: a stop that came before it
        self._begun = False
        self._keep = False  # the process may take another turn
        self._ended = False
        self._wall: asyncio.TimerHandle | None = None
        self._speaking = asyncio.Lock()
        self._told: set[str] = set()
        self._patience: asyncio.Timeout | None = None  # with a process that is not there yet
        self._closing = asyncio.Event()
        self._harder = asyncio.Event()

    async def run(self) -> Outcome:
        """Compose the turn, get a process, record it, take the turn, give the process back, judge."""
        try:
            wanted, text = compose(self._claim, self._agent, self._means, self._environment)
        except Invalid as error:
            return Failed(Reason.SPAWN_ERROR, self._recorder.sentence(error.message))
        got = await self._check_out(wanted)
        if got is None:
            return self._judged(self._over(NotBegun()))
        if isinstance(got, SpawnFailure):
            return self._judge.not_opened(got)
        self._live = got
        try:
            if not got.reused:
                text = await with_memory(self._claim, self._agent, self._store, text)
            end = await self._converse(got, text)
            await self._give_back(got, end)
            end = await self._held_to_schema(end)
        except BaseExceptionGroup as group:
            await self._let_go(got, group.exceptions[0])
            raise group.exceptions[0] from group
        except BaseException as error:
            await self._let_go(got, error)
            raise
        finally:
            self._over(NotBegun())
        return self._judged(end)

    async def _held_to_schema(self, end: End) -> End:
        """A success whose result does not follow the task's schema is none, whatever the agent says of it (A43)."""
        schema = self._claim.spec.result_schema
        if schema is None or not isinstance(end, TurnEnded) or end.reason is not None or end.interrupted:
            return end
        why = await asyncio.to_thread(self._mates.broken, schema, end.result)
        return end if why is None else msgspec.structs.replace(end, reason=Reason.AGENT_ERROR, error=why, result=None)

    def stop(self, cause: StopCause, hard: bool = False) -> None:
        """Ask that the turn ends; harder each time it is called ``hard``."""
        if self._stop is None:
            self._stop = cause
            self._stopped_s = asyncio.get_running_loop().time()
            if self._patience is not None:
                self._patience.reschedule(self._stopped_s)
        self._closing.set()
        if hard:
            self._harder.set()
            if self._live is not None:
                self._live.kill()

    async def ping(self) -> None:
        """The pool does, for every process that it has lent or keeps."""

    async def tell(self, signal: PendingSignal) -> None:
        """Bring a signal to the turn, once; its receipt is stored when the agent has answered (OC-01, OC-02)."""
        if signal.id in self._told or signal.fence != self._claim.fence or self._live is None:
            return
        self._told.add(signal.id)
        settle = partial(self._store.settle_signal, signal.run, signal.fence, signal.id)
        match signal.kind:
            case Signal.STEER if not self._agent.driver.abilities.steer:
                why = (
                    f"agent {self._agent.name} takes no words in the middle of a turn; in a session they would be the "
                    "next one, and this one can be interrupted"
                )
                await settle(False, why)
            case Signal.STEER:
                await self._live.dialogue.send(Steer(signal.id, signal.text or ""))
                await self._transcript.delivered(signal.id)
            case Signal.INTERRUPT | Signal.STOP:
                self.stop(StopCause.INTERRUPT if signal.kind is Signal.INTERRUPT else StopCause.CANCEL)
                await settle(True, None)
            case Signal.TURN:
                await settle(False, "a turn is open; the next one is a message of its own")
            case _:
                assert_never(signal.kind)

    def _judged(self, end: End) -> Outcome:
        return self._watching.judged(self._judge.outcome(end, self._cause, self._begun, self._watching.stuck))

    async def _check_out(self, wanted: Wanted) -> Live | SpawnFailure | None:
        """A process for the turn; ``None``: a stop came while there was none yet. It waits for nobody else's to go."""
        if self._stop is not None:
            return None
        try:
            async with asyncio.timeout(None) as patience:
                self._patience = patience
                return await self._mates.pool.check_out(wanted)
        except TimeoutError:
            if not patience.expired():
                raise  # an error of the opening
            return None
        finally:
            self._patience = None

    async def _converse(self, live: Live, text: str) -> End:
        """Record the process, have it take the turn, and listen until that has ended."""
        asked = self._stop or await self._recorded(live)
        if asked is not None and self._stop is None:
            self._stop = asked
        if self._stop is not None:  # also one that came while the process was being recorded
            return self._over(NotBegun())
        self._recorder.note(EventType.STATUS, phase="turn", process=live.name, warm=live.reused)
        self._clocks.start()
        self._watching.saw(Started())
        await self._mind_the_budget()
        async with asyncio.TaskGroup() as group:
            closer = group.create_task(self._close_when_told(live))
            flusher = group.create_task(self._flush_as_it_comes())
            watcher = group.create_task(self._watching.watch(live, self._transcript))
            end = await self._listen(live, text)
            closer.cancel()
            flusher.cancel()
            watcher.cancel()
        async with asyncio.TaskGroup() as group:  # its guardian looks while the store writes
            cleared = group.create_task(self._cleared(live, end))
            await self._transcript.end()
        self._keep = cleared.result()
        return end

    async def _recorded(self, live: Live) -> StopCause | None:
        """The process stands in the run, a new one in its session too, before it acts (I7); who wants its end."""
        started = partial(self._store.started, self._claim.run, self._claim.fence, live.mark)
        if live.reused:
            return await started()
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(started())
            await self._mates.pool.write_down(live)
        return writing.result()

    async def _mind_the_budget(self) -> None:
        """What earlier runs of the task left of it; the turn is stopped when its time is over."""
        if self._claim.spec.budget is None:
            return
        if self._claim.fence > 1:
            self._meter.went_before(await self._store.runs(self._claim.task))
        if self._meter.left_s is not None:
            loop = asyncio.get_running_loop()
            self._wall = loop.call_later(self._meter.left_s, self.stop, StopCause.BUDGET)
        if self._meter.spent is not None:
            self.stop(StopCause.BUDGET)

    async def _listen(self, live: Live, text: str) -> End:
        """From the go, or from the turn on a process that is warm, until the turn or the process has ended."""
        if not live.reused:
            await live.dialogue.send(Go())
            end = await self._until_ready(live)
            if end is not None:
                return self._over(end)
        if not await self._begin(live, text):
            return self._over(NotBegun())
        while True:
            event = await live.dialogue.next()
            if isinstance(event, TurnEnded | Ended):
                return self._over(event)
            await self._take(event)
            await self._keep_up(event)
            if self._meter.spent is not None:
                self.stop(StopCause.BUDGET)

    async def _take(self, event: DialogueEvent) -> None:
        """Take one event of the turn down, or to a person."""
        match event:
            case Asked():
                await self._questions.ask(event)
            case AskWithdrawn():
                await self._questions.withdraw(event)
            case _:
                self._witness.heard(event)
                await self._transcript.take(event)

    async def _until_ready(self, live: Live) -> End | None:
        """Wait for a process that was just started; ``None``: it takes a turn now."""
        try:
            async with asyncio.timeout(self._agent.kind.start_s):
                while True:
                    event = await live.dialogue.next()
                    if isinstance(event, Ready):
                        return None
                    if isinstance(event, TurnEnded | Ended):
                        return event
                    await self._transcript.take(event)
                    await self._keep_up(event)
        except TimeoutError:
            return Unready(self._agent.kind.start_s)

    async def _begin(self, live: Live, text: str) -> bool:
        """Send the turn; ``False``: a stop came first."""
        async with self._speaking:
            if self._stop is not None:
                return False
            await live.dialogue.send(Turn(text, self._claim.spec.result_schema))
            self._begun = True
        self._witness.begun(warm=live.reused)
        self._clocks.heard()
        self._watching.saw(TurnBegun())
        self._mates.courier.opened(self._claim.run, self)
        self._questions.opened(live.dialogue)
        if self._agent.driver.abilities.steer:
            await self._transcript.tell(TurnFacts(steerable=True))
        return True

    def _over(self, end: End) -> End:
        """Nothing that comes later is a cause of this end, or can be brought to the turn."""
        if not self._ended:
            self._ended = True
            self._cause = self._stop
            self._witness.ended(end, self._stop)
            self._mates.courier.closed(self._claim.run)
            self._questions.closed()
            self._clocks.stop()
            if self._wall is not None:
                self._wall.cancel()
        return end

    async def _keep_up(self, event: DialogueEvent) -> None:
        """It was heard; what it says is not read faster than it can be written (I18)."""
        self._clocks.heard()
        self._watching.heard(event)
        if self._recorder.full:
            self._clocks.hush()
            await self._recorder.flush()
            self._clocks.heard()

    async def _flush_as_it_comes(self) -> None:
        """What was noted before the turn is stored with what comes of it first, or after a moment without anything."""
        await self._transcript.spoken(GATHER_S)
        pace = Pace()
        while True:
            await self._recorder.gathered()
            await pace.wait()
            await self._transcript.flush()

    async def _close_when_told(self, live: Live) -> None:
        """Interrupt the turn where the agent can do that, else ask the process to end; SIGTERM, SIGKILL (B14, B15)."""
        await self._closing.wait()
        if not self._harder.is_set():
            async with self._speaking:
                if self._begun and self._agent.driver.abilities.interrupt:
                    await live.dialogue.send(Interrupt())
                else:
                    await live.dialogue.close(How.ASK)
            await self._say_that_it_stops()
            if not await self._hurried(self._means.ask_grace_s):
                await live.dialogue.close(How.TERM)
                await self._hurried(self._means.term_grace_s)
        await live.dialogue.close(How.KILL)

    async def _hurried(self, grace_s: float) -> bool:
        """Whether somebody wanted it harder within the grace."""
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._harder.wait()
        return self._harder.is_set()

    async def _say_that_it_stops(self) -> None:
        """A stop of our own (a clock, a drain) shows in the run's state; one that was asked for does already."""
        if self._stop in (StopCause.TIMEOUT, StopCause.STALLED, StopCause.BUDGET, StopCause.DRAIN):
            with suppress(Unavailable):  # the turn ends all the same
                await self._store.request_stop(self._claim.run, self._claim.fence, self._stop)

    async def _give_back(self, live: Live, end: End) -> None:
        """Whatever the turn started is gone on return; the process stays warm when nothing speaks against it."""
        pool, reset = self._mates.pool, self._cause is StopCause.RESET
        match end:
            case Ended():
                await pool.write_off(live, end)
            case TurnEnded():
                await pool.check_in(live, self._keep and not reset and not self._watching.spent, self._spent_s())
            case Unready(start_s):
                await pool.check_in(live, keep=False, spent_s=start_s)
            case NotBegun():
                if not live.reused:
                    live.kill()  # it has taken no turn, or has not even been executed
                await pool.check_in(live, keep=live.reused and not reset)

    def _spent_s(self) -> float:
        """How much of its grace the turn has used up."""
        return 0.0 if self._cause is None else asyncio.get_running_loop().time() - self._stopped_s

    async def _cleared(self, live: Live, end: End) -> bool:
        """Whether nothing is left of the turn in a process that could take the next one."""
        if not self._begun or live.session is None or not isinstance(end, TurnEnded):
            return False
        try:
            async with asyncio.timeout(CLEAR_S_MAX):
                return await live.dialogue.clear()
        except TimeoutError:
            return False

    async def _let_go(self, live: Live, error: BaseException) -> None:
        """A failure of our own is about to end the run: its process is gone first. Where the whole engine goes down,
        its guardian ends it, and others confirm that."""
        ours = isinstance(error, Exception) and not isinstance(error, OutcomeUnknown | StoreUnusable)
        await self._mates.pool.abandon(live, confirm=ours)
