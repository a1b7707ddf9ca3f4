"""A scripted agent: programs that follow a script instead of running, for tests of whatever drives programs.

Each opened conversation has a tree (its guardian and its processes), which lives by the timers of the running event
loop: under a virtual clock no real time passes. ::

    agent = ScriptedAgent(lambda launch: Script((Say("hello"), Wait(2), Exit(3))))

A tree goes on when the one who opened it is gone; ``hang_up`` tells its guardian so, ``settle`` ends it from outside.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import StrEnum
from functools import partial
from itertools import count
from typing import Any, Final, Literal, Protocol

import msgspec

from taxiway.agents.protocol import (
    GO_S_MAX,
    OUTPUT_PIECE_BYTES_MAX,
    Ended,
    Go,
    How,
    Launch,
    Message,
    Output,
    ProcessMark,
    SpawnFailure,
)

SIGKILL: Final = 9
SIGTERM: Final = 15


class Say(msgspec.Struct, frozen=True):
    """Write text."""

    text: str
    stream: Literal["stdout", "stderr"] = "stdout"


class Flood(msgspec.Struct, frozen=True):
    """Write that many bytes at once, in the pieces that a pipe gives."""

    size: int


class Wait(msgspec.Struct, frozen=True):
    """Do nothing for so many seconds."""

    seconds: float


class Hang(msgspec.Struct, frozen=True):
    """Do nothing for ever."""


class Exit(msgspec.Struct, frozen=True):
    """Exit with a status."""

    status: int = 0


class Die(msgspec.Struct, frozen=True):
    """Be killed by a signal that nobody of ours sent."""

    signal: int


class LoseGuardian(msgspec.Struct, frozen=True):
    """The guardian dies. ``certain``: its child dies with it; else processes live on until ``settle``."""

    certain: bool = True


Step = Say | Flood | Wait | Hang | Exit | Die | LoseGuardian


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """What one program does: its steps after the go (at their end it exits with 0), and how it takes things.

    ``refused``: the guardian cannot be made; ``not_executed``: the program cannot. ``term_s``: how long it takes to
    obey SIGTERM, ``None`` ignores it; ``kill_s``: until SIGKILL has emptied the tree. ``left_s``: its end is uncertain,
    and what it leaves behind cannot be killed for so long.
    """

    steps: tuple[Step, ...] = ()
    refused: SpawnFailure | None = None
    not_executed: SpawnFailure | None = None
    term_s: float | None = 0.0
    kill_s: float = 0.0
    left_s: float = 0.0


class Sight(StrEnum):
    """What one could see of a tree from outside."""

    OPENED = "opened"
    EXECUTED = "executed"
    ENDED = "ended"  #: the main process
    GONE = "gone"  #: the last process


class Timers(Protocol):
    """Who calls back later (an event loop does)."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> asyncio.TimerHandle:
        """Call back in ``delay`` seconds."""
        ...


class _Phase(StrEnum):
    BORN = "born"
    RUNNING = "running"
    DYING = "dying"
    OVER = "over"


class Tree:
    """A guardian and the processes below it. ``watch`` hears of every sight.

    ``said`` is all output so far, ``ended`` how the main process ended, ``alive`` whether anything executed is left.
    """

    def __init__(
        self, launch: Launch, script: Script, mark: ProcessMark, timers: Timers, watch: Callable[[Tree, Sight], None]
    ) -> None:
        self.launch = launch
        self.script = script
        self.mark = mark
        self.alive = False
        self.ended: Ended | None = None
        self.heard: deque[Output | Ended] = deque()
        self.said: list[Output] = []
        self.changed: Callable[[], None] | None = None
        self._timers = timers
        self._watch = watch
        self._phase = _Phase.BORN
        self._guarded = True
        self._killed = False
        self._deadline = timers.call_later(launch.lease_s, self._lease_over)
        self._next = timers.call_later(GO_S_MAX, self.kill)
        watch(self, Sight.OPENED)

    def go(self) -> None:
        """Become the program."""
        if self._phase is not _Phase.BORN:
            return
        self._next.cancel()
        if self.script.not_executed is not None:
            self._over(Ended(spawn_failure=self.script.not_executed, started=False))
            return
        self._phase, self.alive = _Phase.RUNNING, True
        self._watch(self, Sight.EXECUTED)
        self._follow(self.script.steps)

    def ping(self) -> None:
        """The runner lives."""
        if self._phase is not _Phase.OVER and self._guarded:
            self._deadline.cancel()
            self._deadline = self._timers.call_later(self.launch.lease_s, self._lease_over)

    def term(self) -> None:
        """SIGTERM to the tree."""
        if self._phase is _Phase.BORN:
            self.kill()
        elif self._phase is _Phase.RUNNING and self.script.term_s is not None and self._guarded:
            self._phase = _Phase.DYING
            self._next.cancel()
            self._next = self._timers.call_later(self.script.term_s, lambda: self._over(Ended(signal=SIGTERM)))

    def kill(self, *, lease_expired: bool = False) -> None:
        """SIGKILL to the tree until it is empty."""
        if self._phase is _Phase.BORN:
            self._next.cancel()
            self._over(Ended(started=False, lease_expired=lease_expired))
        elif self._phase is not _Phase.OVER and self._guarded and not self._killed:
            self._phase, self._killed = _Phase.DYING, True
            self._next.cancel()
            end = Ended(signal=SIGKILL, lease_expired=lease_expired)
            self._next = self._timers.call_later(self.script.kill_s, lambda: self._over(end))

    def hang_up(self) -> None:
        """Whoever opened it is gone: the guardian kills the tree by itself, and nobody is told."""
        self.changed = None
        self.kill()

    def lose_guardian(self, certain: bool) -> None:
        """The guardian is killed."""
        if self._phase is _Phase.OVER or not self._guarded:
            return
        self._guarded = False
        self._next.cancel()
        executed = self.alive
        self._finish(Ended(lost=True, certain=certain or not executed, started=executed))
        if certain or not executed:
            self._gone()

    def settle(self) -> bool:
        """Ended from outside; whether nothing is left (ask again until it is so)."""
        if self._phase is not _Phase.OVER:
            self.kill()
        elif self.alive and not self._guarded:
            self._gone()
        return not self.alive and self._phase is _Phase.OVER

    def _follow(self, steps: tuple[Step, ...]) -> None:
        for index, step in enumerate(steps):
            match step:
                case Say():
                    self._tell(Output(step.stream, step.text.encode()))
                case Flood():
                    for start in range(0, step.size, OUTPUT_PIECE_BYTES_MAX):
                        self._tell(Output("stdout", b"x" * min(OUTPUT_PIECE_BYTES_MAX, step.size - start)))
                case Wait():
                    self._next = self._timers.call_later(step.seconds, partial(self._follow, steps[index + 1 :]))
                    return
                case Hang():
                    return
                case Exit():
                    self._over(Ended(exit_code=step.status))
                    return
                case Die():
                    self._over(Ended(signal=step.signal))
                    return
                case LoseGuardian():
                    self.lose_guardian(step.certain)
                    return
        self._over(Ended(exit_code=0))

    def _lease_over(self) -> None:
        self.kill(lease_expired=True)

    def _over(self, end: Ended) -> None:
        left = self.script.left_s > 0 and self.alive
        self._finish(msgspec.structs.replace(end, certain=not left))
        if left:
            self._timers.call_later(self.script.left_s, self._gone)
        else:
            self._gone()

    def _finish(self, end: Ended) -> None:
        self._phase = _Phase.OVER
        self._deadline.cancel()
        self.ended = end
        self._watch(self, Sight.ENDED)
        self._tell(end)

    def _gone(self) -> None:
        if self.alive:
            self.alive = False
            self._watch(self, Sight.GONE)

    def _tell(self, event: Output | Ended) -> None:
        self.heard.append(event)
        if isinstance(event, Output):
            self.said.append(event)
        if self.changed is not None:
            self.changed()


