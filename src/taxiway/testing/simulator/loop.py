"""An event loop without real time: when nothing is ready its clock jumps to the next timer; chance picks who is next.

Work belongs to strands (one for each simulated process), told by a context variable that tasks and timers inherit. A
strand can be held, as SIGSTOP holds a process, and cut, as SIGKILL ends one: nothing of it runs any more, not even what
stands in a ``finally``. The same seed gives the same order of everything, whatever the hashes and addresses of objects.
"""

from __future__ import annotations

import asyncio
import heapq
from asyncio.events import _set_running_loop
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from itertools import count
from typing import Any, Final, TypeVar

from taxiway.clock import Chance

T = TypeVar("T")
CLOSE_ROUNDS: Final = 20
CLOSE_STEPS: Final = 10_000


class Strand:
    """One process's line of execution: what is ready in it runs in order."""

    __slots__ = ("cut", "held", "listed", "name", "ready")

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready: deque[asyncio.Handle] = deque()
        self.held = False
        self.cut = False
        self.listed = False


STRAND: ContextVar[Strand] = ContextVar("strand")


class Stuck(Exception):
    """Nothing is ready and no timer is set: everybody waits for somebody else."""


class _Numbered:
    """Hashed by a number instead of an address, so that sets of them are walked in the same order every time."""

    number: int

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other


class VirtualFuture(_Numbered, asyncio.Future[Any]):
    """A future of the virtual loop."""

    def __init__(self, number: int, loop: VirtualLoop) -> None:
        super().__init__(loop=loop)
        self.number = number


class VirtualTask(_Numbered, asyncio.Task[Any]):
    """A task of the virtual loop."""

    def __init__(self, number: int, coroutine: Coroutine[Any, Any, Any], **named: Any) -> None:
        self.number = number  # before the task is put into the set of all tasks
        super().__init__(coroutine, **named)


class VirtualLoop(asyncio.AbstractEventLoop):
    """The loop. ``root`` is the strand of whatever has no other: the world itself."""

    def __init__(self, chance: Chance) -> None:
        self.root = Strand("world")
        self.steps = 0
        self._chance = chance
        self._now = 0.0
        self._runnable: list[Strand] = []
        self._timers: list[tuple[float, float, int, asyncio.TimerHandle, Strand]] = []
        self._numbers = count(1)
        self._tasks: list[VirtualTask] = []
        self._strands: list[Strand] = [self.root]
        self._halted = False

    # -- strands ----------------------------------------------------------------------------------------------------
    def spawn(self, strand: Strand, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a coroutine in a strand."""
        self._strands.append(strand)
        context = copy_context()
        context.run(STRAND.set, strand)
        return self.create_task(coroutine, name=strand.name, context=context)

    def hold(self, strand: Strand) -> None:
        """Let a strand stand still from its next step on; its timers go on and wait for it."""
        strand.held = True
        self._unlist(strand)

    def release(self, strand: Strand) -> None:
        """Let a held strand go on."""
        strand.held = False
        self._list(strand)

    def cut(self, strand: Strand) -> None:
        """End a strand at once: nothing of it runs any more (until ``close``, which unwinds what it was doing)."""
        strand.cut = True
        self._unlist(strand)

    def halt(self) -> None:
        """Leave ``run`` after this step."""
        self._halted = True

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T | None:
        """Run a coroutine in the root strand to its end, or to a ``halt`` (then ``None``); raises ``Stuck``."""
        _set_running_loop(self)
        try:
            task = self.create_task(coroutine, name="world")
            while not task.done() and not self._halted:
                self._step()
            return task.result() if task.done() else None
        finally:
            _set_running_loop(None)

    def close(self) -> None:
        """Cancel every task that is left, also those of strands that were cut, until all are done."""
        self._timers.clear()
        for strand in self._strands:
            strand.cut = strand.held = False
            self._list(strand)
        _set_running_loop(self)
        try:
            for _ in range(CLOSE_ROUNDS):
                left = [task for task in self._tasks if not task.done()]
                for task in left:
                    task.cancel()
                for _ in range(CLOSE_STEPS):
                    if not self._runnable:
                        break
                    self._step()
                if not left:
                    break
        finally:
            _set_running_loop(None)
            self._timers.clear()
            self._tasks.clear()
            self._strands.clear()

    # -- what asyncio asks of a loop ----------------------------------------------------------------------------------
    def time(self) -> float:
        """Virtual seconds since the start."""
        return self._now

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Run a callback in the strand of its context."""
        context = copy_context() if context is None else context
        handle = asyncio.Handle(callback, args, self, context)
        strand = context.get(STRAND, self.root)
        strand.ready.append(handle)
        self._list(strand)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run a callback after so many virtual seconds."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run a callback at a virtual time; callbacks of the same time come in an order of chance."""
        context = copy_context() if context is None else context
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        entry = (when, self._chance.random(), next(self._numbers), timer, context.get(STRAND, self.root))
        heapq.heappush(self._timers, entry)
        return timer

    def create_future(self) -> asyncio.Future[Any]:
        """A future with a number."""
        return VirtualFuture(next(self._numbers), self)

    def create_task(
        self, coro: Any, *, name: str | None = None, context: Context | None = None, **_: Any
    ) -> asyncio.Task[Any]:
        """A task with a number; it is kept until the loop is closed, so that no collector decides when it ends."""
        task = VirtualTask(next(self._numbers), coro, loop=self, name=name, context=context)
        self._tasks.append(task)
        return task

    def is_running(self) -> bool:
        """Always: whoever can ask runs in it."""
        return True

    def is_closed(self) -> bool:
        """Never: there is nothing to close but memory."""
        return False

    def get_debug(self) -> bool:
        """No."""
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What nobody caught in a callback ends the run; what nobody asked a future for does not."""
        if "handle" in context:
            raise context["exception"]

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer stays in the heap and is passed over."""

    # -- steps ------------------------------------------------------------------------------------------------------
    def _step(self) -> None:
        if not self._runnable or (self._timers and self._timers[0][0] <= self._now):
            self._next_timers()
        if not self._runnable:
            return
        index = int(self._chance.random() * len(self._runnable)) if len(self._runnable) > 1 else 0
        strand = self._runnable[index]
        handle = strand.ready.popleft()
        if not strand.ready:
            self._unlist(strand)
        if not handle.cancelled():
            self.steps += 1
            handle._run()

    def _next_timers(self) -> None:
        """Move the timers that are due next into their strands, and the clock with them."""
        timers = self._timers
        while timers and timers[0][3].cancelled():
            heapq.heappop(timers)
        if not timers:
            if self._runnable:
                return
            raise Stuck(f"nothing is ready and no timer is set at {self._now:.3f} s")
        self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            _, _, _, handle, strand = heapq.heappop(timers)
            if not handle.cancelled():
                strand.ready.append(handle)
                self._list(strand)

    def _list(self, strand: Strand) -> None:
        if strand.ready and not strand.listed and not strand.held and not strand.cut:
            strand.listed = True
            self._runnable.append(strand)

    def _unlist(self, strand: Strand) -> None:
        if strand.listed:
            strand.listed = False
            self._runnable.remove(strand)
