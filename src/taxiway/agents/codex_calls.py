"""Our own requests to the app-server, each with what is done when its response comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from taxiway.agents import codex_wire as wire
from taxiway.agents.speech import Floor

Then = Callable[[wire.Response], None]


class Calls:
    """The requests that wait for their response."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._number = 0
        self._waiting: dict[int, Then] = {}

    def ask(self, method: str, params: dict[str, Any], then: Then) -> bool:
        """Send a request; ``False`` when the program takes no input."""
        self._number += 1
        if not self._floor.say(wire.request_line(self._number, method, params)):
            return False
        self._waiting[self._number] = then
        return True

    def answered(self, response: wire.Response, line: bytes) -> None:
        """A response came; one that cannot be read is a refusal."""
        then = self._waiting.pop(response.id, None)
        if then is None:
            self._floor.complain("it answers what nobody asked", line)
            return
        try:
            then(response)
        except msgspec.DecodeError as error:
            then(wire.Response(response.id, error=f"it answered unreadably: {error}"))
