"""What a server's approvals, accounts, queues, lanes, agents, runners and tokens can be asked, as in process."""

from __future__ import annotations

from http import HTTPMethod
from urllib.parse import quote

from taxiway.client.connection import Connection
from taxiway.client.verbs import SNAPSHOT_TASKS
from taxiway.core.account import Account
from taxiway.core.agent import AgentReport
from taxiway.core.approval import Approval
from taxiway.core.errors import Invalid
from taxiway.core.lane import Lane
from taxiway.core.limits import LIST_PAGE_DEFAULT
from taxiway.core.queue import Queue, QueueStats
from taxiway.core.statistics import Summary
from taxiway.core.task import Task
from taxiway.core.token import Token, TokenScope
from taxiway.core.usage import UsageLine
from taxiway.store.protocol import ApprovalPage, Runner
from taxiway.wire.moments import rfc3339
from taxiway.wire.records import (
    account_of,
    agent_of,
    approval_of,
    lane_of,
    queue_of,
    runner_of,
    stats_of,
    summary_of,
    task_of,
    token_of,
    usage_of,
)


class RemoteControl:
    """The verbs that settle how work goes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def metrics_summary(self) -> Summary:
        """How one's own work is doing."""
        return summary_of(await self._connection.get("/metrics-summary"))

    # -- approvals, accounts, usage -------------------------------------------------------------------------------
    async def approvals(
        self,
        *,
        state: str = "pending",
        task: str | None = None,
        limit: int = LIST_PAGE_DEFAULT,
        cursor: str | None = None,
    ) -> ApprovalPage:
        """A page of what agents ask, in the order in which they asked."""
        page = await self._connection.get("/approvals", state=state, task=task, limit=limit, cursor=cursor)
        return ApprovalPage([approval_of(document) for document in page["items"]], page["cursor"])

    async def approval(self, approval: str) -> Approval:
        """One approval."""
        return approval_of(await self._connection.get(_at("approvals", approval)))

    async def allow(self, approval: str, reason: str | None = None) -> Approval:
        """Allow what an agent asks. Raises ``NotPending`` when somebody was first."""
        return approval_of(
            await self._connection.change("POST", f"{_at('approvals', approval)}/allow", {"reason": reason})
        )

    async def deny(self, approval: str, reason: str | None = None) -> Approval:
        """Deny it; the agent is told ``reason``."""
        return approval_of(
            await self._connection.change("POST", f"{_at('approvals', approval)}/deny", {"reason": reason})
        )

    async def accounts(self) -> list[Account]:
        """Every account, by name."""
        return [account_of(one) for one in (await self._connection.get("/accounts"))["items"]]

    async def account(self, name: str) -> Account:
        """One account."""
        return account_of(await self._connection.get(_at("accounts", name)))

    async def park_account(
        self, name: str, *, until: int | None = None, for_s: float | None = None, why: str = ""
    ) -> Account:
        """Start nothing of an account."""
        body = {"until": rfc3339(until), "for_s": for_s, "why": why}
        return account_of(await self._connection.change("POST", f"{_at('accounts', name)}/park", body))

    async def release_account(self, name: str) -> Account:
        """Wait no longer for an account's reset."""
        return account_of(await self._connection.change("POST", f"{_at('accounts', name)}/release"))

    async def limit_account(self, name: str, limit: int | None) -> Account:
        """How many runs of an account may go at once at most; ``None`` is unlimited."""
        return account_of(await self._connection.change("PATCH", _at("accounts", name), {"limit": limit}))

    async def usage(self, by: str = "agent", *, since: int | None = None, until: int | None = None) -> list[UsageLine]:
        """What runs of agents used."""
        page = await self._connection.get("/usage", by=by, since=rfc3339(since), until=rfc3339(until))
        return [usage_of(one) for one in page["items"]]

    # -- queues and lanes -----------------------------------------------------------------------------------------
    async def queue(self, name: str) -> Queue:
        """One queue."""
        return queue_of(await self._connection.get(_at("queues", name)))

    async def queues(self) -> list[Queue]:
        """Every queue."""
        return [queue_of(one) for one in (await self._connection.get("/queues"))["items"]]

    async def queue_stats(self, name: str) -> QueueStats:
        """Counts of a queue."""
        return stats_of(await self._connection.get(f"{_at('queues', name)}/stats"))

    async def snapshot(self, name: str, limit: int = SNAPSHOT_TASKS) -> tuple[QueueStats, list[Task]]:
        """Counts of a queue and its first tasks, open ones first, as they are at one moment; at most 20."""
        document = await self._connection.get(f"{_at('queues', name)}/snapshot")
        return stats_of(document["stats"]), [task_of(one) for one in document["items"]][:limit]

    async def set_on_limit(self, on_limit: str | None, *, queue: str | None = None, session: str | None = None) -> None:
        """What tasks of a queue or a session do when a provider's limit ends their turn."""
        await self._connection.change("PUT", _limit_at(queue, session), {"on_limit": on_limit})

    async def make_queue(self, name: str, slots: int | None = None) -> Queue:
        """Make a standing queue."""
        return queue_of(await self._connection.change("POST", "/queues", {"name": name, "slots": slots}))

    async def move_queue(self, name: str, verb: str) -> Queue:
        """``start``, ``pause``, ``resume``, ``stop`` or ``reset`` a queue."""
        return queue_of(await self._connection.change("POST", f"{_at('queues', name)}/{quote(verb, safe='')}"))

    async def set_queue(self, name: str, slots: int | None) -> Queue:
        """Resize a queue; ``None`` is unlimited."""
        return queue_of(await self._connection.change("PATCH", _at("queues", name), {"slots": slots}))

    async def lanes(self) -> list[Lane]:
        """Every lane."""
        return [lane_of(one) for one in (await self._connection.get("/lanes"))["items"]]

    async def lane(self, name: str, queue: str | None = None) -> Lane:
        """One lane: store-wide, or of a queue."""
        return lane_of(await self._connection.get(_at("lanes", name), queue=queue))

    async def set_lane(self, name: str, size: int | None, queue: str | None = None) -> Lane:
        """Make or resize a lane; ``None`` is unlimited."""
        return lane_of(await self._connection.change("PUT", _at("lanes", name), {"size": size, "queue": queue}))

    async def move_lane(self, name: str, verb: str, queue: str | None = None) -> Lane:
        """``stop`` a lane (it refuses new work, and what waits in it is cancelled), or ``start`` it again."""
        path = f"{_at('lanes', name)}/{quote(verb, safe='')}"
        return lane_of(await self._connection.change("POST", path, queue=queue))

    # -- who works ------------------------------------------------------------------------------------------------
    async def agents(self) -> list[AgentReport]:
        """The agents that are configured there, with what they can do."""
        return [agent_of(one) for one in (await self._connection.get("/agents"))["items"]]

    async def runners(self) -> list[Runner]:
        """Runners that are not gone; of a runner elsewhere only what it tells of itself."""
        return [runner_of(one) for one in (await self._connection.get("/runners"))["items"]]

    # -- tokens ---------------------------------------------------------------------------------------------------
    async def make_token(
        self, name: str, scope: TokenScope = TokenScope.OPERATOR, expires_s: float | None = None
    ) -> tuple[Token, str]:
        """A token, and its text, which nobody can tell again."""
        body = {"name": name, "scope": str(scope), "expires_s": expires_s}
        made = await self._connection.change("POST", "/tokens", body)
        return token_of(made["token"]), made["text"]

    async def login_code(self) -> str:
        """The code of a link that signs a browser in as the bearer of this token, once and within a minute."""
        return str((await self._connection.change("POST", "/links"))["code"])

    async def tokens(self) -> list[Token]:
        """Every token."""
        return [token_of(one) for one in (await self._connection.get("/tokens"))["items"]]

    async def revoke_token(self, token: str) -> Token:
        """It opens nothing from now on."""
        return token_of(await self._connection.change(HTTPMethod.DELETE, _at("tokens", token)))

    async def revoke_runner(self, runner: str) -> Token:
        """The key of a remote runner opens nothing from now on, and everything that runs by it is fenced."""
        return token_of(await self._connection.change(HTTPMethod.DELETE, _at("runners", runner)))


def _at(kind: str, ref: str) -> str:
    return f"/{kind}/{quote(ref, safe='')}"


def _limit_at(queue: str | None, session: str | None) -> str:
    if (queue is None) == (session is None):
        raise Invalid("name a queue or a session")
    return f"{_at('queues', queue)}/on-limit" if queue is not None else f"{_at('sessions', session or '')}/on-limit"
