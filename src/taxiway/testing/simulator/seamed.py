"""A store with seams: before and after every verb something may happen to the caller, calls may be repeated, and the
outcome of a write may stay unknown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, cast

from taxiway.core.errors import Error, MailboxFull, OutcomeUnknown, Unavailable
from taxiway.core.run import Lost
from taxiway.store.protocol import Store

if TYPE_CHECKING:
    from taxiway.testing.simulator.process import Process

READS: Final = frozenset(
    "find_task task tasks count_tasks runs run events changes last_version facts queue queues queue_stats lanes "
    "stop_requests next_due runners live_runs check session sessions session_tasks session_output find_session "
    "earlier_turns keyed_session signals warm_processes outdated_processes approval approvals find_approval".split()
)
#: Verbs that a caller may repeat after a lost reply: their answer must be the same, and nothing may happen twice.
REPEATABLE: Final = frozenset(
    "record finish beat started wake_due advance declare_lost retire settle_signal tell_session withdraw".split()
)


class SeamedStore:
    """The store of one process."""

    def __init__(self, inner: Store, process: Process) -> None:
        self._inner = inner
        self._process = process

    def of(self, tenant: str) -> SeamedStore:
        """The same store as one tenant sees it."""
        return SeamedStore(self._inner.of(tenant), self._process)

    def __getattr__(self, verb: str) -> Callable[..., Awaitable[Any]]:
        function = getattr(self._inner, verb)

        async def call(*args: Any, **named: Any) -> Any:
            return await self._call(verb, function, args, named)

        setattr(self, verb, call)
        return call

    async def _call(self, verb: str, function: Callable[..., Awaitable[Any]], args: Any, named: Any) -> Any:
        process = self._process
        if process.world.over:
            raise Unavailable("the schedule is over")
        await process.seam(f"before {verb}")
        if verb in READS:
            result = await function(*args, **named)
        else:
            result = await self._write(verb, function, args, named)
        await process.seam(f"after {verb}")
        return result

    async def _write(self, verb: str, function: Callable[..., Awaitable[Any]], args: Any, named: Any) -> Any:
        process, world = self._process, self._process.world
        if process.broken:
            raise OutcomeUnknown("this process stopped writing")
        if world.chaos and process.dice.hit(world.rates.unknown):
            process.broken = True
            if process.dice.hit(0.5):
                await self._do(verb, function, args, named)
            world.note(process.name, f"{verb}: outcome unknown")
            raise OutcomeUnknown(f"{verb}: the commit returned an error")
        result = await self._do(verb, function, args, named)
        if verb in REPEATABLE and world.chaos and process.dice.hit(world.rates.repeat):
            await self._repeat(verb, function, args, named)
        return result

    async def _do(self, verb: str, function: Callable[..., Awaitable[Any]], args: Any, named: Any) -> Any:
        process = self._process
        if verb == "finish" and isinstance(args[2], Lost):
            process.world.ledger.settled_from(process.host.name, args[0])
        elif verb == "beat":
            now_s = process.world.loop.time()
            process.beaten_s, process.silent_s = now_s, now_s - process.beaten_s
        elif verb == "retire" and args == (process.runner, "gone"):
            process.leaving = True
        return await self._judged(verb, function, args, named)

    async def _judged(self, verb: str, function: Callable[..., Awaitable[Any]], args: Any, named: Any) -> Any:
        """The verb itself: what it does to mailboxes is judged as its own."""
        mailboxes = self._process.world.mailboxes
        mailboxes.begins(verb, args)
        try:
            result = await function(*args, **named)
        except MailboxFull as error:
            if len(args[0]) == 1:
                mailboxes.refused(error.details["session"])
            raise
        mailboxes.over(args, result)
        return result

    async def _repeat(self, verb: str, function: Callable[..., Awaitable[Any]], args: Any, named: Any) -> None:
        try:
            await self._judged(verb, function, args, named)
        except Error as error:
            self._process.world.note(self._process.name, f"repeated {verb} was refused: {error.code}")


def seamed(inner: Store, process: Process) -> Store:
    """``inner`` as one process sees it."""
    return cast("Store", SeamedStore(inner, process))
