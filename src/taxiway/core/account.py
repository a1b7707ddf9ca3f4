"""An account: one allowance of a provider that agents and sessions share, and how much may be asked of it now.

After a refusal nothing is asked until the reset; then one run probes, and the rest follows on a ramp. The rules give
a new record and touch nothing: time and chance are handed in.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, assert_never

import msgspec

from taxiway.core.errors import Invalid
from taxiway.core.providerlimit import LimitKind, ProviderLimit

PARK_S_MAX: Final = 32 * 86_400  #: no word of a provider parks for longer: a month's quota resets within it
PARK_UNSAID_S: Final = 60.0  #: how long, the first time, where nobody said when it resets; doubled each time
PARK_UNSAID_S_MAX: Final = 3_600.0
JITTER_SHARE: Final = 0.1  #: of the wait, so much at most is added, that stores and hosts do not all come at once
JITTER_S_MIN: Final = 1.0
JITTER_S_MAX: Final = 30.0
UNLIMITED_AT: Final = 64  #: an account without a limit whose width has grown to this is not held back any more


class Phase(StrEnum):
    """What an account lets through: up to its width; nothing; one run, to see whether it is asked in vain."""

    OPEN = "open"
    PARKED = "parked"
    PROBING = "probing"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account as stored. Times are milliseconds since 1970 UTC.

    ``limit`` is how many runs may go at once at most (``None``: as many as there are slots), ``width`` how many its
    provider seems to bear now (``None``: nothing speaks against ``limit``). Below ``threshold`` every answer widens it
    by one, so that it doubles in a round; above, a whole round of answers does; ``credit`` counts them.

    ``round`` grows with every refusal: what runs of earlier rounds hear tells nothing about this one. ``strikes``
    counts refusals without an answer between them. ``kind`` is the limit that was met, ``why`` the provider's words
    or those of whoever parked it ``by_hand``; ``since`` when that was, ``until`` when it may be asked again (``None``
    while ``parked``: when somebody releases it). ``live`` counts its runs, ``agents`` names those that use it;
    ``shared``: the configuration names it, so that it is one allowance for all tenants.
    """

    name: str
    limit: int | None = None
    width: int | None = None
    threshold: int | None = None
    credit: int = 0
    phase: Phase = Phase.OPEN
    round: int = 0
    strikes: int = 0
    kind: LimitKind | None = None
    why: str | None = None
    by_hand: bool = False
    since: int | None = None
    until: int | None = None
    live: int = 0
    agents: tuple[str, ...] = ()
    shared: bool = False
    version: int = 0

    @property
    def size(self) -> int | None:
        """How many runs may go at once now; ``None``: as many as there are slots."""
        match self.phase:
            case Phase.PARKED:
                return 0
            case Phase.PROBING:
                return 1
            case Phase.OPEN:
                return min((bound for bound in (self.limit, self.width) if bound is not None), default=None)
        assert_never(self.phase)

    @property
    def narrow(self) -> bool:
        """Whether it lets through less than its limit, so that every answer counts."""
        return self.phase is not Phase.OPEN or self.width is not None


class Moment(msgspec.Struct, frozen=True):
    """When a word came: the time (milliseconds UTC), a chance in [0, 1) for the jitter, and whether it is about the
    account's present round."""

    now: int
    chance: float = 0.0
    current: bool = True


def limited(account: Account, limit: ProviderLimit, moment: Moment) -> Account:
    """A provider said what it limits. A warning parks nobody; of several resets the latest holds."""
    match limit.kind:
        case LimitKind.WARNING:
            return account
        case LimitKind.OVERLOAD:
            return overloaded(account, limit, moment)
        case LimitKind.RATE | LimitKind.QUOTA:
            return _refused(account, limit, moment)
    assert_never(limit.kind)


def _refused(account: Account, limit: ProviderLimit, moment: Moment) -> Account:
    strikes = account.strikes + 1 if moment.current else max(1, account.strikes)
    until = reset_time(limit, strikes, moment)
    if account.phase is Phase.PARKED:
        if account.until is None or account.until >= until:
            return msgspec.structs.replace(account, kind=account.kind or limit.kind)
        return msgspec.structs.replace(account, until=until, kind=limit.kind, why=limit.text or account.why)
    parked = msgspec.structs.replace(account, strikes=strikes, kind=limit.kind, why=limit.text)
    return _narrowed_to_a_probe(_parked(parked, moment.now, until))


