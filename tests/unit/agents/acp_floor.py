"""A floor for a speech without a process: what it says to the agent and tells the engine is kept."""

import json
from collections.abc import Callable
from typing import Any

from taxiway.agents.acp_handshake import Wish
from taxiway.agents.acp_presets import UNKNOWN, AcpPreset
from taxiway.agents.acp_speech import AcpSpeech
from taxiway.agents.dialogue import DialogueEvent, Ready, Said, ThreadKnown, Turn, TurnEnded
from taxiway.agents.speech import OpenTurn
from taxiway.core.agent import Access
from taxiway.core.event import EventType


class Stage:
    """An agent's side, played by hand."""

    def __init__(self, preset: AcpPreset = UNKNOWN, **wish: Any) -> None:
        self.lines: list[dict[str, Any]] = []
        self.told: list[DialogueEvent] = []
        self.complaints: list[str] = []
        self.turn: OpenTurn | None = None
        self.turns = 0
        made = Wish(**{"preset": preset, "version": "1", "cwd": "/example", "access": Access.AUTO} | wish)
        self.speech = AcpSpeech(self, made)

    # the floor
    def say(self, line: bytes) -> bool:
        """What the agent reads."""
        assert line.endswith(b"\n")
        self.lines.append(json.loads(line))
        return True

    def tell(self, event: DialogueEvent) -> None:
        """What the engine hears."""
        self.told.append(event)

    def ready(self) -> None:
        """As the dialogue does."""
        self.tell(Ready())

    def named(self, thread: str) -> None:
        """As the dialogue does."""
        self.tell(ThreadKnown(thread))

    def settle(self, signal: str, applied: bool, why: str | None = None) -> bool:
        """Nothing waits."""
        return False

    def end_turn(self, end: TurnEnded) -> None:
        """As the dialogue does."""
        self.turn = None
        self.tell(end)

    def complain(self, why: str, line: bytes) -> None:
        """A line that could not be read."""
        self.complaints.append(why)

    # what a test does
    def hear(self, **message: Any) -> None:
        """The agent writes a message."""
        self.speech.heard(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def answer(self, result: Any = None, error: Any = None) -> None:
        """The agent answers the last request."""
        number = next(line["id"] for line in reversed(self.lines) if "id" in line and "method" in line)
        self.hear(id=number, **({"result": result} if error is None else {"error": error}))

    def update(self, update: str, /, session: str = "s1", **fields: Any) -> None:
        """The agent tells an update."""
        self.hear(method="session/update", params={"sessionId": session, "update": {"sessionUpdate": update, **fields}})

    def text(self, text: str, **fields: Any) -> None:
        """A piece of a message."""
        self.update("agent_message_chunk", content={"type": "text", "text": text}, **fields)

    def meet(self, session: dict[str, Any] | None = None, **capabilities: Any) -> "Stage":
        """The handshake, to the first turn or to its failure."""
        self.speech.greet()
        self.answer(
            {"protocolVersion": 1, "agentCapabilities": capabilities, "agentInfo": {"name": "x", "version": "2"}}
        )
        if self.lines[-1]["method"].startswith("session/"):
            self.answer({"sessionId": "s1", **(session or {})})
        return self

    def begin(self, text: str = "go") -> "Stage":
        """A turn is open."""
        self.turns += 1
        self.turn = OpenTurn(self.turns)
        self.told.clear()
        assert self.speech.begin(Turn(text))
        self.told.clear()
        return self

    def end(self, stop: str = "end_turn", **fields: Any) -> TurnEnded:
        """The agent ends the turn."""
        number = next(line["id"] for line in reversed(self.lines) if line.get("method") == "session/prompt")
        self.hear(id=number, result={"stopReason": stop, **fields})
        return self.ended()

    def failed(self, error: Any) -> TurnEnded:
        """The agent answers the prompt with an error."""
        number = next(line["id"] for line in reversed(self.lines) if line.get("method") == "session/prompt")
        self.hear(id=number, error=error)
        return self.ended()

    def ended(self) -> TurnEnded:
        """The end that was told."""
        (end,) = [event for event in self.told if isinstance(event, TurnEnded)]
        return end

    def said(self, type: EventType) -> list[dict[str, Any]]:
        """The data of the events of one type."""
        return [event.data for event in self.told if isinstance(event, Said) and event.type is type]

    def sent(self, method: str) -> list[Any]:
        """The parameters of what was said to the agent by one method."""
        return [line["params"] for line in self.lines if line.get("method") == method]


Make = Callable[..., Stage]
