"""The verbs of the SQLite store that are about accounts and usage."""

from __future__ import annotations

from collections.abc import Mapping

from taxiway.core.account import Account
from taxiway.core.providerlimit import ProviderLimit
from taxiway.core.task import OnLimit
from taxiway.core.usage import UsageBy, UsageLine
from taxiway.store.sqlite.verbs import SqliteVerbs
from taxiway.store.verbs import accounts, queues, sessions
from taxiway.store.verbs import finish as finishing
from taxiway.store.verbs import usage as using


class SqliteAccounts(SqliteVerbs):
    """One file's accounts; see ``AccountStore``."""

    async def accounts(self) -> list[Account]:
        """Every account."""
        return await self._reader.read(accounts.accounts)

    async def use_accounts(self, limits: Mapping[str, int | None], agents: Mapping[str, str], actor: str) -> None:
        """What a configuration says."""
        await self._serve(lambda tx: accounts.use_accounts(tx, limits, agents, actor))

    async def park_account(self, name: str, until: int | None, why: str, actor: str) -> Account:
        """Park an account."""
        return await self._first(lambda tx: accounts.park(tx, name, until, why, actor))

    async def release_account(self, name: str, actor: str) -> Account:
        """Release an account."""
        return await self._first(lambda tx: accounts.release(tx, name, actor))

    async def limit_account(self, name: str, limit: int | None, actor: str) -> Account:
        """Limit an account."""
        return await self._first(lambda tx: accounts.set_limit(tx, name, limit, actor))

    async def tell_account(self, run: str, fence: int, limit: ProviderLimit | None, chance: float) -> None:
        """A run heard of its provider."""
        await self._serve(lambda tx: accounts.told(tx, finishing.owned(tx, run, fence).id, limit, chance, run))

    async def set_queue_on_limit(self, name: str, on_limit: OnLimit | None, actor: str, project: str | None) -> None:
        """What a queue's tasks do about limits."""
        await self._first(lambda tx: queues.set_on_limit(tx, name, on_limit, actor, project))

    async def set_session_on_limit(self, session: str, on_limit: OnLimit | None, actor: str) -> None:
        """What a session's messages do about limits."""
        await self._first(lambda tx: sessions.set_on_limit(tx, session, on_limit, actor))

    async def usage(self, by: UsageBy, since: int, until: int, limit: int) -> list[UsageLine]:
        """What agents used."""
        return await self._reader.read(lambda tx: using.usage(tx, by, since, until, limit))
