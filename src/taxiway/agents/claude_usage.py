"""What a turn of Claude Code consumes: per request while it goes on, as the program counts it when it is over.

Tokens of a result are the turn's own, but its total of dollars grows with the process; what each model consumed since
the last result is both. Tokens that were read from a cache, or written into one, count as input too.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, TypeVar

from taxiway.agents.claude_wire import ModelTokens, Result, Stream, Tokens
from taxiway.agents.dialogue import Used
from taxiway.core.task import Usage

Number = TypeVar("Number", int, float)
DIGITS: Final = 9  #: of dollars, so that sums show no noise


class Tally:
    """Counts on one process. What came between two turns (nobody asked for it) is counted with the next one."""

    def __init__(self) -> None:
        self.model = ""
        self._done = Usage()
        self._live = Usage()
        self._total_usd = 0.0
        self._request = Tokens()
        self._context: int | None = None
        self._window: int | None = None

    def over(self) -> None:
        """The turn has ended; the next one counts from nothing."""
        self._done = self._live = Usage()

    def stream(self, line: Stream) -> Used | None:
        """A request to the model begins or ends; what is consumed so far."""
        part = line.event
        if part.type == "message_start" and part.message is not None:
            self._request = part.message.usage or Tokens()
        elif part.type == "message_delta" and part.usage is not None:
            self._live = _sum(self._live, _of_tokens(part.usage))
            if line.parent_tool_use_id is None:
                read = part.usage.read or self._request.read
                self._context = read + (part.usage.output_tokens or 0)
            return Used(_sum(self._done, self._live), self._context, self._window)
        return None

    def result(self, line: Result) -> Used:
        """What the program counts for the turn that has ended."""
        since, total = line.models_since, line.total_cost_usd
        if since is not None:
            used = _of_models(since.values())
        else:
            used = _of_tokens(line.usage) if line.usage is not None else self._live
            if total is not None:  # a conversation that was cleared begins at nothing again
                grown = total - self._total_usd if total >= self._total_usd else total
                used = Usage(used.input_tokens, used.output_tokens, used.cached_tokens, round(grown, DIGITS))
        self._total_usd = self._total_usd if total is None else total
        self._done, self._live = _sum(self._done, used), Usage()
        self._window = _window(line.models, self.model) or self._window
        return Used(self._done, self._context, self._window)


def _of_tokens(tokens: Tokens) -> Usage:
    return Usage(tokens.read, tokens.output_tokens or 0, tokens.cache_read_input_tokens or 0)


def _of_models(models: Collection[ModelTokens]) -> Usage:
    cached = sum(one.cache_read_input_tokens for one in models)
    read = sum(one.input_tokens + one.cache_creation_input_tokens for one in models) + cached
    usd = round(sum(one.cost_usd for one in models), DIGITS)
    return Usage(read, sum(one.output_tokens for one in models), cached, usd)


def _sum(one: Usage, other: Usage) -> Usage:
    usd = _add(one.usd, other.usd)
    return Usage(
        _add(one.input_tokens, other.input_tokens),
        _add(one.output_tokens, other.output_tokens),
        _add(one.cached_tokens, other.cached_tokens),
        None if usd is None else round(usd, DIGITS),
    )


def _add(one: Number | None, other: Number | None) -> Number | None:
    if one is None or other is None:
        return one if other is None else other
    return one + other


def _window(models: dict[str, ModelTokens] | None, model: str) -> int | None:
    """How large the window of the conversation's model is."""
    if not models:
        return None
    found = models.get(model)
    return (
        found.context_window if found is not None else max(one.context_window or 0 for one in models.values()) or None
    )