Seam = Callable[[str], Awaitable[None]]


async def no_seam(_: str) -> None:
    """Where nobody wants to interfere."""


def nobody_watches(_: Tree, __: Sight) -> None:
    """Where nobody wants to know."""


class ScriptedConversation:
    """A conversation with a scripted tree."""

    def __init__(self, tree: Tree, seam: Seam = no_seam) -> None:
        self.tree = tree
        self._seam = seam
        self._news = asyncio.Event()
        self._dropped = False
        tree.changed = self._news.set

    @property
    def mark(self) -> ProcessMark:
        """What to commit before the go."""
        return self.tree.mark

    async def send(self, message: Message) -> None:
        """Give the go."""
        assert isinstance(message, Go)
        await self._seam("agent.send")
        self.tree.go()

    async def events(self) -> AsyncIterator[Output | Ended]:
        """What the script tells, ending with exactly one `Ended`."""
        while not self._dropped:
            while self.tree.heard:
                event = self.tree.heard.popleft()
                yield event
                if isinstance(event, Ended):
                    return
            self._news.clear()
            if not self.tree.heard and not self._dropped:
                await self._news.wait()
            await self._seam("agent.events")

    async def close(self, how: How) -> None:
        """Have the program ended in this manner."""
        await self._seam(f"agent.close {how}")
        if how is How.KILL:
            self.tree.kill()
        else:
            self.tree.term()

    async def ping(self) -> None:
        """Say that the runner lives."""
        await self._seam("agent.ping")
        self.tree.ping()

    def drop(self) -> None:
        """Let go without waiting."""
        self._dropped = True
        self._news.set()
        self.tree.hang_up()


class ScriptedAgent:
    """An `agents.protocol.Agent` whose programs follow scripts. ``trees`` holds every tree it opened, by tag.

    ``timers`` is the running loop where none is given; ``watch`` hears of every sight; ``seam`` is awaited around
    calls.
    """

    def __init__(
        self,
        script_of: Callable[[Launch], Script],
        *,
        boot_id: str = "boot",
        timers: Timers | None = None,
        watch: Callable[[Tree, Sight], None] = nobody_watches,
        seam: Seam = no_seam,
    ) -> None:
        self.trees: dict[str, Tree] = {}
        self._script_of = script_of
        self._boot_id = boot_id
        self._timers = timers
        self._watch = watch
        self._seam = seam
        self._pids = count(1_000, 2)

    async def open(self, launch: Launch) -> ScriptedConversation | SpawnFailure:
        """Make a tree that waits for the go."""
        await self._seam("agent.open")
        script = self._script_of(launch)
        if script.refused is not None:
            return script.refused
        pid = next(self._pids)
        mark = ProcessMark(launch.tag, pid, pid, pid + 1, pid + 1, self._boot_id, 1)
        timers: Any = self._timers or asyncio.get_running_loop()
        tree = self.trees[launch.tag] = Tree(launch, script, mark, timers, self._watch)
        conversation = ScriptedConversation(tree, self._seam)
        await self._seam("agent.opened")
        return conversation

    async def aclose(self) -> None:
        """Hang up on every tree that is left."""
        for tree in self.trees.values():
            tree.hang_up()
