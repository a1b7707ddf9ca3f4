"""Durations as people write them, ``1h30m`` or ``30``, and the seconds that they mean."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Final

from taxiway.core.errors import Invalid
from taxiway.core.limits import DURATION_S_MAX

EXAMPLES: Final = "800ms, 30s, 5m, 1h30m, 2d or a number of seconds"

_UNITS: Final = {
    "d": Decimal(86_400),
    "h": Decimal(3_600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("0.001"),
}
_ORDER: Final = tuple(_UNITS)
_NUMBER: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?\Z")
_PIECE: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)(ms|[dhms])")


def parse_duration(value: object) -> float:
    """Seconds that ``value`` means: a text such as ``1h30m`` (units from large to small, each once) or a number.

    Raises ``Invalid`` for anything else, for a negative or endless duration, and for one above ``DURATION_S_MAX``.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Invalid(f"a duration is a text or a number, not {_kind(value)}; write {EXAMPLES}")
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid(f"a duration must have an end, and {value} has none; write {EXAMPLES}")
    seconds = _of_text(value) if isinstance(value, str) else Decimal(value)
    if seconds < 0:
        raise Invalid(f"a duration cannot be negative, and {_shown(value)} is; write {EXAMPLES}")
    if seconds > DURATION_S_MAX:
        raise Invalid(f"{_shown(value)} is longer than the longest duration, {format_duration(DURATION_S_MAX)}")
    return float(seconds)


def format_duration(seconds: float) -> str:
    """The short text for ``seconds`` (0 or more, finite), to the millisecond: ``1h30m``, ``2.5s``, ``800ms``.

    ``parse_duration`` reads it back to the same milliseconds.
    """
    millis = round(seconds * 1_000)
    if millis < 1_000:
        return f"{millis}ms" if millis else "0s"
    minutes, rest = divmod(millis, 60_000)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    whole, fraction = divmod(rest, 1_000)
    tail = f"{whole}.{fraction:03d}".rstrip("0") if fraction else str(whole)
    parts = [(str(days), "d"), (str(hours), "h"), (str(minutes), "m"), (tail, "s")]
    return "".join(number + unit for number, unit in parts if number != "0")


def _of_text(text: str) -> Decimal:
    bare = text.strip()
    negative, bare = bare.startswith("-"), bare.removeprefix("-")
    if _NUMBER.match(bare):
        return -Decimal(bare) if negative else Decimal(bare)
    total, position, last = Decimal(0), 0, -1
    while piece := _PIECE.match(bare, position):
        rank = _ORDER.index(piece[2])
        if rank <= last:
            raise Invalid(f"{_shown(text)} is no duration: write units from large to small, each once, such as 1h30m")
        total, position, last = total + Decimal(piece[1]) * _UNITS[piece[2]], piece.end(), rank
    if not bare or position != len(bare):
        raise Invalid(f"{_shown(text)} is no duration; write {EXAMPLES}")
    return -total if negative else total


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _kind(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case dict():
            return "a table"
        case list() | tuple():
            return "a list"
        case _:
            return type(value).__name__
