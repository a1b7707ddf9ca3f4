"""The list prices that come along with the program."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

from taxiway.core.price import Price, Prices

FILE: Final = Path(__file__).with_name("prices.toml")


def list_prices() -> Prices:
    """Prices by model, each with its source and the date on which its list was compared with that."""
    document: dict[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {
        model: Price(**price, source=provider["source"], date=provider["date"])
        for provider in document.values()
        for model, price in provider["models"].items()
    }
