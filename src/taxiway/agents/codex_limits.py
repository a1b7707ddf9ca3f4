"""What Codex's provider limits: an account's windows as they fill, and why a turn failed in the scheduler's terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

import msgspec

from taxiway.agents.codex_wire import TurnError, Window, Windows
from taxiway.agents.dialogue import TurnEnded
from taxiway.core.duration import format_duration
from taxiway.core.limits import ERROR_CHARS_MAX
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.task import Reason

ACCOUNTS_MAX: Final = 16  #: limits that are told apart
WORDS_MAX: Final = 500  #: characters of a limit's own words
MINUTE_MS: Final = 60_000
FULL_PERCENT: Final = 100

_AT: Final = re.compile(
    r"try again at (?:([A-Z][a-z]{2}) (\d{1,2})(?:st|nd|rd|th), (\d{4}) )?(\d{1,2}):(\d{2}) ([AP]M)", re.IGNORECASE
)
_IN: Final = re.compile(r"try again in (\d{1,9}(?:\.\d{1,9})?) ?(ms|s|m|h)\b", re.IGNORECASE)
_STATUS: Final = re.compile(r"unexpected status (\d{3})\b")
_UNIT_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_CUT: Final = "stream disconnected before completion"
_NO_KEY: Final = "Missing environment variable"


class Verdict(msgspec.Struct, frozen=True):
    """What an error means."""

    reason: Reason
    limit: LimitKind | None = None
    passing: bool = False


class _Said(msgspec.Struct, frozen=True):
    message: str


class _Answer(msgspec.Struct, frozen=True):
    error: _Said


_BROKEN: Final = Verdict(Reason.PROVIDER, passing=True)
_OVERLOADED: Final = Verdict(Reason.PROVIDER, LimitKind.OVERLOAD, passing=True)
_LIMITED: Final = Verdict(Reason.RATE_LIMIT, LimitKind.RATE, passing=True)
_USED_UP: Final = Verdict(Reason.QUOTA, LimitKind.QUOTA)
_OURS: Final = Verdict(Reason.AGENT_ERROR)

_WORDS: Final = {
    "usageLimitExceeded": _USED_UP,
    "rateLimitExceeded": _LIMITED,
    "flexUnavailable": _OVERLOADED,
    "serverOverloaded": _OVERLOADED,
    "internalServerError": _BROKEN,
    "unauthorized": Verdict(Reason.AUTH),
    "sessionBudgetExceeded": Verdict(Reason.BUDGET),
}
#: Words that carry the status of an HTTP answer, or none where no answer came.
_CALLS: Final = (
    *("httpConnectionFailed", "responseStreamConnectionFailed"),
    *("responseStreamDisconnected", "responseTooManyFailedAttempts"),
)


class AccountWindows:
    """The windows of the account, as they were told last."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Window] = {}

    def told(self, windows: Windows) -> Iterator[ProviderLimit]:
        """What is new in them."""
        account = (windows.limit_id or "")[:WORDS_MAX]
        for place, window in (("primary", windows.primary), ("secondary", windows.secondary)):
            key = (account, place)
            if window is None or self._known.get(key) == window:
                continue
            if key not in self._known and len(self._known) >= 2 * ACCOUNTS_MAX:
                continue
            self._known[key] = window
            # Full is not refused: Codex rounds, and the call that told it was answered.
            refused = windows.rate_limit_reached_type is not None and window.used_percent >= FULL_PERCENT
            yield _limit_of(window, windows.limit_name, LimitKind.QUOTA if refused else LimitKind.WARNING)

    def resets_at(self) -> int | None:
        """When the last of the windows that are used up begins anew, in milliseconds since 1970 UTC."""
        full = [
            window.resets_at
            for window in self._known.values()
            if window.used_percent >= FULL_PERCENT and window.resets_at
        ]
        return max(full) * 1_000 if full else None


