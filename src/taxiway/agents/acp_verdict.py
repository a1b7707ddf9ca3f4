"""Why a turn over ACP failed, judged by what evidence there is: a code, a status in the data, at last the words.

ACP has no codes for what providers say, so every agent has its own way: Gemini puts the HTTP status where JSON-RPC has
its code, OpenCode only into words, codex-acp into the metadata of an update, and ends the turn as if all were well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Raw

from taxiway.agents.acp_wire import AUTH_REQUIRED, Fault, builtin_of
from taxiway.agents.dialogue import TurnEnded
from taxiway.core.limits import DURATION_S_MAX, ERROR_CHARS_MAX
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.task import Reason

LOOKED_AT_MAX: Final = 200  #: values of an error's data that are looked at
LIMIT_TEXT_CHARS_MAX: Final = 500
OVERLOADED: Final = 529  #: what Anthropic answers

_STATUS_NAMES: Final = frozenset({"status", "statuscode", "status_code", "httpstatuscode", "http_status", "code"})
_DELAY_NAMES: Final = frozenset({"retryafter", "retry_after", "retry-after", "retrydelay", "retry_delay"})
_STATUS: Final = re.compile(
    r"(?<![\w.:])(40[0-489]|413|422|429|50[0-4]|52[0-9])"
    r"(?![\w%]|\.\d|,\d| ?(?:ms|s|tokens|lines|bytes|characters|items)\b)"
)
_DELAY: Final = re.compile(
    r"(?:retry|try again|wait)[^\d\n]{0,30}?(\d+(?:\.\d+)?)"
    r"\s*(ms|milliseconds?|s|sec|seconds?|m|min|minutes?|h|hours?)?\b",
    re.IGNORECASE,
)
_UNITS: Final = {"ms": 0.001, "mi": 60.0, "s": 1.0, "m": 60.0, "h": 3600.0}

_QUOTA: Final = re.compile(
    r"usage ?limit|insufficient_quota|exceeded your current quota|(daily|monthly|weekly) (quota|limit)|quota ?failure"
    r"|exhausted your|out of credits|credit balance|billing|hit your (usage )?limit|free usage exceeded",
    re.IGNORECASE,
)
_RATE: Final = re.compile(
    r"rate.?limit|too many requests|resource.?exhausted|too many failed attempts|ResponseTooManyFailedAttempts",
    re.IGNORECASE,
)
_OVERLOAD: Final = re.compile(r"overloaded|at capacity|high demand", re.IGNORECASE)
_AUTH: Final = re.compile(
    r"unauthori[sz]ed|unauthenticated|authenticat|(invalid|incorrect|missing|expired)\b.{0,20}\b(api.?key|credential|token)"
    r"|api.?key.{0,20}\b(invalid|not valid|missing|incorrect|expired)|not logged in|log ?in again|permission_denied",
    re.IGNORECASE,
)
_PROVIDER: Final = re.compile(
    r"internal server error|server_error|bad gateway|service.?unavailable|gateway timeout|stream (disconnected|error)"
    r"|terminated|fetch failed|network.?error|connection (error|refused|lost|reset|closed)|socket|econn\w+|etimedout"
    r"|APIError|API Error|timed? ?out|disconnected",
    re.IGNORECASE,
)


def verdict_of(fault: Fault) -> TurnEnded:
    """How a turn ended by this fault."""
    fault = _unpacked(fault)
    status, words = _status(fault), _words(fault)
    error = _sentence(fault)[:ERROR_CHARS_MAX]
    if status == 429 or (status is None and (_RATE.search(words) or _QUOTA.search(words))):
        quota = _QUOTA.search(words) is not None
        limit = _limit(LimitKind.QUOTA if quota else LimitKind.RATE, fault, words)
        return TurnEnded(Reason.QUOTA if quota else Reason.RATE_LIMIT, error, limit=limit, passing=not quota)
    if status == 402:
        return TurnEnded(Reason.QUOTA, error, limit=_limit(LimitKind.QUOTA, fault, words))
    if status == OVERLOADED or (status in (None, 503) and _OVERLOAD.search(words)):
        limit = _limit(LimitKind.OVERLOAD, fault, words)
        return TurnEnded(Reason.PROVIDER, error, limit=limit, passing=True)
    if fault.code == AUTH_REQUIRED or status in (401, 403) or (status is None and _AUTH.search(words)):
        return TurnEnded(Reason.AUTH, error)
    if status is not None and (status >= 500 or status == 408):
        return TurnEnded(Reason.PROVIDER, error, passing=True)
    if status is None and _PROVIDER.search(words):
        return TurnEnded(Reason.PROVIDER, error, passing=True)
    return TurnEnded(Reason.AGENT_ERROR, error)


def _limit(kind: LimitKind, fault: Fault, words: str) -> ProviderLimit:
    text = _sentence(fault)[:LIMIT_TEXT_CHARS_MAX]
    return ProviderLimit(kind=kind, resets_in_s=_delay_s(fault, words), text=text)


def _unpacked(fault: Fault) -> Fault:
    """The fault that a provider wrote as JSON into the message of another, as Gemini passes it on."""
    if not fault.message.lstrip().startswith("{"):
        return fault
    match builtin_of(Raw(fault.message.encode("utf-8", "replace"))):
        case {"error": {"message": str() as message, **rest}} if message:
            return Fault(fault.code, message, {"passed on": rest, "data": fault.data})
        case _:
            return fault


def _status(fault: Fault) -> int | None:
    """The HTTP status: where the code stands, else in the data, else in the words."""
    if 400 <= fault.code <= 599:
        return fault.code
    for name, value in _named(fault.data):
        if name.lower() in _STATUS_NAMES:
            found = int(value) if isinstance(value, str) and value.isdecimal() and len(value) == 3 else value
            if isinstance(found, int) and 400 <= found <= 599:
                return found
    word = _STATUS.search(_words(fault)[:ERROR_CHARS_MAX])
    return int(word[1]) if word else None


def _delay_s(fault: Fault, words: str) -> float | None:
    """How long to wait, where it was said."""
    for name, value in _named(fault.data):
        if name.lower() in _DELAY_NAMES:
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= DURATION_S_MAX:
                return float(value)
            if isinstance(value, str) and (word := re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)s?", value)):
                return min(float(word[1]), DURATION_S_MAX)
    told = _DELAY.search(words[:ERROR_CHARS_MAX])
    if told is None:
        return None
    unit = (told[2] or "s").lower()
    factor = _UNITS["ms" if unit.startswith(("ms", "milli")) else "m" if unit.startswith("m") else unit[0]]
    return min(float(told[1][:12]) * factor, DURATION_S_MAX)


def _sentence(fault: Fault) -> str:
    """What a person is told of it."""
    match fault.data:
        case {"details": str() as details} | {"additionalDetails": str() as details} | str(details):
            return fault.message if not details or details in fault.message else f"{fault.message}: {details}"
        case _:
            return fault.message


def _words(fault: Fault) -> str:
    """Everything that was said about it, once."""
    texts = [fault.message]
    for name, value in _named(fault.data):
        if isinstance(value, str) and value and value not in fault.message and name != "service":
            texts.append(value)
    return ": ".join(texts)


def _named(data: Any) -> Iterator[tuple[str, Any]]:
    """The scalar values in an error's data with their names, so many as are looked at."""
    waiting, seen = [("", data)], 0
    while waiting and seen < LOOKED_AT_MAX:
        name, value = waiting.pop(0)
        seen += 1
        match value:
            case dict():
                waiting += [(str(key), item) for key, item in list(value.items())[:LOOKED_AT_MAX]]
            case list():
                waiting += [(name, item) for item in value[:LOOKED_AT_MAX]]
            case _:
                yield name, value
