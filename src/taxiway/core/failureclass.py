"""What a provider stumbles over, and what is done about it without anybody asking: a table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.task import Backoff, Reason


class FailureClass(StrEnum):
    """How a turn's provider failed."""

    OVERLOADED = "overloaded"
    STUMBLED = "stumbled"
    CUT = "cut"
    REFUSED = "refused"
    LASTING = "lasting"


class Treatment(msgspec.Struct, frozen=True):
    """What is done about one class: whether it ``passes`` by itself, how long to wait each time, and how often in a
    task's life a turn is taken again for it."""

    text: str
    passes: bool
    backoff: Backoff = Backoff()
    times: int = 0


TREATMENTS: Final[Mapping[FailureClass, Treatment]] = MappingProxyType(
    {
        FailureClass.OVERLOADED: Treatment(
            'the provider has too much to do (529, 503, "overloaded")', True, Backoff(10.0, 2.0, 300.0, 0.2), 6
        ),
        FailureClass.STUMBLED: Treatment(
            "the provider failed by itself (500, 502, 504)", True, Backoff(5.0, 2.0, 120.0, 0.2), 4
        ),
        FailureClass.CUT: Treatment(
            "the line to the provider broke (refused, reset, a stream that was cut)",
            True,
            Backoff(2.0, 2.0, 60.0, 0.2),
            5,
        ),
        FailureClass.REFUSED: Treatment("a rate limit or a quota: the account waits for its reset", True),
        FailureClass.LASTING: Treatment("anything that will be the same the next time", False),
    }
)


def class_of(reason: Reason, passing: bool, limit: ProviderLimit | None) -> FailureClass:
    """The class of a turn that ended for this ``reason``; ``passing``: the agent says that it may be gone next time."""
    if limit is not None and limit.kind is LimitKind.OVERLOAD:
        return FailureClass.OVERLOADED
    if reason is Reason.RATE_LIMIT or (limit is not None and limit.kind is not LimitKind.WARNING):
        return FailureClass.REFUSED
    if not passing:
        return FailureClass.LASTING
    return FailureClass.STUMBLED if reason is Reason.PROVIDER else FailureClass.CUT