def overloaded(account: Account, limit: ProviderLimit, moment: Moment) -> Account:
    """The provider can bear no more just now: half as many go on. A round is halved once, however many say so."""
    if not moment.current or account.phase is Phase.PARKED:
        return account
    if account.phase is Phase.PROBING:
        strikes = account.strikes + 1
        parked = msgspec.structs.replace(account, strikes=strikes, kind=limit.kind, why=limit.text)
        return _parked(parked, moment.now, reset_time(limit, strikes, moment))
    bounds = (account.limit, account.width, max(1, account.live))
    half = max(1, min(bound for bound in bounds if bound is not None) // 2)
    return msgspec.structs.replace(account, width=half, threshold=half, credit=0, round=account.round + 1)


def answered(account: Account, moment: Moment) -> Account:
    """The provider answered a run: a probe opens the account, and each answer lets the width grow."""
    if not moment.current or not account.narrow or account.phase is Phase.PARKED:
        return account
    if account.phase is Phase.PROBING:
        opened = msgspec.structs.replace(
            account, phase=Phase.OPEN, strikes=0, kind=None, why=None, by_hand=False, since=None
        )
        return _grown(opened, 1)
    width = account.width or 1
    round_of_answers = 1 if account.threshold is None or width < account.threshold else width
    if account.credit + 1 < round_of_answers:
        return msgspec.structs.replace(account, credit=account.credit + 1, strikes=0)
    return _grown(msgspec.structs.replace(account, strikes=0), width)


def due(account: Account, now: int) -> Account:
    """Its time has come: one run may see whether it is asked in vain. What was parked by hand alone just opens."""
    if account.phase is not Phase.PARKED or account.until is None or account.until > now:
        return account
    return released(account)


def parked_by_hand(account: Account, now: int, until: int | None, why: str) -> Account:
    """Somebody parks it, until a time or until it is released; a later reset that is known already holds."""
    if account.phase is Phase.PARKED:
        latest = None if until is None or account.until is None else max(until, account.until)
        return msgspec.structs.replace(account, by_hand=True, why=why, until=latest)
    return _parked(msgspec.structs.replace(account, by_hand=True, why=why), now, until)


def released(account: Account) -> Account:
    """Nobody waits for its reset any longer. Where a provider had refused, one run goes first all the same."""
    if account.phase is not Phase.PARKED:
        return account
    phase = Phase.PROBING if account.kind is not None else Phase.OPEN
    since = account.since if account.kind is not None else None
    why = account.why if account.kind is not None else None
    return msgspec.structs.replace(account, phase=phase, until=None, by_hand=False, since=since, why=why)


def with_limit(account: Account, limit: int | None) -> Account:
    """The same account with another limit; one below 1 would freeze it (rule DA17)."""
    if limit is not None and limit < 1:
        raise Invalid(f"the limit of account '{account.name}' must be at least 1, or unlimited; park it to stop it")
    free = account.width is None or (limit is not None and account.width >= limit)
    if free and account.phase is not Phase.PROBING and account.kind is None:
        return msgspec.structs.replace(account, limit=limit, width=None, threshold=None, credit=0)
    return msgspec.structs.replace(account, limit=limit)


def reset_time(limit: ProviderLimit, strikes: int, moment: Moment) -> int:
    """When it may be asked again: the reset that was said, else a time that doubles; and a jitter, never before it."""
    resets_at = limit.reset(moment.now)
    if resets_at is not None and resets_at > moment.now:
        wait_s = min((resets_at - moment.now) / 1000, PARK_S_MAX)
        reset = min(resets_at, moment.now + PARK_S_MAX * 1000)
    else:
        wait_s = min(PARK_UNSAID_S * 2.0 ** min(strikes - 1, 16), PARK_UNSAID_S_MAX)
        reset = moment.now + int(wait_s * 1000)
    jitter_s = min(JITTER_S_MAX, max(JITTER_S_MIN, wait_s * JITTER_SHARE)) * moment.chance
    return reset + int(jitter_s * 1000)


def _parked(account: Account, now: int, until: int | None) -> Account:
    return msgspec.structs.replace(account, phase=Phase.PARKED, since=now, until=until, round=account.round + 1)


def _narrowed_to_a_probe(account: Account) -> Account:
    """Below what it bore before, it grows fast again."""
    before = min((bound for bound in (account.limit, account.width) if bound is not None), default=None)
    threshold = before if account.width is None or account.width > 1 else account.threshold
    return msgspec.structs.replace(account, width=1, threshold=threshold, credit=0)


def _grown(account: Account, width: int) -> Account:
    wider = width + 1
    if wider >= (UNLIMITED_AT if account.limit is None else account.limit):
        return msgspec.structs.replace(account, width=None, threshold=None, credit=0)
    return msgspec.structs.replace(account, width=wider, credit=0)
