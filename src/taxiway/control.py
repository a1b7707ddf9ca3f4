"""Verbs that settle how work goes: approvals, accounts, queues, lanes, who works, and tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from taxiway.client.verbs import SNAPSHOT_TASKS
from taxiway.core.account import Account
from taxiway.core.agent import AgentReport
from taxiway.core.approval import Approval
from taxiway.core.lane import Lane
from taxiway.core.limits import LIST_PAGE_DEFAULT
from taxiway.core.queue import Queue, QueueStats
from taxiway.core.statistics import Summary
from taxiway.core.task import Task
from taxiway.core.token import OWNER, Token, TokenScope
from taxiway.core.usage import UsageLine
from taxiway.doors import Doors
from taxiway.store.protocol import ApprovalPage, Runner


class Control:
    """The half of an opened store's verbs that is not about one task, run or session."""

    def __init__(self, doors: Doors, agents: Callable[[], list[AgentReport]]) -> None:
        self._doors = doors
        self._intake = self.intake = doors.intake
        self._approval_verbs = doors.approvals
        self._accounts = doors.accounts
        self._agents = agents
        self.statistics = doors.statistics
        self.store_statistics = doors.store_statistics
        self.store = doors.store

    async def metrics_summary(self) -> Summary:
        """How one's own work is doing: what is open, how the last runs ended and how long they took, and what live runs
        use of this host. It is made anew every few seconds at most."""
        return await self.statistics.summary()

    async def approvals(
        self,
        *,
        state: str = "pending",
        task: str | None = None,
        limit: int = LIST_PAGE_DEFAULT,
        cursor: str | None = None,
    ) -> ApprovalPage:
        """A page of what agents ask, in the order in which they asked. ``state`` is ``pending``, ``allowed``,
        ``denied``, ``expired``, ``void`` or ``all``."""
        return await self._approval_verbs.page(state, task, limit, cursor)

    async def approval(self, approval: str) -> Approval:
        """One approval, by its id or four or more characters of its start or end."""
        return await self._approval_verbs.get(approval)

    async def allow(self, approval: str, reason: str | None = None) -> Approval:
        """Allow what an agent asks. Raises ``NotPending`` when somebody was first, or nobody waits any more."""
        return await self._approval_verbs.decide(approval, True, reason)

    async def deny(self, approval: str, reason: str | None = None) -> Approval:
        """Deny it; the agent is told ``reason``. Raises ``NotPending`` as ``allow`` does."""
        return await self._approval_verbs.decide(approval, False, reason)

    async def accounts(self) -> list[Account]:
        """Every account, by name."""
        return await self._accounts.all()

    async def account(self, name: str) -> Account:
        """One account."""
        return await self._accounts.one(name)

    async def park_account(
        self, name: str, *, until: int | None = None, for_s: float | None = None, why: str = ""
    ) -> Account:
        """Start nothing of an account: ``until`` a time (milliseconds since 1970 UTC), for some seconds, or until it is
        released. What runs goes on to its end."""
        return await self._accounts.park(name, until, for_s, why)

    async def release_account(self, name: str) -> Account:
        """Wait no longer for an account's reset; where its provider had refused, one run goes first."""
        return await self._accounts.release(name)

    async def limit_account(self, name: str, limit: int | None) -> Account:
        """How many runs of an account may go at once at most; ``None`` is unlimited."""
        return await self._accounts.limit(name, limit)

    async def set_on_limit(self, on_limit: str | None, *, queue: str | None = None, session: str | None = None) -> None:
        """What tasks of a queue or a session do when a provider's limit ends their turn and they say nothing about it
        themselves: ``wait`` for the reset, ``fail`` with ``quota``; ``None`` takes the word back."""
        await self._accounts.set_on_limit(on_limit, queue, session)

    async def usage(self, by: str = "agent", *, since: int | None = None, until: int | None = None) -> list[UsageLine]:
        """What runs of agents used, grouped by ``session``, ``agent``, ``account``, ``queue`` or ``day``; of those that
        were claimed from ``since`` to before ``until`` (milliseconds since 1970 UTC)."""
        return await self._accounts.usage(by, since, until)

    async def queue(self, name: str) -> Queue:
        """One queue."""
        return await self._intake.queue(name)

    async def queues(self) -> list[Queue]:
        """Every queue."""
        return await self.store.queues()

    async def queue_stats(self, name: str) -> QueueStats:
        """Counts of a queue."""
        return await self._intake.queue_stats(name)

    async def snapshot(self, name: str, limit: int = SNAPSHOT_TASKS) -> tuple[QueueStats, list[Task]]:
        """Counts of a queue and its first tasks, open ones first, as they are at one moment; a queue that is not there
        has none."""
        return await self._intake.snapshot(name, limit)

    async def make_queue(self, name: str, slots: int | None = None) -> Queue:
        """Make a standing queue; it is started when it is made."""
        return await self._intake.make_queue(name, slots)

    async def move_queue(self, name: str, verb: str) -> Queue:
        """``start``, ``pause``, ``resume``, ``stop`` or ``reset`` a queue."""
        return await self._intake.move_queue(name, verb)

    async def set_queue(self, name: str, slots: int | None) -> Queue:
        """Resize a queue; ``None`` is unlimited."""
        return await self._intake.set_queue(name, slots)

    async def lanes(self) -> list[Lane]:
        """Every lane."""
        return await self.store.lanes()

    async def lane(self, name: str, queue: str | None = None) -> Lane:
        """One lane: store-wide, or of a queue."""
        return await self._intake.lane(name, queue)

    async def set_lane(self, name: str, size: int | None, queue: str | None = None) -> Lane:
        """Make or resize a lane; ``None`` is unlimited."""
        return await self._intake.set_lane(name, size, queue)

    async def move_lane(self, name: str, verb: str, queue: str | None = None) -> Lane:
        """``stop`` a lane (it refuses new work, and what waits in it is cancelled), or ``start`` it again."""
        return await self._intake.move_lane(name, verb, queue)

    async def agents(self) -> list[AgentReport]:
        """The agents that are configured here, by name, with what they can do: claimed, or tried by a probe."""
        return await asyncio.to_thread(self._agents)

    async def runners(self) -> list[Runner]:
        """Runners that are not gone, of this store."""
        return await self.store.runners()

    async def make_token(
        self, name: str, scope: TokenScope = TokenScope.OPERATOR, expires_s: float | None = None
    ) -> tuple[Token, str]:
        """A token for a server of this store, and its text, which nobody can tell again."""
        return await self._doors.tokens.make(name, scope, expires_s)

    async def make_link(self, token: str = OWNER) -> tuple[Token, str]:
        """A link that signs a browser in as the bearer of a token (by its id or his name), once and within a minute;
        and its code, for ``/login#CODE``."""
        return await self._doors.tokens.link(token)

    async def login_code(self) -> str:
        """The code of such a link, for the owner of the store."""
        return (await self.make_link())[1]

    async def sign_out(self, token: str) -> Token:
        """What a browser shows opens nothing any more, by its whole id."""
        return await self._doors.tokens.end(token)

    async def tokens(self) -> list[Token]:
        """Every token, oldest first."""
        return await self._doors.tokens.every()

    async def revoke_token(self, token: str) -> Token:
        """It opens nothing from now on; by its id, a unique part of it, or its bearer's name."""
        return await self._doors.tokens.revoke(token)

    async def revoke_runner(self, runner: str) -> Token:
        """The key that a remote runner works with opens nothing from now on, and everything that runs by it is fenced;
        by the runner's id, or a unique part of it."""
        return await self._doors.tokens.revoke_runner(runner)
