"""A provider's word about how often or how much it may be asked: what it limits, and until when."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class LimitKind(StrEnum):
    """What was met. A quota is used up until it resets; an overload passes by itself; a warning refuses nothing yet."""

    RATE = "rate"
    QUOTA = "quota"
    OVERLOAD = "overload"
    WARNING = "warning"


class ProviderLimit(msgspec.Struct, frozen=True, kw_only=True):
    """One signal. ``resets_at`` is milliseconds since 1970 UTC, ``used`` the share of the ``window`` that is used up
    (0 to 1); both ``None`` where it was not said. Some say in how many seconds it resets (``resets_in_s``)."""

    kind: LimitKind
    resets_at: int | None = None
    resets_in_s: float | None = None
    used: float | None = None
    window: str | None = None
    text: str | None = None

    def reset(self, now: int) -> int | None:
        """When it resets, for who hears of it at ``now`` (milliseconds UTC); ``None``: nobody said."""
        if self.resets_at is not None or self.resets_in_s is None:
            return self.resets_at
        return now + int(self.resets_in_s * 1000)
