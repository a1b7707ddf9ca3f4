"""What a task may use up in all its runs; a turn that goes beyond is ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from taxiway.core import fieldtypes
from taxiway.core.fieldtypes import Bad, Parts
from taxiway.core.nearest import nearest
from taxiway.core.task import Budget, Usage

USD_MAX: Final = 1_000_000.0
TOKENS_MAX: Final = (1 << 53) - 1


def spent(budget: Budget, used: Usage) -> str | None:
    """What of a budget is used up, in words; ``None`` while something is left. What nobody measured is not counted."""
    tokens = (used.input_tokens or 0) + (used.output_tokens or 0)
    if budget.usd is not None and used.usd is not None and used.usd >= budget.usd:
        return f"${used.usd:.4f} of ${budget.usd:g}"
    if budget.tokens is not None and tokens >= budget.tokens:
        return f"{tokens:,} of {budget.tokens:,} tokens"
    return None


def budget(value: Any) -> dict[str, Any]:
    """Fields of a budget, under the record's names; every fault of them at once."""
    parts = Parts()
    found: dict[str, Any] = {}
    for key, item in fieldtypes.table(value).items():
        read = parts.read((key,), _field, key, item)
        if read is not None:
            found[read[0]] = read[1]
    parts.close()
    if not found:
        raise Bad("limits nothing", "give usd, tokens or wall_s")
    return found


def _field(key: str, value: Any) -> tuple[str, Any]:
    if key not in _BUDGET:
        meant = nearest(key, list(_BUDGET))
        raise Bad("is no field of a budget", f"did you mean '{meant}'?" if meant else "usd, tokens or wall_s")
    return key, _BUDGET[key](value)


def _above_zero(value: Any) -> float:
    found = fieldtypes.number(0, USD_MAX)(value)
    if found == 0:
        raise Bad("is 0, and nothing could be done with that")
    return found


_BUDGET: Final[Mapping[str, Callable[[Any], Any]]] = {
    "usd": _above_zero,
    "tokens": fieldtypes.whole(1, TOKENS_MAX),
    "wall_s": fieldtypes.clock,
}
