"""Makes and knows tokens of runs: all that it needs is the store's key."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from taxiway.core.runtoken import Holder, is_token_of, read_run_token, run_token
from taxiway.core.token import secret_hash
from taxiway.store.protocol import Claimed, Store


class Mint:
    """The tokens of a store's runs. ``make_secret`` gives random text, of which a new store's key is made."""

    def __init__(self, store: Store, make_secret: Callable[[], str]) -> None:
        self._store = store
        self._make_secret = make_secret
        self._key: bytes | None = None

    async def with_tokens(self, claimed: list[Claimed]) -> list[Claimed]:
        """Runs that were just claimed, each with its token."""
        key = await self._known_key() if claimed else b""
        return [msgspec.structs.replace(one, token=run_token(key, one.run, one.fence)) for one in claimed]

    async def holder(self, text: str) -> Holder | None:
        """The live run whose token this is; asked of the store each time, so that it dies with the fence."""
        run = read_run_token(text)
        found = None if run is None else await self._store.holder(run)
        return found if found is not None and is_token_of(text, await self._known_key(), found) else None

    async def _known_key(self) -> bytes:
        if self._key is None:
            self._key = await self._store.run_key(secret_hash(self._make_secret()))
        return self._key
