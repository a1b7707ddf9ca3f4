"""From the hand-shake with the app-server to its first turn: which conversation is opened, and what holds there."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from taxiway.agents import codex_wire as wire
from taxiway.agents.codex_calls import Calls
from taxiway.agents.codex_events import bounded_value
from taxiway.agents.dialogue import Said, TurnEnded
from taxiway.agents.speech import Floor
from taxiway.core.event import EventType
from taxiway.core.limits import ERROR_CHARS_MAX
from taxiway.core.task import Reason

CLIENT: Final = {"name": "taxiway", "title": "Taxiway", "version": "1"}
SERVERS_MAX: Final = 100  #: tool servers that a start waits for
VALUE_CHARS_MAX: Final = 200
_VERSION: Final = re.compile(r"/(\S{1,50})")


class Thread(msgspec.Struct, frozen=True):
    """The conversation to open: its ``settings``, and its ``id`` where it goes on with one (or begins as a copy)."""

    settings: dict[str, Any]
    id: str | None = None
    fork: bool = False


class CodexStart:
    """Opens one conversation. ``thread`` is its id, once it is open."""

    def __init__(self, floor: Floor, calls: Calls, opening: Thread) -> None:
        self.thread: str | None = None
        self._floor = floor
        self._calls = calls
        self._opening = opening
        self._version: str | None = None
        self._servers: set[str] = set()  # tool servers that are being started
        self._known = False  # whether all of them have been told of
        self._ready = False

    def greet(self) -> None:
        """Shake hands; everything else follows from the responses."""
        self._calls.ask("initialize", {"clientInfo": CLIENT}, self._greeted)

    def tool_server(self, note: wire.Notification) -> None:
        """What became of a tool server."""
        told = wire.read(note.params, wire.ServerTold)
        name = told.name[:VALUE_CHARS_MAX]
        if told.status == "failed":
            why = f"its tool server {name} did not start: {told.error or 'it does not say why'}"
            self._floor.tell(Said(EventType.ERROR, {"text": why[:ERROR_CHARS_MAX]}))
        if told.status != "starting":
            self._servers.discard(name)
        elif len(self._servers) < SERVERS_MAX:
            self._servers.add(name)
        self._ready_when_settled()

    def _greeted(self, response: wire.Response) -> None:
        if response.error is not None:
            self._unusable(f"it refused to shake hands: {response.error}")
            return
        found = _VERSION.search(wire.read(response.result, wire.Greeted).user_agent)
        self._version = found[1] if found else None
        self._floor.say(wire.notification_line("initialized"))
        opening = self._opening
        if opening.id is None:
            self._calls.ask("thread/start", opening.settings, self._opened)
        else:
            params = {"threadId": opening.id, "excludeTurns": True, **opening.settings}
            self._calls.ask("thread/fork" if opening.fork else "thread/resume", params, self._opened)

    def _opened(self, response: wire.Response) -> None:
        id = self._opening.id
        if response.error is not None:
            what = "start a conversation" if id is None else f"go on with conversation {id}"
            self._unusable(f"it cannot {what}: {response.error}")
            return
        opened = wire.read(response.result, wire.ThreadOpened)
        self.thread = opened.thread.id
        if id is not None and not self._opening.fork:
            self._floor.named(self.thread)
        self._floor.tell(Said(EventType.STATUS, _holds(opened, self._version)))
        self._calls.ask("config/read", {}, self._settled)

    def _settled(self, _: wire.Response) -> None:
        """Before this answer it has told which tool servers it starts; whatever it answers, that is all it is for."""
        self._known = True
        self._ready_when_settled()

    def _ready_when_settled(self) -> None:
        """What runs when the first turn begins is the agent's own, and stays; so its tool servers come first."""
        if self._known and not self._servers and not self._ready:
            self._ready = True
            self._floor.ready()

    def _unusable(self, why: str) -> None:
        self._floor.end_turn(TurnEnded(Reason.AGENT_ERROR, why[:ERROR_CHARS_MAX]))


def _holds(opened: wire.ThreadOpened, version: str | None) -> dict[str, Any]:
    """What really applies in the conversation that was opened."""
    sandbox = opened.sandbox
    network = sandbox.get("networkAccess") if isinstance(sandbox, dict) else None
    found = {
        "phase": "agent",
        "version": version,
        "model": opened.model,
        "provider": opened.model_provider,
        "sandbox": sandbox.get("type") if isinstance(sandbox, dict) else sandbox,
        "network": network if isinstance(network, bool) else None,
        "approval_policy": opened.approval_policy,
    }
    return {name: bounded_value(value) for name, value in found.items() if value is not None}
