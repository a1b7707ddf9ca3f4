"""What tokens cost: list prices as data, and dollars that are computed from them, where an agent tells none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from taxiway.core import fieldtypes
from taxiway.core.task import Usage

PRICE_USD_MAX: Final = 1_000_000.0  #: for a million tokens
MILLION: Final = 1_000_000
DIGITS: Final = 9  #: of dollars, so that sums show no noise
_DATED: Final = re.compile(r"[-@](20\d{2}-?\d{2}-?\d{2}|latest)\Z")


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Dollars for a million tokens: read, written, and read from a cache (``None``: as read). ``source`` is where they
    stood, ``date`` when."""

    input: float
    output: float
    cached: float | None = None
    source: str = ""
    date: str = ""


PRICE_FIELDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "input": fieldtypes.number(0, PRICE_USD_MAX),
    "output": fieldtypes.number(0, PRICE_USD_MAX),
    "cached": fieldtypes.number(0, PRICE_USD_MAX),
    "source": fieldtypes.text,
    "date": fieldtypes.text,
}

Prices = Mapping[str, Price]


def price_of(model: str | None, prices: Prices) -> Price | None:
    """The price of a model by its name, with or without its provider before it and its date behind it; ``None`` for one
    that is not known: no other model's price is taken for it."""
    if model is None:
        return None
    bare = model.rpartition("/")[2]
    return prices.get(model) or prices.get(bare) or prices.get(_DATED.sub("", bare))


def priced(usage: Usage, price: Price | None) -> Usage:
    """The same usage with computed dollars, marked so, where nobody told any and enough is known.

    Tokens that were read from a cache are a part of the input. What a provider asks beside (writing into a cache, long
    contexts, tools) is not in it.
    """
    if usage.usd is not None or price is None or usage.input_tokens is None or usage.output_tokens is None:
        return usage
    cached = min(usage.cached_tokens or 0, usage.input_tokens)
    read = (usage.input_tokens - cached) * price.input
    kept = cached * (price.input if price.cached is None else price.cached)
    usd = round((read + kept + usage.output_tokens * price.output) / MILLION, DIGITS)
    return msgspec.structs.replace(usage, usd=usd, usd_computed=True)
