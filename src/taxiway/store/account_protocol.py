"""The part of a store's contract that is about accounts: what providers let through, and what was used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from taxiway.core.account import Account
from taxiway.core.task import OnLimit
from taxiway.core.usage import UsageBy, UsageLine


class AccountStore(Protocol):
    """Verbs about accounts and usage."""

    async def accounts(self) -> list[Account]:
        """Every account, by name."""
        ...

    async def use_accounts(self, limits: Mapping[str, int | None], agents: Mapping[str, str], actor: str) -> None:
        """Limits by account, and the account of each agent, from now on: also for what waits already."""
        ...

    async def park_account(self, name: str, until: int | None, why: str, actor: str) -> Account:
        """Start nothing of an account, until a time (milliseconds UTC) or until it is released."""
        ...

    async def release_account(self, name: str, actor: str) -> Account:
        """Wait no longer for an account's reset; where its provider had refused, one run goes first."""
        ...

    async def limit_account(self, name: str, limit: int | None, actor: str) -> Account:
        """How many runs of an account may go at once at most; ``None`` is unlimited."""
        ...

    async def set_queue_on_limit(self, name: str, on_limit: OnLimit | None, actor: str, project: str | None) -> None:
        """What tasks of a queue do when a provider's limit ends their turn, if they say nothing themselves."""
        ...

    async def set_session_on_limit(self, session: str, on_limit: OnLimit | None, actor: str) -> None:
        """The same for messages of a session, which goes before their queue."""
        ...

    async def usage(self, by: UsageBy, since: int, until: int, limit: int) -> list[UsageLine]:
        """What runs of agents used that were claimed from ``since`` to before ``until`` (milliseconds UTC), grouped."""
        ...