class Judgement:
    """What errors of one turn mean. ``zone`` is that of the agent, whose words name times of the day."""

    def __init__(self, windows: AccountWindows, zone: tzinfo | None) -> None:
        self._windows = windows
        self._zone = zone
        self._retried: TurnError | None = None

    def stumbled(self, error: TurnError, at: int | None) -> ProviderLimit | None:
        """An error after which the agent tries again: the limit that it shows."""
        self._retried = error
        return self._limit(verdict_of(error), _words(error), at)

    def failed(self, error: TurnError | None, at: int | None) -> TurnEnded:
        """The end of a turn that failed at that time."""
        if error is None:
            return TurnEnded(Reason.AGENT_ERROR, "the agent says that its turn failed, and does not say why")
        verdict = verdict_of(error)
        tried = self._retried
        if error.codex_error_info == "other" and tried is not None and tried.additional_details == error.message:
            verdict = verdict_of(tried)  # the last try is told without its class
        words = _words(error)
        return TurnEnded(
            verdict.reason,
            words[-ERROR_CHARS_MAX:] or f"the agent reports {verdict.reason} and says no more",
            limit=self._limit(verdict, words, at),
            passing=verdict.passing,
        )

    def _limit(self, verdict: Verdict, words: str, at: int | None) -> ProviderLimit | None:
        if verdict.limit is None:
            return None
        resets = None if verdict.limit is LimitKind.OVERLOAD else self._windows.resets_at()
        if resets is None or (at is not None and resets <= at):
            resets = None if at is None else time_in(words, at, self._zone)
        return ProviderLimit(kind=verdict.limit, resets_at=resets, text=words[:WORDS_MAX] or None)


def verdict_of(error: TurnError) -> Verdict:
    """What an error means by its class, else by its words."""
    info = error.codex_error_info
    if isinstance(info, str) and info in _WORDS:
        return _WORDS[info]
    if isinstance(info, dict):
        for word in _CALLS:
            if word in info:
                return _of_status(_status(info[word]))
    words = _words(error)
    if found := _STATUS.search(words):
        return _of_status(int(found[1]))
    if words.startswith(_NO_KEY):
        return Verdict(Reason.AUTH)
    return _BROKEN if words.startswith(_CUT) else _OURS


def time_in(words: str, at: int, zone: tzinfo | None) -> int | None:
    """The time that a sentence names, in milliseconds since 1970 UTC; ``at`` is when it was said.

    Codex names the minute in which a limit ends, in the zone of its machine, and the day unless it is that one.
    """
    if found := _IN.search(words):
        return at + round(float(found[1]) * _UNIT_MS[found[2].lower()])
    found = _AT.search(words)
    if found is None:
        return None
    month, day, year, hour, minute, half = found.groups()
    said = datetime.fromtimestamp(at / 1_000, UTC).astimezone(zone)
    try:
        date = said if month is None else datetime.strptime(f"{month} {day} {year} +0000", "%b %d %Y %z")
        clock = int(hour) % 12 + 12 * (half.upper() == "PM"), int(minute)
        meant = datetime(date.year, date.month, date.day, *clock, tzinfo=said.tzinfo if zone is None else zone)
    except (ValueError, OverflowError):
        return None
    millis = round(meant.timestamp() * 1_000) + MINUTE_MS  # the end of that minute: never a call too early
    if month is None and millis <= at:  # said just before midnight
        millis += round(timedelta(days=1).total_seconds() * 1_000)
    return millis


def _limit_of(window: Window, name: str | None, kind: LimitKind) -> ProviderLimit:
    minutes = window.window_duration_mins
    return ProviderLimit(
        kind=kind,
        resets_at=None if window.resets_at is None else window.resets_at * 1_000,
        used=min(window.used_percent / 100, 1.0),
        window=None if minutes is None else format_duration(minutes * 60),
        text=None if name is None else name[:WORDS_MAX],
    )


def _status(fields: Any) -> int | None:
    status = fields.get("httpStatusCode") if isinstance(fields, dict) else None
    return status if isinstance(status, int) else None


def _of_status(status: int | None) -> Verdict:
    match status:
        case 401 | 403:
            return Verdict(Reason.AUTH)
        case 402:
            return _USED_UP
        case 429:
            return _LIMITED
        case 503 | 529:
            return _OVERLOADED
        case int() if 400 <= status < 500 and status not in (408, 409, 425):
            return _OURS
        case _:
            return _BROKEN


def _words(error: TurnError) -> str:
    """What it says: of a try, the details say more than the count of tries; of an answer, its message."""
    words = error.additional_details or error.message
    try:
        return msgspec.json.decode(words, type=_Answer).error.message if words.startswith("{") else words
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return words
