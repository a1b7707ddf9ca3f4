"""What a turn over ACP has consumed, of what agents report in several ways. What nobody measured stays unknown."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec
from acp import schema

from taxiway.agents.acp_presets import AcpPreset
from taxiway.agents.dialogue import Used
from taxiway.core.task import Usage

TOKENS_MAX: Final = (1 << 53) - 1
USD_MAX: Final = 1e9


class Meter:
    """The consumption of one conversation's turns in one process. The cost that agents report is a running total, so a
    turn's own is the difference; of the first turn after a resume it is only known where the total begins anew. An
    agent says 0 also of what it has no price for, and of a turn that was cancelled: 0 is not known."""

    def __init__(self, preset: AcpPreset, resumed: bool) -> None:
        self._preset = preset
        self._total: float | None = None if resumed and not preset.cost_of_process else 0.0
        self._before = self._total
        self._usage = Usage()
        self._told = Used(self._usage)
        self._context: tuple[int | None, int | None] = (None, None)

    def begin(self) -> None:
        """A turn begins."""
        self._before = self._total
        self._usage = Usage()
        self._told = Used(self._usage, *self._context)

    def updated(self, update: schema.UsageUpdate) -> Used | None:
        """An update, in a turn or between two; ``None``: it says nothing new."""
        self._context = (_count(update.used) or None, _count(update.size) or None)
        cost = update.cost
        if cost is not None and cost.currency.upper() == "USD" and math.isfinite(cost.amount) and cost.amount >= 0:
            self._total = min(cost.amount, USD_MAX)
            if self._before is not None:
                usd = round(max(0.0, self._total - self._before), 9)
                self._usage = msgspec.structs.replace(self._usage, usd=usd or None)
        return self._used()

    def ended(self, response: schema.PromptResponse, worked: bool) -> Used | None:
        """The end of a turn, which ``worked`` with tools."""
        tokens = _of_usage(response.usage) or _of_quota(response.field_meta)
        if tokens is not None and not (worked and self._preset.tokens_of_last_call):
            self._usage = msgspec.structs.replace(tokens, usd=self._usage.usd)
        return self._used()

    def _used(self) -> Used | None:
        """What is known now; ``None``: nothing new."""
        used = Used(self._usage, *self._context)
        told, self._told = self._told, used
        return None if used == told else used


def _of_usage(usage: schema.Usage | None) -> Usage | None:
    """The turn's tokens. What was read from a cache is a part of the input here; some agents count it beside."""
    if usage is None or usage.total_tokens == 0:
        return None
    cached, written = usage.cached_read_tokens or 0, usage.cached_write_tokens or 0
    given, made = usage.input_tokens, usage.output_tokens
    if usage.total_tokens >= given + made + cached + written:
        given += cached + written
    return Usage(_count(given), _count(made), _count(usage.cached_read_tokens))


def _of_quota(meta: dict[str, Any] | None) -> Usage | None:
    """Gemini's way, in the metadata."""
    match meta:
        case {"quota": {"token_count": {"input_tokens": int() as given, "output_tokens": int() as made}}}:
            return Usage(_count(given), _count(made))
        case _:
            return None


def _count(tokens: int | None) -> int | None:
    return tokens if tokens is not None and 0 <= tokens <= TOKENS_MAX else None
