"""What one turn has consumed: Codex tells the total of the whole conversation, so a turn's share is a difference."""

from __future__ import annotations

from taxiway.agents.codex_wire import Consumption, Counts
from taxiway.agents.dialogue import Used
from taxiway.core.task import Usage


class UsageMeter:
    """Counts one conversation's turns apart, also where earlier processes took some of them.

    On a resume the total so far is told again, under the number of an old turn: that is where the next one starts.
    """

    def __init__(self, new: bool) -> None:
        """``new``: the conversation begins here, with nothing consumed."""
        self._before: Counts | None = Counts() if new else None
        self._total: Counts | None = self._before

    def begin(self) -> None:
        """A turn begins."""
        self._before = self._total

    def told(self, tokens: Consumption, ours: bool) -> Used | None:
        """What the open turn has consumed by now; ``ours``: it was told of that turn."""
        if not ours:
            if self._total == self._before:  # the open turn has consumed nothing yet
                self._before = tokens.total
            self._total = tokens.total
            return None
        if self._before is None or not _covers(tokens.total, self._before):
            self._before = _minus(tokens.total, tokens.last)  # all that is known: this is the turn's first call
        self._total = tokens.total
        used = _minus(tokens.total, self._before)
        return Used(
            Usage(used.input_tokens, used.output_tokens, used.cached_input_tokens),
            tokens.last.total_tokens,
            tokens.model_context_window,
        )


def _covers(total: Counts, part: Counts) -> bool:
    return (
        total.input_tokens >= part.input_tokens
        and total.output_tokens >= part.output_tokens
        and total.cached_input_tokens >= part.cached_input_tokens
    )


def _minus(total: Counts, part: Counts) -> Counts:
    return Counts(
        total_tokens=max(0, total.total_tokens - part.total_tokens),
        input_tokens=max(0, total.input_tokens - part.input_tokens),
        cached_input_tokens=max(0, total.cached_input_tokens - part.cached_input_tokens),
        output_tokens=max(0, total.output_tokens - part.output_tokens),
    )
