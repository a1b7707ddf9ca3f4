"""The runs of one runner that wait for a person: how much room they leave, and how their answers reach them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from taxiway.store.protocol import Resumed


class ParkedTurn(Protocol):
    """A turn that has asked a person."""

    async def go_on(self, resumed: Resumed) -> None:
        """It has its slots again; bring it what was answered."""
        ...


class Parking:
    """Where turns stand that wait for a person. Each keeps its process, so only ``room`` of them give their runner's
    slot to other work; who comes later keeps it."""

    def __init__(self, room: int = 0, freed: Callable[[], object] = bool) -> None:
        """``freed`` is called when one of them may have left its slot to others."""
        self._room = max(0, room)
        self._freed = freed
        self._turns: dict[str, ParkedTurn] = {}
        self._parked: set[str] = set()

    @property
    def parked(self) -> int:
        """How many runs wait here."""
        return len(self._parked)

    @property
    def left(self) -> int:
        """How many slots of the runner they leave to others."""
        return min(len(self._parked), self._room)

    def opened(self, run: str, turn: ParkedTurn) -> None:
        """The turn of ``run`` may ask from now on."""
        self._turns[run] = turn

    def closed(self, run: str) -> None:
        """It is over."""
        self._turns.pop(run, None)
        self._parked.discard(run)

    def park(self, run: str) -> None:
        """It waits; unless it is over already."""
        if run in self._turns:
            self._parked.add(run)
            self._freed()

    async def resume(self, resumed: Resumed) -> None:
        """A run of this runner has its slots again. One that is over meanwhile needs no answers."""
        self._parked.discard(resumed.run)
        turn = self._turns.get(resumed.run)
        if turn is not None:
            await turn.go_on(resumed)
