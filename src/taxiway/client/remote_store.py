"""The half of a store that a runner uses, spoken to a server: the engine does not know the difference.

Whatever writes may be said twice: a run's fence and batch numbers see to it. What a run has to tell while the server
does not answer is kept in the outbox, and goes on from there in order; all else waits for a while, and then fails as
with a store that is out of reach.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPMethod
from typing import Any, Final, Self, TypeVar

import msgspec

from taxiway.client.connection import Connection
from taxiway.client.outbox import Outbox
from taxiway.core.account import Account
from taxiway.core.approval import Approval, ApprovalState, Question
from taxiway.core.errors import Error, LeaseLost, NotFound, RateLimited, Unauthorized, Unavailable
from taxiway.core.event import NewEvent
from taxiway.core.limits import LEASE_S
from taxiway.core.providerlimit import ProviderLimit
from taxiway.core.readiness import Scope
from taxiway.core.run import Outcome, ProcessMark, Run, StopCause
from taxiway.core.session import Session
from taxiway.core.task import Task
from taxiway.store.protocol import (
    Claimed,
    Finished,
    LiveRun,
    PendingSignal,
    Resumed,
    Runner,
    StopRequest,
    Topic,
    TurnFacts,
    WarmProcess,
)
from taxiway.wire.records import account_of, approval_of, run_of, session_of, task_of

ANSWER_S: Final = 10.0  #: how long one answer may take
BEAT_S: Final = 5.0  #: that of a heartbeat: the next one may get through
PATIENCE_S: Final = LEASE_S - 2 * ANSWER_S  #: what a turn is held up for; later its processes are dead anyway
DELIVER_EVERY_S: Final = 1.0

T = TypeVar("T")


class RemoteStore:
    """Made for one runner. As a service it delivers what waits in the outbox."""

    name: Final = "outbox"
    topics: Final = Topic.NOTHING

    def __init__(self, connection: Connection, outbox: Outbox) -> None:
        self._connection = connection
        self._outbox = outbox
        self._claiming = asyncio.Lock()
        self._lines: dict[str, asyncio.Lock] = {}  # one letter of a run at a time
        self._claimed: dict[str, Claimed] = {}  # what the server is to know that we know
        self._asking: set[str] = set()
        self._runner = ""
        self._homes: dict[str, str] = {}  # the runner of each process

    def of(self, tenant: str) -> Self:  # noqa: ARG002  (the server knows whose a run is)
        """The same."""
        return self

    # -- a runner -------------------------------------------------------------------------------------------------
    async def register(self, runner: Runner) -> None:
        """Write down a new runner. Raises ``Unauthorized``."""
        self._runner = runner.id
        fields = ("id", "host", "boot_id", "pid", "slots", "scope")
        await self._patiently("POST", "/runners", {name: getattr(runner, name) for name in fields})

    async def beat(self, runner: str) -> bool:
        """Renew the runner's lease; ``False`` when it has been declared dead, or its key revoked."""
        try:
            answer = await self._connection.once("POST", f"/runners/{runner}/renew", timeout_s=BEAT_S)
        except (Unauthorized, NotFound):
            return False
        return bool(answer["live"])

    async def retire(self, runner: str, state: str) -> bool:
        """Mark a runner ``draining``, or ``gone``; ``False`` also where nobody knows it (any more)."""
        path = f"/runners/{runner}/retire"
        try:
            return bool((await self._connection.once("POST", path, {"state": state}, timeout_s=BEAT_S))["done"])
        except (Unauthorized, NotFound):
            return False

    async def claim(self, runner: str, scope: Scope, free: int) -> list[Claimed]:
        """Take up to ``free`` tasks. What an earlier answer never brought is given back by saying what is known."""
        async with self._claiming:
            known = [*self._claimed, *(run for run in self._outbox.runs if run not in self._claimed)]
            body = {"free": free, "scope": scope, "known": known}
            try:
                claimed = _items(await self._post(f"/runners/{runner}/claim", body), list[Claimed])
            except NotFound as error:
                raise LeaseLost(f"the server does not know this runner: {error.message}") from error
            tasks = {one.task for one in claimed}
            kept = {run: one for run, one in self._claimed.items() if one.task not in tasks}
            self._claimed = kept | {one.run: one for one in claimed}
            return claimed

    # -- its runs -------------------------------------------------------------------------------------------------
    async def started(self, run: str, fence: int, mark: ProcessMark | None) -> StopCause | None:
        """Record the process before its program starts."""
        answer = await self._post(f"/runs/{run}/started", {"fence": fence, "process": mark}, PATIENCE_S)
        return None if answer["stop"] is None else StopCause(answer["stop"])

    async def record(self, run: str, fence: int, batch: int, events: Sequence[NewEvent]) -> int:
        """Append events; 0 when they wait in the outbox, and the number is not known yet."""
        path, body = f"/runs/{run}/events", {"fence": fence, "batch": batch, "events": list(events)}
        async with self._line(run):
            if not self._outbox.holds(run):
                with suppress(Unavailable, RateLimited):
                    return int((await self._post(path, body))["seq"])
        await self._outbox.room()
        async with self._line(run):
            await self._outbox.add(run, path, body)
        return 0

    async def finish(self, run: str, fence: int, outcome: Outcome, chance: float) -> Finished:
        """End a run. One that is kept in the outbox is safe, and not applied yet."""
        path, body = f"/runs/{run}/finish", {"fence": fence, "outcome": outcome, "chance": chance}
        async with self._line(run):
            if not self._outbox.holds(run):
                with suppress(Unavailable, RateLimited):
                    finished = msgspec.convert(await self._post(path, body), Finished)
                    self._forget(run)
                    return finished
            await self._outbox.add(run, path, body, last=True)
        return Finished(False)

    async def stop_requests(self, runner: str) -> list[StopRequest]:
        """Live runs of a runner that somebody wants ended."""
        return _items(await self._get(f"/runners/{runner}/stops"), list[StopRequest])

    async def request_stop(self, run: str, fence: int, cause: StopCause) -> None:
        """Mark a live run as stopping for the runner's own cause."""
        await self._post(f"/runs/{run}/stop", {"fence": fence, "cause": cause})

    async def runs(self, task: str) -> list[Run]:
        """Every run of a task that this runner works on, oldest first."""
        run = self._own(one.run for one in self._claimed.values() if one.task == task)
        return [run_of(one) for one in (await self._get(f"/runs/{run}/attempts", PATIENCE_S))["items"]]

    # -- turns of agents ------------------------------------------------------------------------------------------
    async def session(self, session: str, reader: str | None = None) -> Session:  # noqa: ARG002  (a runner reads none)
        """The session of a turn of this runner's."""
        return session_of(await self._get(f"/runs/{self._turn_of(session)}/session", PATIENCE_S))

    async def earlier_turns(self, session: str, generation: int, limit: int) -> list[Task]:
        """The last messages of a generation that have ended."""
        path = f"/runs/{self._turn_of(session)}/turns"
        found = await self._get(path, PATIENCE_S, generation=generation, limit=limit)
        return [task_of(one) for one in found["items"]]

    async def tell_session(self, run: str, fence: int, facts: TurnFacts) -> None:
        """Store what a live turn tells of its session."""
        await self._post(f"/runs/{run}/session", {"fence": fence, "facts": facts}, PATIENCE_S)

    async def accounts(self) -> list[Account]:
        """Every account that this runner's tenant sees."""
        return [account_of(one) for one in (await self._get(f"/runners/{self._runner}/accounts"))["items"]]

    async def signals(self, runner: str) -> list[PendingSignal]:
        """What live runs of a runner have been told and have not settled."""
        return _items(await self._get(f"/runners/{runner}/signals"), list[PendingSignal])

    async def deliver_signal(self, run: str, fence: int, signal: str) -> None:
        """Its agent has been given it."""
        await self._post(f"/runs/{run}/signals/{signal}/delivered", {"fence": fence})

    async def settle_signal(self, run: str, fence: int, signal: str, applied: bool, why: str | None) -> None:
        """The run took it, or could not."""
        body = {"fence": fence, "applied": applied, "why": why}
        await self._post(f"/runs/{run}/signals/{signal}/settle", body, PATIENCE_S)

    async def tell_account(self, run: str, fence: int, limit: ProviderLimit | None, chance: float) -> None:
        """A live run heard of its provider."""
        body = {"fence": fence, "limit": limit, "chance": chance}
        await self._post(f"/runs/{run}/provider", body, PATIENCE_S)

    async def ask(self, run: str, fence: int, question: Question) -> Approval:
        """Store a question; under one key however often it is sent, so that a person is asked once."""
        body, key = {"fence": fence, "question": question}, self._connection.new_key()
        asked = approval_of(await self._post(f"/runs/{run}/approvals", body, PATIENCE_S, key))
        if asked.state is ApprovalState.PENDING:
            self._asking.add(run)
        return asked

    async def withdraw(self, run: str, fence: int, approval: str) -> None:
        """The run does not want to know any more."""
        await self._post(f"/runs/{run}/approvals/{approval}/withdraw", {"fence": fence}, PATIENCE_S)

    async def resume(self, runner: str, room: int) -> list[Resumed]:
        """Let runs go on that have been answered. Those that wait are named: who goes on already is told again."""
        body = {"room": room, "waiting": sorted(self._asking)}
        found = _items(await self._post(f"/runners/{runner}/resume", body), list[Resumed])
        self._asking -= {one.run for one in found}
        return found

    # -- processes that outlive their turns -----------------------------------------------------------------------
    async def opened_process(self, process: WarmProcess) -> None:
        """Write down a session's process before its program runs."""
        run = self._turn_of(process.session)
        body = {"fence": self._claimed[run].fence, "runner": process.runner, "mark": process.mark}
        self._homes[process.id] = process.runner
        await self._post(f"/runs/{run}/processes/{process.id}", body, PATIENCE_S)

    async def closed_process(self, process: str) -> None:
        """It is confirmed gone."""
        await self._call(HTTPMethod.DELETE, f"/runners/{self._homes.get(process, self._runner)}/processes/{process}")
        self._homes.pop(process, None)

    async def warm_processes(self, runner: str | None = None) -> list[WarmProcess]:
        """Processes of sessions that a runner of this key (``None``: this one) keeps."""
        found = await self._get(f"/runners/{runner or self._runner}/processes", PATIENCE_S)
        kept = _items(found, list[WarmProcess])
        self._homes.update({one.id: one.runner for one in kept})
        return kept

    async def outdated_processes(self, runner: str) -> list[str]:
        """Those of a runner that hold no conversation any more."""
        return _items(await self._get(f"/runners/{runner}/processes/outdated"), list[str])

    # -- what was left --------------------------------------------------------------------------------------------
    async def live_runs(self, runner: str) -> list[LiveRun]:
        """Runs of an earlier runner of this key that have not ended. Raises ``Unauthorized``."""
        return _items(await self._patiently("GET", f"/runners/{runner}/runs"), list[LiveRun])

    async def step(self) -> float:
        """Deliver what waits in the outbox, as far as the server answers."""
        try:
            await self.delivered()
        except Unauthorized as error:
            raise LeaseLost(f"this runner's key opens nothing any more: {error.message}") from error
        return DELIVER_EVERY_S

    async def delivered(self) -> bool:
        """Deliver what waits in the outbox; ``False`` when the server does not answer. Raises ``Unauthorized``."""
        try:
            for run in self._outbox.runs:
                async with self._line(run):
                    await self._deliver(run)
        except (Unavailable, RateLimited):
            return False
        return True

    async def _deliver(self, run: str) -> None:
        """Tell what a run has to tell. Events that are refused are left out: the run is another's by now, and all that
        is of interest is how it ended here (I12)."""
        ended = False
        for letter in await self._outbox.letters(run):
            ended = ended or letter.last
            try:
                await self._patiently("POST", letter.path, letter.body)
            except (Unavailable, RateLimited, Unauthorized):
                raise
            except Error:
                continue
        await self._outbox.drop(run)
        if ended:
            self._forget(run)

    def _line(self, run: str) -> asyncio.Lock:
        return self._lines.setdefault(run, asyncio.Lock())

    def _forget(self, run: str) -> None:
        self._claimed.pop(run, None)
        self._asking.discard(run)
        self._lines.pop(run, None)

    def _turn_of(self, session: str) -> str:
        return self._own(one.run for one in self._claimed.values() if one.seat and one.seat.session == session)

    def _own(self, runs: Any) -> str:
        found: str | None = next(iter(runs), None)
        if found is None:
            raise LeaseLost("this runner has no live run of it any more")
        return found

    async def _get(self, path: str, patience_s: float | None = 0.0, **query: Any) -> Any:
        return await self._call("GET", path, patience_s=patience_s, **query)

    async def _post(self, path: str, body: Any, patience_s: float | None = 0.0, key: str | None = None) -> Any:
        return await self._call("POST", path, body, patience_s, key)

    async def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        patience_s: float | None = 0.0,
        key: str | None = None,
        **query: Any,
    ) -> Any:
        """One call; whose key opens nothing any more has lost all that it had (I2)."""
        try:
            return await self._patiently(method, path, body, patience_s, key, **query)
        except Unauthorized as error:
            raise LeaseLost(f"this runner's key opens nothing any more: {error.message}") from error

    async def _patiently(
        self,
        method: str,
        path: str,
        body: Any = None,
        patience_s: float | None = 0.0,
        key: str | None = None,
        **query: Any,
    ) -> Any:
        """One call, again while the server does not answer and there is patience (``None``: without end)."""
        now_s = asyncio.get_running_loop().time
        until_s = None if patience_s is None else now_s() + patience_s
        tried = 0
        while True:
            tried += 1
            try:
                return await self._connection.once(method, path, body, timeout_s=ANSWER_S, key=key, **query)
            except (Unavailable, RateLimited):
                if until_s is not None and now_s() >= until_s:
                    raise
                await self._connection.rest(tried)


def _items(answer: Any, kind: type[T]) -> T:
    return msgspec.convert(answer["items"], kind)
