"""What may be written about an account in the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from taxiway.core import fieldtypes
from taxiway.core.agentfields import env

ACCOUNT_RUNS_MAX: Final = 100_000


class AccountKind(msgspec.Struct, frozen=True, kw_only=True):
    """One ``[accounts.NAME]``: how many of its runs may go at once at most, and the variables that make an agent's
    program use it (a home of its own, a key as ``secret://NAME``); an agent's own ``env`` is laid over them."""

    limit: int | None = None
    env: dict[str, str] = {}


ACCOUNT_FIELDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "limit": fieldtypes.whole(1, ACCOUNT_RUNS_MAX),
    "env": env,
}
