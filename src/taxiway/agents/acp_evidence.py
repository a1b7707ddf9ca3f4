"""``end_turn`` is not success: what shows that an agent ended its turn because its provider failed."""

from __future__ import annotations

from typing import Any, Final

from acp import schema

from taxiway.agents.acp_verdict import verdict_of
from taxiway.agents.acp_wire import INTERNAL_ERROR, Fault
from taxiway.agents.dialogue import TurnEnded
from taxiway.core.limits import ERROR_CHARS_MAX
from taxiway.core.task import Reason

PROVIDERS: Final = frozenset({Reason.AUTH, Reason.QUOTA, Reason.RATE_LIMIT, Reason.PROVIDER})


class Evidence:
    """What one turn's updates have shown."""

    def __init__(self) -> None:
        self._fault: Fault | None = None
        self._failed = False

    def take(self, meta: dict[str, Any] | None) -> str | None:
        """The metadata of an update about the session (codex-acp tells its troubles there); the trouble, in words."""
        match meta:
            case {"codex": {"error": {"message": str() as message, **rest}}}:
                self._fault = Fault(INTERNAL_ERROR, message, rest)
                self._failed = self._failed or rest.get("willRetry") is False
                return f"{message} ({rest.get('additionalDetails')})" if rest.get("additionalDetails") else message
            case {"codex": {"threadStatus": {"type": "systemError"}}}:
                self._failed = True
            case _:
                pass
        return None

    def against(self, response: schema.PromptResponse, words: str, worked: bool) -> TurnEnded | None:
        """How a turn that ``end_turn`` ended really ended; ``None``: nothing speaks against it. ``words`` is its last
        message, ``worked``: it called tools."""
        meta = response.field_meta or {}
        if self._failed:
            return verdict_of(self._fault or Fault(INTERNAL_ERROR, words[-ERROR_CHARS_MAX:] or "its session failed"))
        if isinstance(meta.get("error"), dict | str):
            return verdict_of(Fault(INTERNAL_ERROR, "the agent reports an error beside its end", meta["error"]))
        if not words and not worked:
            return TurnEnded(Reason.AGENT_ERROR, "the agent ended its turn without a word", passing=True)
        if not worked and _unmeasured(response):  # words that no model has said
            judged = verdict_of(Fault(INTERNAL_ERROR, words[-ERROR_CHARS_MAX:]))
            return judged if judged.reason in PROVIDERS else None
        return None


def _unmeasured(response: schema.PromptResponse) -> bool:
    """Whether the agent says that the turn consumed nothing, other than an agent that never says anything about it."""
    if response.usage is None:
        return "usage" in response.model_fields_set
    return response.usage.output_tokens == 0
