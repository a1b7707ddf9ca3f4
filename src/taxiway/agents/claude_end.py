"""How a turn of Claude Code ended, judged by what it reports; never by its exit status or by ``subtype`` alone.

A failed call of the provider is ``subtype: success`` with ``is_error``; an interrupted turn ends the process with 0.
"""

from __future__ import annotations

from typing import Final

import msgspec

from taxiway.agents.claude_wire import RateLimit, Result, Retried, Window
from taxiway.agents.dialogue import Limited, TurnEnded
from taxiway.core.limits import ERROR_CHARS_MAX
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.task import Reason

ABORTED: Final = frozenset({"aborted_streaming", "aborted_tools"})
OVERLOADED: Final = 529
TOO_MANY: Final = 429
NAME_CHARS_MAX: Final = 200
#: What the program calls the failure of a call, where there is no status (nobody is logged in, the line was cut).
_WORDS: Final = {
    "authentication_failed": Reason.AUTH,
    "oauth_org_not_allowed": Reason.AUTH,
    "billing_error": Reason.QUOTA,
    "rate_limit": Reason.RATE_LIMIT,
    "rate_limit_error": Reason.RATE_LIMIT,
}
_STATUSES: Final = {401: Reason.AUTH, 402: Reason.QUOTA, 403: Reason.AUTH, TOO_MANY: Reason.RATE_LIMIT}
_BUDGET: Final = frozenset({"budget_exhausted", "error_max_budget_usd"})
_GAVE_UP: Final = frozenset({"max_turns", "error_max_turns"})


class Asked(msgspec.Struct, frozen=True):
    """What was wanted of a turn: a structured result, or, by now, its end."""

    structured: bool
    interrupted: bool


class Judge:
    """Remembers what was said of the provider during a turn, and judges its result."""

    def __init__(self) -> None:
        self._full: ProviderLimit | None = None
        self._error: str | None = None

    def begin(self) -> None:
        """A turn begins; nothing that was said before is a cause of its end."""
        self._full = self._error = None

    def failed(self, error: str | None) -> None:
        """The program said something in the model's place, and named it so."""
        self._error = error or self._error

    def limited(self, line: RateLimit) -> Limited | None:
        """A window of the account is nearly full, or full."""
        match line.info.status:
            case "rejected" if not line.info.paid_beyond:
                self._full = _limit(LimitKind.QUOTA, line.info)
                return Limited(self._full)
            case "rejected" | "allowed_warning":
                return Limited(_limit(LimitKind.WARNING, line.info))
            case _:
                self._full = None
                return None

    def end(self, result: Result, asked: Asked) -> TurnEnded:
        """What a result means."""
        if result.terminal_reason in ABORTED:
            if asked.interrupted:
                return TurnEnded(text=result.result, interrupted=True)
            return TurnEnded(Reason.AGENT_ERROR, "the agent says it was interrupted, and nobody did", result.result)
        if result.is_error or result.subtype != "success" or result.terminal_reason not in (None, "completed"):
            return self._failure(result)
        if asked.structured and result.structured_output is None:
            return TurnEnded(Reason.AGENT_ERROR, "it gave no structured result, and one was asked for", result.result)
        return TurnEnded(text=result.result, result=result.structured_output)

    def _failure(self, result: Result) -> TurnEnded:
        error, kinds = error_of(result), {result.subtype, result.terminal_reason}
        if kinds & _BUDGET:
            return TurnEnded(Reason.BUDGET, error)
        if kinds & _GAVE_UP:
            return TurnEnded(Reason.GAVE_UP, error)
        if result.terminal_reason not in (None, "api_error", "model_error", "completed"):
            return TurnEnded(Reason.AGENT_ERROR, error)
        if result.api_error_status is None and result.terminal_reason in (None, "completed"):
            return TurnEnded(Reason.AGENT_ERROR, error)
        return self._of_provider(result, error)

    def _of_provider(self, result: Result, error: str) -> TurnEnded:
        status, words = result.api_error_status, (result.api_error, result.api_error_type, self._error)
        named = next((_WORDS[word] for word in words if word in _WORDS), None)
        reason = _STATUSES.get(status, Reason.PROVIDER) if status is not None else named or Reason.PROVIDER
        if reason is Reason.RATE_LIMIT and (self._full is not None or result.api_error == "usage_limit_reached"):
            reason = Reason.QUOTA
        match reason:
            case Reason.QUOTA:
                return TurnEnded(reason, error, limit=self._full or ProviderLimit(kind=LimitKind.QUOTA, text=error))
            case Reason.RATE_LIMIT:
                return TurnEnded(reason, error, limit=ProviderLimit(kind=LimitKind.RATE, text=error))
            case Reason.PROVIDER if status == OVERLOADED:
                overload = ProviderLimit(kind=LimitKind.OVERLOAD, text=error)
                return TurnEnded(reason, error, limit=overload, passing=True)
            case Reason.PROVIDER if status is not None and status < 500:
                return TurnEnded(Reason.AGENT_ERROR, error)  # the request was wrong, and would be again
            case Reason.PROVIDER:
                return TurnEnded(reason, error, passing=True)
            case _:
                return TurnEnded(reason, error)


def limit_of_retry(line: Retried) -> Limited | None:
    """A provider that is asked again has said that it is asked too often, or has too much to do."""
    kinds = {TOO_MANY: LimitKind.RATE, OVERLOADED: LimitKind.OVERLOAD}
    kind = kinds.get(line.error_status or 0)
    return None if kind is None else Limited(ProviderLimit(kind=kind, text=(line.error or "")[:NAME_CHARS_MAX] or None))


def error_of(result: Result) -> str:
    """What it says about its failure, in a sentence."""
    said = "; ".join(error for error in result.errors if error) or result.result or ""
    name = result.terminal_reason or result.subtype
    return (said or f"the agent ended its turn with '{name[:NAME_CHARS_MAX]}' and says no more")[:ERROR_CHARS_MAX]


def _limit(kind: LimitKind, window: Window) -> ProviderLimit:
    name = None if window.window is None else window.window[:NAME_CHARS_MAX]
    used = None if window.utilization is None else min(window.utilization, 1.0)
    at = None if window.resets_at is None else int(window.resets_at * 1000)
    return ProviderLimit(kind=kind, resets_at=at, used=used, window=name)
