"""A line protocol's speech on a process of which only the pipes are there: what it writes, and what it is fed."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from taxiway.agents.dialogue import DialogueEvent, DialogueMessage
from taxiway.agents.linedialogue import LineDialogue
from taxiway.agents.protocol import Ended, Go, Output
from taxiway.agents.speech import Floor, Speech


class Silence(Exception):
    """The process has written nothing more so far."""


class Pipes:
    """What a process would write comes out in pieces of ``width`` bytes; what it is sent stands in ``sent``."""

    def __init__(self, width: int = 1 << 16) -> None:
        self.width = width
        self.pieces: deque[Output] = deque()
        self.closed = False
        self.deaf = False
        self.sent: list[dict[str, Any]] = []

    def feed(self, data: bytes) -> None:
        """Have it write."""
        for start in range(0, len(data), self.width):
            self.pieces.append(Output("stdout", data[start : start + self.width]))

    async def next(self) -> Output | Ended:
        """What it wrote, at last its end."""
        if not self.pieces and not self.closed:
            raise Silence
        return self.pieces.popleft() if self.pieces else Ended(exit_code=0)

    async def send(self, message: Go) -> None:
        """It runs."""

    def offer(self, data: bytes) -> bool:
        """Take input."""
        if not self.deaf:
            self.sent.append(json.loads(data))
        return not self.deaf

    async def mark_turn(self) -> bool:
        """As the guardian does."""
        return True


class Spoken:
    """One dialogue, step by step: each step gives what it told."""

    def __init__(self, make_speech: Callable[[Floor], Speech], width: int = 1 << 16) -> None:
        self.pipes = Pipes(width)
        self._dialogue = LineDialogue(self.pipes, make_speech)  # type: ignore[arg-type]
        self._read = 0

    def send(self, message: DialogueMessage) -> list[DialogueEvent]:
        """Send it something."""
        asyncio.run(self._dialogue.send(message))
        return self._told()

    def hear(self, *lines: dict[str, Any] | bytes) -> list[DialogueEvent]:
        """Have the process write lines."""
        for line in lines:
            self.pipes.feed(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
        return self._told()

    def end(self) -> list[DialogueEvent]:
        """Have the process end."""
        self.pipes.closed = True
        return self._told()

    def said(self) -> list[dict[str, Any]]:
        """What it wrote to the process since it was last asked."""
        new, self._read = self.pipes.sent[self._read :], len(self.pipes.sent)
        return new

    def _told(self) -> list[DialogueEvent]:
        told: list[DialogueEvent] = []

        async def listen() -> None:
            with suppress(Silence):
                while not told or not isinstance(told[-1], Ended):
                    told.append(await self._dialogue.next())

        asyncio.run(listen())
        return told
