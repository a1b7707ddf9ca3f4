"""The verbs about accounts and usage, judged before they reach the store."""

from __future__ import annotations

from typing import Final

from taxiway.clock import Clock
from taxiway.core.account import Account
from taxiway.core.errors import Invalid, NotFound
from taxiway.core.fieldtypes import Bad
from taxiway.core.fieldtypes import name as checked_name
from taxiway.core.limits import ERROR_CHARS_MAX, LIST_PAGE_MAX
from taxiway.core.nearest import suggestion
from taxiway.core.task import OnLimit
from taxiway.core.usage import UsageBy, UsageLine
from taxiway.store.protocol import Store

PARKED_S_MAX: Final = 10 * 366 * 86_400.0
FOR_EVER: Final = 1 << 60  #: after every time


class AccountIntake:
    """What may be asked about accounts; ``project`` is that in which queues and sessions are named."""

    def __init__(self, store: Store, clock: Clock, actor: str, project: str) -> None:
        self._store = store
        self._clock = clock
        self._actor = actor
        self._project = project

    async def all(self) -> list[Account]:
        """Every account."""
        return await self._store.accounts()

    async def one(self, name: str) -> Account:
        """One account; raises ``NotFound`` with the nearest name."""
        found = {account.name: account for account in await self._store.accounts()}
        if name not in found:
            hint = suggestion(name, found) or "'taxiway account list' shows those that are known"
            raise NotFound(f"there is no account '{name}'; {hint}", account=name)
        return found[name]

    async def park(self, name: str, until: int | None, for_s: float | None, why: str) -> Account:
        """Park an account until a time (milliseconds UTC), for some seconds, or until it is released."""
        self._check_name(name)
        now = self._clock.now_ms()
        if until is not None and for_s is not None:
            raise Invalid("give a time until when, or how long, not both")
        if for_s is not None and not 0 < for_s <= PARKED_S_MAX:
            raise Invalid(f"an account is parked for some seconds, at most {PARKED_S_MAX:.0f}, or until it is released")
        end = until if for_s is None else now + int(for_s * 1000)
        if end is not None and end <= now:
            raise Invalid("an account cannot be parked until a time that has passed")
        return await self._store.park_account(name, end, why[:ERROR_CHARS_MAX], self._actor)

    async def release(self, name: str) -> Account:
        """Release an account."""
        await self.one(name)
        return await self._store.release_account(name, self._actor)

    async def limit(self, name: str, limit: int | None) -> Account:
        """Change how many runs of an account may go at once at most."""
        self._check_name(name)
        return await self._store.limit_account(name, limit, self._actor)

    async def set_on_limit(self, on_limit: str | None, queue: str | None, session: str | None) -> None:
        """What tasks of a queue, or of a session, do about a provider's limit; ``None`` takes the word back."""
        if (queue is None) == (session is None):
            raise Invalid("name a queue or a session")
        if on_limit is not None and on_limit not in list(OnLimit):
            raise Invalid(f"'{on_limit}' is no answer to a limit; wait or fail")
        said = None if on_limit is None else OnLimit(on_limit)
        if queue is not None:
            await self._store.set_queue_on_limit(queue, said, self._actor, self._project)
        elif session is not None:
            found = await self._store.find_session(session, self._project)
            await self._store.set_session_on_limit(found, said, self._actor)

    async def usage(self, by: str, since: int | None, until: int | None) -> list[UsageLine]:
        """What runs of agents used that were claimed in a span of time (milliseconds UTC)."""
        if by not in list(UsageBy):
            raise Invalid(f"usage cannot be grouped by '{by}'; {', '.join(UsageBy)}")
        return await self._store.usage(UsageBy(by), since or 0, FOR_EVER if until is None else until, LIST_PAGE_MAX)

    def _check_name(self, name: str) -> None:
        try:
            checked_name(name)
        except Bad as bad:
            raise Invalid(f"the name of an account {bad.message}") from None
