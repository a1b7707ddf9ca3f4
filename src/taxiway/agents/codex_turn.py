"""One open turn of Codex: which one it is, what waits until it has begun, and how it ended."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

import msgspec
from msgspec.structs import replace

from taxiway.agents import codex_wire as wire
from taxiway.agents.codex_events import ItemTeller
from taxiway.agents.codex_limits import AccountWindows, Judgement
from taxiway.agents.dialogue import Steer, TurnEnded
from taxiway.core.task import Reason

NOBODY_DID: Final = "the agent says it was interrupted, and nobody did"
STATUS_CHARS_MAX: Final = 100
PATIENCE_MS: Final = 60_000  #: of a provider that does not answer; Codex itself would wait for a network for ever


class CodexTurn:
    """``id`` is Codex's own. Before the turn is ``started`` it takes no steer and no interrupt, and loses them."""

    def __init__(self, schema: bool, windows: AccountWindows, zone: tzinfo | None) -> None:
        """``schema``: a result that follows one was asked for."""
        self.id: str | None = None
        self.started = False
        self.interrupting = False
        self.steers: list[Steer] = []  #: that wait until it is started
        self.accepted: set[str] = set()  #: steers that wait for the next call of the model
        self.items = ItemTeller()
        self.judgement = Judgement(windows, zone)
        self.given_up: wire.TurnError | None = None  #: why we end it ourselves
        self._stumbling: int | None = None  # since when, by the agent's clock
        self._schema = schema

    def went_on(self) -> None:
        """It says something: it does not stumble any more."""
        self._stumbling = None

    def gives_up(self, error: wire.TurnError, at: int | None) -> bool:
        """It stumbles at that time; whether that is for too long now. Told once."""
        if at is None or self.given_up is not None:
            return False
        if self._stumbling is None:
            self._stumbling = at
        if at - self._stumbling < PATIENCE_MS:
            return False
        self.given_up = error
        return True

    def end(self, told: wire.TurnInfo, at: int | None, interrupted: bool) -> TurnEnded:
        """How it ended, judged; ``interrupted``: somebody wanted that."""
        if at is None and told.completed_at is not None:
            at = told.completed_at * 1_000
        final = self.items.final
        match told.status:
            case "completed":
                return self._completed(final)
            case "interrupted" if interrupted:
                return TurnEnded(text=final, interrupted=True)
            case "interrupted" if self.given_up is not None:
                return replace(self.judgement.failed(self.given_up, at), text=final)
            case "interrupted" if told.error is None:
                return TurnEnded(Reason.AGENT_ERROR, NOBODY_DID, final)
            case "failed" | "interrupted":
                return replace(self.judgement.failed(told.error, at), text=final)
            case _:
                status = told.status[:STATUS_CHARS_MAX]
                return TurnEnded(
                    Reason.AGENT_ERROR, f"the agent ended its turn as '{status}', which means nothing", final
                )

    def _completed(self, final: str | None) -> TurnEnded:
        if not self._schema:
            return TurnEnded(text=final)
        try:
            return TurnEnded(text=final, result=msgspec.json.decode(final or ""))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return TurnEnded(Reason.AGENT_ERROR, f"its answer is not the JSON that was asked for: {error}", final)
