"""The courier: brings what live turns are told, by whomever and from wherever, to those of this runner."""

from __future__ import annotations

from typing import Final, Protocol

from taxiway.core.limits import SAFETY_POLL_S
from taxiway.store.protocol import ExecutionStore, PendingSignal, Topic


class OpenTurn(Protocol):
    """A turn that can be told something while it goes on."""

    async def tell(self, signal: PendingSignal) -> None:
        """Deliver it; one that was delivered before is not delivered again."""
        ...


class Courier:
    """Signals have a wake-up of their own: they wait neither behind work nor behind the quiet time (OC-01).

    A turn is here for as long as it is open. What comes later is refused by whoever stores its end.
    """

    name: Final = "courier"
    topics: Final = Topic.SIGNAL

    def __init__(self, store: ExecutionStore, runner: str) -> None:
        self._store = store
        self._runner = runner
        self._turns: dict[str, OpenTurn] = {}

    def opened(self, run: str, turn: OpenTurn) -> None:
        """The turn of ``run`` can be told something from now on."""
        self._turns[run] = turn

    def closed(self, run: str) -> None:
        """It cannot be told anything any more."""
        self._turns.pop(run, None)

    async def step(self) -> float:
        """Bring everything that has not been settled to its turn."""
        if self._turns:
            for signal in await self._store.signals(self._runner):
                turn = self._turns.get(signal.run)
                if turn is not None:
                    await turn.tell(signal)
        return SAFETY_POLL_S
