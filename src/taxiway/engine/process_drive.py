"""Driving a command: rendered, opened in two steps, its output recorded, its clocks kept, its end judged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from taxiway.agents.protocol import Conversation, Ended, Go, How, Launch, Output, SpawnFailure
from taxiway.core.errors import Invalid, LeaseLost, OutcomeUnknown, StoreUnusable, Unavailable
from taxiway.core.event import EventType
from taxiway.core.parent import values
from taxiway.core.run import Completed, Deferred, Failed, Lost, Outcome, StopCause
from taxiway.core.shellscan import SHELL
from taxiway.core.task import Reason, TaskSpec
from taxiway.core.template import Rendered, render
from taxiway.engine.clocks import RunClocks
from taxiway.engine.executor import Means
from taxiway.engine.recorder import Recorder
from taxiway.engine.stopping import Remains, stopped
from taxiway.store.protocol import Claimed, ExecutionStore

CONFIRM_EVERY_S: Final = 1.0  #: how often a tree that would not die is looked at again
FLUSH_S: Final = 0.05  #: how long a watcher may wait for output that the program has written

MakeEnvironment = Callable[[Rendered, Claimed, str], dict[str, str]]


class ProcessDrive:
    """One run of a command or a shell line."""

    def __init__(
        self,
        claim: Claimed,
        store: ExecutionStore,
        recorder: Recorder,
        means: Means,
        tag: str,
        environment: MakeEnvironment,
        confirm: Callable[[Conversation], Awaitable[bool]],
    ) -> None:
        self._claim = claim
        self._store = store
        self._recorder = recorder
        self._means = means
        self._tag = tag
        self._environment = environment
        self._confirm = confirm
        self._conversation: Conversation | None = None
        self._stop: StopCause | None = None
        self._clocks = RunClocks(self.stop, claim.spec.timeout_s, claim.spec.idle_timeout_s)
        self._closing: asyncio.Event = asyncio.Event()
        self._harder: asyncio.Event = asyncio.Event()
        self._told = False

    async def run(self) -> Outcome:
        """Prepare, open, record, go, converse, judge."""
        try:
            launch = self._prepare()
        except Invalid as error:
            return Failed(Reason.SPAWN_ERROR, self._recorder.sentence(error.message))
        opened = await self._means.agent.open(launch)
        if isinstance(opened, SpawnFailure):
            return self._not_spawned(opened)
        self._conversation = opened
        try:
            return await self._converse(opened)
        except BaseExceptionGroup as group:
            await self._let_go(opened, group.exceptions[0])
            raise group.exceptions[0] from group
        except BaseException as error:
            await self._let_go(opened, error)
            raise
        finally:
            self._clocks.stop()

    def stop(self, cause: StopCause, hard: bool = False) -> None:
        """Ask the program to end; harder each time it is called ``hard``."""
        if self._stop is None:
            self._stop = cause
        self._closing.set()
        if hard:
            self._harder.set()

    async def ping(self) -> None:
        """The runner lives."""
        if self._conversation is not None:
            await self._conversation.ping()

    def _prepare(self) -> Launch:
        claim = self._claim
        spec = claim.spec
        rendered = render(spec, values(claim.parents))
        argv = rendered.command if rendered.command is not None else (SHELL, "-c", rendered.shell or "")
        if spec.template:
            self._recorder.note(EventType.STATUS, phase="rendered", command=list(argv))
        return Launch(
            argv=argv,
            cwd=spec.cwd or self._means.folder,
            env=self._environment(rendered, claim, self._tag),
            tag=self._tag,
            stdin=None if rendered.stdin is None else rendered.stdin.encode(),
            lease_s=self._means.lease_s,
        )

    async def _converse(self, conversation: Conversation) -> Outcome:
        """Record the process, let it run, and listen until it has ended."""
        claim = self._claim
        asked = self._stop or await self._store.started(claim.run, claim.fence, conversation.mark)
        if asked is not None:
            self._stop = asked
        if self._stop is not None:  # also one that came while the process was being recorded
            await conversation.close(How.KILL)
        else:
            await conversation.send(Go())
            self._clocks.start()
        async with asyncio.TaskGroup() as group:
            closer = group.create_task(self._close_when_told(conversation))
            flusher = group.create_task(self._flush_regularly())
            ended = await self._listen(conversation)
            closer.cancel()
            flusher.cancel()
        stop = self._stop
        self._clocks.stop()
        self._recorder.close_streams()
        await self._recorder.flush()
        if not ended.certain:
            await self._confirmed(conversation)
        return self._judge(ended, stop, claim.spec)

    async def _let_go(self, conversation: Conversation, error: BaseException) -> None:
        """The guardian kills the tree by itself. Where a failure of our own is about to end the run, that is waited
        for; where the run or the whole engine is lost, others confirm it."""
        conversation.drop()
        if isinstance(error, Exception) and not isinstance(error, LeaseLost | OutcomeUnknown | StoreUnusable):
            await self._confirmed(conversation)

    async def _confirmed(self, conversation: Conversation) -> None:
        """Return when nothing of the tree is left; until then the run keeps its slots (I6, I7)."""
        while not await self._confirm(conversation):  # noqa: ASYNC110 nobody tells when a process dies that is stuck
            await asyncio.sleep(CONFIRM_EVERY_S)

    async def _listen(self, conversation: Conversation) -> Ended:
        recorder = self._recorder
        async for event in conversation.events():
            if isinstance(event, Ended):
                return event
            assert isinstance(event, Output)
            recorder.output(event.stream, event.data)
            self._clocks.heard()
            if recorder.full:
                self._clocks.hush()
                await recorder.flush()
                self._clocks.heard()
        return Ended(lost=True)

    async def _flush_regularly(self) -> None:
        while True:
            await self._recorder.gathered()
            await asyncio.sleep(FLUSH_S)
            await self._recorder.flush()

    async def _close_when_told(self, conversation: Conversation) -> None:
        """Ask, SIGTERM, SIGKILL, with the graces between (B14, B15, B22, B23)."""
        await self._closing.wait()
        for how, grace_s in ((How.TERM, self._means.term_grace_s), (How.KILL, None)):
            if self._harder.is_set():
                how, grace_s = How.KILL, None
            await conversation.close(how)
            await self._tell_of_stopping()
            if grace_s is None:
                return
            try:
                async with asyncio.timeout(grace_s):
                    await self._harder.wait()
            except TimeoutError:
                continue

    async def _tell_of_stopping(self) -> None:
        """A stop of our own (a clock, a drain) shows in the run's state; one that was asked for does already."""
        if self._stop in (StopCause.TIMEOUT, StopCause.STALLED, StopCause.DRAIN) and not self._told:
            self._told = True
            with suppress(Unavailable):  # the program ends all the same
                await self._store.request_stop(self._claim.run, self._claim.fence, self._stop)

    def _judge(self, ended: Ended, stop: StopCause | None, spec: TaskSpec) -> Outcome:
        """What the end means. Only a stop that we made before it has that cause (B16, DB7)."""
        if ended.spawn_failure is not None:
            return self._not_spawned(ended.spawn_failure)
        output = self._recorder.tail()
        if stop is not None:
            left = Remains(
                output=output,
                exit_code=ended.exit_code,
                signal=ended.signal,
                timeout_s=spec.timeout_s,
                idle_timeout_s=spec.idle_timeout_s,
            )
            return stopped(stop, left)
        if ended.lost:
            return Lost("its guardian died")
        if ended.lease_expired:
            return Lost("its runner was not heard of for too long")
        if ended.exit_code == 0:
            return Completed(output=output, exit_code=0)
        if ended.exit_code is not None:
            error = f"it exited with status {ended.exit_code}"
            return Failed(Reason.EXIT_CODE, error, exit_code=ended.exit_code, output=output)
        if ended.signal is not None:
            error = f"it was killed by signal {ended.signal}"
            return Failed(Reason.SIGNAL, error, signal=ended.signal, output=output)
        return Lost("nobody saw how it ended")

    def _not_spawned(self, failure: SpawnFailure) -> Outcome:
        text = self._recorder.sentence(failure.text)
        return Deferred(text) if failure.passing else Failed(Reason.SPAWN_ERROR, text)
